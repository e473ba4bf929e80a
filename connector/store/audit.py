"""What was done, by whom? An append-only chain: each entry carries the hash of the one before it (T26).

    hash = SHA-256(previous + canonical JSON of at, actor, action, subject, detail)

The newest hash and the number of entries also stand in `state`, whose row is the lock that puts appends in
one order; so a dropped last entry is noticed, too. Append last in a transaction: all others wait behind it.
"""

import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, Row, insert, select, update

from connector.points import reach
from connector.store.rows import canonical, chunks, insert_into
from connector.store.tables import audit, persons, state, subjects
from sync.model import PersonId

#: `previous` of the first entry
BEGINNING = "0" * 64
_HEAD = "audit_head"


@dataclass(frozen=True, slots=True)
class Entry:
    number: int  #: the row's key; grows, with gaps
    at: datetime
    actor: str
    action: str
    subject: str  #: a person's salted hash (`subject_of`), or what the action is about: "hold:7"
    detail: str  #: JSON, canonical, without personal data
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class Broken:
    """The chain doesn't hold here."""

    number: int | None  #: the first row that doesn't fit; None: rows are missing at the end
    entries: int  #: how many were fine before it
    why: str


def append(
    connection: Connection,
    actor: str,
    action: str,
    subject: str,
    detail: Mapping[str, object],
    now: datetime,
) -> None:
    """One entry, in the caller's transaction (R30)."""
    previous, count = _take_head(connection, now)
    text = canonical(dict(detail))
    hash = _hash(previous, now, actor, action, subject, text)
    connection.execute(
        insert(audit).values(
            at=now, actor=actor, action=action, subject=subject, detail=text, previous=previous, hash=hash
        )
    )
    head = canonical({"hash": hash, "entries": count + 1})
    connection.execute(update(state).where(state.c.name == _HEAD).values(value=head, at=now))
    reach("audit row written")


def _take_head(connection: Connection, now: datetime) -> tuple[str, int]:
    """The newest hash and the number of entries; locked until the transaction ends."""
    first = canonical({"hash": BEGINNING, "entries": 0})
    beginning = insert_into(connection, state).values(name=_HEAD, value=first, at=now)
    locked = select(state.c.value).where(state.c.name == _HEAD).with_for_update()
    value = connection.scalar(locked)
    if value is None:
        connection.execute(beginning.on_conflict_do_nothing())
        value = connection.scalars(locked).one()
    head = json.loads(value)
    return head["hash"], head["entries"]


def _hash(previous: str, at: datetime, actor: str, action: str, subject: str, detail: str) -> str:
    said = canonical([at.astimezone(UTC).isoformat(timespec="microseconds"), actor, action, subject, detail])
    return hashlib.sha256((previous + said).encode()).hexdigest()


def subject_of(connection: Connection, person: PersonId) -> str:
    """The salted hash under which the chain knows a person; erasing the row in `subjects` unlinks it."""
    return subjects_of(connection, [person])[person]


def subjects_of(connection: Connection, people: Sequence[PersonId]) -> dict[PersonId, str]:
    """`subject_of`, for many at once. Raises LookupError for a person who isn't there."""
    known: dict[PersonId, str] = {}
    for chunk in chunks(sorted(set(people))):
        query = select(subjects.c.person_pk, subjects.c.subject).where(subjects.c.person_pk.in_(chunk))
        known.update((PersonId(pk), subject) for pk, subject in connection.execute(query))
        new = [pk for pk in chunk if pk not in known]
        if new:
            known.update(_introduce(connection, new))
    return known


def _introduce(connection: Connection, people: Sequence[PersonId]) -> dict[PersonId, str]:
    query = select(persons.c.pk, persons.c.user_name).where(persons.c.pk.in_(people))
    names = {PersonId(pk): name for pk, name in connection.execute(query)}
    if missing := [pk for pk in people if pk not in names]:
        raise LookupError(f"no person {missing[0]}: the audit log can't name them")
    rows = []
    for person, name in names.items():
        salt = secrets.token_bytes(16)
        subject = hashlib.sha256(salt + f"{person}:{name}".encode()).hexdigest()
        rows.append({"subject": subject, "person_pk": person, "salt": salt, "user_name": name})
    connection.execute(insert(subjects), rows)
    return {PersonId(row["person_pk"]): str(row["subject"]) for row in rows}


def entries(connection: Connection, *, after: int = 0, subject: str | None = None) -> Iterator[Entry]:
    """The chain from the entry after this number on, oldest first; streamed. `subject`: only about it."""
    query = select(audit).where(audit.c.pk > after).order_by(audit.c.pk)
    if subject is not None:
        query = query.where(audit.c.subject == subject)
    with connection.execute(query.execution_options(yield_per=1000)) as rows:
        for row in rows:
            yield _entry(row)


def newest(connection: Connection, limit: int, *, action: str = "", subject: str = "") -> list[Entry]:
    """The newest first. `action`: what it begins with; `subject`: what it is about."""
    query = select(audit).order_by(audit.c.pk.desc()).limit(limit)
    if action:
        query = query.where(audit.c.action.startswith(action, autoescape=True))
    if subject:
        query = query.where(audit.c.subject == subject)
    return [_entry(row) for row in connection.execute(query)]


def export(connection: Connection) -> Iterator[str]:
    """Each entry as one line of JSON, without the line's end; what is needed to verify it elsewhere."""
    for e in entries(connection):
        yield canonical(
            {
                "number": e.number,
                "at": e.at.isoformat(timespec="microseconds"),
                "actor": e.actor,
                "action": e.action,
                "subject": e.subject,
                "detail": e.detail,
                "previous": e.previous,
                "hash": e.hash,
            }
        )


def verify(connection: Connection) -> Broken | int:
    """How many entries there are, all as they were written; or the first that was edited, or that
    stands where another one was dropped or swapped."""
    previous, count = BEGINNING, 0
    for e in entries(connection):
        if e.previous != previous:
            return Broken(
                e.number, count, f"entry {e.number} doesn't follow the one before it: dropped or swapped"
            )
        if _hash(previous, e.at, e.actor, e.action, e.subject, e.detail) != e.hash:
            return Broken(e.number, count, f"entry {e.number} isn't what was written: edited")
        previous, count = e.hash, count + 1
    value = connection.scalar(select(state.c.value).where(state.c.name == _HEAD))
    head = json.loads(value) if value else {"hash": BEGINNING, "entries": 0}
    if head != {"hash": previous, "entries": count}:
        return Broken(
            None, count, f"{head['entries']} entries were written, {count} are here: dropped at the end"
        )
    return count


def _entry(row: Row[tuple[object, ...]]) -> Entry:
    return Entry(row.pk, row.at, row.actor, row.action, row.subject, row.detail, row.previous, row.hash)

"""Who is this record about? A person is linked once, by id, when a record is first seen (R02, R06).

| a new record's folded userName | the person |
| --- | --- |
| is in the directory already | (refused: Taken) |
| is another directory's record's, whose person has no record here | that person |
| is another directory's record's, whose person has one here | a new one in conflict: no license, reported |
| is that of a person without any record left | that person, its queue place lost (epoch = now) |
| else | a new one |
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    bindparam,
    cast,
    exists,
    func,
    insert,
    null,
    select,
    union_all,
    update,
)
from sqlalchemy.sql import operators

from connector.store.fold import folded
from connector.store.prepared import Prepared
from connector.store.tables import Key, persons, users
from scim.errors import InvalidValue
from scim.store import Taken

#: of a name as an index key, in bytes of UTF-8; PostgreSQL takes 2,704 for all the columns of a key
MAX_KEY = 2000


@dataclass(frozen=True, slots=True)
class Profile:
    """What the license engine reads of a user's attributes."""

    user_name: str
    external_id: str | None
    display_name: str
    email: str
    active: bool

    @property
    def key(self) -> str:
        return folded(self.user_name)


@dataclass(frozen=True, slots=True)
class Link:
    person: int
    conflict: bool


def profile(attributes: Mapping[str, Any]) -> Profile:
    """A user is active unless the directory says otherwise. Raises scim's InvalidValue."""
    name = attributes.get("name") or {}
    full = " ".join(part for part in (name.get("givenName"), name.get("familyName")) if part)
    external_id = attributes.get("externalId")
    return Profile(
        user_name=as_key("userName", attributes["userName"]),
        external_id=None if external_id is None else as_key("externalId", external_id),
        display_name=attributes.get("displayName") or name.get("formatted") or full,
        email=_email(attributes.get("emails") or ()),
        active=attributes.get("active") is not False,
    )


def as_key(attribute: str, text: str) -> str:
    """The text, if an index can hold it. Raises scim's InvalidValue."""
    if len(folded(text).encode()) > MAX_KEY or len(text.encode()) > MAX_KEY:
        raise InvalidValue(f"{attribute} is longer than {MAX_KEY} bytes")
    return text


def _email(emails: Any) -> str:
    best = sorted(
        (email for email in emails if isinstance(email, Mapping) and isinstance(email.get("value"), str)),
        key=lambda email: (email.get("primary") is not True, email.get("type") != "work"),
    )
    return best[0]["value"] if best else ""


def link(connection: Connection, directory: int, new: Profile, now: datetime) -> Link:
    """The person of a record about to be created; nobody else links this name until the transaction ends.

    Raises scim's Taken.
    """
    _take_turn(connection, new.key)
    known = _KNOWN.rows(connection, {"key": new.key})
    if any(each.directory_pk == directory for each in known):
        raise Taken("userName")
    namesakes = [each for each in known if each.user_pk is not None]
    if namesakes:
        person, conflict = min(namesakes, key=lambda each: (each.conflict, each.user_pk))[:2]
        if not connection.scalar(_HAS_RECORD, {"person": person, "directory": directory}):
            show(connection, person, new)
            return Link(person, conflict)
        return Link(_add(connection, new, now, conflict=True), True)
    if known:
        person = max(known, key=lambda each: (each.has_account, each.person_pk)).person_pk
        connection.execute(update(persons).where(persons.c.pk == person).values(epoch=now))
        show(connection, person, new)
        return Link(person, False)
    return Link(_add(connection, new, now, conflict=False), False)


def claim(connection: Connection, directory: int, key: str) -> None:
    """Keep a folded userName for this transaction. Raises scim's Taken if the directory has it."""
    _take_turn(connection, key)
    if connection.scalar(_IS_TAKEN, {"directory": directory, "key": key}):
        raise Taken("userName")


def _take_turn(connection: Connection, key: str) -> None:
    """All directories' writers take turns by name: two records of one person must not become two persons."""
    if connection.dialect.name == "postgresql":
        connection.execute(
            select(func.pg_advisory_xact_lock(func.hashtextextended(key, cast(0, BigInteger))))
        )


def show(connection: Connection, person: int, seen: Profile) -> None:
    """How the person is displayed, and what an account for them would be made from: as last seen."""
    _SHOW.run(connection, _displayed(seen) | {"person": person})


def _add(connection: Connection, new: Profile, now: datetime, *, conflict: bool) -> int:
    return _ADD.insert(connection, _displayed(new) | {"conflict": conflict, "epoch": now})


# Built once: building such a statement takes longer than running it.
#: records of the name, in any directory; persons of the name that have no record left
_KNOWN = Prepared(union_all(
    select(
        users.c.person_pk, persons.c.conflict, users.c.directory_pk, users.c.pk.label("user_pk"),
        persons.c.account_id.is_not(None).label("has_account"),
    )
    .join(persons, persons.c.pk == users.c.person_pk)
    .where(users.c.folded == bindparam("key")),
    select(
        persons.c.pk, persons.c.conflict, cast(null(), Key), cast(null(), Key),
        persons.c.account_id.is_not(None),
    ).where(
        persons.c.folded == bindparam("key"),
        operators.is_(persons.c.conflict, False),
        ~exists().where(users.c.person_pk == persons.c.pk),
    ),
))  # fmt: skip
_HAS_RECORD = select(
    exists().where(users.c.person_pk == bindparam("person"), users.c.directory_pk == bindparam("directory"))
)
_IS_TAKEN = select(
    exists().where(
        users.c.directory_pk == bindparam("directory", type_=Key), users.c.folded == bindparam("key")
    )
)
_SEEN: dict[str, Any] = {name: bindparam(name) for name in ("user_name", "folded", "display_name", "email")}
_SHOW = Prepared(update(persons).where(persons.c.pk == bindparam("person")).values(_SEEN))
_ADD = Prepared(insert(persons).values(_SEEN | {name: bindparam(name) for name in ("conflict", "epoch")}))


def _displayed(seen: Profile) -> dict[str, Any]:
    return {
        "user_name": seen.user_name,
        "folded": seen.key,
        "display_name": seen.display_name,
        "email": seen.email,
    }

"""What is to be sent, to whom, and what became of it? The outbox; each is sent at least once."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, func, insert, select, update

from connector.store.matter import Matter
from connector.store.rows import canonical
from connector.store.tables import notices

OPERATORS, PERSON = "operators", "person"
#: new figures of a matter that was told already, to a webhook
FIGURES_AFTER = timedelta(hours=1)
#: a worker that claimed a message and died: another may send it then
CLAIM = timedelta(minutes=5)
KEPT = timedelta(days=30)
LONGEST = timedelta(hours=6)
MOST_TRIES = 25


@dataclass(frozen=True, slots=True)
class Notice:
    id: int
    matter: str
    channel: str
    address: str
    kind: str
    stage: str
    subject: str
    body: str
    link: str
    facts: Mapping[str, object]
    over: bool
    revision: int
    sent_revision: int
    created_at: datetime
    sent_at: datetime | None
    attempts: int
    failure: str


def put(connection: Connection, matter: Matter, channels: Iterable[str], now: datetime) -> None:
    """Say it, or say it anew, on each of the channels."""
    found = select(notices).where(notices.c.matter == matter.key).with_for_update()
    rows = {row.channel: row for row in connection.execute(found)}
    for channel in channels:
        row = rows.get(channel)
        if row is None:
            _insert(connection, matter, channel, now)
        elif (row.stage, row.body, row.over) != (matter.stage, matter.body, matter.over):
            _change(connection, row, matter, now)


def _insert(connection: Connection, matter: Matter, channel: str, now: datetime) -> None:
    if matter.over and not matter.news:
        return
    values = _values(matter) | {
        "matter": matter.key,
        "channel": channel,
        "address": matter.address,
        "kind": matter.kind,
        "revision": 1,
        "created_at": now,
        "next_try": matter.wait_until or now,
    }
    connection.execute(insert(notices).values(values))


def _change(connection: Connection, row: Row[Any], matter: Matter, now: datetime) -> None:
    here = notices.c.pk == row.pk
    untold = row.sent_revision == 0
    if untold and matter.over and not matter.news:
        connection.execute(delete(notices).where(here))  # it came and went before anybody was told
        return
    values = _values(matter) | {"revision": row.revision + 1}
    if not untold:
        values["next_try"] = row.next_try
        if row.stage != matter.stage:
            values |= {"next_try": now, "attempts": 0, "failure": ""}
        elif row.channel not in (OPERATORS, PERSON) and row.next_try is None:
            values["next_try"] = max(now, row.sent_at + FIGURES_AFTER)
    connection.execute(update(notices).where(here).values(values))


def _values(matter: Matter) -> dict[str, Any]:
    return {
        "stage": matter.stage,
        "subject": matter.subject,
        "body": matter.body,
        "link": matter.link,
        "facts": canonical(dict(matter.facts)),
        "over": matter.over,
    }


def close(connection: Connection, keys: Sequence[str]) -> None:
    """These are over, and nothing needs to be said of it."""
    for key in keys:
        connection.execute(delete(notices).where(notices.c.matter == key, notices.c.sent_revision == 0))
        connection.execute(update(notices).where(notices.c.matter == key).values(over=True, next_try=None))


def finish(connection: Connection, key: str) -> None:
    """It doesn't change any more; what of it is still to be sent is sent."""
    connection.execute(update(notices).where(notices.c.matter == key).values(over=True))


def living(connection: Connection, kind: str) -> list[Notice]:
    """Of matters of this kind that aren't over; one a channel."""
    query = select(notices).where(notices.c.kind == kind, ~notices.c.over).order_by(notices.c.pk)
    return [of_row(row) for row in connection.execute(query)]


def known(connection: Connection, key: str) -> bool:
    return bool(connection.scalar(select(func.count()).where(notices.c.matter == key)))


def to_send(connection: Connection, key: str) -> bool:
    """Something of this matter is still to be sent, on some channel."""
    unsent = and_(notices.c.matter == key, notices.c.next_try.is_not(None))
    return bool(connection.scalar(select(func.count()).where(unsent)))


def claim(connection: Connection, limit: int, now: datetime) -> list[Notice]:
    """Due ones, which are this worker's for a while: the oldest first."""
    due = (
        select(notices)
        .where(notices.c.next_try <= now)
        .order_by(notices.c.next_try, notices.c.pk)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = connection.execute(due).all()
    mine = notices.c.pk.in_([row.pk for row in rows])
    connection.execute(update(notices).where(mine).values(next_try=now + CLAIM))
    return [of_row(row) for row in rows]


def sent(connection: Connection, notice: Notice, now: datetime) -> None:
    """What was sent is this revision; a later one that was written meanwhile goes by its own time."""
    same = and_(notices.c.pk == notice.id, notices.c.revision == notice.revision)
    told = {"sent_revision": notice.revision, "sent_at": now, "attempts": 0, "failure": ""}
    if connection.execute(update(notices).where(same).values(**told, next_try=None)).rowcount == 0:
        connection.execute(update(notices).where(notices.c.pk == notice.id).values(**told, next_try=now))


def failed(connection: Connection, notice: Notice, why: str, now: datetime) -> None:
    """Tried again in 30 s, doubling to 6 hours; given up after about four days."""
    attempts = notice.attempts + 1
    pause = min(LONGEST, timedelta(seconds=30) * 2 ** min(attempts - 1, 20))
    again = None if attempts >= MOST_TRIES else now + pause
    values = {"attempts": attempts, "failure": why[:300], "next_try": again}
    connection.execute(update(notices).where(notices.c.pk == notice.id).values(values))


def failing(connection: Connection) -> list[Notice]:
    """What could not be sent, so far or at all."""
    query = select(notices).where(notices.c.failure != "")
    return [of_row(row) for row in connection.execute(query.order_by(notices.c.pk).limit(100))]


def forget(connection: Connection, now: datetime) -> None:
    """What was said of matters that are over is kept for a month."""
    old = and_(notices.c.over, notices.c.next_try.is_(None), notices.c.created_at < now - KEPT)
    connection.execute(delete(notices).where(old))


def of_row(row: Row[Any]) -> Notice:
    return Notice(
        id=row.pk,
        matter=row.matter,
        channel=row.channel,
        address=row.address,
        kind=row.kind,
        stage=row.stage,
        subject=row.subject,
        body=row.body,
        link=row.link,
        facts=json.loads(row.facts),
        over=row.over,
        revision=row.revision,
        sent_revision=row.sent_revision,
        created_at=row.created_at,
        sent_at=row.sent_at,
        attempts=row.attempts,
        failure=row.failure,
    )

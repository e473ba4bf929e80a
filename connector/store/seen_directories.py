"""What is to be seen of each directory: how much it has written, and what of it was skipped?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, select

from connector.store import pulls
from connector.store.tables import directories, groups, users, warnings

#: Entra's cycle is 40 minutes, but one in which nothing changes may send nothing
QUIET = timedelta(days=3)
#: a directory that is read is read every few minutes
READ_QUIET = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Seen:
    name: str
    kind: str
    state: str  #: new: nothing was heard yet; fresh; stale: nothing for three days
    fresh_at: datetime | None
    error: str | None
    users: int
    groups: int
    warnings: int  #: different things that were skipped
    created_at: datetime
    cursor: str  #: of one that is read: refresh, resume, active; else ""
    reading: str  #: full, changes: a read is open; else ""
    pages: int  #: of the open read, stored so far
    full_at: datetime | None  #: when the last complete full read began
    next_at: datetime | None  #: when it is read again: by the schedule, and after a wait it asked for


@dataclass(frozen=True, slots=True)
class Warned:
    directory: str
    code: str
    subject: str
    count: int
    first_at: datetime
    last_at: datetime


def seen(connection: Connection, now: datetime) -> Sequence[Seen]:
    people = select(func.count()).where(users.c.directory_pk == directories.c.pk).scalar_subquery()
    sets = (
        select(func.count())
        .where(groups.c.directory_pk == directories.c.pk, groups.c.deleted_at.is_(None))
        .scalar_subquery()
    )
    skipped = select(func.count()).where(warnings.c.directory_pk == directories.c.pk).scalar_subquery()
    counts = (people.label("people"), sets.label("sets"), skipped.label("skipped"))
    query = select(directories, *counts).order_by(directories.c.name)
    read = pulls.all_of(connection)
    return [_seen(row, read.get(row.name), now) for row in connection.execute(query)]


def _seen(row: Row[Any], read: pulls.Pulling | None, now: datetime) -> Seen:
    fresh_at = row.heard_at if read is None else read.complete_at
    return Seen(
        name=row.name,
        kind=row.kind,
        state=_state(fresh_at, now, QUIET if read is None else READ_QUIET),
        fresh_at=fresh_at,
        error=None if read is None else read.error or None,
        users=row.people,
        groups=row.sets,
        warnings=row.skipped,
        created_at=row.created_at,
        cursor="" if read is None else read.cursor,
        reading="" if read is None else read.reading,
        pages=0 if read is None else read.pages,
        full_at=None if read is None else read.full_at,
        next_at=None if read is None else _next(read),
    )


def _next(read: pulls.Pulling) -> datetime | None:
    if read.next_at is None or read.not_before is None:
        return read.next_at
    return max(read.next_at, read.not_before)


def _state(heard_at: datetime | None, now: datetime, quiet: timedelta) -> str:
    if heard_at is None:
        return "new"
    return "fresh" if now - heard_at < quiet else "stale"


def warned(connection: Connection, limit: int = 100, directory: str | None = None) -> Sequence[Warned]:
    """The latest first."""
    query = (
        select(warnings, directories.c.name)
        .join(directories, directories.c.pk == warnings.c.directory_pk)
        .order_by(warnings.c.last_at.desc(), warnings.c.pk.desc())
        .limit(limit)
    )
    if directory is not None:
        query = query.where(directories.c.name == directory)
    return [
        Warned(row.name, row.code, row.subject, row._mapping["count"], row.first_at, row.last_at)
        for row in connection.execute(query)
    ]

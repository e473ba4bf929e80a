"""How far has the reading of each directory come, and when is it read again?"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, select, update

from connector.store.engine import reading, writing
from connector.store.rows import canonical, insert_into
from connector.store.tables import directories, groups, mappings, pulls
from sync.ports import Fenced
from sync.pull import Progress
from sync.pulled import Active, Cursor, Refresh, Resume


@dataclass(frozen=True, slots=True)
class Pulling:
    """What is to be seen of a directory's reading."""

    cursor: str  #: refresh, resume, active
    reading: str  #: full, changes; "": no read is open
    pages: int  #: of the open read, stored so far
    full_at: datetime | None  #: when the last complete full read began
    complete_at: datetime | None  #: when the last read came to its end
    tried_at: datetime | None
    next_at: datetime | None  #: when the schedule reads again
    not_before: datetime | None
    failures: int  #: in a row
    error: str  #: why the last attempt wasn't whole; "" if it was


def open_row(connection: Connection, directory: int) -> None:
    """Make the directory's row, where it has none."""
    connection.execute(
        insert_into(connection, pulls)
        .values(directory_pk=directory, generation=0, cursor="refresh")
        .on_conflict_do_nothing()
    )


def row_of(connection: Connection, directory: int) -> Row[Any]:
    """Raises LookupError."""
    row: Row[Any] | None = connection.execute(select(pulls).where(pulls.c.directory_pk == directory)).first()
    if row is None:
        raise LookupError("this directory was never read: `sync --directory NAME` reads it")
    return row


def progress_of(row: Row[Any]) -> Progress:
    return Progress(cursor_of(row), row.reading, row.pages, row.full_at, row.failures)


def cursor_of(row: Row[Any]) -> Cursor:
    match row.cursor:
        case "resume":
            return Resume(row.state)
        case "active":
            return Active(row.state)
        case _:
            return Refresh()


def cursor_values(cursor: Cursor) -> dict[str, Any]:
    match cursor:
        case Refresh():
            return {"cursor": "refresh", "state": ""}
        case Resume(state):
            return {"cursor": "resume", "state": state}
        case Active(state):
            return {"cursor": "active", "state": state}


def move(connection: Connection, directory: int, generation: int, values: Mapping[str, Any]) -> int:
    """Compare and swap: the row as `generation` left it becomes so. Gives the next generation.

    Raises Fenced: somebody else has moved it.
    """
    moved = connection.execute(
        update(pulls)
        .where(pulls.c.directory_pk == directory, pulls.c.generation == generation)
        .values(**values, generation=generation + 1)
    )
    if moved.rowcount != 1:
        raise Fenced("somebody else has gone on with this read: nothing was written")
    return generation + 1


def all_of(connection: Connection) -> dict[str, Pulling]:
    """By the directory's name."""
    query = select(pulls, directories.c.name).join(directories, directories.c.pk == pulls.c.directory_pk)
    return {
        row.name: Pulling(
            cursor=row.cursor,
            reading=row.reading,
            pages=row.pages,
            full_at=row.full_at,
            complete_at=row.complete_at,
            tried_at=row.tried_at,
            next_at=row.next_at,
            not_before=row.not_before,
            failures=row.failures,
            error=row.error,
        )
        for row in connection.execute(query)
    }


def set_next(connection: Connection, directory: int, next_at: datetime | None) -> None:
    connection.execute(update(pulls).where(pulls.c.directory_pk == directory).values(next_at=next_at))


def mapped_ids(connection: Connection, directory: int) -> set[str]:
    """The directory's own ids of the groups that have a mapping. A group that was pushed and never pulled
    stands by its externalId."""
    query = (
        select(groups.c.pulled_id, groups.c.external_id)
        .join(mappings, mappings.c.group_pk == groups.c.pk)
        .where(groups.c.directory_pk == directory)
    )
    return {id for row in connection.execute(query) if (id := row.pulled_id or row.external_id)}


def pins(connection: Connection, directory: int) -> dict[str, str]:
    """Which id each name that the settings declare stood for when it was first found (R02)."""
    found: dict[str, str] = json.loads(row_of(connection, directory).pins)
    return found


def pin(connection: Connection, directory: int, new: Mapping[str, str]) -> None:
    value = canonical(pins(connection, directory) | dict(new))
    connection.execute(update(pulls).where(pulls.c.directory_pk == directory).values(pins=value))


def declared(engine: Engine, name: str, kind: str, now: datetime) -> int:
    """The pk of a directory that the settings declare; made where there is none. Raises ValueError."""
    with reading(engine) as connection:
        row = connection.execute(
            select(directories.c.pk, directories.c.kind, pulls.c.directory_pk.label("opened"))
            .outerjoin(pulls, pulls.c.directory_pk == directories.c.pk)
            .where(directories.c.name == name)
        ).first()
    if row is not None and row.kind != kind:
        raise ValueError(
            f"directory {name} is of kind {row.kind}, its settings say {kind}: "
            "name them differently, or remove the directory"
        )
    if row is not None and row.opened is not None:
        return int(row.pk)
    with writing(engine) as connection:
        pk = row.pk if row is not None else None
        if pk is None:
            values = {"name": name, "kind": kind, "created_at": now}
            connection.execute(insert_into(connection, directories).values(values).on_conflict_do_nothing())
            pk = connection.scalars(select(directories.c.pk).where(directories.c.name == name)).one()
        open_row(connection, pk)
    return int(pk)

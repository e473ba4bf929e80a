"""How are many rows read and written at once, alike on SQLite and PostgreSQL?"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    CursorResult,
    Select,
    Table,
    Text,
    any_,
    bindparam,
    func,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

#: keys in one IN list; SQLite takes 32,766 variables in a statement, 999 where it is old
CHUNK = 500

T = TypeVar("T")
#: both have the same ON CONFLICT
Insert = sqlite.Insert | postgresql.Insert


def chunks(values: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """The values in lists of at most `size`."""
    chunk: list[T] = []
    for value in values:
        chunk.append(value)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def among(column: ColumnElement[Any], name: str, *, many: bool) -> ColumnElement[bool]:
    """Whether it is in the list that `listed` makes the parameter of; for statements that are built once.

    A list in a statement takes SQLAlchemy as long as the statement itself, and most are of one.
    """
    return column.in_(bindparam(name, expanding=True)) if many else column == bindparam(name)


#: keys in one list that is a single parameter
MANY = 10_000


def within(dialect: str, column: ColumnElement[Any], name: str, *, many: bool) -> ColumnElement[bool]:
    """As `among`, for lists of up to `MANY` that `packed` makes the parameter of.

    It is one value on either database: SQLAlchemy would write out a name for each key.
    """
    if not many:
        return column == bindparam(name)
    if dialect == "postgresql":
        return column == any_(bindparam(name, type_=ARRAY(column.type)))
    each = func.json_each(bindparam(name, type_=Text())).table_valued("value")
    return column.in_(select(each.c.value))


def packed(dialect: str, values: Sequence[Any]) -> Any:
    """The value of such a parameter; `many` is whether there are several."""
    if len(values) == 1:
        return values[0]
    return list(values) if dialect == "postgresql" else json.dumps(values)


def listed(values: list[Any]) -> Any:
    """The value of such a parameter; `many` is whether there are several."""
    return values if len(values) > 1 else values[0]


def canonical(value: object) -> str:
    """JSON with one spelling only: keys sorted, no spaces. Raises TypeError for what JSON has not."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def insert_into(connection: Connection, table: Table) -> Insert:
    """An INSERT that can say what to do ON CONFLICT."""
    return insert_for(connection.dialect.name, table)


def insert_for(dialect: str, table: Table) -> Insert:
    """As `insert_into`, for statements that are built once for each kind of database."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def inserted(result: CursorResult[Any]) -> int:
    """The pk of the row that an INSERT of one row made. RETURNING costs SQLite half as much again."""
    key = result.inserted_primary_key
    assert key is not None  # SQLAlchemy's word for: such an INSERT has one
    return int(key[0])


def upsert(
    connection: Connection,
    table: Table,
    rows: Sequence[dict[str, Any]],
    kept: dict[str, Any] | None = None,
) -> None:
    """Insert the rows, or replace the given columns of those whose primary key exists.

    `kept`: columns that get another expression than the new value when the row exists.
    """
    if not rows:
        return
    statement = insert_into(connection, table)
    keys = [column.name for column in table.primary_key]
    replaced = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(
        statement.on_conflict_do_update(index_elements=keys, set_=replaced | (kept or {})), list(rows)
    )


def raw(connection: Connection, query: Select[Any]) -> list[tuple[Any, ...]]:
    """The rows as the driver gives them, for hundreds of thousands: Row objects would take most of the time.
    Times are microseconds, and on SQLite true is 1."""
    cursor: Any = connection.execute(query).cursor
    found: list[tuple[Any, ...]] = cursor.fetchall()
    cursor.close()
    return found

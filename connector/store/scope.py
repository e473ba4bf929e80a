"""Whose rows are these? The one place that says what a directory may see (T18)."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Select, and_, bindparam, select

from connector.store.prepared import Prepared
from connector.store.rows import MANY, chunks, packed, within
from connector.store.tables import Key, groups, users
from scim.store import Kind


def own_users(directory: int | ColumnElement[int]) -> ColumnElement[bool]:
    """The users of a directory; `directory` may be a parameter of a statement that is built once."""
    return users.c.directory_pk == directory


def own_groups(directory: int | ColumnElement[int], table: FromClause = groups) -> ColumnElement[bool]:
    """The groups of a directory; deleted ones, kept for what names them, are none. `table`: also an alias."""
    return and_(table.c.directory_pk == directory, table.c.deleted_at.is_(None))


@dataclass(frozen=True, slots=True)
class Found:
    """What an id stands for in a directory."""

    kind: Kind
    pk: int
    person: int  #: of a user; 0 for a group


def is_id(text: str) -> bool:
    """Whether this can be an id of ours at all: anything else isn't even looked up (T20)."""
    return len(text) == 36 and text.isascii() and text.replace("-", "").isalnum()


def resolve(
    connection: Connection, directory: int, ids: Iterable[str], *, kept: bool = False
) -> dict[str, Found]:
    """The directory's users and groups among the ids. `kept`: not deleted until the transaction ends."""
    found: dict[str, Found] = {}
    dialect = connection.dialect.name
    for chunk in chunks((id for id in ids if is_id(id)), MANY):
        people = _users(dialect, many=len(chunk) > 1, kept=kept)
        values = {"directory": directory, "ids": packed(dialect, chunk)}
        for id, pk, person in people.rows(connection, values):
            found[id] = Found(Kind.USER, pk, person)
        left = [id for id in chunk if id not in found]
        if left:
            sets = _groups(dialect, many=len(left) > 1, kept=kept)
            values = {"directory": directory, "ids": packed(dialect, left)}
            for id, pk in sets.rows(connection, values):
                found[id] = Found(Kind.GROUP, pk, 0)
    return found


def _kept(query: Select[Any], pk: ColumnElement[int]) -> Select[Any]:
    return query.order_by(pk).with_for_update(read=True, key_share=True)


# Built once: building such a statement takes longer than running it.
_OWNER: ColumnElement[int] = bindparam("directory", type_=Key)


@cache
def _users(dialect: str, *, many: bool, kept: bool) -> Prepared:
    named = within(dialect, users.c.id, "ids", many=many)
    query = select(users.c.id, users.c.pk, users.c.person_pk).where(own_users(_OWNER), named)
    return Prepared(_kept(query, users.c.pk) if kept else query)


@cache
def _groups(dialect: str, *, many: bool, kept: bool) -> Prepared:
    named = within(dialect, groups.c.id, "ids", many=many)
    query = select(groups.c.id, groups.c.pk).where(own_groups(_OWNER), named)
    return Prepared(_kept(query, groups.c.pk) if kept else query)

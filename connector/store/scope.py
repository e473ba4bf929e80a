"""Whose rows are these? The one place that says what a directory may see (T18)."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Connection, FromClause, Select, and_, bindparam, select

from connector.store.rows import among, chunks, listed
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
    for chunk in chunks(id for id in ids if is_id(id)):
        values = {"directory": directory, "ids": listed(chunk)}
        people = connection.execute((_USERS_KEPT if kept else _USERS)[len(chunk) > 1], values)
        found |= {id: Found(Kind.USER, pk, person) for id, pk, person in people}
        left = [id for id in chunk if id not in found]
        if left:
            found |= _groups(connection, directory, left, kept)
    return found


def _groups(connection: Connection, directory: int, ids: Collection[str], kept: bool) -> dict[str, Found]:
    query = _GROUPS_KEPT if kept else _GROUPS
    found = connection.execute(query, {"directory": directory, "ids": list(ids)})
    return {id: Found(Kind.GROUP, pk, 0) for id, pk in found}


def _kept(query: Select[Any], pk: ColumnElement[int]) -> Select[Any]:
    return query.order_by(pk).with_for_update(read=True, key_share=True)


# Built once: building such a statement takes longer than running it.
_OWNER: ColumnElement[int] = bindparam("directory", type_=Key)
_USERS = {
    many: select(users.c.id, users.c.pk, users.c.person_pk).where(
        own_users(_OWNER), among(users.c.id, "ids", many=many)
    )
    for many in (False, True)
}
_USERS_KEPT = {many: _kept(query, users.c.pk) for many, query in _USERS.items()}
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_GROUPS = select(groups.c.id, groups.c.pk).where(own_groups(_OWNER), groups.c.id.in_(_IDS))
_GROUPS_KEPT = _kept(_GROUPS, groups.c.pk)

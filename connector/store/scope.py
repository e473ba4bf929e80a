"""Whose rows are these? The one place that says what a directory may see (T18)."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, FromClause, and_, select

from connector.store.rows import chunks
from connector.store.tables import groups, users
from scim.store import Kind


def own_users(directory: int) -> ColumnElement[bool]:
    """The users of a directory."""
    return users.c.directory_pk == directory


def own_groups(directory: int, table: FromClause = groups) -> ColumnElement[bool]:
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
        people = select(users.c.id, users.c.pk, users.c.person_pk).where(
            own_users(directory), users.c.id.in_(chunk)
        )
        if kept:
            people = people.order_by(users.c.pk).with_for_update(read=True, key_share=True)
        found |= {id: Found(Kind.USER, pk, person) for id, pk, person in connection.execute(people)}
        left = [id for id in chunk if id not in found]
        if left:
            found |= _groups(connection, directory, left, kept)
    return found


def _groups(connection: Connection, directory: int, ids: Collection[str], kept: bool) -> dict[str, Found]:
    query = select(groups.c.id, groups.c.pk).where(own_groups(directory), groups.c.id.in_(ids))
    if kept:
        query = query.order_by(groups.c.pk).with_for_update(read=True, key_share=True)
    return {id: Found(Kind.GROUP, pk, 0) for id, pk in connection.execute(query)}

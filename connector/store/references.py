"""Who is in a group, and which groups is a user in?"""

from collections.abc import Generator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, exists, select

from connector.store.nested import belonging
from connector.store.prepared import Prepared
from connector.store.rows import among, chunks, listed
from connector.store.scope import is_id, own_groups, own_users
from connector.store.tables import Key, groups, memberships, nestings, users
from scim.store import Kind, Reference

_STREAM = {"yield_per": 500}


def members(connection: Connection, directory: int, group_pk: int) -> Generator[Reference]:
    """People first, then groups, each in the order in which they were created; streamed."""
    people = (
        select(users.c.id, users.c.display_name)
        .join(memberships, memberships.c.user_pk == users.c.pk)
        .where(memberships.c.group_pk == group_pk, own_users(directory))
        .order_by(memberships.c.user_pk)
    )
    with connection.execute(
        people, execution_options=_STREAM
    ) as rows:  # closed also when not read to its end
        for id, name in rows:
            yield Reference(Kind.USER, id, name)
    children = (
        select(groups.c.id, groups.c.display_name)
        .join(nestings, nestings.c.child_pk == groups.c.pk)
        .where(nestings.c.group_pk == group_pk, own_groups(directory))
        .order_by(nestings.c.child_pk)
    )
    with connection.execute(children, execution_options=_STREAM) as rows:
        for id, name in rows:
            yield Reference(Kind.GROUP, id, name)


def groups_of(
    connection: Connection, directory: int, user_ids: Sequence[str]
) -> Mapping[str, Sequence[Reference]]:
    """Every id asked for is a key; direct groups first, then those through nesting.

    Most groups are in no other: those through nesting are sought for whoever is in one that is.
    """
    result: dict[str, list[Reference]] = {id: [] for id in user_ids}
    nested: set[str] = set()
    for chunk in chunks(id for id in result if is_id(id)):
        for user_id, id, name, inside in _direct_groups(connection, directory, chunk):
            result[user_id].append(Reference(Kind.GROUP, id, name))
            if inside:
                nested.add(user_id)
    for chunk in chunks(sorted(nested)):
        for user_id, id, name in connection.execute(_INDIRECT, {"directory": directory, "ids": chunk}):
            result[user_id].append(Reference(Kind.GROUP, id, name, direct=False))
    return result


def _direct_groups(connection: Connection, directory: int, ids: list[str]) -> Sequence[Any]:
    values = {"directory": directory, "ids": listed(ids)}
    return connection.execute(_MANY, values).all() if len(ids) > 1 else _ONE.rows(connection, values)


# Built once: nearly each answer about a user asks this.
_OWNER: ColumnElement[int] = bindparam("directory", type_=Key)


def _direct(*, many: bool) -> Select[Any]:
    """With whether the group is inside another."""
    return (
        select(
            users.c.id, groups.c.id, groups.c.display_name, exists().where(nestings.c.child_pk == groups.c.pk)
        )
        .select_from(users)
        .join(memberships, memberships.c.user_pk == users.c.pk)
        .join(groups, groups.c.pk == memberships.c.group_pk)
        .where(own_users(_OWNER), among(users.c.id, "ids", many=many), own_groups(_OWNER))
        .order_by(groups.c.pk)
    )


def _indirect() -> Select[Any]:
    asked = users.c.id.in_(bindparam("ids", expanding=True))
    held = belonging(select(users.c.pk).where(own_users(_OWNER), asked)).subquery()
    return (
        select(users.c.id, groups.c.id, groups.c.display_name)
        .select_from(held)
        .join(users, users.c.pk == held.c.user_pk)
        .join(groups, groups.c.pk == held.c.group_pk)
        .outerjoin(
            memberships,
            and_(memberships.c.group_pk == held.c.group_pk, memberships.c.user_pk == held.c.user_pk),
        )
        .where(own_groups(_OWNER), memberships.c.user_pk.is_(None))
        .order_by(groups.c.pk)
    )


_ONE, _MANY = Prepared(_direct(many=False)), _direct(many=True)
_INDIRECT = _indirect()

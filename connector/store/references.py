"""Who is in a group, and which groups is a user in?"""

from collections.abc import Generator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, select

from connector.store.nested import belonging
from connector.store.rows import chunks
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
    """Every id asked for is a key; direct groups first, then those through nesting."""
    result: dict[str, list[Reference]] = {id: [] for id in user_ids}
    for chunk in chunks(id for id in result if is_id(id)):
        for user_id, id, name, direct in connection.execute(_HELD, {"directory": directory, "ids": chunk}):
            result[user_id].append(Reference(Kind.GROUP, id, name, bool(direct)))
    return result


def _held() -> Select[Any]:
    """Built once: nearly each answer about a user asks this."""
    owner: ColumnElement[int] = bindparam("directory", type_=Key)
    whose = select(users.c.pk).where(own_users(owner), users.c.id.in_(bindparam("ids", expanding=True)))
    held = belonging(whose).subquery()
    direct = memberships.c.user_pk
    return (
        select(users.c.id, groups.c.id, groups.c.display_name, direct.is_not(None))
        .select_from(held)
        .join(users, users.c.pk == held.c.user_pk)
        .join(groups, groups.c.pk == held.c.group_pk)
        .outerjoin(memberships, (memberships.c.group_pk == held.c.group_pk) & (direct == held.c.user_pk))
        .where(own_groups(owner))
        .order_by(direct.is_(None), groups.c.pk)
    )


_HELD = _held()

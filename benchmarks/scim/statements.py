"""Which statements does the floor run? Built at each use, as SQLAlchemy's tutorial does, or once."""

import os
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import (
    CompoundSelect,
    Delete,
    Insert,
    Select,
    Table,
    Update,
    bindparam,
    delete,
    exists,
    func,
    insert,
    select,
    union_all,
    update,
)

from connector.store.rows import insert_for
from connector.store.tables import (
    Key,
    Moment,
    changes,
    credentials,
    directories,
    emails,
    groups,
    marks,
    memberships,
    persons,
    users,
)

T = TypeVar("T")
_ONCE = bool(os.environ.get("BENCH_BUILT_ONCE"))


def statement(build: Callable[..., T], *which: Any) -> T:
    """One of those below."""
    return _kept(build, *which) if _ONCE else build(*which)


@cache
def _kept(build: Callable[..., T], *which: Any) -> T:
    return build(*which)


def token() -> Select[Any]:
    return (
        select(directories.c.pk)
        .join(credentials, credentials.c.directory_pk == directories.c.pk)
        .where(credentials.c.hash == bindparam("hash"), credentials.c.revoked_at.is_(None))
    )


def by_id(table: Table) -> Select[Any]:
    return select(table).where(table.c.directory_pk == bindparam("directory"), table.c.id == bindparam("id"))


def named(table: Table) -> Select[Any]:
    mine = table.c.directory_pk == bindparam("directory")
    return select(table).where(mine, table.c.folded == bindparam("key")).order_by(table.c.pk).limit(100)


def count() -> Select[Any]:
    return select(func.count()).where(users.c.directory_pk == bindparam("directory"))


def page() -> Select[Any]:
    mine = users.c.directory_pk == bindparam("directory")
    return (
        select(users)
        .where(mine)
        .order_by(users.c.pk)
        .limit(bindparam("count", type_=Key))
        .offset(bindparam("skipped", type_=Key))
    )


def held(one: bool) -> Select[Any]:
    asked = (
        memberships.c.user_pk == bindparam("users")
        if one
        else memberships.c.user_pk.in_(bindparam("users", expanding=True))
    )
    return (
        select(memberships.c.user_pk, groups.c.id, groups.c.display_name)
        .join(groups, groups.c.pk == memberships.c.group_pk)
        .where(asked, groups.c.deleted_at.is_(None))
    )


def known() -> CompoundSelect[Any]:
    """Records of the name; persons of the name without a record."""
    alone = ~exists().where(users.c.person_pk == persons.c.pk)
    return union_all(
        select(users.c.person_pk).where(users.c.folded == bindparam("key")),
        select(persons.c.pk).where(persons.c.folded == bindparam("key"), alone),
    )


def insert_(table: Table) -> Insert:
    return insert(table)


def mail() -> Insert:
    return insert(emails)


def forget() -> Delete:
    return delete(emails).where(emails.c.user_pk == bindparam("user"))


def show() -> Update:
    shown: dict[str, Any] = {"display_name": bindparam("shown"), "email": bindparam("email")}
    return update(persons).where(persons.c.pk == bindparam("person")).values(shown)


def save() -> Update:
    names = ("document", "version", "modified_at", "active", "display_name")
    return (
        update(users).where(users.c.pk == bindparam("key")).values({name: bindparam(name) for name in names})
    )


def join(dialect: str) -> Any:
    return insert_for(dialect, memberships).on_conflict_do_nothing()


def leave() -> Delete:
    mine = memberships.c.group_pk == bindparam("group")
    return delete(memberships).where(mine, memberships.c.user_pk == bindparam("user"))


def touch() -> Update:
    values = {"version": groups.c.version + 1, "modified_at": bindparam("now", type_=Moment)}
    return update(groups).where(groups.c.pk == bindparam("group")).values(values)


def history() -> Insert:
    return insert(changes)


def mark(dialect: str) -> Any:
    return insert_for(dialect, marks).on_conflict_do_update(
        index_elements=["person_pk"], set_={"generation": marks.c.generation + 1}
    )

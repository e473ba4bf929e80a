"""Who joins and who leaves a group? By key, in sets; nothing is loaded but for the comparison of REPLACE."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import Connection, Table, bindparam, delete, select

from connector.store.prepared import Prepared
from connector.store.rows import MANY, chunks, insert_for, packed, within
from connector.store.scope import Found, own_users, resolve
from connector.store.tables import Key, Moment, groups, memberships, nestings, users
from scim.store import Kind, MemberOp, MemberVerb


@dataclass(frozen=True, slots=True)
class Net:
    """What some operations amount to: `replace` takes out whoever isn't in `add`."""

    replace: bool
    add: tuple[str, ...]
    remove: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """What a change did, by pk; empty for what changed nothing (R03)."""

    joined: tuple[int, ...] = ()  #: persons
    left: tuple[int, ...] = ()  #: persons
    taken_in: tuple[int, ...] = ()  #: groups
    let_go: tuple[int, ...] = ()
    unknown: tuple[str, ...] = ()  #: ids that are nobody in this directory

    def __bool__(self) -> bool:
        return bool(self.joined or self.left or self.taken_in or self.let_go)


def net(operations: Sequence[MemberOp]) -> Net:
    """In order, without looking at the group: who is removed and added again in one request never left."""
    replace = False
    add: dict[str, None] = {}
    remove: dict[str, None] = {}
    for operation in operations:
        ids = dict.fromkeys(operation.ids)
        match operation.verb:
            case MemberVerb.ADD:
                add |= ids
                _drop(remove, ids)
            case MemberVerb.REMOVE:
                remove |= ids
                _drop(add, ids)
            case MemberVerb.REPLACE:
                replace, add, remove = True, ids, {}
    return Net(replace, tuple(add), () if replace else tuple(remove))


def _drop(kept: dict[str, None], ids: Iterable[str]) -> None:
    for id in ids:  # by what goes: thousands of operations may each take one of many thousand
        kept.pop(id, None)


def change(connection: Connection, directory: int, group_pk: int, wanted: Net, now: datetime) -> Moved:
    """Make the group's members so. The caller has locked the group's row."""
    adding = resolve(connection, directory, wanted.add, kept=True)
    removing = resolve(connection, directory, wanted.remove)
    persons = {found.pk: found.person for found in (adding | removing).values() if found.kind is Kind.USER}
    leaving, parting = _pks(removing, Kind.USER), _pks(removing, Kind.GROUP)
    if wanted.replace:
        gone = dict(_others(connection, directory, group_pk, set(_pks(adding, Kind.USER))))
        persons |= gone
        leaving = sorted(gone)
        parting = _other_groups(connection, group_pk, set(_pks(adding, Kind.GROUP)))
    left = _take_out(connection, memberships, "user_pk", group_pk, leaving)
    let_go = _take_out(connection, nestings, "child_pk", group_pk, parting)
    joined = _put_in(connection, memberships, "user_pk", users, group_pk, _pks(adding, Kind.USER), now)
    taken_in = _put_in(connection, nestings, "child_pk", groups, group_pk, _pks(adding, Kind.GROUP), now)
    return Moved(
        joined=tuple(persons[pk] for pk in joined),
        left=tuple(persons[pk] for pk in left),
        taken_in=tuple(taken_in),
        let_go=tuple(let_go),
        unknown=tuple(id for id in (*wanted.add, *wanted.remove) if id not in adding and id not in removing),
    )


def _pks(found: dict[str, Found], kind: Kind) -> list[int]:
    return sorted(one.pk for one in found.values() if one.kind is kind)


def _others(
    connection: Connection, directory: int, group_pk: int, staying: set[int]
) -> Iterator[tuple[int, int]]:
    """(user, person) of the members that don't stay."""
    query = (
        select(users.c.pk, users.c.person_pk)
        .join(memberships, memberships.c.user_pk == users.c.pk)
        .where(memberships.c.group_pk == group_pk, own_users(directory))
    )
    for user, person in connection.execute(query, execution_options={"yield_per": 1000}):
        if user not in staying:
            yield user, person


def _other_groups(connection: Connection, group_pk: int, staying: set[int]) -> list[int]:
    children = connection.scalars(select(nestings.c.child_pk).where(nestings.c.group_pk == group_pk))
    return sorted(child for child in children if child not in staying)


def _take_out(
    connection: Connection, table: Table, column: str, group_pk: int, pks: Sequence[int]
) -> list[int]:
    gone: list[int] = []
    dialect = connection.dialect.name
    for chunk in chunks(pks, MANY):
        statement = _taking(dialect, table, column, many=len(chunk) > 1)
        values = {"from_group": group_pk, "pks": packed(dialect, chunk)}
        gone += [pk for (pk,) in statement.rows(connection, values)]
    return gone


@cache
def _taking(dialect: str, table: Table, column: str, *, many: bool) -> Prepared:
    return Prepared(
        delete(table)
        .where(
            table.c.group_pk == bindparam("from_group"), within(dialect, table.c[column], "pks", many=many)
        )
        .returning(table.c[column])
    )


def _put_in(
    connection: Connection,
    table: Table,
    column: str,
    source: Table,
    group_pk: int,
    pks: Sequence[int],
    now: datetime,
) -> list[int]:
    """Those who are in already keep their `since` (R03)."""
    new: list[int] = []
    dialect = connection.dialect.name
    for chunk in chunks(pks, MANY):
        statement = _putting(dialect, table, column, source, many=len(chunk) > 1)
        values = {"into_group": group_pk, "now": now, "pks": packed(dialect, chunk)}
        new += [pk for (pk,) in statement.rows(connection, values)]
    return new


@cache
def _putting(dialect: str, table: Table, column: str, source: Table, *, many: bool) -> Prepared:
    group, now = bindparam("into_group", type_=Key), bindparam("now", type_=Moment)
    rows = select(group, source.c.pk, now).where(within(dialect, source.c.pk, "pks", many=many))
    return Prepared(
        insert_for(dialect, table)
        .from_select(["group_pk", column, "since"], rows)
        .on_conflict_do_nothing()
        .returning(table.c[column])
    )

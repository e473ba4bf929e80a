"""Which resources match a query? Asked of the database where it can say so exactly, else row by row."""

from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, Select, Table, bindparam, func, select, true

from connector.store.conditions import Clause, clause_of
from connector.store.fold import folded
from connector.store.prepared import Prepared
from connector.store.rows import chunks
from connector.store.rowwise import resources, stored
from connector.store.scope import own_groups, own_users
from connector.store.tables import Key, groups, users
from scim.matching import sort_key
from scim.query import Attr, Compare, Op, Query
from scim.schema import TYPES
from scim.store import Kind, Page, Stored

#: beyond any position; keeps absurd ones out of the database
_FAR = 2**53


def table_of(kind: Kind) -> Table:
    return users if kind is Kind.USER else groups


def own(kind: Kind, directory: int | ColumnElement[int]) -> ColumnElement[bool]:
    return own_users(directory) if kind is Kind.USER else own_groups(directory)


def find(connection: Connection, directory: int, kind: Kind, query: Query, base_url: str = "") -> Page:
    """RFC 7644 3.4.2. `base_url`: of the endpoint, for what is compared with meta.location and $ref."""
    wanted = min(max(query.count, 0), _FAR)
    known = _by_key(directory, kind, query, wanted)
    if known is not None:
        statement, values = known
        items = tuple(stored(kind, row) for row in statement.rows(connection, values))
        if len(items) < wanted:  # all there are, so that nothing needs to be counted
            return Page(len(items), items)
    table = table_of(kind)
    clause = Clause(true(), exact=True)
    if query.condition is not None:
        clause = clause_of(query.condition, kind, directory)
    candidates = select(table).where(own(kind, directory), clause.where)
    skipped = min(max(query.start, 1) - 1, _FAR)
    column = _column(query.sort_by, kind)
    if not clause.exact or column is None:
        return _by_hand(connection, directory, kind, candidates, query, (skipped, wanted), base_url)
    total = connection.scalar(candidates.with_only_columns(func.count())) or 0
    if not wanted or skipped >= total:
        return Page(total, ())
    order = column.desc() if query.descending else column.asc()
    rows = connection.execute(candidates.order_by(order, table.c.pk).limit(wanted).offset(skipped))
    return Page(total, tuple(stored(kind, row) for row in rows))


def _by_key(directory: int, kind: Kind, query: Query, wanted: int) -> tuple[Prepared, dict[str, Any]] | None:
    """The statement for what nearly all clients ask, its first page by one key; None for anything else."""
    match query:
        case Query(
            Compare(Attr("userName" | "displayName" | "externalId" as name, "", ""), Op.EQ, str(text)),
            None,
            _,
            1,
        ):
            statement = _KEYED.get((kind, name))
            if statement is None:
                return None
            key = text if name == "externalId" else folded(text)
            return statement, {"directory": directory, "key": key, "most": wanted}
        case _:
            return None


def _keyed(kind: Kind, column: ColumnElement[Any]) -> Prepared:
    table = table_of(kind)
    mine = own(kind, bindparam("directory", type_=Key))
    return Prepared(
        select(table)
        .where(mine, column == bindparam("key"))
        .order_by(table.c.pk)
        .limit(bindparam("most", type_=Integer))
    )


#: built once: building such a statement takes longer than running it
_KEYED = {
    (Kind.USER, "userName"): _keyed(Kind.USER, users.c.folded),
    (Kind.USER, "externalId"): _keyed(Kind.USER, users.c.external_id),
    (Kind.GROUP, "displayName"): _keyed(Kind.GROUP, groups.c.folded),
    (Kind.GROUP, "externalId"): _keyed(Kind.GROUP, groups.c.external_id),
}


def _column(sort_by: Attr | None, kind: Kind) -> ColumnElement[Any] | None:
    """The column that sorts as the attribute does; None: there is none."""
    table = table_of(kind)
    match (kind, sort_by):
        case (_, None):
            return table.c.pk
        case (Kind.USER, Attr("userName", "", "")) | (Kind.GROUP, Attr("displayName", "", "")):
            return table.c.folded
        case (_, Attr("meta", "created", "")):
            return table.c.created_at
        case (_, Attr("meta", "lastModified", "")):
            return table.c.modified_at
        case _:
            return None


def _by_hand(
    connection: Connection,
    directory: int,
    kind: Kind,
    candidates: Select[Any],
    query: Query,
    window: tuple[int, int],
    base_url: str,
) -> Page:
    """Streams the candidates; only keys are kept of those that match. `window`: skipped, wanted."""
    table = table_of(kind)
    ordered = candidates.order_by(table.c.pk)
    found = [
        (sort_key(query.sort_by, resource, TYPES[kind]) if query.sort_by else None, pk)
        for pk, resource in resources(connection, directory, kind, ordered, query.condition, base_url)
    ]
    if query.sort_by is not None:
        found.sort(key=itemgetter(0), reverse=query.descending)
    skipped, wanted = window
    pks = [pk for _, pk in found[skipped : skipped + wanted]]
    rows: dict[int, Stored] = {}
    for chunk in chunks(pks):
        read = connection.execute(select(table).where(table.c.pk.in_(chunk)))
        rows |= {row.pk: stored(kind, row) for row in read}
    return Page(len(found), tuple(rows[pk] for pk in pks))

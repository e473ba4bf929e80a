"""What do the guards count? Losses that no person excused, and who holds what now (R24)."""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from connector.store.intents import Bases
from connector.store.mirror import descendants, read_nestings
from connector.store.rows import CHUNK, chunks
from connector.store.tables import holds, losses, mappings, memberships, standings, users
from sync.model import GroupId, HoldId, Loss, PersonId, ProductId
from sync.ports import GuardView

#: managed, held or perhaps held, and not lost
HOLDS: ColumnElement[bool] = and_(
    standings.c.origin == "managed", standings.c.held.in_(("yes", "maybe")), standings.c.lost_at.is_(None)
)


def guard_view(
    connection: Connection,
    products: Collection[ProductId],
    groups: Collection[GroupId],
    since: datetime,
    enough: Callable[[int], int],
    bases: Bases,
) -> GuardView:
    """For each of the products as a whole, and with each of the groups."""
    wanted = sorted(products)
    lost = _losses(connection, wanted, since, bases)
    limit = enough(len(lost))
    holders: dict[tuple[ProductId, GroupId | None], int] = {}
    for product in wanted:
        holders[product, None] = _holders(connection, product, limit)
    transitive = _transitive(connection, wanted, groups)
    edges = read_nestings(connection, {group for _, group in transitive}) if transitive else []
    for group in sorted(groups):
        inside = descendants(edges, group)
        for product in wanted:
            among = inside if (product, group) in transitive else {group}
            holders[product, group] = _members(connection, product, among, limit)
    return GuardView(lost, holders, _open(connection, wanted))


def _losses(
    connection: Connection, products: list[ProductId], since: datetime, bases: Bases
) -> tuple[Loss, ...]:
    """One a person and product, with all the groups of it."""
    query = (
        select(losses, standings.c.held, standings.c.hold, standings.c.lost_why)
        .outerjoin(
            standings,
            and_(standings.c.person_pk == losses.c.person_pk, standings.c.product == losses.c.product),
        )
        .where(
            losses.c.product.in_(products),
            losses.c.lost_at >= since,
            ~losses.c.excused,
            or_(standings.c.person_pk.is_(None), ~(standings.c.released | standings.c.kept)),
        )
        .order_by(losses.c.pk)
    )
    rows = defaultdict(list)
    for row in connection.execute(query):
        rows[row.person_pk, row.product].append(row)
    return tuple(
        Loss(
            person=PersonId(person),
            product=ProductId(product),
            groups=tuple(dict.fromkeys(GroupId(r.group_pk) for r in found if r.group_pk is not None)),
            lost_at=max(r.lost_at for r in found),
            held=found[0].held in ("yes", "maybe"),
            hold=None if found[0].hold is None else HoldId(found[0].hold),
            base=_base(person, bases.get(ProductId(product), ()), rows.keys(), found[0].lost_why),
        )
        for (person, product), found in rows.items()
    )


def _base(
    person: int, bases: Sequence[ProductId], lost: Collection[tuple[int, str]], why: str
) -> ProductId | None:
    """The base that the person loses, too."""
    return next((base for base in bases if why == "base" or (person, base) in lost), None)


def _transitive(
    connection: Connection, products: list[ProductId], groups: Collection[GroupId]
) -> set[tuple[ProductId, GroupId]]:
    query = select(mappings.c.product, mappings.c.group_pk).where(
        mappings.c.transitive, mappings.c.product.in_(products)
    )
    pairs = {(ProductId(product), GroupId(group)) for product, group in connection.execute(query)}
    return {pair for pair in pairs if pair[1] in groups}


def _holders(connection: Connection, product: ProductId, limit: int) -> int:
    """How many hold the product; no more than `limit` are counted."""
    found = select(standings.c.person_pk).where(HOLDS, standings.c.product == product).limit(limit)
    return connection.scalar(select(func.count()).select_from(found.subquery())) or 0


def _members(connection: Connection, product: ProductId, inside: Collection[GroupId], limit: int) -> int:
    """How many holders of the product any of these groups has; no more than `limit` are counted."""
    found: set[int] = set()
    for group in sorted(inside):
        after: int | None = 0
        while after is not None:
            people, after = _some(connection, group, after, max(2 * limit, CHUNK))
            for chunk in chunks(people):
                who = select(standings.c.person_pk).where(HOLDS, standings.c.product == product)
                found.update(connection.scalars(who.where(standings.c.person_pk.in_(chunk))))
                if len(found) >= limit:
                    return limit
    return len(found)


def _some(connection: Connection, group: GroupId, after: int, limit: int) -> tuple[list[int], int | None]:
    """The people of the group's next members, and up to which user that was; None: there are no more."""
    query = (
        select(memberships.c.user_pk, users.c.person_pk)
        .join(users, users.c.pk == memberships.c.user_pk)
        .where(memberships.c.group_pk == group, memberships.c.user_pk > after)
        .order_by(memberships.c.user_pk)
        .limit(limit)
    )
    rows = connection.execute(query).all()
    return [person for _, person in rows], rows[-1].user_pk if len(rows) == limit else None


def _open(
    connection: Connection, products: list[ProductId]
) -> dict[tuple[ProductId, GroupId | None], HoldId]:
    query = select(holds).where(holds.c.state == "open", holds.c.product.in_(products))
    return {
        (ProductId(row.product), None if row.group_pk is None else GroupId(row.group_pk)): HoldId(row.pk)
        for row in connection.execute(query)
    }

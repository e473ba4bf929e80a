"""How many surely hold each product? Counted where a standing changes: the rows may be millions, and each
round asks."""

from collections import Counter
from collections.abc import Collection, Mapping

from sqlalchemy import Connection, bindparam, func, select, update

from connector.store.rows import upsert
from connector.store.tables import standings, tallies
from sync.model import ProductId

Pair = tuple[int, str]


def surely_held(connection: Connection) -> dict[ProductId, int]:
    found = connection.execute(select(tallies.c.product, tallies.c.surely).where(tallies.c.surely != 0))
    return {ProductId(product): count for product, count in found}


def holders_among(connection: Connection, people: Collection[int], products: Collection[str]) -> set[Pair]:
    """Who of the people surely holds which of the products; nobody else changes that until the transaction
    ends. Up to 500 people."""
    query = (
        select(standings.c.person_pk, standings.c.product, standings.c.held)
        .where(standings.c.person_pk.in_(sorted(people)), standings.c.product.in_(sorted(products)))
        .order_by(standings.c.person_pk, standings.c.product)
        .with_for_update()
    )
    return {(person, product) for person, product, held in connection.execute(query).all() if held == "yes"}


def shift(connection: Connection, before: Collection[Pair], after: Collection[Pair]) -> None:
    """Those who held and those who hold, of the standings that a write concerned."""
    counts = Counter(product for _, product in after)
    counts.subtract(Counter(product for _, product in before))
    _add(connection, {product: by for product, by in counts.items() if by})


def recount(connection: Connection) -> None:
    """From the rows: whatever a count may have missed is mended."""
    kept = select(tallies.c.product).order_by(tallies.c.product).with_for_update()
    right = {ProductId(product): 0 for product in connection.scalars(kept)}  # kept from others meanwhile
    query = select(standings.c.product, func.count()).where(standings.c.held == "yes")
    rows = connection.execute(query.group_by(standings.c.product))
    right |= {ProductId(product): count for product, count in rows}
    upsert(connection, tallies, [{"product": p, "surely": n} for p, n in sorted(right.items())])


def _add(connection: Connection, by: Mapping[str, int]) -> None:
    for product, more in sorted(by.items()):
        statement = update(tallies).where(tallies.c.product == product)
        done = connection.execute(
            statement.values(surely=tallies.c.surely + bindparam("more")), {"more": more}
        )
        if not done.rowcount:
            upsert(
                connection,
                tallies,
                [{"product": product, "surely": more}],
                {"surely": tallies.c.surely + more},
            )

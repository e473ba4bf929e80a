"""Who waits for a seat, in which order? An index of `standings`; places are counted when asked (R14)."""

import json
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import add, eq

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    func,
    literal_column,
    select,
    update,
)

from connector.store import audit, tallies
from connector.store.tables import persons, standings
from sync.model import MappingId, PersonId, ProductId, Waiter

#: spelled as in the index (no "= 1"), or SQLite doesn't see that the partial index serves
WAITS: ColumnElement[bool] = literal_column("standings.waiting")
_ORDER = (standings.c.moved_to, standings.c.priority, standings.c.since, standings.c.person_pk)


@dataclass(frozen=True, slots=True)
class Position:
    position: int  #: 1 is next
    of: int


def head(product: ProductId, limit: int, *, ready: bool) -> Select[tuple[object, ...]]:
    """The query of the first `limit` waiters; exposed so that a test can ask for its plan."""
    query = (
        select(
            standings.c.person_pk,
            persons.c.user_name,
            standings.c.moved_to,
            standings.c.priority,
            standings.c.since,
            standings.c.reasons,
            standings.c.base_ready,
        )
        .join(persons, persons.c.pk == standings.c.person_pk)
        .where(WAITS, standings.c.product == product)
        .order_by(*_ORDER)
        .limit(limit)
    )
    return query.where(standings.c.base_ready) if ready else query


def read_queue(
    connection: Connection, product: ProductId, limit: int, *, ready: bool = False
) -> list[Waiter]:
    """In the order of R14; ready: only those whose base is surely held."""
    return [
        Waiter(
            person=PersonId(row.person_pk),
            user_name=row.user_name,
            moved_to=row.moved_to,
            priority=row.priority,
            since=row.since,
            mappings=tuple(MappingId(reason["mapping"]) for reason in json.loads(row.reasons)),
            base_ready=row.base_ready,
        )
        for row in connection.execute(head(product, limit, ready=ready))
    ]


def position(connection: Connection, product: ProductId, person: PersonId) -> Position | None:
    """None: doesn't wait."""
    found = connection.execute(place(product, person)).first()
    return None if found is None else Position(found.before + 1, found.of)


def place(product: ProductId, person: PersonId) -> Select[tuple[int, int]]:
    """The query of how many wait before the person, and in all; exposed so that a test can ask for its plan.

    Before are those who are alike in the first columns of the order and less in the next: ranges of the
    index. A comparison of whole rows would be made row by row by SQLite.
    """
    own = standings.alias("own")
    mine = [own.c[column.name] for column in _ORDER]
    in_line = select(func.count()).where(WAITS, standings.c.product == product)
    before = [
        in_line.where(*map(eq, _ORDER[:n], mine), less < mine[n]).scalar_subquery()
        for n, less in enumerate(_ORDER)
    ]
    counts = select(reduce(add, before).label("before"), in_line.scalar_subquery().label("of"))
    return counts.where(own.c.person_pk == person, own.c.product == product, own.c.waiting)


def move(
    connection: Connection, product: ProductId, person: PersonId, to: int, by: str, now: datetime
) -> Position:
    """An operator puts a waiter at place `to` (1 is the head), ahead of all who weren't moved (R14); audited.

    Raises LookupError if the person doesn't wait for it, ValueError if `to` isn't a place of the queue.
    """
    query = select(standings.c.person_pk, standings.c.moved_to).where(WAITS, standings.c.product == product)
    rows = connection.execute(query.order_by(*_ORDER).with_for_update()).all()
    before = next((n for n, row in enumerate(rows, 1) if row.person_pk == person), None)
    if before is None:
        raise LookupError(f"person {person} doesn't wait for {product}: see `queue list {product}`")
    if not 1 <= to <= len(rows):
        raise ValueError(f"place {to} isn't in the queue of {product}: give 1 to {len(rows)}")
    moved = [row.person_pk for row in rows if row.moved_to < 0 and row.person_pk != person]
    line = [row.person_pk for row in rows if row.person_pk != person]
    line.insert(to - 1, person)
    ahead = line[: max(to, len(moved) + 1)]  # below 0 stands before everybody else
    for rank, pk in enumerate(ahead):
        at = and_(standings.c.product == product, standings.c.person_pk == pk)
        connection.execute(update(standings).where(at).values(moved_to=rank - len(ahead)))
    detail = {"product": product, "from": before, "to": to}
    audit.append(connection, by, "queue.move", audit.subject_of(connection, person), detail, now)
    return Position(to, len(rows))


def waiting(connection: Connection) -> dict[ProductId, int]:
    """How many wait for each product; those whose base waits, too."""
    query = select(standings.c.product, func.count()).where(WAITS).group_by(standings.c.product)
    return {ProductId(product): count for product, count in connection.execute(query)}


def doubtful(connection: Connection) -> dict[ProductId, int]:
    """F: how many may hold each product without being sure (R12)."""
    return _held(connection, "maybe")


def surely_held(connection: Connection) -> dict[ProductId, int]:
    """How many surely hold each product."""
    return tallies.surely_held(connection)


def _held(connection: Connection, held: str) -> dict[ProductId, int]:
    """One look into the index for each product, and one count: the table may have millions of rows."""
    each = select(func.min(standings.c.product).label("product")).cte("each", recursive=True)
    later = select(func.min(standings.c.product)).where(standings.c.product > each.c.product)
    each = each.union_all(select(later.scalar_subquery()).where(each.c.product.is_not(None)))
    mine = select(func.count()).where(standings.c.product == each.c.product, standings.c.held == held)
    counts = select(each.c.product, mine.scalar_subquery()).where(each.c.product.is_not(None))
    return {ProductId(product): count for product, count in connection.execute(counts) if count}


def count(connection: Connection, product: ProductId, which: ColumnElement[bool]) -> int:
    """The product's standings of which it is true."""
    return connection.scalar(select(func.count()).where(standings.c.product == product, which)) or 0

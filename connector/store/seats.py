"""How did the seats of each product go, and which groups use them now?"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, case, exists, func, or_, select

from connector.store.nested import descendants
from connector.store.rows import upsert
from connector.store.tables import groups, memberships, nestings, pulls, seat_history, standings, users
from sync.model import Mapping, ProductId
from sync.report import Seats


@dataclass(frozen=True, slots=True)
class Level:
    """A product's seats from one moment on."""

    product: ProductId
    at: datetime
    quantity: int
    assigned: int
    waiting: int


@dataclass(frozen=True, slots=True)
class GroupUse:
    """The people of a mapped group, and what they have of its product, whoever else gives it to them."""

    directory: str
    group: str
    product: ProductId
    people: int
    assigned: int  #: surely, or perhaps
    waiting: int
    lacking: int  #: neither: blocked, failed, disabled, in conflict


@dataclass(frozen=True, slots=True)
class LeftOut:
    """People of groups nested in a mapped one that isn't transitive, whom nothing else entitles (R07)."""

    directory: str
    group: str
    product: ProductId
    people: int


def note(connection: Connection, seen: Iterable[Seats], at: datetime) -> None:
    """As a round left them; kept where it isn't as it was."""
    for s in seen:
        last = _newest(connection, ProductId(s.product))
        now = {"quantity": s.quantity, "assigned": s.assigned, "waiting": s.waiting}
        if last is None or any(getattr(last, name) != value for name, value in now.items()):
            upsert(connection, seat_history, [{"product": s.product, "at": at, **now}])


def history(connection: Connection, since: datetime) -> list[Level]:
    """By product and time, from the level that was in force at `since`."""
    found: list[Level] = []
    products = connection.scalars(select(seat_history.c.product).distinct().order_by(seat_history.c.product))
    for product in products.all():
        before = _newest(connection, ProductId(product), since)
        query = select(seat_history).where(seat_history.c.product == product, seat_history.c.at > since)
        rows = connection.execute(query.order_by(seat_history.c.at))
        found += [*([before] if before else []), *(Level(**row._mapping) for row in rows)]
    return found


def _newest(connection: Connection, product: ProductId, until: datetime | None = None) -> Level | None:
    query = select(seat_history).where(seat_history.c.product == product)
    if until is not None:
        query = query.where(seat_history.c.at <= until)
    row = connection.execute(query.order_by(seat_history.c.at.desc()).limit(1)).first()
    return None if row is None else Level(**row._mapping)


def by_group(connection: Connection, mappings: Sequence[Mapping]) -> list[GroupUse]:
    """One a mapping. Reads the members of each mapped group."""
    return [_use(connection, m) for m in mappings]


def _use(connection: Connection, m: Mapping) -> GroupUse:
    inside = descendants([m.group]) if m.transitive else [m.group]
    members = (
        select(users.c.person_pk)
        .join(memberships, memberships.c.user_pk == users.c.pk)
        .where(memberships.c.group_pk.in_(inside))
        .distinct()
        .subquery()
    )
    theirs = and_(standings.c.person_pk == members.c.person_pk, standings.c.product == m.product)
    query = select(
        func.count(),
        func.coalesce(func.sum(case((standings.c.held != "no", 1), else_=0)), 0),
        func.coalesce(func.sum(case((standings.c.waiting, 1), else_=0)), 0),
    ).select_from(members.outerjoin(standings, theirs))
    people, assigned, waiting = connection.execute(query).one()
    return GroupUse(
        m.directory, m.group_name, m.product, people, assigned, waiting, people - assigned - waiting
    )


def unseen(connection: Connection, mappings: Sequence[Mapping]) -> list[Mapping]:
    """Those whose group is of a directory that is read, and of which no member is known: it is empty, or the
    directory wasn't read for it yet; or the group itself isn't here."""
    inside = or_(
        exists().where(memberships.c.group_pk == groups.c.pk),
        exists().where(nestings.c.group_pk == groups.c.pk),
    )
    asked = [m.group for m in mappings]
    query = (
        select(groups.c.pk)
        .outerjoin(pulls, pulls.c.directory_pk == groups.c.directory_pk)
        .where(groups.c.pk.in_(asked), or_(inside, pulls.c.directory_pk.is_(None)))
    )
    known = set(connection.scalars(query))
    return [m for m in mappings if m.group not in known]


def left_out(connection: Connection, mappings: Sequence[Mapping]) -> list[LeftOut]:
    """Of each mapping that isn't transitive and leaves somebody out; by the standings as they are now."""
    found = [(m, _left_out(connection, m)) for m in mappings if not m.transitive]
    return [LeftOut(m.directory, m.group_name, m.product, count) for m, count in found if count]


def _left_out(connection: Connection, m: Mapping) -> int:
    below = descendants([m.group]).subquery()
    nested = (
        select(users.c.person_pk)
        .join(memberships, memberships.c.user_pk == users.c.pk)
        .where(memberships.c.group_pk.in_(select(below.c.pk).where(below.c.pk != m.group)))
        .distinct()
        .subquery()
    )
    # Not by NOT IN: of a million people PostgreSQL would look through all the others for each.
    is_direct = (
        exists()
        .select_from(users.join(memberships, memberships.c.user_pk == users.c.pk))
        .where(users.c.person_pk == nested.c.person_pk, memberships.c.group_pk == m.group)
    )
    is_entitled = exists().where(
        standings.c.person_pk == nested.c.person_pk,
        standings.c.product == m.product,
        standings.c.reasons != "[]",
    )
    query = select(func.count()).select_from(nested).where(~is_direct, ~is_entitled)
    return connection.scalar(query) or 0

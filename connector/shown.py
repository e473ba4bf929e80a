"""What is shown of licenses, requests, holds and directories? The same values for console and command line.

The field names are those of `--json` and are kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection

from connector.store import queue
from sync.model import Hold, Money, Product, ProductId, ProductType, Request, Subscription
from sync.plan import Catalog
from sync.seats import seats_of


@dataclass(frozen=True, slots=True)
class License:
    """One product of AnySoft's catalog, and what this tenant has of it."""

    product: ProductId
    name: str
    family: str
    type: str  #: user, metered
    subscription: str | None  #: None: not bought
    quantity: int
    assigned: int
    waiting: int
    free: int | None  #: None: not bounded by the quantity (L4)
    pending: int | None  #: the quantity that is asked for and not yet in force
    pending_until: datetime | None
    price: Money | None  #: a seat and month; None: unknown (L11)
    renews_on: date | None
    next_bill: Money | None
    destinations: int | None  #: created, of a metered product


def licenses(
    products: Sequence[Product], subscriptions: Sequence[Subscription], connection: Connection
) -> list[License]:
    """All products, in the catalog's order."""
    bought = {s.product: s for s in subscriptions}
    catalog = Catalog(tuple(products), frozenset(bought))
    waiting, doubtful = queue.waiting(connection), queue.doubtful(connection)
    return [
        _license(p, bought.get(p.id), waiting.get(p.id, 0), doubtful.get(p.id, 0), catalog) for p in products
    ]


def free(
    products: Sequence[Product], subscriptions: Sequence[Subscription], connection: Connection
) -> dict[ProductId, int]:
    """Seats of each product of which some are free."""
    return {each.product: each.free for each in licenses(products, subscriptions, connection) if each.free}


def _license(
    product: Product, s: Subscription | None, waiting: int, doubtful: int, catalog: Catalog
) -> License:
    metered = product.type is ProductType.METERED
    return License(
        product=product.id,
        name=product.name,
        family=product.family,
        type=product.type.value,
        subscription=s.id if s else None,
        quantity=s.quantity if s else 0,
        assigned=s.assigned if s else 0,
        waiting=waiting,
        free=(None if metered else seats_of(s, doubtful, catalog).free) if s else 0,
        pending=s.pending.quantity if s and s.pending else None,
        pending_until=s.pending.effective_by if s and s.pending else None,
        price=product.unit_price,
        renews_on=s.renews_on if s else None,
        next_bill=_times(product.unit_price, s.pending.quantity if s.pending else s.quantity) if s else None,
        destinations=s.destinations_created if s and metered else None,
    )


def _times(price: Money | None, seats: int) -> Money | None:
    return Money(price.amount * seats, price.currency) if price else None


@dataclass(frozen=True, slots=True)
class Prompt:
    """A quantity request, and what it costs (R18)."""

    id: int
    product: ProductId
    state: str
    quantity: int  #: Q
    need: int
    proposed: int  #: absolute quantity
    target: int | None  #: approved
    waiting: int
    uncovered: int  #: seats missing beyond those that are scheduled
    charge_now: Money | None  #: for the increase, at once; None: price unknown
    next_bill: Money | None  #: at the next renewal
    renews_on: date | None
    opened_at: datetime
    expires_at: datetime | None
    due_at: datetime | None
    effective_by: datetime | None
    decided_by: str
    reason: str


def prompt(request: Request, licenses: Sequence[License]) -> Prompt:
    license = next((each for each in licenses if each.product == request.product), None)
    price = license.price if license else None
    quantity = request.target if request.target is not None else request.proposed
    return Prompt(
        id=int(request.id or 0),
        product=request.product,
        state=request.state.value,
        quantity=request.quantity,
        need=request.need,
        proposed=request.proposed,
        target=request.target,
        waiting=request.waiting,
        uncovered=request.uncovered,
        charge_now=_times(price, max(0, quantity - request.quantity)),
        next_bill=_times(price, quantity),
        renews_on=license.renews_on if license else None,
        opened_at=request.opened_at,
        expires_at=request.expires_at,
        due_at=request.due_at,
        effective_by=request.effective_by,
        decided_by=request.decided_by,
        reason=request.reason,
    )


HOLD_REASONS = {
    "group_emptied": "the group was emptied",
    "group_share": "many of the group's people would lose it",
    "product_share": "many of the product's people would lose it",
    "first_run": "a first run only observes",
}


def hold(held: Hold, removals: Sequence[tuple[str, str]]) -> dict[str, object]:
    """As `hold list` and `hold show` have it; `removals` are (user name, product), add-ons too."""
    return {
        "id": held.id,
        "state": held.state,
        "digest": held.digest,
        "reason": held.reason,
        "group": held.group_name or None,
        "product": held.product or None,
        "removals": [{"user": user, "product": product} for user, product in removals],
        "opened_at": held.opened_at,
        "decided_at": held.decided_at,
        "decided_by": held.decided_by or None,
    }

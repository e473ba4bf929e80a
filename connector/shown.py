"""What is shown of licenses, requests, holds and directories? The same values for console and command line.

The field names are those of `--json` and are kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection

from connector.store import queue
from sync import costs
from sync.model import Hold, Money, Product, ProductId, ProductType, Request, RequestState, Subscription
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
        next_bill=costs.cost(product.unit_price, (s.pending or s).quantity) if s else None,
        destinations=s.destinations_created if s and metered else None,
    )


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
    price: Money | None  #: a seat and month, now; None, as the next two: unknown (L11), or it ended
    charge_now: Money | None  #: for the increase, at once; of a scheduled one when it is bought
    next_bill: Money | None  #: at the next renewal, which may come before what is scheduled
    approved_price: Money | None  #: a seat and month, as approved; None: unknown, or not approved
    renews_on: date | None
    opened_at: datetime
    expires_at: datetime | None  #: while nobody decided
    due_at: datetime | None
    effective_by: datetime | None
    decided_at: datetime | None
    decided_by: str
    ended_at: datetime | None
    reason: str


def prompt(request: Request, licenses: Sequence[License]) -> Prompt:
    license = next((each for each in licenses if each.product == request.product), None)
    price = license.price if license and request.state.alive else None
    renews_on = license.renews_on if license else None
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
        price=price,
        charge_now=costs.charge_now(request, request.quantity, price),
        next_bill=costs.next_bill(request, request.quantity, price, renews_on),
        approved_price=request.price,
        renews_on=renews_on,
        opened_at=request.opened_at,
        expires_at=request.expires_at if request.state is RequestState.OPEN else None,
        due_at=request.due_at,
        effective_by=request.effective_by,
        decided_at=request.decided_at,
        decided_by=request.decided_by,
        ended_at=request.ended_at,
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

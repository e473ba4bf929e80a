"""Which rules does AnySoft's license section follow? Pure: catalog, calendar, charges, bounds (L2-L12)."""

from calendar import monthrange
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from sync.model import (
    AccountId,
    Money,
    Product,
    ProductId,
    ProductType,
    Result,
    Status,
    Subscription,
    SubscriptionId,
)

ROLE = "GlobalAdministration"  #: L1
LONGEST_CHANGE = timedelta(hours=1)  #: L9
BATCH = 200  #: accounts in one assign or unassign call

ANYPRINT = ProductId("anyprint")
ANYPRINT_CENTRE = ProductId("anyprint-centre")
ANYPRINT_RELEASE = ProductId("anyprint-release")
ANYSCAN = ProductId("anyscan")
ANYSCAN_DESTINATION = ProductId("anyscan-destination")

_USER = "User License billed per allocated user. Each license can be assigned to a single user."
_METERED = "Metered License billed per Destination created. Each license can be assigned to multiple users."

#: L2; the price is not part of the catalog: it differs from tenant to tenant (L11)
CATALOG: Mapping[ProductId, Product] = {
    product.id: product
    for product in (
        Product(ANYPRINT, "AnyPrint", "AnyPrint", ProductType.USER, (), _USER, None),
        Product(
            ANYPRINT_CENTRE,
            "AnyPrint",
            "AnyPrint Centre",
            ProductType.USER,
            (ANYPRINT,),
            f"{_USER} Add-on. Requires AnyPrint License.",
            None,
        ),
        Product(
            ANYPRINT_RELEASE,
            "AnyPrint",
            "AnyPrint Release",
            ProductType.USER,
            (ANYPRINT,),
            f"{_USER} Add-on. Requires AnyPrint License.",
            None,
        ),
        Product(ANYSCAN, "AnyScan", "AnyScan", ProductType.METERED, (), _METERED, None),
        Product(
            ANYSCAN_DESTINATION,
            "AnyScan",
            "AnyScan Destination",
            ProductType.METERED,
            (ANYSCAN,),
            f"{_METERED} Additional Destination license. Requires AnyScan.",
            None,
        ),
    )
}
METERED = frozenset(id for id, product in CATALOG.items() if product.type is ProductType.METERED)


def addons_of(base: ProductId) -> tuple[ProductId, ...]:
    return tuple(id for id, product in CATALOG.items() if base in product.requires)


# ---- the billing calendar (L5) ----


def renewals(started_on: date, after: date) -> Iterator[date]:
    """The renewal dates later than `after`, first to last, without end.

    | started | renews                                 |
    | ------- | -------------------------------------- |
    | Jan 15  | Feb 15, Mar 15, …                      |
    | Jan 31  | Feb 28 (29), Mar 31, Apr 30, May 31, … |
    """
    month = max(1, (after.year - started_on.year) * 12 + after.month - started_on.month)
    while True:
        years, index = divmod(started_on.month - 1 + month, 12)
        year = started_on.year + years
        day = date(year, index + 1, min(started_on.day, monthrange(year, index + 1)[1]))
        if day > after:
            yield day
        month += 1


def renews_on(started_on: date, today: date) -> date:
    """The next renewal: the first one after `today` (the one of today is billed at 00:00 UTC)."""
    return next(renewals(started_on, today))


# ---- money (L5, L6, L9: upfront, at an increase, at renewals; never pro rata, never back) ----


class ChargeKind(StrEnum):
    UPFRONT = "upfront"
    INCREASE = "increase"
    RENEWAL = "renewal"


@dataclass(frozen=True, slots=True)
class Charge:
    at: datetime
    subscription: SubscriptionId
    product: ProductId
    kind: ChargeKind
    seats: int
    amount: Money | None  #: None: the price is unknown (L11)


def cost(price: Money | None, seats: int) -> Money | None:
    """What `seats` cost for a month; unknown stays unknown, it is never 0."""
    return None if price is None else Money(price.amount * seats, price.currency)


def next_bill(subscription: Subscription, price: Money | None) -> Money | None:
    """What the next renewal charges, a pending change counted if it will be in force by then."""
    renewal = datetime.combine(subscription.renews_on, time(), UTC)
    pending = subscription.pending
    soon = pending is not None and pending.effective_by < renewal
    return cost(price, pending.quantity if pending is not None and soon else subscription.quantity)


# ---- bounds (L4, L10) ----


def lowest_quantity(product: ProductId, assigned: int, destinations: int, other_metered: int) -> int:
    """L10. `destinations` exist in all, `other_metered` is the quantity of the other metered product."""
    used = destinations - other_metered if product in METERED else assigned
    return max(1, used)


def allowed_destinations(quantities: Mapping[ProductId, int]) -> int:
    """L4: the quantity of AnyScan plus that of AnyScan Destination."""
    return sum(quantity for product, quantity in quantities.items() if product in METERED)


# ---- assigning and unassigning (L3, L7, L8, L12) ----


def assign_each(
    accounts: Sequence[AccountId],
    active: Mapping[AccountId, bool],
    holders: Set[AccountId],
    bases: Collection[Set[AccountId]],
    free: int | None,
) -> list[Result]:
    """One result each, in the order asked; the first that applies:

    unknown_user, already_assigned (also when inactive: nothing changes), inactive_user,
    requires_product (L12), no_license_left (L3; `free` is None for metered products, L4), assigned.
    `active`: the accounts that exist. `bases`: the holders of each product that this one requires.
    """
    have = set(holders)
    results = []
    for account in accounts:
        if account not in active:
            status = Status.UNKNOWN_USER
        elif account in have:
            status = Status.ALREADY_ASSIGNED
        elif not active[account]:
            status = Status.INACTIVE_USER
        elif any(account not in base for base in bases):
            status = Status.REQUIRES_PRODUCT
        elif free is not None and free <= 0:
            status = Status.NO_LICENSE_LEFT
        else:
            status = Status.ASSIGNED
            have.add(account)
            free = None if free is None else free - 1
        results.append(Result(account, status))
    return results


def unassign_each(
    accounts: Sequence[AccountId],
    known: Set[AccountId],
    holders: Set[AccountId],
    addon_holders: Set[AccountId],
) -> list[Result]:
    """One result each, in the order asked; the first that applies:

    unknown_user, not_assigned, required_by_addon (L12), unassigned.
    """
    have = set(holders)
    results = []
    for account in accounts:
        if account not in known:
            status = Status.UNKNOWN_USER
        elif account not in have:
            status = Status.NOT_ASSIGNED
        elif account in addon_holders:
            status = Status.REQUIRED_BY_ADDON
        else:
            status = Status.UNASSIGNED
            have.discard(account)
        results.append(Result(account, status))
    return results

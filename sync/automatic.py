"""May a shortage be bought without a person? Inside all caps, when nothing is odd (R21, R25). Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sync.model import Buying, GrowthPolicy, Product, Request, Subscription


@dataclass(frozen=True, slots=True)
class Growth:
    """A group's people, and how many of them are new in the window."""

    group: str
    people: int
    new: int


@dataclass(frozen=True, slots=True)
class PurchaseView:
    """What a purchase without a person depends on."""

    seats_this_month: int  #: bought automatically, of this product
    open_holds: int
    stale: tuple[str, ...]  #: directories that nothing was heard of, or whose read is incomplete
    growth: tuple[Growth, ...]  #: of the groups that give the product


def why_not(
    request: Request,
    sub: Subscription,
    product: Product,
    buying: Buying,
    view: PurchaseView,
    policy: GrowthPolicy,
) -> str:
    """In words, for the request; "" when it may be bought as proposed."""
    more = request.proposed - sub.quantity
    month = view.seats_this_month + more
    price = product.unit_price
    unusual = grown(view.growth, policy)
    if price is None:
        return "the price is unknown"
    if view.open_holds:
        return "removals are held, and may free seats"
    if view.stale:
        return f"directory {view.stale[0]} is stale"
    if unusual:
        return f"group {unusual[0].group} grew unusually: {unusual[0].new} of its {unusual[0].people} are new"
    if more > buying.seats_per_request:
        return f"{more} seats are more than the {buying.seats_per_request} of one request"
    if request.proposed > buying.ceiling:
        return f"{request.proposed} is above the ceiling of {buying.ceiling}"
    if month > buying.seats_per_month:
        return f"{month} seats this month are more than {buying.seats_per_month}"
    if price.amount * Decimal(month) > buying.money_per_month:
        return f"{price.amount * month} {price.currency} this month is more than {buying.money_per_month}"
    return ""


def grown(groups: Sequence[Growth], policy: GrowthPolicy) -> tuple[Growth, ...]:
    """More new people than max(least, percent of those before) (R25)."""
    return tuple(
        g for g in groups if g.new > policy.least and g.new * 100 > (g.people - g.new) * policy.percent
    )

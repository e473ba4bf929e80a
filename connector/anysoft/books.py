"""What has become due, and what is charged for it? Pure: pending quantities and renewals (L5, L9, L10)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time

from connector.anysoft.licensing import METERED, Charge, ChargeKind, cost, lowest_quantity, renewals
from sync.model import Money, PendingChange, ProductId, SubscriptionId


@dataclass(frozen=True, slots=True)
class Bought:
    """One subscription as its books have it."""

    id: SubscriptionId
    product: ProductId
    quantity: int  #: in force
    assigned: int
    started_on: date
    billed_on: date  #: upfront, or the last renewal that was charged
    pending: PendingChange | None = None
    refused: bool = False  #: the pending change will end without effect


Prices = Mapping[ProductId, Money]


def is_due(bought: Mapping[ProductId, Bought], now: datetime) -> bool:
    return any(True for _ in _events(bought, now))


def settle(
    bought: Mapping[ProductId, Bought], destinations: int, prices: Prices, now: datetime
) -> tuple[dict[ProductId, Bought], list[Charge]]:
    """The books after all that is due by `now`, in the order in which it fell due.

    A change takes effect at `pending.effective_by`; until then the old quantity is in force, so people may
    have been assigned since it was asked for: a decrease that would now break L10 ends without effect, like
    one that AnySoft refuses. A renewal is charged at 00:00 UTC of its date, before a change of the same
    moment, so that an increase is never charged twice.
    """
    books = dict(bought)
    charges = []
    for at, change, product in sorted(_events(bought, now)):
        entry = books[product]
        if change:
            books[product], billed = _effect(books, entry, destinations, prices)
            charges += billed
        else:
            books[product] = replace(entry, billed_on=at.date())
            charges.append(_charge(at, entry, ChargeKind.RENEWAL, entry.quantity, prices))
    return books, charges


def lowest(books: Mapping[ProductId, Bought], product: ProductId, destinations: int) -> int:
    """L10: how low the quantity of a subscription may go now."""
    other = sum(entry.quantity for id, entry in books.items() if id in METERED and id != product)
    return lowest_quantity(product, books[product].assigned, destinations, other)


def upfront(entry: Bought, prices: Prices, at: datetime) -> Charge:
    return _charge(at, entry, ChargeKind.UPFRONT, entry.quantity, prices)


def _events(bought: Mapping[ProductId, Bought], now: datetime) -> Iterator[tuple[datetime, bool, ProductId]]:
    """(when, whether a change rather than a renewal, product)"""
    for product, entry in bought.items():
        if entry.pending is not None and entry.pending.effective_by <= now:
            yield entry.pending.effective_by, True, product
        for day in renewals(entry.started_on, entry.billed_on):
            at = datetime.combine(day, time(), UTC)
            if at > now:
                break
            yield at, False, product


def _effect(
    books: Mapping[ProductId, Bought], entry: Bought, destinations: int, prices: Prices
) -> tuple[Bought, list[Charge]]:
    ended = replace(entry, pending=None, refused=False)
    if entry.pending is None or entry.refused:
        return ended, []
    at, target = entry.pending.effective_by, entry.pending.quantity
    more = target - entry.quantity
    if more < 0 and target < lowest(books, entry.product, destinations):
        return ended, []
    billed = [_charge(at, entry, ChargeKind.INCREASE, more, prices)] if more > 0 else []
    return replace(ended, quantity=target), billed


def _charge(at: datetime, entry: Bought, kind: ChargeKind, seats: int, prices: Prices) -> Charge:
    return Charge(at, entry.id, entry.product, kind, seats, cost(prices.get(entry.product), seats))

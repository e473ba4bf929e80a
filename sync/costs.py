"""What does a quantity request cost, and when is it billed? (L5, L6, L9, L11; R18)

An increase is charged at once, nothing is pro rata, nothing is refunded. `price` is that of a seat and month;
None is "price unknown", never 0.
"""

from datetime import UTC, date, datetime, time, timedelta

from sync.model import Money, Request, RequestState

#: what AnySoft allows itself for a change (L9)
LONGEST_CHANGE = timedelta(hours=1)


def charge_now(request: Request, bought: int, price: Money | None) -> Money | None:
    """What AnySoft charges at the increase: the new seats, for a month."""
    return cost(price, max(0, _wanted(request) - bought))


def next_bill(request: Request, bought: int, price: Money | None, renews_on: date | None) -> Money | None:
    """What the next renewal charges: what is in force by then."""
    return cost(price, bought if bills_before(request, renews_on) else _wanted(request))


def bill_after(request: Request, price: Money | None) -> Money | None:
    """What a renewal charges once the request is in force."""
    return cost(price, _wanted(request))


def bills_before(request: Request, renews_on: date | None) -> bool:
    """Whether what is scheduled isn't in force at the next renewal, which bills the seats there are."""
    if request.state is not RequestState.SCHEDULED or request.due_at is None or renews_on is None:
        return False
    return request.due_at + LONGEST_CHANGE > datetime.combine(renews_on, time(), UTC)


def cost(price: Money | None, seats: int) -> Money | None:
    return None if price is None else Money(price.amount * seats, price.currency)


def in_words(money: Money | None) -> str:
    """ "4.00 EUR"; what isn't known is said to be so."""
    return "price unknown" if money is None else f"{money.amount:.2f} {money.currency}"


def _wanted(request: Request) -> int:
    return request.proposed if request.target is None else request.target

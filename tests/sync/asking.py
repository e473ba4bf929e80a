"""Which requests, subscriptions and shortages do the tests of buying begin with?"""

from datetime import date
from typing import Any

from sync import quantity
from sync.model import (
    Address,
    Billing,
    Figures,
    Money,
    PendingChange,
    Policy,
    Request,
    RequestId,
    RequestState,
    Subscription,
    SubscriptionId,
)
from sync.plan import Shortage
from tests.moments import START, at
from tests.sync.world import PRINT

DAY = 24 * 60
POLICY = Policy()
S = RequestState


def sub(q: int = 20, pending: int | None = None) -> Subscription:
    change = None if pending is None else PendingChange(pending, at(0), at(60))
    return Subscription(
        SubscriptionId("s"),
        PRINT,
        q,
        q,
        0,
        date(2027, 1, 15),
        date(2027, 3, 15),
        change,
        Billing("", ""),
        Address("", "", "", ""),
    )


def short(need: int, waiting: int | None = None) -> Shortage:
    return Shortage(PRINT, need if waiting is None else waiting, 0, need)


def request(state: RequestState = S.OPEN, **values: Any) -> Request:
    """Three are missing at 20 seats; asked at the start."""
    given: dict[str, Any] = {
        "quantity": 20,
        "waiting": 3,
        "need": 3,
        "proposed": 23,
        "opened_at": START,
        "updated_at": START,
        "expires_at": at(14 * DAY),
    }
    given |= {} if state is S.OPEN else {"target": 23, "decided_at": START, "decided_by": "eva"}
    return Request(RequestId(1), PRINT, SubscriptionId("s"), state, **(given | values))


def step(
    before: Request | None,
    subscription: Subscription | None = None,
    shortage: Shortage | None = None,
    now: float = 5,
    last: Request | None = None,
    policy: Policy = POLICY,
) -> Request | None:
    return quantity.step(before, last, subscription or sub(), shortage or short(3), at(now), policy)


def stepped(*args: Any, **kwargs: Any) -> Request:
    found = step(*args, **kwargs)
    assert found is not None
    return found


def approve(
    before: Request,
    number: int | None = None,
    seen: tuple[int, int] = (20, 3),
    subscription: Subscription | None = None,
    price: Money | None = None,
) -> Request:
    figures = Figures(*seen, price)
    return quantity.approve(before, number, figures, subscription or sub(), price, "eva", at(9))

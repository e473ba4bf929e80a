"""R18: what a request costs, and when it is billed (L5, L9, L11)."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from sync.costs import bill_after, charge_now, next_bill
from sync.model import Money
from tests.sync.asking import S, request

FOUR = Money(Decimal("4.00"), "EUR")
RENEWS = date(2027, 3, 15)


def euros(amount: str) -> Money:
    return Money(Decimal(amount), "EUR")


def test_what_it_costs() -> None:
    """R18: charged now, and at the next renewal"""
    assert charge_now(request(), 20, FOUR) == euros("12.00")
    assert next_bill(request(), 20, FOUR, RENEWS) == euros("92.00")
    approved = request(S.APPROVED, target=30)
    assert charge_now(approved, 20, FOUR) == euros("40.00")
    assert next_bill(approved, 20, FOUR, RENEWS) == euros("120.00")
    assert charge_now(approved, 35, FOUR) == euros("0.00"), "nothing is refunded"


@pytest.mark.parametrize(
    ("says", "due", "bill"),
    [
        ("in force by then", datetime(2027, 3, 14, 23, 0, tzinfo=UTC), "92.00"),
        ("a change takes up to an hour", datetime(2027, 3, 14, 23, 1, tzinfo=UTC), "80.00"),
        ("bought at the renewal", datetime(2027, 3, 15, tzinfo=UTC), "80.00"),
        ("months later", datetime(2027, 9, 1, tzinfo=UTC), "80.00"),
    ],
)
def test_r18_the_next_renewal_bills_what_is_in_force_by_then(says: str, due: datetime, bill: str) -> None:
    scheduled = request(S.SCHEDULED, due_at=due)
    assert next_bill(scheduled, 20, FOUR, RENEWS) == euros(bill), says
    assert bill_after(scheduled, FOUR) == euros("92.00")


def test_an_unknown_price_is_never_0() -> None:
    """R18, L11"""
    assert charge_now(request(), 20, None) is None
    assert next_bill(request(), 20, None, RENEWS) is None
    assert bill_after(request(), None) is None

"""What falls due, in which order, whenever somebody looks? (L5, L9, L10)"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from connector.anysoft.books import Bought, is_due, settle
from sync.model import Money, PendingChange, ProductId, SubscriptionId

ANYPRINT = ProductId("anyprint")
PRICES = {ANYPRINT: Money(Decimal(1), "EUR")}


def bought(day: date, quantity: int = 5, pending: PendingChange | None = None) -> Bought:
    return Bought(SubscriptionId("s"), ANYPRINT, quantity, 0, day, day, pending)


def test_L5_L9_a_renewal_of_the_same_moment_comes_before_the_increase() -> None:
    midnight = datetime(2026, 2, 15, tzinfo=UTC)
    entry = bought(date(2026, 1, 15), 5, PendingChange(8, midnight - timedelta(hours=1), midnight))
    _, charges = settle({ANYPRINT: entry}, 0, PRICES, midnight)
    assert [(charge.kind, charge.seats) for charge in charges] == [("renewal", 5), ("increase", 3)]


def test_L9_a_renewal_after_the_change_charges_the_new_quantity() -> None:
    effective = datetime(2026, 2, 14, 23, tzinfo=UTC)
    entry = bought(date(2026, 1, 15), 5, PendingChange(2, effective - timedelta(hours=1), effective))
    _, charges = settle({ANYPRINT: entry}, 0, PRICES, datetime(2026, 2, 15, tzinfo=UTC))
    assert [(charge.kind, charge.seats) for charge in charges] == [("renewal", 2)]


def test_nothing_is_due_before_its_time() -> None:
    midnight = datetime(2026, 2, 15, tzinfo=UTC)
    change = PendingChange(8, midnight, midnight + timedelta(hours=1))
    entry = bought(date(2026, 1, 15), 5, change)
    assert not is_due({ANYPRINT: entry}, midnight - timedelta(microseconds=1))
    assert is_due({ANYPRINT: entry}, midnight)


@given(
    st.dates(date(2024, 1, 1), date(2027, 12, 31)),
    st.lists(st.integers(0, 40 * 24), min_size=1, max_size=8),
    st.integers(1, 9),
)
def test_L5_L9_how_often_somebody_looks_changes_no_bill(
    started_on: date, hours: list[int], quantity: int
) -> None:
    start = datetime(started_on.year, started_on.month, started_on.day, 10, tzinfo=UTC)
    effective = start + timedelta(hours=1)
    once = seldom = {ANYPRINT: bought(started_on, 5, PendingChange(quantity, start, effective))}
    looks = [start]
    for lapse in hours:
        looks.append(looks[-1] + timedelta(hours=lapse))
    often = []
    for now in looks:
        seldom, charges = settle(seldom, 0, PRICES, now)
        assert not is_due(seldom, now)
        often += charges
    assert (seldom, often) == settle(once, 0, PRICES, looks[-1])

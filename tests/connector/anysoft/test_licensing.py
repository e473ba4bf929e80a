"""Are calendar, charges and bounds right for any dates and numbers? (L2-L6, L10-L12)"""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.anysoft.licensing import (
    CATALOG,
    addons_of,
    allowed_destinations,
    assign_each,
    cost,
    lowest_quantity,
    next_bill,
    renewals,
    renews_on,
    unassign_each,
)
from sync.model import (
    AccountId,
    Address,
    Billing,
    Money,
    PendingChange,
    ProductId,
    Status,
    Subscription,
    SubscriptionId,
)

DAYS = st.dates(date(2020, 1, 1), date(2090, 12, 31))
ACCOUNTS = st.sampled_from([AccountId(name) for name in "abcdefg"])


@given(DAYS)
def test_L5_one_renewal_in_each_month_on_the_day_it_started_or_the_last(started_on: date) -> None:
    seen = list(islice(renewals(started_on, started_on), 30))
    months = [day.year * 12 + day.month for day in seen]
    first = started_on.year * 12 + started_on.month + 1
    assert months == list(range(first, first + 30))
    for day in seen:
        last = monthrange(day.year, day.month)[1]
        assert day.day == started_on.day or (day.day == last < started_on.day)


@given(DAYS, st.integers(0, 2000))
def test_L5_the_next_renewal_is_the_first_after_today(started_on: date, later: int) -> None:
    today = started_on + timedelta(days=later)
    following = renews_on(started_on, today)
    assert today < following <= today + timedelta(days=31)
    everything = list(islice(renewals(started_on, started_on), 80))
    assert following == next(day for day in everything if day > today)


@pytest.mark.parametrize(
    ("started_on", "expected"),
    [
        ("2026-01-31", ["2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]),
        ("2027-12-30", ["2028-01-30", "2028-02-29", "2028-03-30", "2028-04-30"]),
        ("2026-11-29", ["2026-12-29", "2027-01-29", "2027-02-28", "2027-03-29"]),
        ("2026-06-15", ["2026-07-15", "2026-08-15", "2026-09-15", "2026-10-15"]),
    ],
)
def test_L5_short_months_and_back_again(started_on: str, expected: list[str]) -> None:
    start = date.fromisoformat(started_on)
    assert [day.isoformat() for day in islice(renewals(start, start), 4)] == expected


def test_L5_a_clock_before_the_start_still_names_the_first_renewal() -> None:
    assert renews_on(date(2026, 1, 31), date(2025, 6, 1)) == date(2026, 2, 28)


def test_L11_what_is_unknown_costs_unknown() -> None:
    assert cost(None, 3) is None
    assert cost(Money(Decimal("4.15"), "EUR"), 3) == Money(Decimal("12.45"), "EUR")


@pytest.mark.parametrize(
    ("effective", "quantity"), [(None, 5), ("2026-02-27T23:59:59", 8), ("2026-02-28T00:00:00", 5)]
)
def test_L9_the_next_bill_counts_a_change_in_force_by_then(effective: str | None, quantity: int) -> None:
    pending = None
    if effective is not None:
        at = datetime.fromisoformat(effective).replace(tzinfo=UTC)
        pending = PendingChange(8, at - timedelta(hours=1), at)
    subscription = Subscription(
        SubscriptionId("s"), ProductId("anyprint"), 5, 0, 0, date(2026, 1, 31), date(2026, 2, 28), pending,
        Billing("", ""), Address("", "", "", ""),
    )  # fmt: skip
    assert next_bill(subscription, Money(Decimal(2), "EUR")) == Money(Decimal(2 * quantity), "EUR")
    assert next_bill(subscription, None) is None


@pytest.mark.parametrize(
    ("product", "assigned", "destinations", "other", "lowest"),
    [
        ("anyprint", 0, 9, 0, 1),
        ("anyprint", 7, 9, 3, 7),
        ("anyscan", 7, 0, 0, 1),
        ("anyscan", 7, 5, 3, 2),
        ("anyscan-destination", 7, 5, 9, 1),
    ],
)
def test_L10_how_low(product: str, assigned: int, destinations: int, other: int, lowest: int) -> None:
    assert lowest_quantity(ProductId(product), assigned, destinations, other) == lowest


def test_L4_only_metered_quantities_allow_destinations() -> None:
    quantities = {ProductId("anyprint"): 50, ProductId("anyscan"): 2, ProductId("anyscan-destination"): 3}
    assert allowed_destinations(quantities) == 5


def test_L12_addons_are_the_products_that_require_the_base() -> None:
    assert addons_of(ProductId("anyprint")) == ("anyprint-centre", "anyprint-release")
    assert addons_of(ProductId("anyscan")) == ("anyscan-destination",)
    assert all(not addons_of(id) for id, product in CATALOG.items() if product.requires)


@given(
    st.lists(ACCOUNTS, max_size=12),
    st.dictionaries(ACCOUNTS, st.booleans()),
    st.sets(ACCOUNTS),
    st.lists(st.sets(ACCOUNTS), max_size=2),
    st.none() | st.integers(-2, 5),
)
def test_L3_L7_L12_assigning(
    asked: list[AccountId],
    active: dict[AccountId, bool],
    holders: set[AccountId],
    bases: list[set[AccountId]],
    free: int | None,
) -> None:
    results = assign_each(asked, active, holders, bases, free)
    assert [result.account for result in results] == asked
    taken = [result.account for result in results if result.status is Status.ASSIGNED]
    assert len(taken) == len(set(taken))
    assert free is None or len(taken) <= max(0, free)
    assert all(active[a] and a not in holders and all(a in base for base in bases) for a in taken)
    for result in results:
        if result.status is Status.NO_LICENSE_LEFT:
            assert free is not None
            assert len(taken) == max(0, free), "nobody is sent away while a seat is free"


@given(st.lists(ACCOUNTS, max_size=12), st.sets(ACCOUNTS), st.sets(ACCOUNTS), st.sets(ACCOUNTS))
def test_L8_L12_unassigning(
    asked: list[AccountId], known: set[AccountId], holders: set[AccountId], addons: set[AccountId]
) -> None:
    results = unassign_each(asked, known, holders, addons)
    freed = [result.account for result in results if result.status is Status.UNASSIGNED]
    assert [result.account for result in results] == asked
    assert len(freed) == len(set(freed))
    assert set(freed) == set(asked) & known & holders - addons

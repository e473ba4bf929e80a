"""When does the worker begin a round?"""

from datetime import UTC, date, datetime, timedelta

import pytest

from connector.due import Cause, Look, due, patience, read_again, subscribed
from connector.store.signals import Asked
from sync.model import Address, Billing, PendingChange, ProductId, Subscription, SubscriptionId
from sync.reconcile import Scope

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
FRESH = NOW - timedelta(minutes=1)


def look(
    asked: Asked | None = None,
    full_at: datetime | None = FRESH,
    moved: bool = False,
    work: bool = False,
    owed: bool = False,
    patient: bool = False,
) -> Look:
    return Look(NOW, asked, full_at, moved, work, owed, patient)


@pytest.mark.parametrize(
    ("seen", "cause"),
    [
        (look(), None),
        (look(work=True), Cause("changes", Scope.CHANGED)),
        (look(moved=True), Cause("subscriptions", Scope.CHANGED)),
        (look(owed=True), Cause("unfinished", Scope.CHANGED)),
        (look(work=True, owed=True), Cause("changes", Scope.CHANGED)),
        (look(owed=True, patient=True), None),
        (look(full_at=None), Cause("schedule", Scope.EVERYONE)),
        (look(full_at=NOW - HOUR), Cause("schedule", Scope.EVERYONE)),
        (look(full_at=NOW - HOUR, work=True, moved=True), Cause("schedule", Scope.EVERYONE)),
        (look(full_at=NOW + HOUR), Cause("schedule", Scope.EVERYONE)),  # the clock went back
        (look(asked=Asked(1, False, "cli:a"), work=True), Cause("cli:a", Scope.CHANGED)),
        (look(asked=Asked(1, True, "cli:a")), Cause("cli:a", Scope.EVERYONE)),
        (look(work=True, moved=True, full_at=None, patient=True), None),
        (look(asked=Asked(1, False, "cli:a"), patient=True), Cause("cli:a", Scope.CHANGED)),
    ],
)
def test_the_most_pressing_reason_counts(seen: Look, cause: Cause | None) -> None:
    assert due(seen, HOUR) == cause


def test_patience_doubles_to_a_minute_and_ends_with_the_first_whole_round() -> None:
    waits = [patience(n, NOW) for n in range(8)]
    assert waits[0] is None
    assert [(at - NOW).total_seconds() for at in waits[1:] if at] == [5, 10, 20, 40, 60, 60, 60]


def subscription(quantity: int = 5, pending: PendingChange | None = None) -> Subscription:
    return Subscription(
        id=SubscriptionId("s1"),
        product=ProductId("anyprint"),
        quantity=quantity,
        assigned=0,
        destinations_created=0,
        started_on=date(2026, 1, 1),
        renews_on=date(2026, 12, 1),
        pending=pending,
        billing=Billing("a", "a@x.example"),
        address=Address("1", "b", "c", "SE"),
    )


def test_subscriptions_are_read_every_minute() -> None:
    last = subscribed((subscription(),), NOW)
    every = timedelta(seconds=60)
    assert read_again(None, NOW, every)
    assert not read_again(last, NOW + timedelta(seconds=59), every)
    assert read_again(last, NOW + every, every)
    assert read_again(last, NOW - HOUR, every)  # the clock went back


def test_and_every_ten_seconds_while_a_change_is_pending_and_when_it_should_be_over() -> None:
    pending = PendingChange(9, NOW, NOW + timedelta(seconds=13))
    last = subscribed((subscription(pending=pending),), NOW)
    every = timedelta(seconds=60)
    assert not read_again(last, NOW + timedelta(seconds=9), every)
    assert read_again(last, NOW + timedelta(seconds=10), every)
    later = subscribed((subscription(pending=pending),), NOW + timedelta(seconds=10))
    assert not read_again(later, NOW + timedelta(seconds=12), every)
    assert read_again(later, NOW + timedelta(seconds=13), every)
    overdue = subscribed((subscription(pending=pending),), NOW + timedelta(seconds=14))
    assert not read_again(overdue, NOW + timedelta(seconds=20), every)


def test_another_quantity_is_noticed() -> None:
    assert subscribed((subscription(5),), NOW).seen != subscribed((subscription(6),), NOW).seen

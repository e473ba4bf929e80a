"""R18-R20: asking for more seats, and buying them once."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from sync import quantity
from sync.model import (
    Address,
    Billing,
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
from tests.sync.world import PRINT, PRODUCTS

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


# ---- opened, updated, withdrawn, expired (R18) ----


def test_a_shortage_opens_one_request() -> None:
    """R18"""
    opened = stepped(None, policy=Policy(headroom=2))
    assert opened == replace(
        request(), id=None, proposed=25, opened_at=at(5), updated_at=at(5), expires_at=at(5 + 14 * DAY)
    )


def test_no_shortage_opens_nothing() -> None:
    assert step(None, shortage=short(0, waiting=2)) is None


def test_while_a_change_is_pending_no_second_one_is_opened() -> None:
    """R20"""
    assert step(None, sub(20, pending=22), short(1)) is None


@pytest.mark.parametrize(
    ("says", "state", "waited", "waiting", "days", "opens"),
    [
        ("declined: quiet while no more wait than were seen", S.DECLINED, 3, 3, 1, False),
        ("declined: one more waits", S.DECLINED, 3, 4, 1, True),
        ("declined: the quiet days are over", S.DECLINED, 3, 3, 30, True),
        ("declined: not quite over", S.DECLINED, 3, 3, 29.9, False),
        ("expired: as declined", S.EXPIRED, 3, 3, 1, False),
        ("withdrawn: a new need asks anew", S.WITHDRAWN, 3, 1, 0, True),
        ("done: a new need asks anew", S.DONE, 3, 1, 0, True),
    ],
)
def test_quiet(says: str, state: RequestState, waited: int, waiting: int, days: float, opens: bool) -> None:
    """R18: until more people wait than the decliner saw, or 30 days have passed."""
    last = request(state, waiting=waited, ended_at=START)
    assert (step(None, shortage=short(waiting), now=days * DAY, last=last) is not None) == opens, says


def test_without_an_end_the_quiet_days_run_from_the_last_update() -> None:
    last = request(S.DECLINED, updated_at=at(DAY))
    assert step(None, now=30 * DAY, last=last) is None
    assert step(None, now=31 * DAY, last=last) is not None


def test_after_a_refusal_the_new_request_names_the_refused_one() -> None:
    """R20"""
    assert stepped(None, last=request(S.REFUSED, ended_at=START)).follows == RequestId(1)
    assert stepped(None, last=request(S.DONE, ended_at=START)).follows is None


def test_a_request_that_is_as_it_was_is_the_same_object() -> None:
    before = request()
    assert step(before) is before


@pytest.mark.parametrize(
    ("says", "subscription", "shortage", "figures"),
    [
        ("more wait", sub(20), short(5), (20, 5, 5, 25)),
        ("fewer wait", sub(20), short(1, waiting=4), (20, 4, 1, 21)),
        ("somebody bought in the portal", sub(22), short(1), (22, 1, 1, 23)),
        ("somebody's change is pending", sub(20, pending=22), short(1), (20, 1, 1, 23)),
    ],
)
def test_later_shortages_update_it(
    says: str, subscription: Subscription, shortage: Shortage, figures: tuple[int, ...]
) -> None:
    """R18"""
    s = stepped(request(), subscription, shortage)
    assert (s.quantity, s.waiting, s.need, s.proposed) == figures, says
    assert (s.state, s.updated_at, s.opened_at, s.expires_at) == (S.OPEN, at(5), START, at(14 * DAY))


def test_a_need_that_vanishes_withdraws_it() -> None:
    """R18"""
    s = stepped(request(), shortage=short(0))
    assert (s.state, s.ended_at, s.state.alive) == (S.WITHDRAWN, at(5), False)


def test_nobody_answers() -> None:
    """R18: expiry after 14 days; without a date never."""
    assert stepped(request(), now=14 * DAY - 1).state is S.OPEN
    expired = stepped(request(), now=14 * DAY)
    assert (expired.state, expired.ended_at) == (S.EXPIRED, at(14 * DAY))
    assert stepped(request(expires_at=None), now=99 * DAY).state is S.OPEN


@pytest.mark.parametrize(
    ("says", "day", "reopened", "due"),
    [
        ("two days: not yet", 2.9, None, 0),
        ("after three days", 3, None, 1),
        ("again after seven", 7, None, 2),
        ("never a third time", 13, None, 2),
        ("reopened after three days: that was said then", 5, 3, 0),
        ("reopened after three days, again after seven", 7, 3, 1),
    ],
)
def test_reminders(says: str, day: float, reopened: float | None, due: int) -> None:
    """R18: after 3 and 7 days"""
    before = request(reminded_at=None if reopened is None else at(reopened * DAY))
    assert quantity.reminders(before, at(day * DAY), POLICY) == due, says


def test_only_an_open_request_reminds() -> None:
    assert quantity.reminders(request(S.APPROVED), at(5 * DAY), POLICY) == 0


# ---- decided by a person (R19) ----


def approve(
    before: Request,
    number: int | None = None,
    seen: tuple[int, int] = (20, 3),
    subscription: Subscription | None = None,
) -> Request:
    return quantity.approve(before, number, *seen, subscription or sub(), "eva", at(9))


@pytest.mark.parametrize(("number", "target"), [(None, 23), (30, 30), (21, 21)])
def test_approved_as_proposed_or_another_number(number: int | None, target: int) -> None:
    """R19: recorded with who and when; an absolute quantity (R20)."""
    s = approve(request(), number)
    assert (s.state, s.target, s.decided_by, s.decided_at) == (S.APPROVED, target, "eva", at(9))
    assert quantity.to_send(s)


@pytest.mark.parametrize(
    ("says", "before", "seen", "subscription"),
    [
        ("another Q was shown", request(), (19, 3), sub(20)),
        ("another need was shown", request(), (20, 2), sub(20)),
        ("Q is another at the click", request(), (20, 3), sub(21)),
        ("Q is as shown, but the proposal was made for another", request(quantity=19), (20, 3), sub(20)),
    ],
)
def test_an_approval_of_other_figures_is_refused_with_the_new_ones(
    says: str, before: Request, seen: tuple[int, int], subscription: Subscription
) -> None:
    """R19"""
    with pytest.raises(quantity.Changed) as refused:
        approve(before, None, seen, subscription)
    assert (refused.value.quantity, refused.value.need) == (subscription.quantity, 3), says
    assert str(subscription.quantity) in str(refused.value)


@pytest.mark.parametrize("state", [s for s in S if s is not S.OPEN])
def test_only_an_open_request_can_be_approved(state: RequestState) -> None:
    """R19, R20: a replayed approval buys nothing."""
    with pytest.raises(quantity.NotOpen):
        approve(request(state))


def test_nothing_is_approved_while_somebodys_change_is_pending() -> None:
    """R20: one change at a time"""
    with pytest.raises(quantity.NotOpen, match=r"22 is pending .* 10:00 UTC"):
        approve(request(), subscription=sub(20, pending=22))


@pytest.mark.parametrize("number", [20, 19, 0, -5])
def test_an_approval_that_buys_nothing_is_refused(number: int) -> None:
    """L10"""
    with pytest.raises(quantity.NotMore, match="not more than the 20"):
        approve(request(), number)


def test_scheduled_for_the_renewal_or_another_time() -> None:
    """R18: wait until then"""
    s = quantity.schedule(request(), None, 20, 3, sub(), "eva", at(9))
    assert (s.state, s.target, s.due_at) == (S.SCHEDULED, 23, datetime(2027, 3, 15, tzinfo=UTC))
    assert not quantity.to_send(s)
    assert quantity.schedule(request(), None, 20, 3, sub(), "eva", at(9), at(99)).due_at == at(99)


@pytest.mark.parametrize("state", [S.OPEN, S.SCHEDULED])
def test_declined_with_a_reason(state: RequestState) -> None:
    """R19"""
    s = quantity.decline(request(state), "eva", " too dear ", at(9))
    assert (s.state, s.reason, s.decided_by, s.ended_at) == (S.DECLINED, "too dear", "eva", at(9))
    assert s.waiting == 3, "what the decliner saw"
    with pytest.raises(ValueError, match="say why"):
        quantity.decline(request(state), "eva", "  ", at(9))


@pytest.mark.parametrize("state", [S.APPROVED, S.SUBMITTED, S.PENDING, S.DONE, S.DECLINED])
def test_what_is_under_way_can_not_be_declined(state: RequestState) -> None:
    with pytest.raises(quantity.NotOpen):
        quantity.decline(request(state), "eva", "no", at(9))


# ---- after the click (R19) ----


@pytest.mark.parametrize(
    ("says", "subscription", "shortage", "state"),
    [
        ("bought as approved", sub(20), short(3), S.APPROVED),
        ("bought as approved, though the need is another", sub(20), short(1), S.APPROVED),
        ("nobody needs it any more", sub(20), short(0), S.WITHDRAWN),
        ("Q changed: to be decided anew", sub(21), short(2), S.OPEN),
        ("Q fell: to be decided anew", sub(19), short(4), S.OPEN),
        ("somebody's change is pending: to be decided anew", sub(20, pending=21), short(2), S.OPEN),
    ],
)
def test_after_the_click(
    says: str, subscription: Subscription, shortage: Shortage, state: RequestState
) -> None:
    """R19"""
    for before in (request(S.APPROVED), request(S.SCHEDULED, due_at=at(5))):
        s = stepped(before, subscription, shortage)
        assert s.state is state, says
        if state is S.OPEN:
            assert (s.target, s.decided_by, s.decided_at, s.quantity) == (
                None,
                "",
                None,
                subscription.quantity,
            )
            assert (s.expires_at, s.reminded_at) == (at(5 + 14 * DAY), at(5))
        assert quantity.to_send(s) == (state is S.APPROVED)


def test_a_scheduled_one_waits_for_its_time_whatever_happens_meanwhile() -> None:
    """R19"""
    scheduled = request(S.SCHEDULED, due_at=at(DAY))
    assert step(scheduled, sub(25), short(0)) is scheduled


# ---- bought once (R20) ----


def test_what_is_sent_is_written_down_before_and_never_sent_again_blindly() -> None:
    """R20"""
    s = quantity.sent(request(S.APPROVED), at(5))
    assert (s.state, s.submitted_at, quantity.to_send(s)) == (S.SUBMITTED, at(5), False)
    lost = quantity.unknown(s, at(6))
    assert (lost.state, lost.submitted_at, quantity.to_send(lost)) == (S.SUBMITTED, at(5), False)


def test_accepted_is_pending_or_done_at_once() -> None:
    """R20"""
    pending = quantity.accepted(request(S.SUBMITTED), sub(20, pending=23), at(5))
    assert (pending.state, pending.effective_by) == (S.PENDING, at(60))
    done = quantity.accepted(request(S.SUBMITTED), sub(23), at(5))
    assert (done.state, done.ended_at) == (S.DONE, at(5))
    strange = quantity.accepted(request(S.SUBMITTED), sub(20), at(5))
    assert (strange.state, strange.effective_by) == (S.PENDING, at(65))


def test_refused_at_once_ends_it() -> None:
    s = quantity.refused(request(S.SUBMITTED), "below_assigned", at(5))
    assert (s.state, s.reason, s.ended_at) == (S.REFUSED, "below_assigned", at(5))


def test_what_could_not_be_sent_is_tried_again_in_a_minute() -> None:
    s = quantity.postponed(request(S.SUBMITTED, submitted_at=at(5)), at(5))
    assert not quantity.to_send(s)
    assert step(s, now=5.5) is s
    assert quantity.to_send(stepped(s, now=6))


@pytest.mark.parametrize(
    ("says", "seconds", "subscription", "state"),
    [
        ("59 s: a read may be older than the send", 59, sub(20), S.SUBMITTED),
        ("59 s: even if it shows something", 59, sub(23), S.SUBMITTED),
        ("60 s: it is pending", 60, sub(20, pending=23), S.PENDING),
        ("60 s: it is in force", 60, sub(23), S.DONE),
        ("60 s: nothing happened: safe to send again", 60, sub(20), S.APPROVED),
        ("60 s: somebody else changed it", 60, sub(24), S.OPEN),
        ("60 s: somebody else's change is pending", 60, sub(20, pending=22), S.OPEN),
    ],
)
def test_a_lost_answer_is_settled_by_a_read(
    says: str, seconds: float, subscription: Subscription, state: RequestState
) -> None:
    """R20: a read begun 60 s or more after the send"""
    before = request(S.SUBMITTED, submitted_at=at(5))
    after = stepped(before, subscription, short(2), now=5 + seconds / 60)
    assert after.state is state, says
    assert (after is before) == (state is S.SUBMITTED)


def test_a_lost_answer_that_was_no_need_any_more_is_not_sent_again() -> None:
    """R19, R20"""
    assert stepped(request(S.SUBMITTED, submitted_at=at(0)), sub(20), short(0)).state is S.WITHDRAWN


@pytest.mark.parametrize(
    ("says", "minutes", "subscription", "state"),
    [
        ("pending within the hour", 59, sub(20, pending=23), S.PENDING),
        ("pending at the hour", 60, sub(20, pending=23), S.PENDING),
        ("past it: overdue", 61, sub(20, pending=23), S.OVERDUE),
        ("in force", 30, sub(23), S.DONE),
        ("in force, and more was bought since", 30, sub(40, pending=50), S.DONE),
        ("gone, and nothing changed: refused", 30, sub(20), S.REFUSED),
        ("another change took its place: refused", 30, sub(20, pending=21), S.REFUSED),
        ("gone in a list that may be older than the send", 0.5, sub(20), S.PENDING),
    ],
)
@pytest.mark.parametrize("effective_by", [at(60), None])
def test_pending(
    says: str, minutes: float, subscription: Subscription, state: RequestState, effective_by: datetime | None
) -> None:
    """R20, T11"""
    before = request(S.PENDING, submitted_at=START, effective_by=effective_by)
    after = stepped(before, subscription, short(0), now=minutes)
    assert after.state is state, says
    assert (after is before) == (state is S.PENDING)


@pytest.mark.parametrize(
    ("subscription", "state"),
    [(sub(20, pending=23), S.OVERDUE), (sub(23), S.DONE), (sub(20), S.REFUSED)],
)
def test_what_is_overdue_still_ends(subscription: Subscription, state: RequestState) -> None:
    """R20"""
    assert stepped(request(S.OVERDUE, submitted_at=START), subscription, now=999).state is state


@pytest.mark.parametrize("state", [s for s in S if not s.alive])
def test_what_ended_stays_as_it_is(state: RequestState) -> None:
    ended = request(state)
    assert step(ended) is ended


# ---- what it costs (L5, L9, L11) ----

PRODUCT = next(p for p in PRODUCTS if p.id == PRINT)


def euros(amount: str) -> Money:
    return Money(Decimal(amount), "EUR")


def test_what_it_costs() -> None:
    """R18: charged now, and at the next renewal"""
    assert quantity.charge_now(request(), sub(), PRODUCT) == euros("12.00")
    assert quantity.next_bill(request(), sub(), PRODUCT) == euros("92.00")
    approved = request(S.APPROVED, target=30)
    assert quantity.charge_now(approved, sub(), PRODUCT) == euros("40.00")
    assert quantity.next_bill(approved, sub(), PRODUCT) == euros("120.00")
    assert quantity.charge_now(approved, sub(35), PRODUCT) == euros("0.00"), "nothing is refunded"


def test_an_unknown_price_is_never_0() -> None:
    """R18, L11"""
    unknown = replace(PRODUCT, unit_price=None)
    assert quantity.charge_now(request(), sub(), unknown) is None
    assert quantity.next_bill(request(), sub(), unknown) is None


def test_the_lag_of_a_read_is_a_minute() -> None:
    assert timedelta(seconds=60) == quantity.READ_LAG

"""R19, R20: after the approval, bought once."""

import re
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from sync import quantity
from sync.costs import in_words
from sync.model import Figures, Money, RequestState, Subscription
from sync.plan import Shortage
from tests.moments import START, at
from tests.sync.asking import POLICY, S, approve, request, short, step, stepped, sub

DAY = 24 * 60


def euros(amount: str) -> Money:
    return Money(Decimal(amount), "EUR")


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


def test_a_scheduled_one_is_looked_at_anew_until_its_time_comes() -> None:
    """R18, R19: it goes when nobody needs it, and is asked for anew when Q is another."""
    scheduled = request(S.SCHEDULED, due_at=at(DAY))
    assert step(scheduled) is scheduled
    gone = stepped(scheduled, sub(25), short(0))
    assert (gone.state, gone.reason) == (S.WITHDRAWN, "nobody is short of it any more")
    for changed in (sub(21), sub(20, pending=21)):
        assert stepped(scheduled, changed, short(2)).state is S.OPEN


def test_the_figures_of_a_scheduled_one_follow_and_tell_what_it_leaves_uncovered() -> None:
    """R18: what was decided on stays (R19)."""
    scheduled = request(S.SCHEDULED, due_at=at(DAY))
    assert scheduled.uncovered == 0
    more = stepped(scheduled, shortage=short(5))
    assert (more.state, more.target, more.due_at) == (S.SCHEDULED, 23, at(DAY))
    assert (more.waiting, more.need, more.proposed, more.uncovered) == (5, 5, 25, 2)
    assert stepped(more, shortage=short(1)).uncovered == 0
    now = approve(more, seen=(20, 5))
    assert (now.state, now.target, now.due_at) == (S.APPROVED, 25, None)
    with pytest.raises(quantity.Changed):
        approve(more, seen=(20, 3))


# ---- the price (R19) ----


@pytest.mark.parametrize(
    ("says", "approved", "now", "sent"),
    [
        ("as it was", euros("4.00"), euros("4"), True),
        ("it fell", euros("4.00"), euros("3.99"), True),
        ("it rose", euros("4.00"), euros("4.01"), False),
        ("another currency", euros("4.00"), Money(Decimal("3.00"), "SEK"), False),
        ("unknown then, known now", None, euros("0.01"), False),
        ("known then, unknown now", euros("4.00"), None, False),
        ("unknown as before", None, None, True),
    ],
)
@pytest.mark.parametrize("state", [S.APPROVED, S.SCHEDULED])
def test_r19_what_got_dearer_since_is_asked_for_anew(
    state: RequestState, says: str, approved: Money | None, now: Money | None, sent: bool
) -> None:
    before = request(state, price=approved, due_at=at(DAY))
    after = quantity.as_priced(before, now, at(5), POLICY)
    if sent:
        assert after is before, says
        return
    assert (after.state, after.target, after.price, after.due_at) == (S.OPEN, None, None, None), says
    assert (after.expires_at, after.reminded_at, after.decided_by) == (at(5 + 14 * DAY), at(5), "")
    assert after.reason.startswith("reopened: a seat was at ")
    assert (in_words(approved) in after.reason, in_words(now) in after.reason) == (True, True)


@pytest.mark.parametrize("state", [s for s in S if s not in (S.APPROVED, S.SCHEDULED)])
def test_r19_what_was_sent_or_is_not_approved_has_its_price(state: RequestState) -> None:
    before = request(state, price=euros("4.00"))
    assert quantity.as_priced(before, euros("9.00"), at(5), POLICY) is before


def test_r22_fewer_seats_are_not_asked_for_anew_because_a_seat_costs_more() -> None:
    fewer = request(S.SCHEDULED, target=10, price=None)
    assert quantity.as_priced(fewer, euros("9.00"), at(5), POLICY) is fewer


@pytest.mark.parametrize("there", [euros("4.01"), euros("3.99"), Money(Decimal("4.00"), "SEK"), None])
def test_r19_an_approval_at_another_price_than_was_seen_is_refused_with_the_new_one(
    there: Money | None,
) -> None:
    seen = Figures(20, 3, euros("4.00"))
    with pytest.raises(
        quantity.Changed, match=re.escape(f"a seat at {in_words(there)}: 23 in all")
    ) as refused:
        quantity.approve(request(), None, seen, sub(), there, "eva", at(9))
    assert refused.value.figures == Figures(20, 3, there)
    assert approve(request(), price=euros("4.00")).price == euros("4.00"), "as it was seen"


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


def test_the_lag_of_a_read_is_a_minute() -> None:
    assert timedelta(seconds=60) == quantity.READ_LAG

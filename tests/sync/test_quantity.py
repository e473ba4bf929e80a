"""R18, R19: asking for more seats, and what a person decides."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sync import quantity
from sync.model import (
    Figures,
    Policy,
    Request,
    RequestId,
    RequestState,
    Subscription,
)
from sync.plan import Shortage
from tests.moments import START, at
from tests.sync.asking import POLICY, S, approve, request, short, step, stepped, sub

DAY = 24 * 60
SEEN = Figures(20, 3, None)


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
    assert refused.value.figures == Figures(subscription.quantity, 3, None), says
    assert str(subscription.quantity) in str(refused.value)


@pytest.mark.parametrize("state", [s for s in S if s not in (S.OPEN, S.SCHEDULED)])
def test_only_an_open_or_scheduled_request_can_be_approved(state: RequestState) -> None:
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
    s = quantity.schedule(request(), None, SEEN, sub(), None, "eva", at(9))
    assert (s.state, s.target, s.due_at) == (S.SCHEDULED, 23, datetime(2027, 3, 15, tzinfo=UTC))
    assert not quantity.to_send(s)
    assert quantity.schedule(request(), None, SEEN, sub(), None, "eva", at(9), at(99)).due_at == at(99)


def test_it_is_scheduled_within_a_year_or_not_at_all() -> None:
    for wrong in (at(9), at(8), at(9) + timedelta(days=367), datetime.max.replace(tzinfo=UTC)):
        with pytest.raises(ValueError, match="at most a year"):
            quantity.schedule(request(), None, SEEN, sub(), None, "eva", at(9), wrong)


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

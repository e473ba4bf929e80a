"""Where does a quantity request stand, and what may happen to it next? (R18-R20)

| from             | what is seen                                              | to                    |
| ---------------- | --------------------------------------------------------- | --------------------- |
| none             | need, no change pending, not quiet after a decline        | open                  |
| open             | no need / nobody answered for `expire_days` / new figures | withdrawn / expired / open |
| approved         | no need / another Q, a higher price, or a change pending  | withdrawn / open again |
| scheduled        | no need / another Q, a higher price, or a change pending  | withdrawn / open again |
|                  | other figures / its time has come                         | scheduled / approved  |
| submitted        | a read begun 60 s or more after the send shows the target | pending, done         |
|                  | … shows that nothing happened                             | approved: sent again  |
| pending, overdue | Q reached the target / the change is gone                 | done / refused        |
|                  | the hour is over                                          | overdue               |
"""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from sync.costs import LONGEST_CHANGE, cost, in_words
from sync.model import Figures, Money, Policy, Request, RequestState, Subscription
from sync.plan import Shortage

#: a list may lag behind a write: before this, that a change isn't there proves nothing (R20, T11)
READ_LAG = timedelta(seconds=60)
#: how far ahead buying can be scheduled
LATEST = timedelta(days=366)


#: who decided on what was bought inside caps (R21)
AUTOMATIC = "automatic"


class NotOpen(Exception):
    """The request can't be decided on: somebody did, or it ended, or a change is under way."""


class Changed(Exception):
    """Not what was seen (R19): look at the new figures, then approve them."""

    def __init__(self, figures: Figures, target: int | None = None) -> None:
        """`target`: what would have been bought."""
        costs = ""
        if target is not None and target > figures.quantity:
            charge = in_words(cost(figures.price, target - figures.quantity))
            costs = f", a seat at {in_words(figures.price)}: {target} in all are charged {charge} now"
        super().__init__(
            f"the figures changed: {figures.quantity} bought now, {figures.need} missing{costs}; "
            "look again, then approve"
        )
        self.figures = figures


#: why it is withdrawn
_NOBODY = "nobody is short of it any more"


class NotMore(ValueError):
    """The approved quantity would buy nothing."""


def step(
    request: Request | None,
    last: Request | None,
    sub: Subscription,
    shortage: Shortage,
    now: datetime,
    policy: Policy,
) -> Request | None:
    """The request as it should be stored: the same object when nothing changes, one with id None when new.

    `request` is the product's living one, `last` the one that ended last. `now` is a time at which the
    reading of `sub` had not begun. `shortage.need` counts what is missing beyond a pending change.
    """
    if request is None:
        return _new(last, sub, shortage, now, policy)
    match request.state:
        case RequestState.OPEN:
            return _open(request, sub, shortage, now, policy)
        case RequestState.SCHEDULED if request.due_at is not None and request.due_at > now:
            return _scheduled(request, sub, shortage, now, policy)
        case RequestState.SCHEDULED | RequestState.APPROVED:
            return _approved(request, sub, shortage, now, policy)
        case RequestState.SUBMITTED:
            return _submitted(request, sub, shortage, now, policy)
        case RequestState.PENDING | RequestState.OVERDUE:
            return _pending(request, sub, now)
        case _:
            return request


def _new(
    last: Request | None, sub: Subscription, shortage: Shortage, now: datetime, policy: Policy
) -> Request | None:
    if shortage.need <= 0 or sub.pending is not None or _quiet(last, shortage, now, policy):
        return None
    refused = last is not None and last.state is RequestState.REFUSED
    return Request(
        id=None,
        product=shortage.product,
        subscription=sub.id,
        state=RequestState.OPEN,
        quantity=sub.quantity,
        waiting=shortage.waiting,
        need=shortage.need,
        proposed=sub.quantity + shortage.need + policy.headroom,
        opened_at=now,
        updated_at=now,
        expires_at=now + timedelta(days=policy.expire_days),
        follows=last.id if last is not None and refused else None,
    )


def _quiet(last: Request | None, shortage: Shortage, now: datetime, policy: Policy) -> bool:
    """Declined or expired: quiet until more wait than were seen then, or `quiet_days` have passed (R18)."""
    if last is None or last.state not in (RequestState.DECLINED, RequestState.EXPIRED):
        return False
    ended = last.ended_at or last.updated_at
    return shortage.waiting <= last.waiting and now < ended + timedelta(days=policy.quiet_days)


def _open(request: Request, sub: Subscription, shortage: Shortage, now: datetime, policy: Policy) -> Request:
    if shortage.need <= 0:
        return _end(request, RequestState.WITHDRAWN, now, _NOBODY)
    if request.expires_at is not None and now >= request.expires_at:
        return _end(request, RequestState.EXPIRED, now, "nobody answered")
    seen = replace(
        request,
        quantity=sub.quantity,
        waiting=shortage.waiting,
        need=shortage.need,
        proposed=(sub.pending.quantity if sub.pending else sub.quantity) + shortage.need + policy.headroom,
    )
    return request if seen == request else replace(seen, updated_at=now)


def _approved(
    request: Request, sub: Subscription, shortage: Shortage, now: datetime, policy: Policy
) -> Request:
    """Bought as approved, unless nobody needs it or it isn't what was seen (R19)."""
    if shortage.need <= 0:
        return _end(request, RequestState.WITHDRAWN, now, _NOBODY)
    if not _as_seen(request, sub):
        return _reopened(request, sub, shortage, now, policy)
    if request.state is RequestState.APPROVED:
        return request
    return replace(request, state=RequestState.APPROVED, updated_at=now)


def _scheduled(
    request: Request, sub: Subscription, shortage: Shortage, now: datetime, policy: Policy
) -> Request:
    """Until its time comes its figures follow, so that a person sees what it leaves uncovered; it goes as an
    approved one does (R18, R19). What was decided on stays as it is."""
    if shortage.need <= 0:
        return _end(request, RequestState.WITHDRAWN, now, _NOBODY)
    if not _as_seen(request, sub):
        return _reopened(request, sub, shortage, now, policy)
    proposed = sub.quantity + shortage.need + policy.headroom
    seen = replace(request, waiting=shortage.waiting, need=shortage.need, proposed=proposed)
    return request if seen == request else replace(seen, updated_at=now)


def _as_seen(request: Request, sub: Subscription) -> bool:
    return sub.quantity == request.quantity and sub.pending is None


def _reopened(
    request: Request, sub: Subscription, shortage: Shortage, now: datetime, policy: Policy
) -> Request:
    again = _asked_anew(request, "the figures changed after the approval", now, policy)
    return _open(again, sub, shortage, now, policy)


def as_priced(request: Request, price: Money | None, now: datetime, policy: Policy) -> Request:
    """Approved or scheduled, it is asked anew when a seat is dearer than it was approved, or nobody can tell
    (R19, L11); else the same object. What is charged never grows without a person's word."""
    waits = request.state in (RequestState.APPROVED, RequestState.SCHEDULED) and not request.lowers
    if not waits or _no_dearer(price, request.price):
        return request
    was, is_now = in_words(request.price), in_words(price)
    return _asked_anew(request, f"a seat was at {was} when it was approved, now at {is_now}", now, policy)


def _no_dearer(price: Money | None, approved: Money | None) -> bool:
    if price is None or approved is None:
        return price == approved
    return price.currency == approved.currency and price.amount <= approved.amount


def _asked_anew(request: Request, why: str, now: datetime, policy: Policy) -> Request:
    """To be decided on again, with a new term."""
    return replace(
        request,
        state=RequestState.OPEN,
        target=None,
        price=None,
        updated_at=now,
        expires_at=now + timedelta(days=policy.expire_days),
        reminded_at=now,
        decided_at=None,
        decided_by="",
        reason=f"reopened: {why}",
        due_at=None,
        submitted_at=None,
    )


def _submitted(
    request: Request, sub: Subscription, shortage: Shortage, now: datetime, policy: Policy
) -> Request:
    """What became of a call whose answer was lost, by a read that must show it (R20)."""
    if now < (request.submitted_at or request.updated_at) + READ_LAG:
        return request
    if sub.pending is not None and sub.pending.quantity == request.target:
        return _underway(request, sub, now)
    if sub.quantity == request.target:
        return _end(request, RequestState.DONE, now)
    if request.lowers:  # what is used is counted anew before it is sent again (R22)
        return replace(request, state=RequestState.SCHEDULED, due_at=now, submitted_at=None, updated_at=now)
    back = replace(request, state=RequestState.APPROVED, submitted_at=None, updated_at=now)
    return _approved(back, sub, shortage, now, policy)


def _pending(request: Request, sub: Subscription, now: datetime) -> Request:
    target = request.target or request.proposed
    if sub.quantity == target or (sub.quantity > target and not request.lowers):
        return _end(request, RequestState.DONE, now)
    sent = request.submitted_at or request.updated_at
    if sub.pending is None or sub.pending.quantity != target:
        if now < sent + READ_LAG:
            return request
        return _end(request, RequestState.REFUSED, now, "AnySoft dropped the change")
    if request.state is RequestState.PENDING and now > (request.effective_by or sent + LONGEST_CHANGE):
        return replace(request, state=RequestState.OVERDUE, updated_at=now)
    return request


def _underway(request: Request, sub: Subscription, now: datetime) -> Request:
    by = sub.pending.effective_by if sub.pending else now + LONGEST_CHANGE
    return replace(request, state=RequestState.PENDING, effective_by=by, reason="", updated_at=now)


def withdrawn(request: Request, why: str, now: datetime) -> Request:
    return _end(request, RequestState.WITHDRAWN, now, why)


def unattended(
    request: Request, why_not: str, sub: Subscription, price: Money | None, now: datetime
) -> Request:
    """An open request as it is after it was tried to do without a person (R21)."""
    if why_not:
        return replace(request, reason=f"not bought automatically: {why_not}")
    return approve(request, None, Figures(sub.quantity, request.need, price), sub, price, AUTOMATIC, now)


def _end(request: Request, state: RequestState, now: datetime, reason: str = "") -> Request:
    return replace(request, state=state, ended_at=now, updated_at=now, reason=reason)


# ---- what a person does (R19) ----


def approve(
    request: Request,
    quantity: int | None,
    seen: Figures,
    sub: Subscription,
    price: Money | None,
    by: str,
    now: datetime,
) -> Request:
    """Approved as proposed, or for another absolute quantity. What was scheduled can be decided on anew.

    `price`: of a seat and month, now. Raises NotOpen, Changed when Q, the need or the price aren't those that
    were seen, NotMore.
    """
    if not request.decidable:
        raise NotOpen(f"request {request.id} is {request.state}, only an open one can be decided on")
    if sub.pending is not None:
        raise NotOpen(
            f"a change to {sub.pending.quantity} is pending at AnySoft "
            f"until {sub.pending.effective_by:%H:%M} UTC; decide when it is done"
        )
    target = request.proposed if quantity is None else quantity
    there = Figures(sub.quantity, request.need, price)
    if there != seen or request.quantity != sub.quantity:
        raise Changed(there, target)
    if target <= sub.quantity:
        raise NotMore(f"{target} is not more than the {sub.quantity} that are bought: give a larger quantity")
    return replace(
        request,
        state=RequestState.APPROVED,
        target=target,
        price=price,
        decided_at=now,
        decided_by=by,
        reason="",
        due_at=None,
        updated_at=now,
    )


def schedule(
    request: Request,
    quantity: int | None,
    seen: Figures,
    sub: Subscription,
    price: Money | None,
    by: str,
    now: datetime,
    due_at: datetime | None = None,
) -> Request:
    """Approved, but bought at `due_at` only: when nothing is said, at the renewal. Raises as `approve`;
    ValueError for a time that isn't within a year from now."""
    if due_at is not None and not now < due_at <= now + LATEST:
        raise ValueError("the time to buy must lie ahead, and at most a year: `request approve` buys now")
    approved = approve(request, quantity, seen, sub, price, by, now)
    return replace(approved, state=RequestState.SCHEDULED, due_at=due_at or renewal(sub))


def decline(request: Request, by: str, reason: str, now: datetime) -> Request:
    """Ended by a person. Raises NotOpen; ValueError without a reason."""
    if request.state not in (RequestState.OPEN, RequestState.SCHEDULED):
        raise NotOpen(f"request {request.id} is {request.state}, only an open one can be declined")
    if not reason.strip():
        raise ValueError("say why it is declined")
    ended = _end(request, RequestState.DECLINED, now, reason.strip())
    return replace(ended, target=None, price=None, due_at=None, decided_at=now, decided_by=by)


def renewal(sub: Subscription) -> datetime:
    """When the next term begins, 00:00 UTC."""
    return datetime.combine(sub.renews_on, time(), UTC)


def reminders(request: Request, now: datetime, policy: Policy) -> int:
    """How many reminders of an open request are due by now (R18); those before a reopening don't count."""
    if request.state is not RequestState.OPEN:
        return 0
    due = [request.opened_at + timedelta(days=days) for days in policy.remind_days]
    return sum(at <= now and (request.reminded_at is None or request.reminded_at < at) for at in due)


# ---- what becomes of the call (R20) ----


def to_send(request: Request) -> bool:
    """Approved and due: `step` turns a scheduled one into an approved one when its time has come."""
    return request.state is RequestState.APPROVED and request.target is not None


def sent(request: Request, now: datetime) -> Request:
    """To be stored before the call: from here on the outcome is unknown until something proves it."""
    return replace(request, state=RequestState.SUBMITTED, submitted_at=now, updated_at=now)


def accepted(request: Request, subscription: Subscription, now: datetime) -> Request:
    """AnySoft answered: pending for up to an hour, or in force at once."""
    if subscription.pending is None and subscription.quantity == request.target:
        return _end(request, RequestState.DONE, now)
    return _underway(request, subscription, now)


def postponed(request: Request, now: datetime) -> Request:
    """The call surely had no effect, and can't be made now: as approved, once more, in a minute."""
    return replace(
        request, state=RequestState.SCHEDULED, due_at=now + READ_LAG, submitted_at=None, updated_at=now
    )


def refused(request: Request, why: str, now: datetime) -> Request:
    """AnySoft said no, and nothing was changed. The need opens a new one that names this (R20)."""
    return _end(request, RequestState.REFUSED, now, why)


def unknown(request: Request, now: datetime) -> Request:
    """No answer: it stays submitted, a later read settles it."""
    return replace(request, reason="AnySoft's answer was lost; the quantity will tell", updated_at=now)

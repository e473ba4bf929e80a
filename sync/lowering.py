"""When is a smaller quantity proposed, and what becomes of it? Never less than is used (R22).

Nothing is refunded, so fewer seats are worth asking for only at the renewal: proposed in the days before it,
decided on by a person, sent as late as it can be, and rechecked then. The time zone of the tenant is unknown:
what is sent 26 hours before the renewal date's 00:00 UTC is early enough anywhere.

| from      | what is seen                                        | to                  |
| --------- | --------------------------------------------------- | ------------------- |
| none      | unused seats, the renewal in `decrease_days`        | open                |
| open      | all are used, somebody waits / nobody answered      | withdrawn / expired |
| scheduled | all are used, somebody waits, Q changed, too late   | withdrawn           |
|           | its time has come                                   | approved: sent now  |
"""

from dataclasses import replace
from datetime import datetime, timedelta

from sync import quantity
from sync.model import Figures, Policy, Request, RequestState, Subscription
from sync.plan import Shortage
from sync.seats import Seats

#: before the renewal date's 00:00 UTC: not sent later than this, and due an hour before it
DEADLINE = timedelta(hours=26)
DUE = timedelta(hours=27)


class TooLow(ValueError):
    """The approved quantity isn't between what is used and what is bought."""


def floor(seats: Seats, waiting: int, policy: Policy) -> int:
    """What is used, may be used, or is waited for: A + F + queue, with the headroom of the policy."""
    return max(1, seats.assigned + seats.doubtful + waiting + policy.headroom)


def propose(
    last: Request | None, sub: Subscription, floor: int, now: datetime, policy: Policy
) -> Request | None:
    """A new one. `last`: the product's request that ended last; one for this renewal isn't repeated."""
    renewal = quantity.renewal(sub)
    begins = renewal - timedelta(days=policy.decrease_days)
    if not begins <= now < renewal - DUE or sub.pending is not None or floor >= sub.quantity:
        return None
    if last is not None and last.lowers and (last.ended_at or last.updated_at) >= begins:
        return None
    return Request(
        id=None,
        product=sub.product,
        subscription=sub.id,
        state=RequestState.OPEN,
        quantity=sub.quantity,
        waiting=0,
        need=0,
        proposed=floor,
        opened_at=now,
        updated_at=now,
        expires_at=renewal - DUE,
    )


def step(request: Request, sub: Subscription, floor: int, shortage: Shortage, now: datetime) -> Request:
    """An open or scheduled one, as it should be stored."""
    if shortage.need or floor >= sub.quantity:
        return quantity.withdrawn(request, "no seat is unused any more", now)
    if request.state is RequestState.OPEN:
        if request.expires_at is not None and now >= request.expires_at:
            return replace(
                request, state=RequestState.EXPIRED, ended_at=now, updated_at=now, reason="nobody answered"
            )
        seen = replace(request, quantity=sub.quantity, proposed=floor)
        return request if seen == request else replace(seen, updated_at=now)
    if sub.quantity != request.quantity or sub.pending is not None:
        return quantity.withdrawn(request, "the quantity was changed meanwhile", now)
    if request.expires_at is not None and now > request.expires_at + (DUE - DEADLINE):
        return quantity.withdrawn(request, "too late for this renewal", now)
    if request.due_at is not None and now < request.due_at:
        return request
    target = max(request.target or floor, floor)
    return replace(request, state=RequestState.APPROVED, target=target, updated_at=now)


def approve(request: Request, target: int | None, sub: Subscription, by: str, now: datetime) -> Request:
    """Scheduled for right before the renewal. Raises NotOpen, Changed, TooLow."""
    if request.state is not RequestState.OPEN or sub.pending is not None:
        raise quantity.NotOpen(f"request {request.id} can't be decided on now: it is {request.state}")
    if sub.quantity != request.quantity:
        raise quantity.Changed(Figures(sub.quantity, request.need, None))
    wanted = request.proposed if target is None else target
    if not request.proposed <= wanted < sub.quantity:
        raise TooLow(
            f"{wanted} must be at least the {request.proposed} that are used and below {sub.quantity}"
        )
    return replace(
        request,
        state=RequestState.SCHEDULED,
        target=wanted,
        decided_at=now,
        decided_by=by,
        reason="",
        due_at=quantity.renewal(sub) - DUE,
        updated_at=now,
    )

"""Is a round due? What asks for one, the most pressing first.

| what | scope |
| --- | --- |
| somebody asked (`sync`, an approval, a release) | as asked |
| the full round's time has come, or there never was one | everyone |
| AnySoft's quantities or counts aren't what they were | changed |
| people are marked, a moment of theirs has come, a request is to be sent | changed |
| the last round broke off: for what it planned and didn't do nobody is marked any more | changed |
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.store.signals import Asked
from sync.model import Subscription
from sync.reconcile import Scope

#: how often the subscriptions are read while a change of one is pending
PENDING_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Look:
    """What the worker sees at a tick."""

    now: datetime
    asked: Asked | None
    full_at: datetime | None  #: when the last full round began
    moved: bool  #: AnySoft's subscriptions aren't as they were at the last round
    work: bool  #: people are marked, or due
    owed: bool  #: the last round broke off, or another worker's may have
    patient: bool = False  #: the last rounds were in vain: only what somebody asks for is done now


@dataclass(frozen=True, slots=True)
class Cause:
    name: str  #: in the run: "cli:root", "schedule", "subscriptions", "changes", "unfinished"
    scope: Scope


def due(look: Look, full_every: timedelta) -> Cause | None:
    if look.asked is not None:
        return Cause(look.asked.cause, Scope.EVERYONE if look.asked.full else Scope.CHANGED)
    if look.patient:
        return None
    if look.full_at is None or not timedelta() <= look.now - look.full_at < full_every:
        return Cause("schedule", Scope.EVERYONE)  # a clock that went back is no reason to wait
    if look.moved:
        return Cause("subscriptions", Scope.CHANGED)
    if look.work:
        return Cause("changes", Scope.CHANGED)
    if look.owed:
        return Cause("unfinished", Scope.CHANGED)
    return None


@dataclass(frozen=True, slots=True)
class Subscribed:
    """What was last read of AnySoft's subscriptions."""

    seen: tuple[tuple[str, int, int, int], ...]  #: (id, Q, A, Destinations)
    read_at: datetime
    ends_at: datetime | None  #: when the first pending change ends; None: nothing is pending


def subscribed(subscriptions: tuple[Subscription, ...], now: datetime) -> Subscribed:
    pending = [s.pending.effective_by for s in subscriptions if s.pending is not None]
    seen = sorted((str(s.id), s.quantity, s.assigned, s.destinations_created) for s in subscriptions)
    return Subscribed(tuple(seen), now, min(pending, default=None))


def read_again(last: Subscribed | None, now: datetime, every: timedelta) -> bool:
    """Whether the subscriptions are to be read: `every` so often, more often while a change is pending, and
    when one should be over."""
    if last is None or last.read_at > now:
        return True
    if last.ends_at is not None:
        every = min(every, timedelta(seconds=PENDING_SECONDS))
        if last.read_at < last.ends_at <= now:
            return True
    return now - last.read_at >= every


def patience(in_vain: int, now: datetime) -> datetime | None:
    """Until when no round is begun by itself after so many that something was in the way of: 5 s, doubling to
    the breaker's 60 s: an outage's end is seen within a minute, and doesn't fill the list of runs (R29)."""
    return now + timedelta(seconds=min(60.0, 2.5 * 2.0 ** min(in_vain, 10))) if in_vain else None

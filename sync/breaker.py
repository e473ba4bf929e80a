"""May AnySoft be called now? A circuit breaker, and what a 429 asks for (R29). Pure.

| state    | what is sent                    | until                                                    |
| -------- | ------------------------------- | -------------------------------------------------------- |
| closed   | everything                      | of the last 20 calls, at least 10, half failed: open     |
| open     | one probe every 60 s            | the first success: closed                                |
| to wait  | nothing (a 429 asked for it)    | its time is over, 1 hour at most                         |

A call fails with a 5xx, a time-out or a cut connection; a refusal is an answer, and so is a 429.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

WINDOW, LEAST = 20, 10
PROBE = timedelta(seconds=60)
LONGEST_WAIT = timedelta(hours=1)
#: for a 429 that doesn't say how long
UNSAID = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Breaker:
    recent: str = ""  #: the last calls, newest last: t answered, f failed
    opened_at: datetime | None = None  #: None: closed
    not_before: datetime | None = None  #: nothing is sent before it
    why: str = ""  #: the last failure, or what asked to wait

    @property
    def is_open(self) -> bool:
        return self.opened_at is not None


def wait(breaker: Breaker, now: datetime) -> timedelta | None:
    """How long nothing may be sent; None: a call may go. One that is further ahead than anything that is
    ever asked for is no reason to wait: the clock went back."""
    if breaker.not_before is None:
        return None
    left = breaker.not_before - now
    return left if timedelta() < left <= LONGEST_WAIT else None


def sending(breaker: Breaker, now: datetime) -> Breaker:
    """Right before a call: while open it is the probe, and nobody else sends one for 60 s."""
    return replace(breaker, not_before=now + PROBE) if breaker.is_open else breaker


def answered(breaker: Breaker) -> Breaker:
    if breaker.is_open:
        return Breaker(recent="t")
    return replace(breaker, recent=(breaker.recent + "t")[-WINDOW:])


def failed(breaker: Breaker, why: str, now: datetime) -> Breaker:
    recent = (breaker.recent + "f")[-WINDOW:]
    if breaker.is_open:
        return replace(breaker, recent=recent, not_before=now + PROBE, why=why)
    opens = len(recent) >= LEAST and 2 * recent.count("f") >= len(recent)
    if opens:
        return Breaker(recent, opened_at=now, not_before=now + PROBE, why=why)
    return replace(breaker, recent=recent)


def asked_to_wait(breaker: Breaker, seconds: float | None, why: str, now: datetime) -> Breaker:
    """429 is no failure. While open the next probe is as late as it asks."""
    asked = UNSAID if seconds is None else min(timedelta(seconds=seconds), LONGEST_WAIT)
    until = now + asked
    if breaker.not_before is not None and breaker.not_before > until:
        until = breaker.not_before
    return replace(breaker, not_before=until, why=why)

"""Which standing follows from an answer? Pure: one transition for each status that AnySoft gives.

assign     assigned           held, managed
           already_assigned   held; managed if it was in doubt before (our own call), else manual (R08)
           no_license_left    not held, waiting at its old place (R15)
           requires_product   not held, tried again later
           unknown_user       not held, failed: the account vanished (R05)
           inactive_user      not held, failed: a person decides (R05)
unassign   unassigned, not_assigned, unknown_user   not held
           required_by_addon  held, tried again later (R10)
no answer                     in doubt: may be held (R29), tried again after the back-off
"""

from dataclasses import replace
from datetime import datetime, timedelta

from sync.model import Held, Origin, RunId, Standing, Status

FIRST_DELAY = timedelta(seconds=5)
LONGEST_DELAY = timedelta(minutes=15)
#: what an outage leaves behind; other failures are AnySoft's answers
OUTAGE = ("NO_ANSWER", "TRY_LATER", "UNEXPECTED_ANSWER", "ACCOUNT_NO_ANSWER")


def backoff(attempts: int) -> timedelta:
    """5 s doubling to 15 minutes (R29)."""
    doubled: int = 2 ** min(attempts, 10)
    return min(FIRST_DELAY * doubled, LONGEST_DELAY)


def put_off(now: datetime, seconds: float | None) -> datetime:
    """When it is tried again after a 429: as it asks, 1 hour at most (R29)."""
    asked = FIRST_DELAY if seconds is None else timedelta(seconds=seconds)
    return now + min(asked, timedelta(hours=1))


def settled(standing: Standing) -> Standing:
    """Nothing is wrong with it any more."""
    return replace(standing, failure="", attempts=0, next_try=None, look_at=None, blocked="")


def failed(standing: Standing, code: str, now: datetime) -> Standing:
    """Shown, and tried again after the back-off."""
    again = now + backoff(standing.attempts)
    return replace(
        standing, failure=code, attempts=standing.attempts + 1, next_try=again, look_at=again, waiting=False
    )


def in_doubt(before: Standing, code: str, now: datetime) -> Standing:
    """The call may have been carried out (R29)."""
    return replace(failed(before, code, now), held=Held.MAYBE)


def not_sent(before: Standing, code: str, now: datetime) -> Standing:
    """The call surely had no effect."""
    return failed(before, code, now)


def after_assign(before: Standing, status: Status, run: RunId, now: datetime) -> Standing:
    match status:
        case Status.ASSIGNED:
            return _held(before, Origin.MANAGED, run, now)
        case Status.ALREADY_ASSIGNED:
            ours = before.held is Held.MAYBE and before.origin is not Origin.MANUAL
            return _held(before, Origin.MANAGED if ours else Origin.MANUAL, run, now)
        case Status.NO_LICENSE_LEFT:
            return replace(settled(before), held=Held.NO, origin=Origin.NONE, waiting=True)
        case Status.REQUIRES_PRODUCT:
            free = replace(before, held=Held.NO, origin=Origin.NONE)
            return failed(free, "REQUIRES_PRODUCT", now)
        case Status.INACTIVE_USER:
            return failed(replace(before, held=Held.NO, origin=Origin.NONE), "ACCOUNT_INACTIVE", now)
        case Status.UNKNOWN_USER:
            return failed(replace(before, held=Held.NO, origin=Origin.NONE), "UNKNOWN_USER", now)
        case _:
            return in_doubt(before, "UNEXPECTED_ANSWER", now)


def after_unassign(before: Standing, status: Status, now: datetime) -> Standing:
    match status:
        case Status.UNASSIGNED | Status.NOT_ASSIGNED | Status.UNKNOWN_USER:
            # Of who is still a member: an add-on that went with its base, or a license of somebody disabled,
            # is blocked from now on (R05, R10, R16).
            missing = "MISSING_BASE" if before.reasons and before.lost_why == "base" else ""
            why = before.blocked if before.blocked in ("DISABLED", "CONFLICT") else missing
            return replace(freed(before), blocked=why, look_at=now)
        case Status.REQUIRED_BY_ADDON:
            return replace(
                before, held=Held.YES, blocked="REQUIRED_BY_ADDON", look_at=now + LONGEST_DELAY, failure=""
            )
        case _:
            return in_doubt(before, "UNEXPECTED_ANSWER", now)


def freed(before: Standing) -> Standing:
    """Surely not held any more. That it was lost, when and why, is kept: a short gap is no break (R14)."""
    return replace(
        settled(before),
        held=Held.NO,
        origin=Origin.NONE,
        assigned_at=None,
        assigned_run=None,
        announced_at=None,
        due_at=None,
        hold=None,
        released=False,
        kept=False,
    )


def _held(before: Standing, origin: Origin, run: RunId, now: datetime) -> Standing:
    return replace(
        settled(before),
        held=Held.YES,
        origin=origin,
        assigned_at=now,
        assigned_run=run,
        waiting=False,
        moved_to=0,
    )

"""Which standing follows for a product that isn't being lost: kept, wanted, or not for this person?"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sync.model import Held, Origin, Person, Policy, ProductId, Reason, Standing
from sync.plan import Catalog

#: how soon a confirmation is tried again that waits for its base's: R29's first back-off
SOON = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Case:
    """One person and one product, and what is decided of the person's products before it."""

    person: Person
    stored: Standing
    reasons: tuple[Reason, ...]  #: what the groups say; best first
    why_not: str  #: why they may have nothing: PROTECTED, CONFLICT, DISABLED; "" they may
    decided: Mapping[ProductId, Standing]  #: of the bases at least
    addons: tuple[Standing, ...]  #: of this product, as stored
    catalog: Catalog
    now: datetime
    policy: Policy

    @property
    def wants(self) -> bool:
        return bool(self.reasons) and not self.why_not

    @property
    def bases(self) -> tuple[Standing | None, ...]:
        return tuple(self.decided.get(base) for base in self.catalog.bases(self.stored.product))


def wished_active(person: Person, standings: Iterable[Standing]) -> bool | None:
    """How the account is to be set; None: as it is (R05).

    Inactive only if the connector made it, every record of the person is disabled or deleted, and no license
    is left, in doubt neither; active again only if it was the connector that had set it inactive.
    """
    if person.account is None:
        return None
    if person.account_disabled:
        return True if person.enabled else None
    unneeded = person.account_made and not person.enabled
    return False if unneeded and all(s.held is Held.NO for s in standings) else None


def until_done(
    decided: Mapping[ProductId, Standing], stored: Mapping[ProductId, Standing], now: datetime
) -> tuple[bool | None, dict[ProductId, Standing]]:
    """An account that is to be set inactive stays due until that is done, whatever ends the round before it;
    after a failure it waits for its time (R05, R29). Gives what is wished now, and the standings.

    Of a person whose licenses all go in this round none is kept due: they are looked at again afterwards.
    """
    after = dict(decided)
    idle = [p for p, s in decided.items() if s.held is Held.NO]
    for product in idle:
        before = stored.get(product)
        if before is not None and not before.failure and before.look_at is not None and before.look_at > now:
            after[product] = replace(after[product], look_at=before.look_at, attempts=before.attempts)
            return None, after
    if idle:
        before = stored.get(idle[0])
        tried = before.attempts if before is not None and not before.failure else 0
        after[idle[0]] = replace(after[idle[0]], look_at=now, attempts=tried)
    return False, after


def is_ours(standing: Standing) -> bool:
    """Managed, or in doubt because of a call of ours: the sync may take it back."""
    in_doubt = standing.held is Held.MAYBE and standing.origin is Origin.NONE
    return standing.held is not Held.NO and (in_doubt or standing.origin is Origin.MANAGED)


def is_leaving(standing: Standing) -> bool:
    """Held, lost, and not kept by a person's word."""
    return standing.due_at is not None and not standing.kept


def stays(standing: Standing | None) -> bool:
    """Surely held, and not about to go: a base to stand on (R10, R29)."""
    return standing is not None and standing.held is Held.YES and not is_leaving(standing)


def may_come(standing: Standing | None) -> bool:
    """Not surely held yet, but waiting for its seat or for an answer."""
    if standing is None or is_leaving(standing):
        return False
    return standing.waiting or (standing.held is Held.MAYBE and standing.entitled)


def spare(case: Case) -> Standing:
    """A protected person's: whatever they hold stays as it is, and nothing is added (R08)."""
    if case.stored.held is Held.NO:
        return refuse(case)
    return replace(_found_again(case), reasons=case.reasons, blocked="", waiting=False)


def keep_manual(case: Case) -> Standing:
    """Assigned by hand: never removed, only explained. A disabled person's needs a person (R05, R08)."""
    if case.wants:
        return _settled(case)
    return replace(
        _found_again(case),
        reasons=(),
        since=None,
        blocked="" if case.person.enabled else "DISABLED",
        waiting=False,
    )


def keep(case: Case) -> Standing:
    """Wanted and held, surely or in doubt: current reasons, and no loss any more (R27)."""
    return _settled(case)


def to_confirm(case: Case, standing: Standing) -> bool:
    """Whether to ask again for what is held in doubt: it takes no further seat."""
    return (
        case.wants
        and standing.held is Held.MAYBE
        and not standing.blocked
        and (standing.look_at is None or standing.look_at <= case.now)
    )


def want(case: Case) -> Standing:
    """Wanted and not held: in the queue at its old place, or blocked, or failed and tried later."""
    s, idle = case.stored, {"origin": Origin.NONE, "look_at": None, "base_ready": True, "waiting": False}
    blocked = _blocked(case)
    if blocked:
        return _entitled(case, **idle, blocked=blocked, failure="", attempts=0, next_try=None)
    idle["base_ready"] = all(stays(base) for base in case.bases)
    if s.failure and (s.next_try is None or s.next_try > case.now):
        return _entitled(case, **idle | {"blocked": "", "look_at": s.next_try})
    return _entitled(case, **idle | {"blocked": "", "waiting": True})


def refuse(case: Case) -> Standing:
    """Not held, and not for this person (now): nothing, or blocked with the reason (R16).

    When the entitlement ended is remembered, so that a short gap costs no queue place (R14).
    """
    s = case.stored
    begins = bool(s.reasons) or (bool(case.reasons) and s.lost_at is None)
    return replace(
        s,
        origin=Origin.NONE,
        reasons=(),
        lost_at=case.now if begins else s.lost_at,
        waiting=False,
        base_ready=True,
        blocked=case.why_not if case.reasons else "",
        announced_at=None,
        due_at=None,
        hold=None,
        released=False,
        kept=False,
        failure="",
        attempts=0,
        next_try=None,
        look_at=None,
    )


def _settled(case: Case) -> Standing:
    kept = _entitled(case, waiting=False, base_ready=True, blocked="")
    if kept.held is Held.YES:
        return replace(kept, moved_to=0, failure="", attempts=0, next_try=None, look_at=None)
    if case.stored.product not in case.catalog.subscribed:
        return replace(kept, blocked="NOT_SUBSCRIBED", look_at=None)
    if kept.next_try is not None and kept.next_try > case.now:
        return replace(kept, look_at=kept.next_try)
    if not all(stays(base) for base in case.bases):
        return replace(kept, look_at=_later(case))
    return replace(kept, look_at=_at_once(kept.look_at, case.now))


def _at_once(look_at: datetime | None, now: datetime) -> datetime:
    """Due until it is done, so that a crash before the call is healed by the next round."""
    return now if look_at is None or look_at > now else look_at


def _later(case: Case) -> datetime:
    """When the base, itself in doubt, may be settled."""
    tries = [base.next_try for base in case.bases if base is not None and base.next_try is not None]
    return max([case.now + SOON, *tries])


def _entitled(case: Case, **more: Any) -> Standing:
    """With its reasons, its place, whatever loss there was forgotten, and `more`. In one go: of a hundred
    thousand people each further copy costs seconds."""
    s, since = case.stored, _since(case)
    told = {
        "reasons": case.reasons,
        "priority": case.reasons[0].priority,
        "since": since,
        "moved_to": s.moved_to if since == s.since else 0,
    }
    return replace(s, **_found(s) | told | more)


def _found_again(case: Case) -> Standing:
    return replace(case.stored, **_found(case.stored))


def _found(s: Standing) -> dict[str, Any]:
    """What is so once a loss is forgotten."""
    return {
        "lost_at": None,
        "lost_groups": (),
        "lost_why": "",
        "announced_at": None,
        "due_at": None,
        "hold": None,
        "released": False,
        "kept": False,
        "look_at": s.look_at if s.due_at is None else None,
    }


def _since(case: Case) -> datetime:
    """Since when entitled without a break; a gap inside the settle window is none (R14), and neither is the
    loss of an add-on that went with its base: its group gave it all the time."""
    s = case.stored
    by_groups = max(case.person.epoch, min(reason.since for reason in case.reasons))
    if s.lost_at is not None and not s.reasons:
        gap = (case.now - s.lost_at).total_seconds()
        if gap > case.policy.settle_seconds:
            return by_groups if by_groups > s.lost_at else case.now
    if s.since is None or s.since < case.person.epoch:
        return by_groups
    return s.since


def _blocked(case: Case) -> str:
    if case.stored.product not in case.catalog.subscribed:
        return "NOT_SUBSCRIBED"
    if not all(stays(base) or may_come(base) for base in case.bases):
        return "MISSING_BASE"
    return ""

"""How does a managed license go? Settle window, announcement, grace, removal, and never a base first.

| why                | settle window | grace                                                     |
| ------------------ | ------------- | --------------------------------------------------------- |
| left, unmapped     | the policy's  | the longest of the mappings that gave it, else the policy's |
| disabled, deleted  | none          | the policy's for the disabled                             |
| base               | the base's    | the base's due time (R10)                                 |

Due at the later of loss + settle and announcement + grace (R27). What was announced is not brought forward,
but for a leaver who is disabled meanwhile, and for an add-on whose base goes earlier. A base that an add-on
keeps isn't announced, and no longer is if it was: nobody is told of what doesn't happen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sync.keeping import Case, is_leaving, is_ours
from sync.model import Held, Loss, MappingId, Origin, ProductId, Standing
from sync.model import Mapping as GroupMapping
from sync.plan import Catalog

#: people who are gone don't wait for a settle window (R04)
QUICK = frozenset({"disabled", "deleted"})
KEPT_BY_ADDON = "REQUIRED_BY_ADDON"
#: how soon a base is looked at again that an add-on keeps
RECHECK = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Losing:
    """What `lose` says of one product."""

    standing: Standing
    loss: Loss | None = None  #: it began now
    announce: bool = False


def lose(case: Case, mappings: Mapping[MappingId, GroupMapping]) -> Losing:
    """The next step of a loss. Removal is not decided here: see `removable`."""
    s = case.stored
    why = _why(case, mappings)
    first = s.due_at is None
    begins = first or (why != "base" and s.lost_why == "base")
    if begins:
        groups = () if why == "base" else tuple(sorted({reason.group for reason in s.reasons}))
        s = replace(s, lost_at=case.now, lost_groups=groups, announced_at=None, due_at=None)
    if first:
        s = replace(s, hold=None, released=False, kept=False)
    s = replace(
        s,
        origin=Origin.MANAGED,
        reasons=case.reasons if case.wants else (),
        lost_why=why,
        waiting=False,
        blocked=s.blocked if _waits_for_addon(s, case.now) else "",
    )
    if _is_kept(case, s):
        look_at = s.look_at if s.blocked else case.now + RECHECK
        s = replace(s, blocked=KEPT_BY_ADDON, announced_at=None, look_at=look_at)
    timed = _with_base(case, _own_times(case, s, mappings) if why != "base" else s)
    looked = replace(timed, look_at=_look_at(case, timed))
    loss = None
    if begins:
        base = next((b.product for b in gone_bases(case)), None)
        stays = why in ("disabled", "unmapped")
        known_by = tuple(sorted({record.directory for record in case.person.records}))
        loss = Loss(
            case.person.id, s.product, s.lost_groups, case.now, base=base, member=stays, directories=known_by
        )
    return Losing(looked, loss, announce=looked.announced_at is not None and s.announced_at is None)


def removable(
    decided: Mapping[ProductId, Standing], catalog: Catalog, now: datetime
) -> tuple[frozenset[ProductId], dict[ProductId, Standing]]:
    """What goes now, and the standings as they are once it is known who keeps whom (R09, R10, L12).

    A base goes only if each add-on that is held, or may be, goes before it; an add-on that goes because
    of its base goes only if the base does.
    """
    free = frozenset(product for product, s in decided.items() if _free_to_go(s, now))
    going = free
    while staying := {p for p in going if _stays_behind(p, going, decided, catalog)}:
        going -= staying
    after = dict(decided)
    for product in free - going:
        s = decided[product]
        later = _again_at(product, decided, catalog, now)
        if _has_addon(product, decided, catalog):
            after[product] = replace(s, blocked=KEPT_BY_ADDON, look_at=later)
        elif s.look_at is None or s.look_at <= now:
            after[product] = replace(s, look_at=later)
    return going, after


def _free_to_go(s: Standing, now: datetime) -> bool:
    return (
        s.held is not Held.NO
        and is_leaving(s)
        and s.due_at is not None
        and s.due_at <= now
        and s.hold is None
        and (s.next_try is None or s.next_try <= now)
        and not _waits_for_addon(s, now)
    )


def _stays_behind(
    product: ProductId,
    going: frozenset[ProductId],
    decided: Mapping[ProductId, Standing],
    catalog: Catalog,
) -> bool:
    with_base = decided[product].lost_why == "base"
    if with_base and not going.intersection(catalog.bases(product)):
        return True
    return any(_is_held(decided.get(addon)) and addon not in going for addon in catalog.addons(product))


def _has_addon(product: ProductId, decided: Mapping[ProductId, Standing], catalog: Catalog) -> bool:
    return any(_is_held(decided.get(addon)) for addon in catalog.addons(product))


def _again_at(
    product: ProductId, decided: Mapping[ProductId, Standing], catalog: Catalog, now: datetime
) -> datetime:
    """When the add-on that keeps it is looked at again, so that both go then (R09)."""
    addons = [s for addon in catalog.addons(product) if (s := decided.get(addon)) and _is_held(s)]
    looks = [s.look_at for s in addons if s.look_at is not None and s.look_at > now]
    return min([now + RECHECK, *looks])


def _is_kept(case: Case, s: Standing) -> bool:
    """By an add-on that stays until a person says otherwise: given by hand, kept, or on hold (R10).

    As stored: of somebody who loses the base, a round changes none of these.
    """
    staying = (a for a in case.addons if not is_ours(a) or a.kept or a.hold is not None)
    return s.hold is None and not s.kept and any(map(_is_held, staying))


def _is_held(standing: Standing | None) -> bool:
    return standing is not None and standing.held is not Held.NO


def _waits_for_addon(s: Standing, now: datetime) -> bool:
    """An add-on keeps it, ours or one that only AnySoft knows of; not yet time to look again."""
    return s.blocked == KEPT_BY_ADDON and s.look_at is not None and s.look_at > now


def gone_bases(case: Case) -> tuple[Standing, ...]:
    """The bases that the person holds, and loses."""
    return tuple(base for base in case.bases if base is not None and _is_held(base) and is_leaving(base))


def _why(case: Case, mappings: Mapping[MappingId, GroupMapping]) -> str:
    s = case.stored
    if case.wants:
        return "base"
    if not case.person.records:
        return "deleted"
    if not case.person.enabled:
        return "disabled"
    if s.due_at is not None and s.lost_why in ("left", "unmapped"):
        return s.lost_why
    gone = s.reasons and not any(reason.mapping in mappings for reason in s.reasons)
    return "unmapped" if gone else "left"


def _own_times(case: Case, s: Standing, mappings: Mapping[MappingId, GroupMapping]) -> Standing:
    settled_at = _settled_at(case, s)
    grace = _grace(case, s, mappings)
    if s.announced_at is not None and s.due_at is not None:
        anew = max(settled_at, s.announced_at + grace)
        if s.lost_why not in QUICK:
            return replace(s, due_at=max(s.due_at, anew))  # its base, which went earlier, may be back
        hurried = case.stored.lost_why not in QUICK
        return replace(s, due_at=min(s.due_at, anew)) if hurried else s
    if case.now < settled_at or s.hold is not None or s.kept or _is_kept(case, s):
        return replace(s, due_at=settled_at + grace)
    return replace(s, announced_at=case.now, due_at=max(settled_at, case.now + grace))


def _settled_at(case: Case, s: Standing) -> datetime:
    lost_at = s.lost_at or case.now
    return lost_at if s.lost_why in QUICK else lost_at + timedelta(seconds=case.policy.settle_seconds)


def _grace(case: Case, s: Standing, mappings: Mapping[MappingId, GroupMapping]) -> timedelta:
    """Of several mappings the longest (R27)."""
    if s.lost_why in QUICK:
        return timedelta(hours=case.policy.grace_disabled_hours)
    usual = case.policy.grace_leaver_hours
    lost = [m for m in mappings.values() if m.product == s.product and m.group in s.lost_groups]
    hours = [usual if m.grace_hours is None else m.grace_hours for m in lost]
    return timedelta(hours=max(hours, default=usual))


def _with_base(case: Case, s: Standing) -> Standing:
    """In the base's time and hold where it goes because of the base; never later than the base (R10)."""
    bases = gone_bases(case)
    if not bases:
        return s
    base = min(bases, key=_due)
    announced = None if base.announced_at is None else s.announced_at or case.now
    if s.lost_why == "base":
        hold = s.hold if s.hold is not None else base.hold
        return replace(s, due_at=base.due_at, announced_at=announced, hold=hold)
    if base.hold is not None or base.blocked == KEPT_BY_ADDON or _due(s) <= _due(base):
        return s
    return replace(s, due_at=base.due_at, announced_at=s.announced_at or announced)


def _due(s: Standing) -> datetime:
    assert s.due_at is not None, "whoever leaves has a due time"
    return s.due_at


def _look_at(case: Case, s: Standing) -> datetime | None:
    if s.kept or s.hold is not None:
        return None
    if _waits_for_addon(s, case.now):
        return s.look_at
    if s.lost_why == "base":
        looks = [base.look_at for base in gone_bases(case) if base.look_at is not None]
        look_at = min(looks, default=None)
    elif s.announced_at is None:
        look_at = min(_settled_at(case, s), _due(s))
    else:
        look_at = s.due_at
    if s.next_try is not None and s.next_try > case.now and look_at is not None:
        return max(look_at, s.next_try)
    return look_at

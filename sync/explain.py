"""Where does a person stand with each product, and why, in words? (R16)"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from sync.catalog import bases_first
from sync.model import Held, HoldId, Origin, Person, ProductId, ProductType, Standing, State
from sync.plan import Catalog

#: (place in the queue, how many wait)
Position = tuple[int, int]
#: product -> the groups that give it
Givers = Mapping[ProductId, Sequence[str]]
#: groups named in a reason
NAMED = 5

LOST = {
    "left": "in no group that gives it any more",
    "disabled": "disabled in the directory",
    "deleted": "deleted in the directory",
    "unmapped": "no mapping gives it any more",
    "base": "its base license goes, and it with it",
}
FAILURES = {
    "ACCOUNT_INVALID": "AnySoft refuses the user's names or mail address: mend them in the directory",
    "ACCOUNT_INACTIVE": "the account at AnySoft is inactive: set it active there",
    "UNKNOWN_USER": "AnySoft doesn't know the account: it is looked up again, and made if need be",
    "REQUIRES_PRODUCT": "AnySoft says that the base license is missing",
    "NO_ANSWER": "AnySoft's answer was lost",
    "ACCOUNT_NO_ANSWER": "AnySoft's answer was lost when the account was to be made",
    "ACCOUNT_UPDATE": "the account at AnySoft could not be set active or inactive",
    "TRY_LATER": "AnySoft could not be reached",
}


@dataclass(frozen=True, slots=True)
class HeldBy:
    """The guard that holds a removal (R24), named as in `Hold`."""

    reason: str
    group_name: str  #: "": it isn't about a group
    product: ProductId  #: "": it is about all of them


@dataclass(frozen=True, slots=True)
class ProductState:
    product: str
    state: str  #: failed, held, removing, assigned, waiting, blocked, none
    reason: str
    since: str | None  #: of the state, RFC 3339
    groups: tuple[str, ...]  #: that entitle now
    position: int | None  #: while waiting
    of: int | None
    next_try: str | None


@dataclass(frozen=True, slots=True)
class _Around:
    """What a standing is explained with."""

    person: Person
    standings: Mapping[ProductId, Standing]
    positions: Mapping[ProductId, Position]
    catalog: Catalog
    holds: Mapping[HoldId, HeldBy]
    givers: Givers | None
    free: Mapping[ProductId, int]  #: seats that only AnySoft's answer is missing for


def explain(
    person: Person,
    standings: Sequence[Standing],
    positions: Mapping[ProductId, Position],
    catalog: Catalog,
    holds: Mapping[HoldId, HeldBy] | None = None,
    givers: Givers | None = None,
    free: Mapping[ProductId, int] | None = None,
) -> list[ProductState]:
    """One state a product, bases first. `positions` of those that wait; `holds` of those that are held;
    `givers` of the bases that they lack; `free`: seats that only AnySoft's answer is missing for."""
    by_product = {s.product: s for s in standings}
    around = _Around(person, by_product, positions, catalog, holds or {}, givers, free or {})
    return [_state(by_product[product], around) for product in bases_first(by_product, catalog)]


def as_json(person: Person, states: Sequence[ProductState]) -> dict[str, Any]:
    """The shape of `explain --json`."""
    return {
        "user": person.user_name,
        "conflict": person.conflict,
        "directories": [asdict(record) for record in person.records],
        "products": [{**asdict(state), "groups": list(state.groups)} for state in states],
    }


def _state(s: Standing, around: _Around) -> ProductState:
    waits = s.state is State.WAITING
    position, of = around.positions.get(s.product, (None, None)) if waits else (None, None)
    return ProductState(
        product=s.product,
        state=str(s.state),
        reason=_reason(s, around),
        since=_moment(_since(s)),
        groups=_groups(s),
        position=position,
        of=of,
        next_try=_moment(s.next_try),
    )


def _reason(s: Standing, around: _Around) -> str:
    catalog = around.catalog
    match s.state:
        case State.FAILED:
            why = FAILURES.get(s.failure, s.failure)
            return f"{why}; {'tried again' if s.next_try else 'a person must mend it'}"
        case State.HELD:
            return f"{_lost(s)}, but the removal is held: {_hold(s, around.holds)}"
        case State.REMOVING:
            return f"{_lost(s)}; {_when(s, around)}"
        case State.ASSIGNED:
            return _assigned(s)
        case State.WAITING:
            return f"{_member(s)}; {_missing(s, around)}"
        case State.BLOCKED:
            return blocked(s.blocked, s.product, catalog, around.givers)
        case State.NONE:
            return blocked("CONFLICT", s.product, catalog) if around.person.conflict else "no group gives it"


def blocked(code: str, product: ProductId, catalog: Catalog, givers: Givers | None = None) -> str:
    """What a code of `Standing.blocked` means, and what to do. `givers`: None, where they aren't known."""
    match code:
        case "MISSING_BASE":
            return f"needs {_bases(product, catalog)} first: {_groups_giving(product, catalog, givers)}"
        case "NOT_SUBSCRIBED":
            return "nothing was bought of this product: `license add` buys it"
        case "DISABLED":
            return "disabled in the directory: enable the person there"
        case "CONFLICT":
            return "two records claim this person: rename or delete one of them"
        case "PROTECTED":
            return "on the protected list, which is never touched"
        case _:
            return code


def _groups_giving(product: ProductId, catalog: Catalog, givers: Givers | None) -> str:
    if givers is None:
        return "add the person to a group that gives it"
    said = []
    for base in catalog.bases(product):
        groups = givers.get(base, ())
        more = f" or {len(groups) - NAMED} more" if len(groups) > NAMED else ""
        named = f"add the person to {' or '.join(groups[:NAMED])}{more}"
        said.append(named if groups else f"no group gives {base}: `mapping add` lets one")
    return ", and ".join(said)


def kept_by(product: ProductId, standings: Mapping[ProductId, Standing], catalog: Catalog) -> str:
    """Which add-ons of the person keep a base that is lost, and why each stays (R10)."""
    keeping = [
        f"{_names([addon], catalog)} stays ({_why_it_stays(s)})"
        for addon in catalog.addons(product)
        if (s := standings.get(addon)) is not None and s.held is not Held.NO
    ]
    return " and ".join(keeping) or "AnySoft knows of an add-on that stays"


def _why_it_stays(addon: Standing) -> str:
    if addon.kept:
        return "a person rejected its removal"
    if addon.hold is not None:
        return f"its removal is held: `hold show {addon.hold}`"
    if addon.origin is Origin.MANUAL:
        return "given by hand"
    return FAILURES.get(addon.failure, addon.failure) if addon.failure else "it goes first"


def _assigned(s: Standing) -> str:
    if s.kept:
        return f"{_lost(s)}, but kept: a person rejected the removal"
    if s.origin is Origin.MANUAL:
        extra = ", disabled in the directory: needs a person" if s.blocked == "DISABLED" else ""
        return f"assigned by hand{extra}" + (f"; {_member(s)}" if s.reasons else "")
    run = "" if s.assigned_run is None else f" by round {s.assigned_run}"
    return f"assigned{run}: {_member(s)}"


def _missing(s: Standing, around: _Around) -> str:
    if not s.base_ready:
        return f"waits for {_bases(s.product, around.catalog)}, too"
    product = around.catalog.product(s.product)
    if product is not None and product.type is ProductType.METERED:
        return "AnySoft's answer is waited for"  # it takes no seat (L4)
    place, _ = around.positions.get(s.product, (0, 0))
    served = 0 < place <= around.free.get(s.product, 0)
    return "a seat is free, AnySoft's answer is waited for" if served else "a seat is missing"


def _lost(s: Standing) -> str:
    return LOST.get(s.lost_why, "not entitled any more")


def _when(s: Standing, around: _Around) -> str:
    if s.blocked == "REQUIRED_BY_ADDON":
        return f"not removed while {kept_by(s.product, around.standings, around.catalog)}"
    if s.blocked:
        return blocked(s.blocked, s.product, around.catalog)
    told = "announced" if s.announced_at else "not announced yet"
    return f"goes at {_moment(s.due_at)} ({told})"


def _hold(s: Standing, holds: Mapping[HoldId, HeldBy]) -> str:
    hold = holds.get(s.hold) if s.hold is not None else None
    if hold is None:
        return f"`hold show {s.hold}`"
    where = hold.group_name or hold.product or "all that a first run would remove"
    return f"{hold.reason} of {where}, a person must release or reject it: `hold show {s.hold}`"


def _member(s: Standing) -> str:
    return f"member of {', '.join(_groups(s))}" if s.reasons else "entitled by no group"


def _groups(s: Standing) -> tuple[str, ...]:
    return tuple(sorted({reason.group_name for reason in s.reasons}))


def _bases(product: ProductId, catalog: Catalog) -> str:
    return _names(catalog.bases(product), catalog)


def _names(products: Sequence[ProductId], catalog: Catalog) -> str:
    found = [catalog.product(id) for id in products]
    return " and ".join(product.name for product in found if product) or "its base license"


def _since(s: Standing) -> datetime | None:
    match s.state:
        case State.ASSIGNED:
            return s.assigned_at
        case State.HELD | State.REMOVING:
            return s.lost_at
        case _:
            return s.since if s.reasons else s.lost_at


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")

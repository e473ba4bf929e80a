"""Where does a person stand with a product, and what was decided? One Standing is one row of the ledger."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sync.model.ids import GroupId, HoldId, MappingId, PersonId, ProductId, RunId
from sync.model.people import Membership, Person, Reason


class Held(StrEnum):
    """Does the person have the license at AnySoft? MAYBE counts against seats, only YES is a base."""

    NO = "no"
    MAYBE = "maybe"
    YES = "yes"


class Origin(StrEnum):
    NONE = "none"
    MANAGED = "managed"  #: assigned by the sync, removed by the sync
    MANUAL = "manual"  #: a person assigned it: never removed by the sync (R08)


class State(StrEnum):
    """R16: the first that applies."""

    FAILED = "failed"
    HELD = "held"
    REMOVING = "removing"
    ASSIGNED = "assigned"
    WAITING = "waiting"
    BLOCKED = "blocked"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Standing:
    """All that is known of one person and one product; one row of the ledger."""

    person: PersonId
    product: ProductId
    held: Held = Held.NO
    origin: Origin = Origin.NONE
    assigned_at: datetime | None = None
    assigned_run: RunId | None = None
    reasons: tuple[Reason, ...] = ()  #: as last decided; empty: not entitled
    priority: int = 100  #: of the best reason
    since: datetime | None = None  #: entitled without a break
    waiting: bool = False  #: entitled, lacks it, nothing but a seat (or its base's seat) is missing
    base_ready: bool = True  #: the base is surely held (always True for a base)
    moved_to: int = 0  #: an operator's move: below 0 stands before everybody else
    blocked: str = ""  #: a code: MISSING_BASE, DISABLED, CONFLICT, NOT_SUBSCRIBED, PROTECTED, METERED_NONE …
    lost_at: datetime | None = None  #: the last reason went
    lost_groups: tuple[GroupId, ...] = ()  #: whose loss it was
    lost_why: str = ""  #: left, disabled, deleted, unmapped, base
    announced_at: datetime | None = None
    due_at: datetime | None = None  #: R27
    hold: HoldId | None = None
    released: bool = False  #: a person released this loss: it passes every guard (R24)
    kept: bool = False  #: a person rejected the removal: kept until entitled again (R24)
    failure: str = ""  #: a code, shown; "" none
    attempts: int = 0
    next_try: datetime | None = None
    look_at: datetime | None = None  #: when a round must look again: announcement, removal or retry due

    @property
    def entitled(self) -> bool:
        return bool(self.reasons)

    @property
    def state(self) -> State:
        """R16. A removal in doubt or due shows as removing; held wins over it."""
        has = self.held is not Held.NO
        if self.failure:
            return State.FAILED
        if has and self.hold is not None:
            return State.HELD
        if has and self.lost_at is not None and not self.kept and self.origin is Origin.MANAGED:
            return State.REMOVING
        if has:
            return State.ASSIGNED
        if self.waiting:
            return State.WAITING
        return State.BLOCKED if self.blocked else State.NONE


@dataclass(frozen=True, slots=True)
class Facts:
    """All that `decide` needs of one person."""

    person: Person
    memberships: tuple[Membership, ...]
    standings: tuple[Standing, ...]


@dataclass(frozen=True, slots=True)
class Waiter:
    """One entry of a product's queue, in the order of R14."""

    person: PersonId
    user_name: str
    moved_to: int
    priority: int
    since: datetime
    mappings: tuple[MappingId, ...]  #: which entitle; for `reserve`
    base_ready: bool

    @property
    def place(self) -> tuple[int, int, datetime, int]:
        return (self.moved_to, self.priority, self.since, self.person)


@dataclass(frozen=True, slots=True)
class Loss:
    """A managed license whose last reason went: what R24 counts."""

    person: PersonId
    product: ProductId
    groups: tuple[GroupId, ...]  #: whose reasons were the last ones
    lost_at: datetime
    held: bool = True  #: still held at AnySoft (False: the removal is done)
    hold: HoldId | None = None
    base: ProductId | None = None  #: that is lost, too: goes into its hold, if it is held now (R10)
    member: bool = False  #: still in those groups (disabled, unmapped): they are among its holders yet
    directories: tuple[str, ...] = ()  #: that have a record of the person; none: deleted everywhere


@dataclass(frozen=True, slots=True)
class Decision:
    """What `decide` says of one person."""

    person: Person
    standings: tuple[Standing, ...]  #: all of the person's, as they should be stored
    changed: tuple[ProductId, ...]  #: those that differ from what was stored
    losses: tuple[Loss, ...] = ()  #: new ones
    regained: tuple[ProductId, ...] = ()  #: losses that are forgotten (R24, R27)
    announce: tuple[ProductId, ...] = ()  #: removal announced now (R27)
    remove: tuple[ProductId, ...] = ()  #: due now, add-ons first (R09)
    confirm: tuple[ProductId, ...] = ()  #: entitled and held in doubt: ask again, it takes no further seat
    active: bool | None = None  #: their account at AnySoft is to be set so, after the removals (R05)

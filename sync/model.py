"""Which values does the license engine speak in?

All are frozen; times are aware UTC; ids are opaque. Nothing here does I/O or reads a clock.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import NewType

PersonId = NewType("PersonId", int)
GroupId = NewType("GroupId", int)
MappingId = NewType("MappingId", int)
RunId = NewType("RunId", int)
IntentId = NewType("IntentId", int)
HoldId = NewType("HoldId", int)
RequestId = NewType("RequestId", int)
#: AnySoft's ids
ProductId = NewType("ProductId", str)
SubscriptionId = NewType("SubscriptionId", str)
AccountId = NewType("AccountId", str)

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


# ---- what AnySoft sells and has sold (facts: L2-L12) ----


class ProductType(StrEnum):
    USER = "user"  #: one license, one user: bounded by the quantity
    METERED = "metered"  #: billed per Destination: assigning never runs out


@dataclass(frozen=True, slots=True)
class Money:
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Product:
    id: ProductId
    family: str
    name: str
    type: ProductType
    requires: tuple[ProductId, ...]
    description: str
    unit_price: Money | None  #: per seat and month; None: agreed by mail, unknown here (L11)


@dataclass(frozen=True, slots=True)
class Billing:
    name: str
    email: str
    purchase_order: str = ""


@dataclass(frozen=True, slots=True)
class Address:
    line1: str
    city: str
    postal_code: str
    country: str
    line2: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True)
class PendingChange:
    quantity: int
    requested_at: datetime
    effective_by: datetime


@dataclass(frozen=True, slots=True)
class Subscription:
    id: SubscriptionId
    product: ProductId
    quantity: int  #: Q: what AnySoft confirms now
    assigned: int  #: A
    destinations_created: int
    started_on: date
    renews_on: date
    pending: PendingChange | None
    billing: Billing
    address: Address


@dataclass(frozen=True, slots=True)
class Tenant:
    id: str
    name: str
    roles: tuple[str, ...]

    @property
    def administers(self) -> bool:
        """Whether license actions are allowed at all (L1)."""
        return "GlobalAdministration" in self.roles


@dataclass(frozen=True, slots=True)
class Account:
    """A user at AnySoft."""

    id: AccountId
    user_name: str
    display_name: str
    email: str
    external_id: str
    active: bool


@dataclass(frozen=True, slots=True)
class Assigned:
    account: AccountId
    user_name: str
    assigned_at: datetime


class Status(StrEnum):
    """What AnySoft answers for one user of an assign or unassign call."""

    ASSIGNED = "assigned"
    ALREADY_ASSIGNED = "already_assigned"
    NO_LICENSE_LEFT = "no_license_left"
    REQUIRES_PRODUCT = "requires_product"
    UNKNOWN_USER = "unknown_user"
    INACTIVE_USER = "inactive_user"
    UNASSIGNED = "unassigned"
    NOT_ASSIGNED = "not_assigned"
    REQUIRED_BY_ADDON = "required_by_addon"


@dataclass(frozen=True, slots=True)
class Result:
    account: AccountId
    status: Status


@dataclass(frozen=True, slots=True)
class Destination:
    id: str
    name: str


# ---- what the directory says ----


@dataclass(frozen=True, slots=True)
class Mapping:
    """One group gives one product."""

    id: MappingId
    group: GroupId
    group_name: str
    directory: str
    product: ProductId
    priority: int = 100  #: smaller first (R14)
    transitive: bool = False
    grace_hours: int | None = None  #: None: the policy's
    reserve: int = 0  #: the last N free seats go only to this mapping's people
    made_at: datetime = LONG_AGO  #: nobody was entitled by it before (R14)


@dataclass(frozen=True, slots=True)
class Record:
    """One directory's record of a person."""

    directory: str
    user_name: str
    active: bool


@dataclass(frozen=True, slots=True)
class Membership:
    group: GroupId
    since: datetime


@dataclass(frozen=True, slots=True)
class Person:
    id: PersonId
    user_name: str
    display_name: str
    email: str
    external_id: str
    account: AccountId | None  #: their account at AnySoft, once known
    epoch: datetime  #: entitlements older than this (re-created person, R02) count from here
    records: tuple[Record, ...]  #: live ones; empty: deleted everywhere
    conflict: bool = False  #: R06: linked to nobody, gets no license

    @property
    def enabled(self) -> bool:
        return any(record.active for record in self.records)


@dataclass(frozen=True, slots=True)
class Reason:
    """One mapping of one group entitles (R01)."""

    mapping: MappingId
    group: GroupId
    group_name: str
    priority: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Entitlement:
    product: ProductId
    reasons: tuple[Reason, ...]  #: best first: priority, then since, then mapping id


# ---- where a person stands with a product ----


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
class GuardPolicy:
    """R24: a group of `empty_from` or more that drops to 0, more than max(min, percent) …"""

    empty_from: int = 3
    group_min: int = 5
    group_percent: int = 20
    product_min: int = 10
    product_percent: int = 10
    hours: int = 24


@dataclass(frozen=True, slots=True)
class Policy:
    settle_seconds: int = 900
    grace_leaver_hours: float = 24
    grace_disabled_hours: float = 0
    protected: frozenset[str] = frozenset()  #: folded user names (R08)
    guard: GuardPolicy = GuardPolicy()
    headroom: int = 0
    remind_days: tuple[int, ...] = (3, 7)
    expire_days: int = 14
    quiet_days: int = 30
    channel: bool = False  #: somebody can be told (R27)
    batch: int = 200


@dataclass(frozen=True, slots=True)
class Loss:
    """A managed license whose last reason went: what R24 counts."""

    person: PersonId
    product: ProductId
    groups: tuple[GroupId, ...]  #: whose reasons were the last ones
    lost_at: datetime
    held: bool = True  #: still held at AnySoft (False: the removal is done)
    hold: HoldId | None = None
    base: ProductId | None = None  #: lost only because this one was: goes into its hold (R10)
    member: bool = False  #: still in those groups (disabled, unmapped): they are among its holders yet


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


class RequestState(StrEnum):
    OPEN = "open"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    SUBMITTED = "submitted"  #: sent, no certain answer yet
    PENDING = "pending"  #: accepted by AnySoft, takes up to an hour
    OVERDUE = "overdue"  #: pending for more than the hour
    DONE = "done"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"

    @property
    def alive(self) -> bool:
        return self in _ALIVE


_ALIVE = frozenset(
    {
        RequestState.OPEN,
        RequestState.APPROVED,
        RequestState.SCHEDULED,
        RequestState.SUBMITTED,
        RequestState.PENDING,
        RequestState.OVERDUE,
    }
)


@dataclass(frozen=True, slots=True)
class Request:
    """A quantity request (R18-R22)."""

    id: RequestId | None  #: None: not stored yet
    product: ProductId
    subscription: SubscriptionId
    state: RequestState
    quantity: int  #: Q when last updated
    waiting: int
    need: int  #: seats that are missing
    proposed: int  #: absolute quantity
    opened_at: datetime
    updated_at: datetime
    target: int | None = None  #: approved, absolute (R20)
    expires_at: datetime | None = None
    reminded_at: datetime | None = None
    decided_at: datetime | None = None
    decided_by: str = ""
    reason: str = ""
    due_at: datetime | None = None
    submitted_at: datetime | None = None
    effective_by: datetime | None = None
    ended_at: datetime | None = None
    follows: RequestId | None = None  #: the refused one before it


@dataclass(frozen=True, slots=True)
class Hold:
    id: HoldId
    state: str  #: open, released, rejected, healed
    reason: str  #: group_emptied, group_share, product_share, first_run
    group: GroupId | None
    group_name: str
    product: ProductId
    opened_at: datetime
    removals: tuple[tuple[PersonId, str], ...]  #: (person, user name), sorted
    digest: str
    decided_at: datetime | None = None
    decided_by: str = ""

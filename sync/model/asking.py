"""What is a person asked: more seats (R18-R22), removals on hold (R24)?"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sync.model.ids import GroupId, HoldId, PersonId, ProductId, RequestId, SubscriptionId
from sync.model.sold import Money


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
class Figures:
    """What somebody is shown of a request, and what an approval holds for (R19)."""

    quantity: int  #: Q
    need: int
    price: Money | None  #: of a seat and month; None: unknown (L11)


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
    price: Money | None = None  #: of a seat and month, as approved; None: unknown, or not approved
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

    @property
    def lowers(self) -> bool:
        """Whether it is for a smaller quantity (R22)."""
        return (self.proposed if self.target is None else self.target) < self.quantity

    @property
    def decidable(self) -> bool:
        """Whether a person may say what to buy: it is open, or scheduled, and more may be missing by now."""
        return self.state is RequestState.OPEN or (self.state is RequestState.SCHEDULED and not self.lowers)

    @property
    def uncovered(self) -> int:
        """Seats that are missing now and would be so when what is scheduled is bought (R18)."""
        if self.state is not RequestState.SCHEDULED or self.target is None or self.lowers:
            return 0
        return max(0, self.need - (self.target - self.quantity))


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

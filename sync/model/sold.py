"""What does AnySoft sell, what has it sold, and how does it answer? (L2-L12)"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from sync.model.ids import AccountId, ProductId, SubscriptionId


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

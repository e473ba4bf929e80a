"""What does the sync need from outside? Ports, and the ways in which they fail.

Licensing is AnySoft; Mirror is what the directories wrote; Ledger is what we decided, asked for and got.
Ledger's and Mirror's writing methods check the fence of the lease inside their transaction and raise Fenced.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sync.model import (
    Account,
    AccountId,
    Address,
    Assigned,
    Billing,
    Destination,
    Facts,
    GroupId,
    IntentId,
    Mapping,
    PersonId,
    Product,
    ProductId,
    Result,
    RunId,
    Standing,
    Subscription,
    SubscriptionId,
    Tenant,
    Waiter,
)

# ---- AnySoft ----


class Transient(Exception):
    """Try later. `maybe_done`: the call may have been carried out (time-out, 5xx, cut connection)."""

    def __init__(self, message: str, *, maybe_done: bool = False, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.maybe_done = maybe_done
        self.retry_after = retry_after  #: seconds (429)


class Rejected(Exception):
    """AnySoft understood and refuses; nothing was changed. `code` as in the contract, e.g. below_assigned."""

    def __init__(self, code: str, message: str, fields: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.fields = tuple(fields)  #: (field, what is wrong)


class Missing(Exception):
    """What the call names isn't there (404)."""


class Unauthorized(Exception):
    """The connector's own account may not do this: no role (L1), or its credentials are refused."""


class Licensing(Protocol):
    """AnySoft's license section. Every call may raise Transient, Unauthorized; writes also Rejected, Missing.

    `key` is the idempotency key: the same key with the same arguments does nothing twice.
    """

    def tenant(self) -> Tenant: ...
    def products(self) -> Sequence[Product]: ...
    def subscriptions(self) -> Sequence[Subscription]: ...
    def subscription(self, id: SubscriptionId) -> Subscription: ...

    def add_product(
        self, product: ProductId, quantity: int, billing: Billing, address: Address, key: str
    ) -> Subscription: ...

    def change_quantity(self, id: SubscriptionId, quantity: int, key: str) -> Subscription:
        """Ask for an absolute quantity; it takes effect later (`pending`)."""

    def manage(
        self, id: SubscriptionId, key: str, billing: Billing | None = None, address: Address | None = None,
        settings: dict[str, str] | None = None,
    ) -> Subscription: ...  # fmt: skip

    def assignments(self, id: SubscriptionId, accounts: Collection[AccountId] = ()) -> Iterator[Assigned]:
        """Who has it; `accounts` (up to 200) may narrow it, and may be ignored."""

    def assign(self, id: SubscriptionId, accounts: Sequence[AccountId], key: str) -> Sequence[Result]:
        """Up to 200; one result each, in the order asked."""

    def unassign(self, id: SubscriptionId, accounts: Sequence[AccountId], key: str) -> Sequence[Result]: ...

    def find_account(self, user_name: str) -> Account | None:
        """Exact, case-insensitive."""

    def accounts(self) -> Iterator[Account]: ...

    def create_account(
        self, user_name: str, display_name: str, email: str, external_id: str, key: str
    ) -> Account:
        """Rejected with code user_exists if there is one."""

    def set_active(self, id: AccountId, active: bool, key: str) -> Account: ...
    def destinations(self) -> Sequence[Destination]: ...
    def add_destination(self, name: str, key: str) -> Destination: ...
    def remove_destination(self, id: str) -> None: ...

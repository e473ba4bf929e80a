"""Which values does the license engine speak in?

All are frozen; times are aware UTC; ids are opaque. Nothing here does I/O or reads a clock.
"""

from sync.model.asking import Hold, Request, RequestState
from sync.model.ids import (
    LONG_AGO,
    AccountId,
    GroupId,
    HoldId,
    IntentId,
    MappingId,
    PersonId,
    ProductId,
    RequestId,
    RunId,
    SubscriptionId,
)
from sync.model.people import Entitlement, Mapping, Membership, Person, Reason, Record
from sync.model.policy import GuardPolicy, Policy
from sync.model.sold import (
    Account,
    Address,
    Assigned,
    Billing,
    Destination,
    Money,
    PendingChange,
    Product,
    ProductType,
    Result,
    Status,
    Subscription,
    Tenant,
)
from sync.model.standing import Decision, Facts, Held, Loss, Origin, Standing, State, Waiter

__all__ = [
    "LONG_AGO",
    "Account",
    "AccountId",
    "Address",
    "Assigned",
    "Billing",
    "Decision",
    "Destination",
    "Entitlement",
    "Facts",
    "GroupId",
    "GuardPolicy",
    "Held",
    "Hold",
    "HoldId",
    "IntentId",
    "Loss",
    "Mapping",
    "MappingId",
    "Membership",
    "Money",
    "Origin",
    "PendingChange",
    "Person",
    "PersonId",
    "Policy",
    "Product",
    "ProductId",
    "ProductType",
    "Reason",
    "Record",
    "Request",
    "RequestId",
    "RequestState",
    "Result",
    "RunId",
    "Standing",
    "State",
    "Status",
    "Subscription",
    "SubscriptionId",
    "Tenant",
    "Waiter",
]

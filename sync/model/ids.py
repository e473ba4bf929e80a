"""Which ids are there? All opaque; those of AnySoft are its own."""

from datetime import UTC, datetime
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

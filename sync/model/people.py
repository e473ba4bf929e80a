"""What do the directories say of people, and what does that entitle them to?"""

from dataclasses import dataclass
from datetime import datetime

from sync.model.ids import LONG_AGO, AccountId, GroupId, MappingId, PersonId, ProductId


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
    gone: bool = False  #: its group is deleted: it gives nothing until it is pinned to another (R02)


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
    account_made: bool = False  #: by the connector, and nobody else's (R05)
    account_disabled: bool = False  #: by the connector

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

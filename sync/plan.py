"""What will a round do? A plan is data: rendered, stored, digested; a dry run is one not applied."""

import hashlib
from collections.abc import Iterable
from collections.abc import Mapping as Lookup
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sync.model import GroupId, HoldId, Loss, Mapping, PersonId, Product, ProductId, Standing


class Verb(StrEnum):
    ANNOUNCE = "announce"
    REMOVE = "remove"
    CONFIRM = "confirm"  #: ask again for what is held in doubt
    ASSIGN = "assign"
    ACCOUNT = "account"
    QUANTITY = "quantity"


@dataclass(frozen=True, slots=True)
class Action:
    verb: Verb
    product: ProductId
    person: PersonId | None
    user_name: str
    because: str


@dataclass(frozen=True, slots=True)
class Done:
    """One action of a run, and what came of it."""

    action: str
    person: PersonId | None
    user_name: str
    product: ProductId
    because: str
    outcome: str  #: "": planned, not carried out


#: the reason of a hold that has all that a first run would remove, of any product and group (R26)
FIRST_RUN = "first_run"


@dataclass(frozen=True, slots=True)
class HoldChange:
    """Open a hold, or add people to the open one (R24). A first run's has no product of its own: all that it
    takes is in `addons`."""

    id: HoldId | None  #: None: a new hold
    reason: str
    group: GroupId | None  #: None: the product's
    product: ProductId
    people: tuple[PersonId, ...]  #: those who join now
    addons: tuple[tuple[PersonId, ProductId], ...] = ()  #: of the same people: they go with their base (R10)


@dataclass(frozen=True, slots=True)
class Failing:
    """What somebody should have got, or lost, and AnySoft has not done yet."""

    user_name: str
    product: ProductId
    code: str
    next_try: datetime | None


@dataclass(frozen=True, slots=True)
class HeldRemoval:
    """One removal of an open hold, as it is shown."""

    user_name: str
    product: ProductId
    reason: str
    group_name: str  #: "" for a product's


@dataclass(frozen=True, slots=True)
class Shortage:
    product: ProductId
    waiting: int
    free: int  #: left for those who wait, once all that can be given is given
    need: int  #: seats missing beyond what is pending


@dataclass(frozen=True, slots=True)
class Blocked:
    person: PersonId
    user_name: str
    product: ProductId
    code: str
    detail: str  #: what to do: "no group of theirs gives AnyPrint; LIC-AnyPrint would"


@dataclass(frozen=True, slots=True)
class Plan:
    changes: tuple[Standing, ...] = ()  #: standings to store, holds not yet in them
    losses: tuple[Loss, ...] = ()
    regained: tuple[tuple[PersonId, ProductId], ...] = ()
    holds: tuple[HoldChange, ...] = ()
    actions: tuple[Action, ...] = ()  #: in the order of R09
    shortages: tuple[Shortage, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    names: Lookup[PersonId, str] = field(default_factory=dict)  #: user names of whom it changes

    @property
    def digest(self) -> str:
        """Of what a person sees and approves (R24, R26)."""
        seen = "\n".join(f"{a.verb} {a.product} {a.person}" for a in self.actions)
        return hashlib.sha256(seen.encode()).hexdigest()


def digest_of(removals: Iterable[tuple[PersonId, ProductId]]) -> str:
    """Binds a release to the exact set that was seen, whatever its order."""
    return hashlib.sha256("\n".join(sorted(f"{p}:{x}" for p, x in removals)).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Catalog:
    """Products by id, and who needs whom."""

    products: tuple[Product, ...]
    subscribed: frozenset[ProductId]

    def product(self, id: ProductId) -> Product | None:
        return next((p for p in self.products if p.id == id), None)

    def bases(self, id: ProductId) -> tuple[ProductId, ...]:
        found = self.product(id)
        return found.requires if found else ()

    def addons(self, id: ProductId) -> tuple[ProductId, ...]:
        return tuple(p.id for p in self.products if id in p.requires)


#: group -> the mappings that give something to its members, nested parents' transitive ones included (R07)
Applicable = dict[GroupId, tuple[Mapping, ...]]

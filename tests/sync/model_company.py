"""What must be true of a company, by a model that knows no rounds, no database and no calls?

| the model knows | so the engine must show |
| --- | --- |
| how many seats were bought | no more hold it, at any moment (R12) |
| who was given it by hand | they have it until a person takes it (R08) |
| who is entitled, and since when | they have it, or wait in that order (R14), or lack the base (R10) |
| who was entitled long ago | they have it no more (R27) |

Two products, AnyPrint and its add-on Centre; one group gives each.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sync.model import ProductId, Standing, State
from tests.company import CENTRE, PRINT

PRODUCTS = (PRINT, CENTRE)
SETTLE, GRACE = timedelta(minutes=10), timedelta(hours=1)
Holders = dict[ProductId, set[str]]


@dataclass
class Employee:
    name: str
    active: bool = True
    groups: set[ProductId] = field(default_factory=set)
    manual: set[ProductId] = field(default_factory=set)
    since: dict[ProductId, datetime] = field(default_factory=dict)  #: entitled, without a break
    lost: dict[ProductId, datetime] = field(default_factory=dict)
    was_disabled: bool = False  #: then the engine may count from another moment within the settle window

    @property
    def entitled(self) -> set[ProductId]:
        return set(self.groups) if self.active else set()


@dataclass
class Model:
    people: dict[str, Employee] = field(default_factory=dict)
    bought: dict[ProductId, int] = field(default_factory=dict)

    def change(self, person: Employee, now: datetime, *, active: bool | None = None,
               join: ProductId | None = None, leave: ProductId | None = None) -> None:  # fmt: skip
        before = person.entitled
        if active is not None:
            person.active, person.was_disabled = active, True
        person.groups |= {join} if join else set()
        person.groups -= {leave} if leave else set()
        for product in before - person.entitled:
            person.lost[product] = now
        for product in person.entitled - before:
            if product not in person.lost or now - person.lost[product] > SETTLE:
                person.since[product] = now

    # ---- what must be so ----

    def always(self, holders: Holders) -> Iterator[str]:
        """At any sample."""
        for product in PRODUCTS:
            if len(holders[product]) > self.bought[product]:
                yield f"{len(holders[product])} have {product}, {self.bought[product]} are bought (R12)"
            for person in self.people.values():
                if product in person.manual and person.name not in holders[product]:
                    yield f"{person.name} lost {product}, given by hand (R08)"
        if bare := holders[CENTRE] - holders[PRINT]:
            yield f"{bare} have the add-on without its base (R09)"

    def after_round(self, holders: Holders, found: dict[tuple[str, ProductId], Standing]) -> Iterator[str]:
        """When nothing was in the round's way."""
        for person in self.people.values():
            for product in PRODUCTS:
                has, standing = person.name in holders[product], found[person.name, product]
                told = f"{person.name}: {product} is {standing.state} ({standing.blocked}), has it: {has}"
                if has != (standing.held == "yes"):
                    yield f"the ledger is wrong, {told}"
                elif (
                    product in person.entitled and not has and not self._explained(person, standing, holders)
                ):
                    yield f"entitled, and not served or explained: {told}"
                elif product not in person.entitled | person.manual and has and standing.due_at is None:
                    yield f"not entitled, and not leaving: {told}"
        for product in PRODUCTS:
            yield from self._order(product, holders[product], found)

    def _explained(self, person: Employee, standing: Standing, holders: Holders) -> bool:
        based = standing.product == PRINT or PRINT in person.entitled or PRINT in person.manual
        if based:
            return standing.state is State.WAITING
        leaving = person.name in holders[PRINT]
        return standing.blocked == "MISSING_BASE" or (leaving and standing.state is State.WAITING)

    def _order(
        self, product: ProductId, holders: set[str], found: dict[tuple[str, ProductId], Standing]
    ) -> Iterator[str]:
        waiting = [p for p in self.people.values() if found[p.name, product].waiting]
        for p in waiting:
            if not p.was_disabled and found[p.name, product].since != p.since[product]:
                yield f"{p.name} waits since {found[p.name, product].since}, not {p.since[product]} (R14)"
        ready = [p.name for p in waiting if found[p.name, product].base_ready]
        if ready and len(holders) < self.bought[product]:
            yield f"a seat of {product} is free and {ready} wait (R15)"

    def served(
        self, product: ProductId, new: set[str], found: dict[tuple[str, ProductId], Standing]
    ) -> Iterator[str]:
        """Who got it in this round had not waited for less than who still waits (R14)."""
        lucky = [p for p in self.people.values() if p.name in new and not p.was_disabled]
        left = [
            p
            for p in self.people.values()
            if (s := found[p.name, product]).waiting and s.base_ready and not p.was_disabled
        ]
        for p in lucky:
            for q in left:
                if q.since[product] < p.since.get(product, q.since[product]):
                    yield f"{p.name} got {product} before {q.name}, who waits longer (R14)"

    def late(self, holders: Holders) -> Iterator[str]:
        """Long after all of it: whoever lost it has it no more, and there is a request for who waits."""
        for person in self.people.values():
            for product in PRODUCTS:
                gone = product not in person.entitled | person.manual
                kept_as_base = product == PRINT and CENTRE in person.manual
                if gone and not kept_as_base and person.name in holders[product]:
                    yield f"{person.name} still has {product} (R27)"

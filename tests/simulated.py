"""How does a company live for a year? People come, move and go, and make mistakes; the real engine keeps up.

A fake clock, the real store, the real tenant. What is true of people is kept here, in plain sets; what the
engine made of it is read from AnySoft's side. The same seed gives the same year.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

from sqlalchemy import func, select

from connector.store import holds, requests
from connector.store.engine import reading, writing
from connector.store.tables import requests as request_rows
from connector.store.tables import runs, tenant_charges
from sync import lowering, quantity
from sync.model import Held, PersonId, ProductId, RequestState, Standing, State
from sync.ports import Licensing, Transient
from sync.reconcile import Scope
from tests.bounds import bounds
from tests.company import CENTRE, PRINT, Company
from tests.faulty import Fault, Faulty

PRODUCTS = (PRINT, CENTRE)
SAMPLE = 40  #: people who are explained at each sampled moment
SLACK = 3  #: seats that an approver buys beyond the need, so that they run out again


@dataclass(slots=True)
class Employee:
    name: str
    id: str
    groups: set[str]
    active: bool = True
    stable: bool = True  #: entitled to AnyPrint ever since, once served


@dataclass(slots=True)
class Year:
    company: Company
    people: int
    seed: int = 1
    pace: float = 1.0  #: how much happens; 1: as in a company of this size
    random: Random = field(init=False)
    staff: dict[str, Employee] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)  #: name -> SCIM id
    gives: dict[str, ProductId] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    short: set[ProductId] = field(default_factory=set)  #: those that somebody waits for
    down: bool = False
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)

    # ---- the first day ----

    def found(self) -> None:
        departments = max(4, self.people // 250)
        for n in range(departments):
            self._group(f"Dept {n:02}", PRINT)
        for n in range(departments // 2):
            self._group(f"Centre {n:02}", CENTRE)
        names = [f"p{n:05}@northmill.example" for n in range(self.people)]
        self.counts["hired"] += len(names)
        for name, id in zip(names, self.company.hire(*names), strict=True):
            self.staff[name] = Employee(name, id, self._some_groups())
        for group, id in self.groups.items():
            self.company.join(id, *(e.id for e in self.staff.values() if group in e.groups))
        for product in PRODUCTS:
            wanted = sum(product in self._entitled(e) for e in self.staff.values())
            self.company.buy(product, wanted - SLACK)
        for group, product in self.gives.items():
            self.company.map(group, product)
        self.company.wrap = self._line
        self.round(Scope.EVERYONE)

    def _group(self, name: str, gives: ProductId) -> None:
        self.groups[name] = self.company.group(name)
        self.gives[name] = gives

    def _some_groups(self) -> set[str]:
        departments = sorted(g for g, p in self.gives.items() if p == PRINT)
        centres = sorted(g for g, p in self.gives.items() if p == CENTRE)
        chosen = {self.random.choice(departments)}
        return chosen | ({self.random.choice(centres)} if self.random.random() < 0.2 else set())

    def _entitled(self, e: Employee) -> set[ProductId]:
        return {self.gives[group] for group in e.groups} if e.active else set()

    # ---- AnySoft, as the network shows it ----

    def _line(self, real: Licensing) -> Licensing:
        def maybe(name: str, carry_out: Callable[[], Any]) -> Any:
            if self.down:
                self.counts["calls into an outage"] += 1
                raise Transient("AnySoft does not answer", maybe_done=True)
            if self.random.random() < 0.01:
                self.counts["answers lost"] += 1
                carry_out()
                raise Transient(f"{name}: the answer was lost", maybe_done=True)
            return carry_out()

        calls = (
            "assign",
            "unassign",
            "change_quantity",
            "create_account",
            "set_active",
            "subscriptions",
            "tenant",
        )
        faults: list[Fault] = [maybe] * (10_000 if self.down else 200)
        return Faulty(real, calls[:5] if not self.down else calls, faults).licensing()

    # ---- a day ----

    def day(self) -> None:
        today = self.company.now
        working = today.weekday() < 5
        for _ in range(3):
            if working:
                for event in self._events():
                    event()
                self.round()
                self.company.go(minutes=20)
            self.approve()
            self.round()
            self.company.go(hours=3, minutes=40)
        if today.weekday() in (2, 6):
            self.company.go(minutes=5)
            self.round(Scope.EVERYONE)
        self.sample()
        self.company.now = today + timedelta(days=1)
        self.counts["days"] += 1

    def _events(self) -> Iterator[Callable[[], None]]:
        busy = self.people / 5000 * self.pace
        for event, a_day in (
            (self.hire, 3.4), (self.leave, 2.4), (self.move, 12), (self.gain_centre, 2.2),
            (self.lose_centre, 1.5), (self.lose_department, 1.0), (self.blink, 1.0), (self.delete, 1.5),
        ):  # fmt: skip
            share = a_day * busy / 3
            for _ in range(int(share) + (self.random.random() < share % 1)):
                yield event
        for event, a_year in ((self.reorganize, 6), (self.mistake, 14), (self.outage, 10)):
            if self.random.random() < a_year * self.pace / 260 / 3:
                yield event

    def _somebody(self, which: Callable[[Employee], bool] = lambda e: e.active) -> Employee | None:
        found = [e for e in self.staff.values() if which(e)]
        return self.random.choice(found) if found else None

    def hire(self) -> None:
        name = f"p{self.counts['hired']:05}@northmill.example"
        self.counts["hired"] += 1
        [id] = self.company.hire(name)
        self.staff[name] = Employee(name, id, set())
        for group in self._some_groups():
            self._join(self.staff[name], group)

    def leave(self) -> None:
        if e := self._somebody():
            self.company.set_active(e.id, False)
            e.active = e.stable = False
            self.counts["left"] += 1

    def delete(self) -> None:
        if e := self._somebody(lambda e: not e.active):
            self.company.delete(e.id)
            del self.staff[e.name]
            self.counts["deleted"] += 1

    def move(self) -> None:
        """From one department to another, in that order: nobody may lose anything (R04)."""
        e = self._somebody(lambda e: e.active and any(self.gives[g] == PRINT for g in e.groups))
        if e is None:
            return
        old = min(g for g in e.groups if self.gives[g] == PRINT)
        self._part(e, old)
        self.round()
        self.company.go(minutes=2)
        self._join(e, self.random.choice(sorted(g for g, p in self.gives.items() if p == PRINT)))
        self.counts["moved"] += 1

    def gain_centre(self) -> None:
        if e := self._somebody():
            self._join(e, self.random.choice(sorted(g for g, p in self.gives.items() if p == CENTRE)))
            self.counts["joined"] += 1

    def lose_centre(self) -> None:
        if e := self._somebody(lambda e: any(self.gives[g] == CENTRE for g in e.groups)):
            self._part(e, min(g for g in e.groups if self.gives[g] == CENTRE))
            self.counts["parted"] += 1

    def lose_department(self) -> None:
        if e := self._somebody(lambda e: any(self.gives[g] == PRINT for g in e.groups)):
            for group in sorted(g for g in e.groups if self.gives[g] == PRINT):
                self._part(e, group)
            e.stable = False
            self.counts["parted"] += 1

    def blink(self) -> None:
        """Out of all departments and, hours later, back: told, and forgotten (R27)."""
        if e := self._somebody(lambda e: e.active and any(self.gives[g] == PRINT for g in e.groups)):
            groups = sorted(g for g in e.groups if self.gives[g] == PRINT)
            for group in groups:
                self._part(e, group)
            self.round()
            self.company.go(minutes=30)
            self.round()
            for group in groups:
                self._join(e, group)
            self.counts["blinked"] += 1

    def reorganize(self) -> None:
        """A fifth of a department becomes another one, first added there, then removed here."""
        old, new = self.random.sample(sorted(g for g, p in self.gives.items() if p == PRINT), 2)
        those = [e for e in self.staff.values() if old in e.groups and new not in e.groups]
        for e in those[: max(1, len(those) // 5)]:
            self._join(e, new)
        self.round()
        for e in those[: max(1, len(those) // 5)]:
            self._part(e, old)
        self.counts["reorganizations"] += 1

    def mistake(self) -> None:
        """A department is emptied, or disabled, for three hours: a hold, which closes by itself (R24)."""
        group = self.random.choice(sorted(g for g, p in self.gives.items() if p == PRINT))
        those = [e for e in self.staff.values() if group in e.groups and e.active]
        if self.random.random() < 0.5:
            self.company.leave(self.groups[group], *(e.id for e in those))
            self._over(those)
            self.company.join(self.groups[group], *(e.id for e in those))
        else:
            for e in those:
                self.company.set_active(e.id, False)
            self._over(those)
            for e in those:
                self.company.set_active(e.id, True)
        self.round()
        self.counts["mistakes"] += 1

    def _over(self, those: list[Employee]) -> None:
        before = self.holders(PRINT)
        for _ in range(3):
            self.round(checked=False)
            self.company.go(hours=1)
        lost = {e.name for e in those} & before - self.holders(PRINT)
        self._expect(len(lost) <= 10, f"a mistake took {len(lost)} licenses away (R24)")
        self.counts["holds"] += len(self.company.open_holds())

    def outage(self) -> None:
        self.down = True
        for _ in range(4):
            for event in (self.hire, self.leave):
                event()
            self.round(checked=False)
            self.company.go(minutes=40)
        self.down = False
        self.company.go(minutes=20)
        self.round()
        self.counts["outages"] += 1

    def _join(self, e: Employee, group: str) -> None:
        self.company.join(self.groups[group], e.id)
        e.groups.add(group)

    def _part(self, e: Employee, group: str) -> None:
        self.company.leave(self.groups[group], e.id)
        e.groups.discard(group)

    # ---- people who decide ----

    def approve(self) -> None:
        """About a day after it was asked; one of ten is declined; a real hold is released after a day."""
        now = self.company.now
        with reading(self.company.engine) as connection:
            asked = [r for r in requests.living(connection) if r.state is RequestState.OPEN]
        for r in asked:
            if now - r.opened_at < timedelta(hours=self.random.randint(12, 40)):
                continue
            sold = self.company.sold(r.product)
            if self.random.random() < 0.1:
                after = quantity.decline(r, "ada", "not this week", now)
            elif r.lowers and sold.pending is None and sold.quantity == r.quantity:
                after = lowering.approve(r, None, sold, "ada", now)
                self.counts["decreases"] += 1
            elif sold.pending is None and sold.quantity == r.quantity:
                after = quantity.approve(r, r.proposed + SLACK, r.quantity, r.need, sold, "ada", now)
            else:
                continue
            with writing(self.company.engine) as connection:
                requests.store(connection, r, after, "ada", now)
            self.counts[after.state.value] += 1
        for hold in self.company.open_holds():
            if now - hold.opened_at > timedelta(days=1):
                with writing(self.company.engine) as connection:
                    holds.release(connection, hold.id, hold.digest, "ada", now)
                self.counts["holds released"] += 1

    # ---- what must be so ----

    def round(self, scope: Scope = Scope.CHANGED, *, checked: bool = True) -> None:
        done = self.company.round(scope)
        self.counts["rounds"] += 1
        self.counts["actions"] += len(done.plan.actions)
        self.counts["rounds with trouble"] += bool(done.trouble)
        self._bounds()
        if checked and not done.trouble:
            self._prompts()

    def _bounds(self) -> None:
        for fine, otherwise in bounds(self.company):
            self._expect(fine, otherwise)

    def _prompts(self) -> None:
        """Every shortage is asked for, once (R18): one that is alive, or a change under way, or a decline."""
        ledger = self.company.ports().ledger
        waiting = ledger.waiting()
        for product in PRODUCTS:
            count = waiting.get(product, 0)
            if not count:
                self.short.discard(product)
                continue
            if product not in self.short:
                self.short.add(product)
                self.counts["shortages"] += 1
            sold = self.company.sold(product)
            last = ledger.last_request(product)
            quiet = last is not None and last.state in (RequestState.DECLINED, RequestState.EXPIRED)
            alive = self.company.request(product) is not None
            free = sold.quantity - sold.assigned - ledger.doubtful().get(product, 0) >= count
            self._expect(
                alive or quiet or free or sold.pending is not None, f"{count} wait for {product}, unasked"
            )

    def sample(self) -> None:
        """R16: some people, each explained, as it is."""
        self.counts["samples"] += 1
        mirror = self.company.ports().mirror
        holders = {product: self.holders(product) for product in PRODUCTS}
        chosen = self.random.sample(sorted(self.staff), min(SAMPLE, len(self.staff)))
        facts = mirror.facts([PersonId(self.company.person(name)) for name in chosen], ())
        for f in facts:
            e = self.staff[f.person.user_name]
            stands = {s.product: s for s in f.standings}
            for product in PRODUCTS:
                standing = stands.get(product, Standing(f.person.id, product))
                self.counts["people explained"] += 1
                self._explained(e, product, standing, e.name in holders[product])

    def _explained(self, e: Employee, product: ProductId, standing: Standing, has: bool) -> None:
        state, entitled = standing.state, product in self._entitled(e)
        told = f"{e.name}: {product} is {state} ({standing.blocked} {standing.failure}), has it: {has}"
        if standing.held is not Held.MAYBE:
            self._expect(has == (standing.held is Held.YES), f"the ledger is wrong: {told}")
        if entitled and not has:
            blocked = standing.blocked == "MISSING_BASE" and PRINT not in self._entitled(e)
            fine = state in (State.WAITING, State.FAILED) or standing.held is Held.MAYBE or blocked
            self._expect(fine, f"entitled, unserved, unexplained: {told}")
        if not entitled and has:
            fine = state in (State.REMOVING, State.HELD, State.FAILED) or standing.kept
            self._expect(fine, f"not entitled, and not leaving: {told}")

    def holders(self, product: ProductId) -> set[str]:
        return self.company.holders(product)

    def _expect(self, fine: bool, otherwise: str) -> None:
        self.counts["checks"] += 1
        if not fine:
            self.wrong.append(f"{self.company.now:%Y-%m-%d %H:%M}: {otherwise}")

    # ---- the last day ----

    def end(self) -> None:
        """Everything is approved, and everybody has what they should."""
        for _ in range(12):
            self.approve()
            self.company.go(hours=20)
            self.round(Scope.EVERYONE)
        with reading(self.company.engine) as connection:
            self.counts["requests"] = connection.scalar(select(func.count()).select_from(request_rows)) or 0
            self.counts["runs"] = connection.scalar(select(func.count()).select_from(runs)) or 0
            charges = select(tenant_charges.c.kind, func.count()).group_by(tenant_charges.c.kind)
            self.counts.update({f"charges: {kind}": n for kind, n in connection.execute(charges)})
        for product in PRODUCTS:
            line = set(self.company.line(product))
            entitled = {e.name for e in self.staff.values() if product in self._entitled(e)}
            based = entitled if product == PRINT else entitled & {
                e.name for e in self.staff.values() if PRINT in self._entitled(e)
            }  # fmt: skip
            self._expect(
                self.holders(product) == based - line, f"{product}: not who should have it, at the end"
            )

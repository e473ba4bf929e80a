"""How does a company live for a year? People come, move and go, and make mistakes; the real engine keeps up.

A fake clock, the real store, the real tenant, notices by a real mail server. What is true of people is kept
here, in plain sets; what the engine made of it is read from AnySoft's side. The same seed, the same year.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

from connector import wiring
from connector.notify.post import Post
from connector.settings import Settings
from connector.store import holds, requests, trouble
from connector.store.engine import reading, writing
from sync import lowering, quantity
from sync.model import Figures, ProductId, RequestState
from sync.ports import Licensing, Transient
from sync.reconcile import Round, Scope
from tests.company import CENTRE, PRINT, Company
from tests.faulty import Fault, Faulty
from tests.standins.mailbox import Mailbox
from tests.watching import PRODUCTS, Watch

SAMPLE = 40  #: people who are explained each day; all of them once a week
SLACK = 3  #: seats that an approver buys beyond the need, so that they run out again
WRITES = ("assign", "unassign", "change_quantity", "create_account", "set_active")
READS = ("subscriptions", "subscription", "tenant", "assignments", "assigned")


@dataclass(slots=True)
class Employee:
    name: str
    id: str
    groups: set[str]
    active: bool = True


@dataclass(slots=True)
class Year:
    company: Company
    box: Mailbox
    people: int
    seed: int = 1
    pace: float = 1.0  #: how much people do; 1: as in a company of this size
    rare: float = 1.0  #: how often the rare things happen; 1: as in a year
    random: Random = field(init=False)
    watch: Watch = field(init=False)
    post: Post = field(init=False)
    staff: dict[str, Employee] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)  #: name -> SCIM id
    gives: dict[str, ProductId] = field(default_factory=dict)
    down: bool = False

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.watch = Watch(self.company, self.box)
        smtp = {"host": "127.0.0.1", "port": self.box.port, "from": "c@northmill.example"}
        smtp |= {"to": "ops@northmill.example", "starttls": False}
        settings = Settings(command_line={"notify": {"smtp": smtp}})  # type: ignore[call-arg]
        self.company.policy = wiring.policy(settings)
        anysoft = lambda settings, engine: self.company.ports().licensing  # noqa: E731
        self.post = Post(settings, self.company.engine, self.company.clock, anysoft)

    @property
    def counts(self) -> Counter[str]:
        return self.watch.counts

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
            wanted = sum(product in self.truth(name) for name in self.staff)
            self.company.buy(product, wanted - SLACK)
        for group, product in self.gives.items():
            self.company.map(group, product)
        self.company.wrap = self._line
        self.round(Scope.EVERYONE)
        self.tell()

    def _group(self, name: str, gives: ProductId) -> None:
        self.groups[name] = self.company.group(name)
        self.gives[name] = gives

    def _some_groups(self) -> set[str]:
        chosen = {self._a_group(PRINT)}
        return chosen | ({self._a_group(CENTRE)} if self.random.random() < 0.2 else set())

    def _a_group(self, product: ProductId) -> str:
        return self.random.choice(sorted(g for g, p in self.gives.items() if p == product))

    def truth(self, name: str) -> set[ProductId]:
        e = self.staff[name]
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

        faults: list[Fault] = [maybe] * (10_000 if self.down else 200)
        return Faulty(real, (*WRITES, *READS) if self.down else WRITES, faults).licensing()

    # ---- a day ----

    def day(self) -> None:
        today = self.company.now
        for _ in range(3):
            if today.weekday() < 5:
                for event in self._events():
                    event()
                self.round()
                self.company.go(minutes=20)
            self.approve()
            self.round()
            self.tell()
            self.company.go(hours=3, minutes=40)
        self.company.go(minutes=5)
        thorough = today.weekday() == 2
        self.round(Scope.EVERYONE if thorough else Scope.CHANGED)
        self.tell()
        everybody = sorted(self.staff)
        self.watch.explained(
            everybody if thorough else self.random.sample(everybody, min(SAMPLE, len(everybody))), self.truth
        )
        while today <= self.company.now:
            today += timedelta(days=1)
        self.company.now = today
        self.counts["days"] += 1

    def _events(self) -> Iterator[Callable[[], None]]:
        busy = self.people / 5000 * self.pace
        for event, a_day in (
            (self.hire, 5.5), (self.leave, 2.4), (self.move, 12), (self.gain_centre, 2.2),
            (self.lose_centre, 1.5), (self.lose_department, 1.0), (self.blink, 1.0), (self.delete, 1.5),
        ):  # fmt: skip
            share = a_day * busy / 3
            for _ in range(int(share) + (self.random.random() < share % 1)):
                yield event
        for event, a_year in (
            (self.reorganize, 6), (self.mistake, 14), (self.outage, 10), (self.close, 3), (self.acquire, 2),
            (self.silence, 6),
        ):  # fmt: skip
            if self.random.random() < a_year * self.rare / 260 / 3:
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
            e.active = False
            self.counts["left"] += 1

    def delete(self) -> None:
        if e := self._somebody(lambda e: not e.active):
            self.company.delete(e.id)
            del self.staff[e.name]
            self.counts["deleted"] += 1

    def move(self) -> None:
        """From one department to another, in that order: nobody may lose anything (R04). Sometimes a round
        comes in between."""
        e = self._somebody(lambda e: e.active and any(self.gives[g] == PRINT for g in e.groups))
        if e is None:
            return
        old = min(g for g in e.groups if self.gives[g] == PRINT)
        self._part(e, old)
        if self.random.random() < 0.3:
            self.round()
        self.company.go(minutes=2)
        self._join(e, self._a_group(PRINT))
        self.counts["moved"] += 1

    def gain_centre(self) -> None:
        if e := self._somebody():
            self._join(e, self._a_group(CENTRE))
            self.counts["joined"] += 1

    def lose_centre(self) -> None:
        if e := self._somebody(lambda e: any(self.gives[g] == CENTRE for g in e.groups)):
            self._part(e, min(g for g in e.groups if self.gives[g] == CENTRE))
            self.counts["parted"] += 1

    def lose_department(self) -> None:
        if e := self._somebody(lambda e: any(self.gives[g] == PRINT for g in e.groups)):
            for group in sorted(g for g in e.groups if self.gives[g] == PRINT):
                self._part(e, group)
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
        group = self._a_group(PRINT)
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
        before = self.company.holders(PRINT)
        for _ in range(3):
            self.round(checked=False)
            self.company.go(hours=1)
        lost = {e.name for e in those} & before - self.company.holders(PRINT)
        self.watch.expect(len(lost) <= 10, f"a mistake took {len(lost)} licenses away (R24)")
        self.tell()

    def close(self) -> None:
        """A department is closed and its people go: held all the same, until a person releases it."""
        group = self._a_group(PRINT)
        for e in [e for e in self.staff.values() if group in e.groups and e.active]:
            self.company.set_active(e.id, False)
            e.active = False
            self.counts["left"] += 1
        self.counts["departments closed"] += 1

    def acquire(self) -> None:
        """A firm is bought: many at once, and no seats for them."""
        for _ in range(max(3, self.people // 80)):
            self.hire()
        self.counts["acquisitions"] += 1

    def silence(self) -> None:
        """The mail server refuses for some hours: what is to be told waits, nothing else does."""
        self.box.refuse = True
        for event in (self.hire, self.leave, self.move):
            event()
            self.round()
            self.tell()
            self.company.go(hours=1)
        self.box.refuse = False
        self.counts["hours without mail"] += 3

    def outage(self) -> None:
        self.down = True
        for _ in range(4):
            for event in (self.hire, self.leave):
                event()
            self.round(checked=False)
            self.tell()
            self.company.go(minutes=40)
        self.down = False
        self.company.go(minutes=20)
        self.round()
        self.tell()
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
                price = self.company.price(r.product)
                seen = Figures(r.quantity, r.need, price)
                after = quantity.approve(r, r.proposed + SLACK, seen, sold, price, "ada", now)
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

    # ---- the engine ----

    def round(self, scope: Scope = Scope.CHANGED, *, checked: bool = True) -> Round:
        done = self.company.round(scope)
        with writing(self.company.engine) as connection:
            if done.trouble:
                trouble.note(connection, done.trouble[0], None, self.company.now)
            else:
                trouble.over(connection)
        self.counts["rounds"] += 1
        self.counts["actions"] += len(done.plan.actions)
        self.counts["rounds with trouble"] += bool(done.trouble)
        self.watch.bounds()
        if checked and not done.trouble:
            self.watch.asked()
        return done

    def tell(self) -> None:
        self.post.gather()
        self.post.send()

    def end(self) -> None:
        """Everything is approved, and everybody has what they should."""
        for _ in range(4):
            for _ in range(3):
                self.approve()
                self.company.go(minutes=31)
                self.round()
                self.tell()
            self.company.go(hours=20)
        self.round(Scope.EVERYONE)
        self.round()
        self.tell()
        self.watch.end(self.staff, self.truth)

"""Does the real engine, on a real database, do what a model of a hundred lines says? (R08-R16, R27)"""

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    precondition,
    rule,
    run_state_machine_as_test,
)

from connector.manual import Desk, Refused
from connector.store.engine import connect
from connector.store.mirror import SqlMirror
from sync.model import GuardPolicy, PersonId, Policy, ProductId, RequestState, Standing
from sync.ports import Rejected
from sync.reconcile import Scope
from tests.company import CENTRE, PRINT, Company
from tests.sync.model_company import GRACE, PRODUCTS, SETTLE, Employee, Holders, Model

#: holds have tests of their own; here removals must come to their end
OPEN_GUARDS = GuardPolicy(
    empty_from=1000, group_min=1000, group_percent=100, product_min=1000, product_percent=100
)
LATE_HOURS = 3
products = st.sampled_from(PRODUCTS)
which = st.integers(0, 1000)


class Machine(RuleBasedStateMachine):
    """One company; every step is followed by the round that a worker would make."""

    def __init__(self, template: Path) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        file = Path(self.folder.name) / "connector.db"
        shutil.copyfile(template, file)
        self.company = Company(
            connect(f"sqlite:///{file}"),
            Policy(
                settle_seconds=int(SETTLE.total_seconds()),
                grace_leaver_hours=GRACE.total_seconds() / 3600,
                guard=OPEN_GUARDS,
            ),
        )
        self.model = Model()
        self.ids: dict[str, str] = {}
        for product, seats in ((PRINT, 3), (CENTRE, 2)):
            self.company.buy(product, seats)
            self.model.bought[product] = seats
        self.groups = {product: self.company.group(f"LIC-{product}") for product in PRODUCTS}
        for product in PRODUCTS:
            self.company.map(self.groups[product], product)
        for _ in range(4):
            self.hire(set(PRODUCTS))

    def teardown(self) -> None:
        self.company.go(hours=LATE_HOURS)
        for _ in range(3):
            self._round()
            self.company.go(hours=LATE_HOURS)
        self._expect([*self.model.late(self._holders())])
        for product in PRODUCTS:
            if self.company.line(product) and self.company.request(product) is None:
                free = self.model.bought[product] - len(self._holders()[product])
                assert free > 0, f"{self.company.line(product)} wait for {product} and nobody is asked (R18)"
        self.company.engine.dispose()
        self.folder.cleanup()

    # ---- what happens ----

    def _someone(self, n: int) -> Employee:
        return list(self.model.people.values())[n % len(self.model.people)]

    def hire(self, groups: set[ProductId]) -> None:
        name = f"p{len(self.ids):02}@northmill.example"
        [self.ids[name]] = self.company.hire(name)
        person = self.model.people[name] = Employee(name)
        for product in sorted(groups):
            self.company.join(self.groups[product], self.ids[name])
            self.model.change(person, self.company.now, join=product)

    @rule(groups=st.sets(products))
    def somebody_is_hired(self, groups: set[ProductId]) -> None:
        self.hire(groups)
        self._round()

    @rule(n=which, product=products)
    def somebody_joins(self, n: int, product: ProductId) -> None:
        person = self._someone(n)
        if product not in person.groups:
            self.company.join(self.groups[product], self.ids[person.name])
            self.model.change(person, self.company.now, join=product)
        self._round()

    @rule(n=which, product=products)
    def somebody_leaves(self, n: int, product: ProductId) -> None:
        person = self._someone(n)
        self.company.leave(self.groups[product], self.ids[person.name])
        self.model.change(person, self.company.now, leave=product)
        self._round()

    @rule(n=which)
    def somebody_is_disabled_or_enabled(self, n: int) -> None:
        person = self._someone(n)
        self.company.set_active(self.ids[person.name], not person.active)
        self.model.change(person, self.company.now, active=not person.active)
        self._round()

    @precondition(lambda self: len(self.model.people) > 2)
    @rule(n=which)
    def somebody_is_deleted(self, n: int) -> None:
        person = self._someone(n)
        if not person.manual:
            self.company.delete(self.ids[person.name])
            del self.model.people[person.name]
        self._round()
        assert person.manual or not any(person.name in have for have in self._holders().values()), (
            "at once (R05)"
        )

    @rule(n=which, product=products)
    def somebody_is_given_it_by_hand(self, n: int, product: ProductId) -> None:
        """Refused without a free seat, and for who is disabled."""
        person = self._someone(n)
        if person.name not in self._holders()[product]:
            try:
                [told] = self._desk().assign(product, [person.name])
            except Refused:
                self._round()
                return
            if told.status == "assigned":
                person.manual.add(product)
        self._round()

    @rule(n=which, product=products)
    def it_is_taken_by_hand(self, n: int, product: ProductId) -> None:
        """Refused where a group gives it, or an add-on stands on it."""
        person = self._someone(n)
        if product in person.manual:
            try:
                [told] = self._desk().unassign(product, [person.name])
            except (Refused, Rejected):
                return
            if told.status == "unassigned":
                person.manual.discard(product)
        self._round()

    @rule(product=products)
    def what_is_asked_for_is_bought(self, product: ProductId) -> None:
        asked = self.company.request(product)
        if asked is None or asked.state is not RequestState.OPEN:
            return
        self.company.approve(product)
        self._round()
        self.company.go(minutes=31)
        self._round(bought=(product, asked.proposed))

    @rule(minutes=st.sampled_from([1, 11, 45, 71, 71, 200]))
    def time_goes_by(self, minutes: int) -> None:
        self.company.go(minutes=minutes)
        self._round()

    @rule()
    def everybody_is_looked_at(self) -> None:
        self.company.go(minutes=2)  # AnySoft's list shows what was done a minute ago (T11)
        self._round(Scope.EVERYONE)

    # ---- what must be so ----

    def _desk(self) -> Desk:
        return Desk(self.company.engine, self.company.tenant, "ada", self.company.clock)

    def _round(self, scope: Scope = Scope.CHANGED, bought: tuple[ProductId, int] | None = None) -> None:
        if bought is not None:
            self.model.bought[bought[0]] = bought[1]
        before = self._holders()
        done = self.company.round(scope)
        assert done.trouble == ()
        if self.company.ports().ledger.due(self.company.now, 1):
            self.company.round()  # as the worker does, a second later
        holders = self._holders()
        standings = self._standings()
        for product in PRODUCTS:
            by_round = holders[product] - before[product]
            self._expect([*self.model.served(product, by_round, standings)])
        self._expect([*self.model.always(holders), *self.model.after_round(holders, standings)])

    def _standings(self) -> dict[tuple[str, ProductId], Standing]:
        """Of those who are here: a deleted one's may still be there under the same name."""
        mirror = self.company.ports().mirror
        assert isinstance(mirror, SqlMirror)
        everyone = mirror.facts(mirror.everyone(PersonId(0), 1000), ())
        here = [facts for facts in everyone if facts.person.records]
        blank = {
            (facts.person.user_name, product): Standing(facts.person.id, product)
            for facts in here
            for product in PRODUCTS
        }
        known = {(f.person.user_name, s.product): s for f in here for s in f.standings}
        return blank | known

    def _holders(self) -> Holders:
        return {product: self.company.holders(product) for product in PRODUCTS}

    def _expect(self, wrong: list[str]) -> None:
        assert not wrong, "\n".join(wrong)


def play(template: Path, examples: int, steps: int) -> None:
    run_state_machine_as_test(
        lambda: Machine(template),  # type: ignore[arg-type]
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
            database=None,
            derandomize=examples < 50,
        ),
    )


def test_the_engine_does_what_the_model_says(sqlite_template: Path) -> None:
    """R08, R09, R10, R12, R14, R15, R16, R18, R27"""
    play(sqlite_template, examples=8, steps=12)


@pytest.mark.long
def test_the_engine_does_what_the_model_says_for_long(sqlite_template: Path) -> None:
    play(sqlite_template, examples=300, steps=40)

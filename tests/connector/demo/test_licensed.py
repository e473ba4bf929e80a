"""Do the real rounds bring Northmill to where the demo and its guide say, cycle by cycle?"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

import pytest
from sqlalchemy import Engine

from connector.anysoft.office import seed_demo
from connector.anysoft.tenant import BuiltInTenant
from connector.demo.player import Played, play
from connector.store import holds, mappings, requests
from connector.store.engine import reading, writing
from connector.store.explain import explain, find_people
from connector.store.leases import no_fence
from connector.store.ledger import SqlLedger
from connector.store.mirror import SqlMirror
from sync.model import Figures, Policy, ProductId, Request, State
from sync.ports import Ports
from sync.quantity import approve
from sync.reconcile import Scope, run_round
from tests.connector.demo.files import cycles, scenario
from tests.connector.demo.northmill import northmill
from tests.moments import START

PRINT, CENTRE, RELEASE = ProductId("anyprint"), ProductId("anyprint-centre"), ProductId("anyprint-release")
WAITING = ["zoe.nyberg", "bo.lindgren", "cleo.martins", "dev.anand", "elin.strand", "finn.moreau"]
CUT_OFF = "@northmill.example"


@dataclass
class Clock:
    """Moves by itself as little as a fast machine would, and by seconds when told."""

    now: datetime = START

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class _Unfenced:
    def check(self) -> None:
        """One worker, surely."""


@dataclass
class Demo:
    engine: Engine
    url: str
    clock: Clock
    played: Played = field(default_factory=Played)

    def __post_init__(self) -> None:
        wanted = scenario()
        change = timedelta(seconds=wanted.settings.pending_change_seconds)
        self.tenant = BuiltInTenant(self.engine, self.clock, change)
        seed_demo(self.engine, self.tenant, wanted.prices, wanted.quantities, wanted.billing, wanted.address)
        keys = count()
        self.ports = Ports(
            licensing=self.tenant,
            mirror=SqlMirror(self.engine, no_fence, self.clock),
            ledger=SqlLedger(
                self.engine, no_fence, {product.id: product.requires for product in self.tenant.products()}
            ),
            fence=_Unfenced(),
            clock=self.clock,
            new_key=lambda: f"key-{next(keys)}",
            pause=self.clock.wait,
        )
        self.policy = Policy(
            settle_seconds=wanted.settings.settle_seconds,
            grace_leaver_hours=wanted.settings.grace_leaver_seconds / 3600,
        )

    def start(self) -> None:
        """What `up --demo` does."""
        for name in scenario().first:
            self.play(name)
        with writing(self.engine) as connection:
            for each in scenario().mappings:
                group = mappings.find_group(connection, each.directory, each.group)
                mappings.add(connection, group, each.product, "demo", self.clock(), priority=each.priority)
        self.rounds()

    def play(self, name: str) -> None:
        recording = next(recording for recording in cycles() if recording.name == name)
        *_, last = play(recording, self.played, self.url, recording.directory)
        self.played = last.played

    def next(self, name: str) -> None:
        """What `demo next` does, and a minute in which everything that falls due is done."""
        self.play(name)
        for _ in range(6):
            self.clock.wait(10)
            self.rounds()

    def rounds(self, scope: Scope = Scope.CHANGED) -> None:
        for _ in range(2):
            assert run_round(self.ports, "test", scope, self.policy).trouble == ()
            self.clock.wait(1)

    def approve(self, request: Request) -> None:
        sub = self.tenant.subscription(request.subscription)
        price = next(p.unit_price for p in self.tenant.products() if p.id == request.product)
        seen = Figures(request.quantity, request.need, price)
        after = approve(request, None, seen, sub, price, "cli:test", self.clock())
        with writing(self.engine) as connection:
            requests.store(connection, request, after, "cli:test", self.clock())
        self.rounds()

    def figures(self) -> dict[str, tuple[int, int]]:
        """Product -> (quantity, assigned)."""
        return {s.product: (s.quantity, s.assigned) for s in self.tenant.subscriptions()}

    def queue(self, product: ProductId) -> list[str]:
        line = self.ports.ledger.queue(product, 100, ready=False)
        return [waiter.user_name.removesuffix(CUT_OFF) for waiter in line]

    def states(self, name: str) -> dict[str, State]:
        with reading(self.engine) as connection:
            (person,) = find_people(connection, name + CUT_OFF)
            stands = explain(connection, person).stands
        return {stand.standing.product: stand.standing.state for stand in stands}

    def calls(self, name: str) -> list[tuple[str, str]]:
        """What AnySoft was asked for a person, oldest first, accounts aside."""
        with reading(self.engine) as connection:
            (person,) = find_people(connection, name + CUT_OFF)
            asked = explain(connection, person).calls
        return [(call.kind, call.product) for call in reversed(asked) if call.product]


@pytest.fixture
def demo(sqlite_engine: Engine) -> Iterator[Demo]:
    clock = Clock()
    with northmill(sqlite_engine, clock) as url:
        demo = Demo(sqlite_engine, url, clock)
        demo.start()
        yield demo


def test_after_the_start_30_print_6_wait_one_is_blocked_one_prompt_is_open(demo: Demo) -> None:
    assert demo.figures() == {
        "anyprint": (30, 30), "anyprint-centre": (10, 5), "anyprint-release": (15, 9), "anyscan": (2, 4),
    }  # fmt: skip
    assert demo.queue(PRINT) == WAITING
    assert demo.queue(CENTRE) == ["zoe.nyberg"]
    assert demo.states("kai.winther") == {CENTRE: State.BLOCKED}
    assert demo.states("ada.berg") == {PRINT: State.ASSIGNED, CENTRE: State.ASSIGNED}
    (request,) = demo.ports.ledger.requests()
    assert (request.product, request.quantity, request.need, request.proposed) == (PRINT, 30, 6, 36)


def test_an_approval_lets_the_waiting_ones_through_and_later_cycles_do_as_the_guide_says(demo: Demo) -> None:
    (request,) = demo.ports.ledger.requests()
    demo.approve(request)
    assert demo.figures()[PRINT] == (30, 30), "pending: the old quantity is in force"
    demo.clock.wait(10)
    demo.rounds()
    assert (demo.figures()[PRINT], demo.figures()[CENTRE]) == ((36, 36), (10, 6))
    assert demo.queue(PRINT) == demo.queue(CENTRE) == []
    assert demo.ports.ledger.requests() == []

    lena = demo.calls("lena.okoro")
    demo.next("entra-2")
    assert (demo.figures()[PRINT], demo.figures()[CENTRE]) == ((36, 35), (10, 5))
    assert demo.calls("lena.okoro") == lena, "she moved between groups of one product (R04)"
    assert demo.calls("nina.castell")[-2:] == [("unassign", CENTRE), ("unassign", PRINT)], "R09"

    before = demo.figures()
    demo.next("entra-3")
    with reading(demo.engine) as connection:
        (hold,) = holds.list_holds(connection)
    assert (hold.state, hold.reason, hold.product, len(hold.removals)) == (
        "open",
        "group_emptied",
        RELEASE,
        9,
    )
    assert demo.figures() == before

    demo.next("entra-4")
    with reading(demo.engine) as connection:
        (hold,) = holds.list_holds(connection)
    assert hold.state == "healed"
    demo.rounds(Scope.EVERYONE)
    assert demo.figures() == before


def test_without_an_approval_a_leaver_makes_room_for_the_first_who_waits_r15(demo: Demo) -> None:
    demo.next("entra-2")
    assert (demo.figures()[PRINT], demo.figures()[CENTRE]) == ((30, 30), (10, 5))
    assert demo.queue(PRINT) == WAITING[1:]
    assert demo.states("zoe.nyberg") == {PRINT: State.ASSIGNED, CENTRE: State.ASSIGNED}
    (request,) = demo.ports.ledger.requests()
    assert (request.need, request.proposed) == (5, 35)

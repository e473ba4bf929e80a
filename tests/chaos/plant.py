"""What does a chaos run hold in its hands? A tenant process, a database, a directory, workers to kill."""

import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert, select

from connector import points
from connector.store import leases, mappings, queue, requests, signals
from connector.store.directory import DirectoryStore
from connector.store.engine import connect, reading, writing
from connector.store.tables import directories, intents
from connector.store.tables import leases as lease_rows
from scim.store import Kind, MemberOp, MemberVerb
from sync import quantity
from sync.model import (
    Address,
    Billing,
    Figures,
    Money,
    ProductId,
    Request,
    RequestState,
    Subscription,
    SubscriptionId,
)
from tests.chaos import laborer
from tests.chaos.checker import Seen, check, unfinished
from tests.chaos.history import History
from tests.chaos.served import CLIENT, SECRET

#: the chaos clock runs so much faster: a minute of back-off is 6 s
RATE = 10.0
LEASE_SECONDS = 2
TIMEOUT_SECONDS = 4.0
SETTLE, GRACE_HOURS = 10, 0.003
#: by the chaos clock, after which nothing that was lost is still to be waited for
DUE_SECONDS = SETTLE + GRACE_HOURS * 3600 + 5
#: T09: "at most 2 minutes", and the lease that a killed worker leaves behind
CONVERGE_SECONDS = 120 + LEASE_SECONDS * RATE
#: when it is given up; between the two it is late, and counted as such: the chaos clock runs on where a busy
#: machine gives the worker no time
PATIENCE_SECONDS = 600.0

POINTS = (
    "directory read", "AnySoft read", "plan made", "plan stored", "intent committed", "request sent",
    "answer read", "outcome stored", "quantity accepted", "report half written", "lease renewed",
    "audit row written",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class World:
    """What is drawn for a run: by its seed, it is the same again."""

    seed: int
    keys: bool  #: idempotency keys are honored
    bought: Mapping[str, int]
    lax: bool = False
    refused: float = 0.0
    change_seconds: tuple[float, float] = (2, 20)
    full_minutes: float = 60.0  #: between two looks at everyone; by default none heals what a scene breaks


@dataclass(slots=True)
class Plant:
    world: World
    url: str  #: of the database
    folder: Path
    tenant: str  #: its URL
    context: ForkServerContext
    engine: Engine
    history: History
    environment: dict[str, str]
    ids: dict[str, str] = field(default_factory=dict)  #: user name -> SCIM id
    groups: dict[str, str] = field(default_factory=dict)  #: product -> SCIM id
    patience: float = PATIENCE_SECONDS
    kills: int = 0
    started: list[ForkServerProcess] = field(default_factory=list)

    def now(self) -> datetime:
        return points.clock()

    # ---- the tenant ----

    def steer(self, what: str, **given: object) -> Any:
        body = json.dumps(given).encode()
        with urllib.request.urlopen(f"{self.tenant}/chaos/{what}", body, timeout=30) as answer:
            return json.load(answer)

    def seen(self) -> Seen:
        return Seen.of(self.steer("dump"))

    def calls(self) -> int:
        return int(self.steer("seen").get("calls", 0))

    # ---- the directory ----

    def store(self) -> DirectoryStore:
        with writing(self.engine) as connection:
            pk = connection.scalar(select(directories.c.pk))
            if pk is None:
                values = {"name": "entra", "kind": "entra", "created_at": self.now()}
                pk = connection.scalars(insert(directories).values(values).returning(directories.c.pk)).one()
        return DirectoryStore(self.engine, pk, self.now)

    def set_up(self) -> None:
        store = self.store()
        for product in self.world.bought:
            with store.writing() as writer:
                self.groups[product] = writer.create(Kind.GROUP, {"displayName": f"LIC-{product}"}).id
            with writing(self.engine) as connection:
                group = mappings.find_group(connection, "entra", self.groups[product])
                mappings.add(connection, group, ProductId(product), "cli:chaos", self.now())

    def hire(self, *names: str) -> None:
        with self.store().writing() as writer:
            for name in names:
                shown = {"userName": name, "displayName": name, "active": True}
                self.ids[name] = writer.create(Kind.USER, shown).id
                self.history.active[name] = True
        self.history.note()

    def join(self, product: str, *names: str) -> None:
        self._members(product, MemberVerb.ADD, names)
        self.history.members.setdefault(product, set()).update(names)
        self.history.note()

    def leave(self, product: str, *names: str) -> None:
        self._members(product, MemberVerb.REMOVE, names)
        self.history.members.setdefault(product, set()).difference_update(names)
        self.history.note()

    def _members(self, product: str, verb: MemberVerb, names: tuple[str, ...]) -> None:
        with self.store().writing() as writer:
            members = tuple(self.ids[name] for name in names)
            writer.change_members(self.groups[product], [MemberOp(verb, members)])

    def set_active(self, name: str, active: bool) -> None:
        with self.store().writing() as writer:
            user = writer.lock(Kind.USER, self.ids[name])
            writer.save(user, {**user.attributes, "active": active})
        self.history.active[name] = active
        self.history.note()

    def sync(self) -> None:
        """As `sync --full` asks: a round over everyone."""
        with writing(self.engine) as connection:
            signals.ask(connection, True, "cli:chaos", self.now())

    # ---- a person who approves ----

    def requests(self) -> list[Request]:
        with reading(self.engine) as connection:
            return requests.living(connection)

    def approve(self) -> bool:
        """Whichever is open and can be approved now, as `request approve` does."""
        for asked in self.requests():
            if asked.state is not RequestState.OPEN:
                continue
            sold = self.seen().sold[asked.product]
            if sold["pending"] or sold["quantity"] != asked.quantity:
                continue
            try:
                approve(self.engine, asked, self.now())
            except requests.Changed:  # the worker was faster
                continue
            return True
        return False

    # ---- workers ----

    def start(self, kill_at: str = "") -> ForkServerProcess:
        environment = {**self.environment, points.KILL_AT: kill_at}
        process = laborer.start(self.context, environment, str(self.folder / "worker.log"))
        self.started = [each for each in self.started if each.is_alive()] + [process]
        return process

    def kill(self, process: ForkServerProcess) -> bool:
        """Whether it was still alive."""
        alive = process.is_alive()
        process.kill()
        process.join(10)
        self.kills += process.exitcode == -signal.SIGKILL
        return alive

    def stop(self, process: ForkServerProcess) -> None:
        process.terminate()
        process.join(12)
        early = -signal.SIGTERM  # before it could listen for it
        assert process.exitcode in (0, early), f"the worker ended with {process.exitcode}: {self.tail()}"

    def tail(self) -> str:
        log = self.folder / "worker.log"
        return log.read_text(errors="replace")[-3000:] if log.exists() else ""

    def free_lease(self) -> None:
        """As if its time were over; only where take-over isn't what is tested."""
        with writing(self.engine) as connection:
            connection.execute(lease_rows.update().values(expires_at=0))

    def working(self) -> bool:
        with reading(self.engine) as connection:
            row = connection.execute(
                select((lease_rows.c.expires_at > leases.database_now(connection)).label("alive"))
            ).first()
        return row is not None and bool(row.alive)

    # ---- the judgment ----

    def violations(self) -> list[str]:
        early = self.steer("seen").get("too early", 0)
        told = [f"R29: {early} calls before the time that a 429 asked for"] if early else []
        return told + check(self.seen(), self.world.bought, self.history, self.engine)

    def unfinished(self) -> list[str]:
        return unfinished(self.seen(), self.history, self.engine)

    def converge(self) -> tuple[float, list[str]]:
        """By the chaos clock, how long it took; and what isn't done by then."""
        began = self.now()
        while True:
            left = self.unfinished()
            took = (self.now() - began).total_seconds()
            if not left or took > self.patience:
                return took, left
            time.sleep(0.2)

    def late(self) -> list[str]:
        """T09: what isn't as it should be though time enough has gone."""
        took, left = self.converge()
        return [f"T09: not after {took:.0f} s: {each}" for each in left]

    def in_doubt(self) -> int:
        """How many licenses the connector isn't sure of."""
        with reading(self.engine) as connection:
            return sum(queue.doubtful(connection).values())

    def unanswered(self) -> int:
        """How many intents are over without an answer that settles them."""
        with reading(self.engine) as connection:
            return len(connection.scalars(select(intents.c.pk).where(intents.c.state == "unknown")).all())


def approve(engine: Engine, asked: Request, now: datetime) -> Request:
    """By a person of the role approver."""
    sub = _as_seen(asked)
    price = Money(Decimal("4.00"), "EUR")  # as the office sells it
    seen = Figures(asked.quantity, asked.need, price)
    decided = quantity.approve(asked, None, seen, sub, price, "ada", now)
    with writing(engine) as connection:
        return requests.store(connection, asked, decided, "ada", now)


def _as_seen(asked: Request) -> Subscription:
    day = asked.opened_at.date()
    billing, address = Billing("Northmill", "b@northmill.example"), Address("Quay 1", "Malmo", "211 20", "SE")
    id, product = SubscriptionId(asked.product), ProductId(asked.product)
    return Subscription(id, product, asked.quantity, 0, 0, day, day, None, billing, address)


@contextmanager
def plant(
    world: World, url: str, folder: Path, context: ForkServerContext, patience: float = PATIENCE_SECONDS
) -> Iterator[Plant]:
    """`url`: a migrated database without a row. `patience`: what is waited for is given up after so long."""
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault(points.CLOCK, f"{time.time():.3f} {RATE}")
    with _tenant(world) as tenant:
        engine = connect(url)
        built = Plant(
            world=world,
            url=url,
            folder=folder,
            tenant=tenant,
            context=context,
            engine=engine,
            history=History(tuple(world.bought)),
            environment=_environment(world, url, tenant, folder),
            patience=patience,
        )
        built.set_up()
        try:
            yield built
        finally:
            for process in built.started:
                process.kill()
                process.join(10)
            engine.dispose()


@contextmanager
def _tenant(world: World) -> Iterator[str]:
    given = {
        "sold": dict(world.bought), "seed": world.seed, "keys": world.keys, "lax": world.lax,
        "refused": world.refused, "change_seconds": world.change_seconds,
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.chaos.served", json.dumps(given)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


def _environment(world: World, url: str, tenant: str, folder: Path) -> dict[str, str]:
    return {
        points.CLOCK: os.environ[points.CLOCK],
        "CONNECTOR_DATABASE_URL": url,
        "CONNECTOR_DATA_DIR": str(folder),
        "CONNECTOR_SECRET_KEY": "chaos-chaos-chaos-chaos-chaos-chaos",
        "CONNECTOR_ANYSOFT__URL": tenant,
        "CONNECTOR_ANYSOFT__CLIENT_ID": CLIENT,
        "CONNECTOR_ANYSOFT__CLIENT_SECRET": SECRET,
        "CONNECTOR_ANYSOFT__TIMEOUT_SECONDS": str(TIMEOUT_SECONDS),
        "CONNECTOR_SYNC__LEASE_SECONDS": str(LEASE_SECONDS),
        "CONNECTOR_SYNC__ROUND_SECONDS": "0.2",
        "CONNECTOR_SYNC__SUBSCRIPTIONS_SECONDS": "6",
        "CONNECTOR_SYNC__FULL_ROUND_MINUTES": str(world.full_minutes),
        "CONNECTOR_SYNC__SETTLE_SECONDS": str(SETTLE),
        "CONNECTOR_SYNC__GRACE_LEAVER_HOURS": str(GRACE_HOURS),
        "CONNECTOR_SYNC__GUARD__EMPTY_FROM": "100000",
        "CONNECTOR_SYNC__GUARD__GROUP_MIN": "100000",
        "CONNECTOR_SYNC__GUARD__PRODUCT_MIN": "100000",
    }


def until(seen: Callable[[], bool], seconds: float) -> bool:
    """Real seconds."""
    end = time.monotonic() + seconds
    while not seen():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def draw(seed: int, keys: bool) -> World:
    """Half of the worlds are lax (T01 and T05 by the connector alone), half have strangers in the portal."""
    rng = random.Random(seed)
    bought = {"anyprint": rng.randint(8, 14), "anyprint-centre": rng.randint(3, 6)}
    refused = rng.choice([0.0, 0.3])
    return World(seed, keys, bought, lax=seed % 2 == 0, refused=refused, full_minutes=0.8)

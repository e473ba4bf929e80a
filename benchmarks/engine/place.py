"""What does a measurement hold in its hands? The real store, tenant, lease and settings."""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from sqlalchemy import Engine, select

from benchmarks.engine.world import group_id, user_id
from connector import rounds, wiring
from connector.besides import Counted
from connector.due import Cause
from connector.rounds import Made
from connector.settings import Overrides, Settings, load
from connector.store import signals
from connector.store.directory import DirectoryStore
from connector.store.engine import connect, reading, writing
from connector.store.leases import Heartbeat, acquire
from connector.store.tables import persons, tenant_assignments
from scim.store import MemberOp, MemberVerb
from sync.model import ProductId
from sync.ports import Licensing, Ports
from sync.reconcile import Scope


@dataclass(slots=True)
class Place:
    """A database with a world in it, and rounds over it as the worker makes them."""

    url: str
    engine: Engine
    settings: Settings
    heartbeat: Heartbeat
    calls: Counter[str] = field(default_factory=Counter)
    _ports: Ports | None = None

    def ports(self) -> Ports:
        """Kept from round to round, as the worker does."""
        if self._ports is None:
            counted = Counted(wiring.licensing(self.settings, self.engine))
            self.calls = counted.calls
            self._ports = wiring.ports(
                self.settings, self.engine, self.heartbeat, lambda: False, anysoft=cast(Licensing, counted)
            )
        return self._ports

    def round(self, scope: Scope = Scope.CHANGED) -> Made:
        cause = Cause("bench", scope)
        made = rounds.make(self.ports(), self.settings, self.engine, self.heartbeat, cause)
        if made.trouble:
            raise RuntimeError(f"a round was in vain: {made.trouble}")
        return made

    def change(self, number: int, product: ProductId, verb: MemberVerb) -> None:
        """One membership, as a PATCH changes it."""
        with DirectoryStore(self.engine, 1, wiring.clock).writing() as writer:
            writer.change_members(group_id(product), [MemberOp(verb, (user_id(number),))])

    def has(self, number: int, product: ProductId) -> bool:
        return holds(self.engine, number, product)


def holds(engine: Engine, number: int, product: ProductId) -> bool:
    """Whether a person, by number, has the product at AnySoft."""
    query = (
        select(tenant_assignments.c.account_id)
        .join(persons, persons.c.account_id == tenant_assignments.c.account_id)
        .where(persons.c.pk == number, tenant_assignments.c.subscription_id == f"sub-{product}")
    )
    with reading(engine) as connection:
        return connection.scalar(query) is not None


def freshen(engine: Engine) -> None:
    """A full round was just made, as far as the worker can see: it makes none while others are measured."""
    now = wiring.clock()
    with writing(engine) as connection:
        signals.put(connection, "full_round", now.isoformat(), now)


@contextmanager
def opened(url: str, folder: Path) -> Iterator[Place]:
    os.environ["CONNECTOR_DATABASE_URL"] = url
    os.environ["CONNECTOR_DATA_DIR"] = str(folder)
    settings = load(Overrides())
    engine = connect(url)
    lease = acquire(engine, rounds.LEASE, f"bench/{os.getpid()}", settings.sync.lease_seconds)
    if lease is None:
        raise RuntimeError("somebody else works in this database")
    with Heartbeat(engine, lease) as heartbeat:
        yield Place(url, engine, settings, heartbeat)
    engine.dispose()

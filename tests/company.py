"""What does a test of whole rounds hold in its hands? A company: real store, built-in tenant, own clock.

Only the test moves the clock; no part of it is a mock.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count

from sqlalchemy import Engine, insert, select

from connector.anysoft.office import open_tenant
from connector.anysoft.tenant import BuiltInTenant
from connector.store import first_run, holds, mappings, queue, requests
from connector.store.directory import DirectoryStore
from connector.store.engine import reading, writing
from connector.store.fold import folded
from connector.store.leases import no_fence
from connector.store.ledger import SqlLedger
from connector.store.mirror import SqlMirror
from connector.store.tables import directories, persons
from scim.store import Kind, MemberOp, MemberVerb
from sync import quantity, reconcile
from sync.model import (
    Address,
    Billing,
    Figures,
    Held,
    Hold,
    MappingId,
    Money,
    PersonId,
    Policy,
    ProductId,
    Request,
    Standing,
    State,
    Subscription,
)
from sync.plan import Plan
from sync.ports import Licensing, Ports
from sync.reconcile import Round, Scope
from tests.moments import START

PRINT, CENTRE, RELEASE, SCAN = map(ProductId, ("anyprint", "anyprint-centre", "anyprint-release", "anyscan"))
BILLING = Billing("Northmill", "billing@northmill.example")
ADDRESS = Address("Quay 1", "Malmo", "211 20", "SE")


class NoFence:
    def check(self) -> None:
        """The tests' rounds run one at a time."""


@dataclass(slots=True)
class Company:
    engine: Engine
    policy: Policy = field(default_factory=Policy)
    now: datetime = START
    wrap: Callable[[Licensing], Licensing] = lambda licensing: licensing  #: faults go here
    _keys: "count[int]" = field(default_factory=count)

    # ---- time and rounds ----

    def clock(self) -> datetime:
        return self.now

    def go(self, **lapse: float) -> None:
        self.now += timedelta(**lapse)

    def key(self) -> str:
        return f"key-{next(self._keys)}"

    @property
    def tenant(self) -> BuiltInTenant:
        return BuiltInTenant(self.engine, self.clock, timedelta(minutes=30))

    def ports(self) -> Ports:
        tenant = self.tenant
        return Ports(
            licensing=self.wrap(tenant),
            mirror=SqlMirror(self.engine, no_fence, self.clock),
            ledger=SqlLedger(self.engine, no_fence, {p.id: p.requires for p in tenant.products()}),
            fence=NoFence(),
            clock=self.clock,
            new_key=self.key,
            pause=lambda seconds: None,
        )

    def round(self, scope: Scope = Scope.CHANGED) -> Round:
        """After a directory's first read it is a full one, as the worker is asked for (R26)."""
        ports = self.ports()
        with reading(self.engine) as connection:
            observed = first_run.whole(connection)
        scope = Scope.EVERYONE if observed else scope
        done = reconcile.run_round(ports, "test", scope, self.policy)
        assert done.run is not None
        ports.ledger.finish(done.run, {}, "failed" if done.trouble else "done", self.now)
        if scope is Scope.EVERYONE and not done.trouble:
            with writing(self.engine) as connection:
                first_run.end(connection, observed)
        return done

    def rehearse(self, scope: Scope = Scope.CHANGED) -> Plan:
        return reconcile.rehearse(self.ports(), scope, self.policy).plan

    def settle(self, **policy: object) -> None:
        self.policy = replace(self.policy, **policy)  # type: ignore[arg-type]

    # ---- the directory ----

    def directory(self, name: str = "entra") -> DirectoryStore:
        with writing(self.engine) as connection:
            pk = connection.scalar(select(directories.c.pk).where(directories.c.name == name))
            if pk is None:
                values = {"name": name, "kind": "entra", "created_at": self.now}
                pk = connection.scalars(insert(directories).values(values).returning(directories.c.pk)).one()
        return DirectoryStore(self.engine, pk, self.clock)

    def hire(self, *names: str, directory: str = "entra") -> list[str]:
        with self.directory(directory).writing() as writer:
            return [
                writer.create(Kind.USER, {"userName": name, "displayName": name.title(), "active": True}).id
                for name in names
            ]

    def set_active(self, id: str, active: bool, directory: str = "entra") -> None:
        with self.directory(directory).writing() as writer:
            user = writer.lock(Kind.USER, id)
            writer.save(user, {**user.attributes, "active": active})

    def delete(self, id: str, directory: str = "entra") -> None:
        with self.directory(directory).writing() as writer:
            writer.delete(Kind.USER, id)

    def group(self, name: str, members: Iterable[str] = (), directory: str = "entra") -> str:
        with self.directory(directory).writing() as writer:
            id = writer.create(Kind.GROUP, {"displayName": name}).id
            writer.change_members(id, [MemberOp(MemberVerb.ADD, tuple(members))])
        return id

    def join(self, group: str, *ids: str, directory: str = "entra") -> None:
        self._members(group, MemberVerb.ADD, ids, directory)

    def leave(self, group: str, *ids: str, directory: str = "entra") -> None:
        self._members(group, MemberVerb.REMOVE, ids, directory)

    def _members(self, group: str, verb: MemberVerb, ids: tuple[str, ...], directory: str) -> None:
        with self.directory(directory).writing() as writer:
            writer.change_members(group, [MemberOp(verb, ids)])

    def map(self, group: str, product: ProductId, directory: str = "entra", **options: int) -> MappingId:
        with writing(self.engine) as connection:
            pk = mappings.find_group(connection, directory, group)
            return mappings.add(connection, pk, product, "cli:test", self.now, **options)  # type: ignore[arg-type]

    # ---- AnySoft ----

    def buy(self, product: ProductId, quantity: int) -> Subscription:
        open_tenant(self.engine)
        return self.tenant.add_product(product, quantity, BILLING, ADDRESS, self.key())

    def sold(self, product: ProductId) -> Subscription:
        return next(s for s in self.tenant.subscriptions() if s.product == product)

    def price(self, product: ProductId) -> Money | None:
        return next(p.unit_price for p in self.tenant.products() if p.id == product)

    def holders(self, product: ProductId) -> set[str]:
        """Who has it, as AnySoft says."""
        return {a.user_name for a in self.tenant.assignments(self.sold(product).id)}

    # ---- what the ledger says ----

    def person(self, name: str) -> PersonId:
        with reading(self.engine) as connection:
            query = select(persons.c.pk).where(persons.c.folded == folded(name)).order_by(persons.c.pk.desc())
            return PersonId(connection.scalars(query).first() or 0)

    def standing(self, name: str, product: ProductId) -> Standing:
        person = self.person(name)
        found = self.ports().ledger.person(person).standings
        return next((s for s in found if s.product == product), Standing(person, product))

    def state(self, name: str, product: ProductId) -> State:
        return self.standing(name, product).state

    def held(self, name: str, product: ProductId) -> Held:
        return self.standing(name, product).held

    def line(self, product: ProductId) -> list[str]:
        with reading(self.engine) as connection:
            return [w.user_name for w in queue.read_queue(connection, product, 1000, ready=False)]

    def request(self, product: ProductId) -> Request | None:
        with reading(self.engine) as connection:
            return next((r for r in requests.living(connection) if r.product == product), None)

    def approve(self, product: ProductId, target: int | None = None) -> Request:
        with writing(self.engine) as connection:
            asked = next(r for r in requests.living(connection) if r.product == product)
            sold = self.sold(product)
            price = self.price(product)
            seen = Figures(asked.quantity, asked.need, price)
            done = quantity.approve(asked, target, seen, sold, price, "ada", self.now)
            return requests.store(connection, asked, done, "ada", self.now)

    def open_holds(self) -> list[Hold]:
        with reading(self.engine) as connection:
            return [h for h in holds.list_holds(connection) if h.state == "open"]

"""What does a contract test hold in its hands? Somebody's Licensing, and AnySoft's side of that tenant."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count

from sqlalchemy import Engine

from connector.anysoft import office
from connector.anysoft.licensing import Charge
from connector.anysoft.tenant import BuiltInTenant
from sync.model import AccountId, Address, Billing, Money, ProductId, Status, Subscription, SubscriptionId
from sync.ports import Licensing

BILLING = Billing("Contoso Ltd", "billing@contoso.example", "PO-17")
ADDRESS = Address("1 High Street", "Leeds", "LS1 1AA", "GB", "2nd floor", "Yorkshire")
DELAY = timedelta(minutes=30)
PRICES = {
    ProductId("anyprint"): Money(Decimal("4.00"), "EUR"),
    ProductId("anyprint-centre"): Money(Decimal("2.50"), "EUR"),
}


@dataclass(slots=True)
class Clock:
    at: datetime = datetime(2026, 1, 31, 10, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def go(self, **lapse: float) -> None:
        self.at += timedelta(**lapse)


#: how a tenant is reached: in process, or by HTTP
Connect = Callable[[BuiltInTenant], Licensing]


@dataclass(slots=True)
class World:
    engine: Engine
    clock: Clock
    tenant: BuiltInTenant  #: the tenant itself
    licensing: Licensing  #: it, as the connector reaches it
    _keys: "count[int]" = field(default_factory=count)

    @property
    def url(self) -> str:
        """Of the tenant's database."""
        return self.engine.url.render_as_string(hide_password=False)

    def key(self) -> str:
        return f"key-{next(self._keys)}"

    def subscribe(self, product: str, quantity: int) -> SubscriptionId:
        added = self.licensing.add_product(ProductId(product), quantity, BILLING, ADDRESS, self.key())
        return added.id

    def people(self, number: int) -> list[AccountId]:
        licensing = self.licensing
        return [
            licensing.create_account(f"person{next(self._keys)}@contoso.example", "", "", "", self.key()).id
            for _ in range(number)
        ]

    def assign(self, id: SubscriptionId, accounts: Iterable[AccountId]) -> list[Status]:
        asked = list(accounts)
        results = self.licensing.assign(id, asked, self.key())
        assert [result.account for result in results] == asked, "results come in the order asked"
        return [result.status for result in results]

    def unassign(self, id: SubscriptionId, accounts: Iterable[AccountId]) -> list[Status]:
        asked = list(accounts)
        results = self.licensing.unassign(id, asked, self.key())
        assert [result.account for result in results] == asked, "results come in the order asked"
        return [result.status for result in results]

    def holders(self, id: SubscriptionId) -> set[AccountId]:
        holders = [assigned.account for assigned in self.licensing.assignments(id)]
        assert len(holders) == len(set(holders)) == self.now(id).assigned, "the counter counts the rows"
        return set(holders)

    def now(self, id: SubscriptionId) -> Subscription:
        return self.licensing.subscription(id)

    def billed(self, product: str) -> list[tuple[str, int, str | None]]:
        """(kind, seats, amount) of each charge."""
        return [_line(charge) for charge in self.tenant.charges(ProductId(product))]


def _line(charge: Charge) -> tuple[str, int, str | None]:
    return charge.kind.value, charge.seats, None if charge.amount is None else str(charge.amount.amount)


def world(engine: Engine, connect: Connect) -> World:
    clock = Clock()
    tenant = BuiltInTenant(engine, clock, DELAY)
    office.open_tenant(engine)
    for product, price in PRICES.items():
        office.set_price(engine, product, price)
    return World(engine, clock, tenant, connect(tenant))

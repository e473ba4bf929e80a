"""How does the built-in tenant, AnySoft's license section in the connector's own database, answer?

It obeys L1-L12 to the letter, also under any number of processes: each write locks the row of the role
(PostgreSQL: FOR UPDATE; SQLite: BEGIN IMMEDIATE) before it reads what it decides by. One lock for the tenant
rather than one a subscription, because add-on and base (L12) and the two metered quantities (L4) are decided
across subscriptions, and because a role that is revoked must stop the very next write (L1).

What falls due (a pending quantity, a renewal) is settled by whoever comes next, reader or writer.
A caller must not be inside a writing transaction of its own: on SQLite it would wait for itself.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, select

from connector.anysoft import accounts, books, rows, seats, selling, wire
from connector.anysoft.answers import Call, once
from connector.anysoft.bodies import (
    AccountChange,
    AddProduct,
    Change,
    NewAccount,
    accounts_body,
    destination_body,
)
from connector.anysoft.licensing import BATCH, CATALOG, LONGEST_CHANGE, ROLE, Charge
from connector.store.engine import Unavailable, asking, reading, writing
from connector.store.tables import tenant_roles
from sync.model import (
    Account,
    AccountId,
    Address,
    Assigned,
    Billing,
    Destination,
    Product,
    ProductId,
    Result,
    Subscription,
    SubscriptionId,
    Tenant,
)
from sync.ports import Rejected, Transient, Unauthorized

T = TypeVar("T")


class BuiltInTenant:
    """sync.ports.Licensing over the tenant_ tables; `open_tenant` must have made the tenant.

    `change_delay`: how long a change of quantity is pending (L9: up to 1 hour; ValueError beyond).
    """

    def __init__(
        self,
        engine: Engine,
        now: Callable[[], datetime],
        change_delay: timedelta = LONGEST_CHANGE,
        *,
        id: str = "built-in",
        name: str = "AnySoft (built-in tenant)",
    ) -> None:
        if not timedelta() <= change_delay <= LONGEST_CHANGE:
            raise ValueError("a change of quantity takes from 0 seconds to 1 hour (L9)")
        self._engine = engine
        self._now = now
        self._change_delay = change_delay
        self._id = id
        self._name = name

    # ---- what there is ----

    def tenant(self) -> Tenant:
        with self._reading() as conn:
            roles = conn.execute(select(tenant_roles.c.role).where(tenant_roles.c.granted)).scalars()
            return Tenant(self._id, self._name, tuple(roles))

    def products(self) -> Sequence[Product]:
        with _transient(), asking(self._engine) as conn:  # whatever is due changes no product
            prices = rows.read_prices(conn)
        return [replace(product, unit_price=prices.get(id)) for id, product in CATALOG.items()]

    def subscriptions(self) -> Sequence[Subscription]:
        with self._reading() as conn:
            return rows.read_subscriptions(conn, self._now().date())

    def subscription(self, id: SubscriptionId) -> Subscription:
        with self._reading() as conn:
            return selling.subscription(conn, id, self._now())

    def settings(self, id: SubscriptionId) -> Mapping[str, str]:
        """What `manage` has set; the contract has no call that shows it."""
        with self._reading() as conn:
            selling.subscription(conn, id, self._now())
            return selling.settings(conn, id)

    def charges(self, product: ProductId | None = None) -> Sequence[Charge]:
        """Everything that was billed, of one product or of all, in the order in which it was booked."""
        with self._reading() as conn:
            return rows.read_charges(conn, product)

    # ---- buying and managing ----

    def add_product(
        self, product: ProductId, quantity: int, billing: Billing, address: Address, key: str
    ) -> Subscription:
        wish = AddProduct(product, quantity, billing, address)
        call = Call(key, "POST /v1/subscriptions", wish.body(), 201)
        return self._once(
            call,
            lambda conn, now: selling.add_product(conn, now, wish),
            wire.subscription_json,
            wire.subscription_of,
        )

    def change_quantity(self, id: SubscriptionId, quantity: int, key: str) -> Subscription:
        return self.change(id, Change(quantity=quantity), key)

    def manage(
        self,
        id: SubscriptionId,
        key: str,
        billing: Billing | None = None,
        address: Address | None = None,
        settings: dict[str, str] | None = None,
    ) -> Subscription:
        return self.change(id, Change(billing=billing, address=address, settings=settings), key)

    def change(self, id: SubscriptionId, wish: Change, key: str) -> Subscription:
        """PATCH of the contract: quantity and the rest in one, all or nothing."""
        return self._once(
            Call(key, f"PATCH /v1/subscriptions/{id}", wish.body(), 202),
            lambda conn, now: selling.change(conn, now, id, wish, self._change_delay),
            wire.subscription_json,
            wire.subscription_of,
        )

    # ---- seats ----

    def assignments(
        self, id: SubscriptionId, accounts: Collection[AccountId] = (), after: str = ""
    ) -> Iterator[Assigned]:
        """By account id, from beyond `after`, page by page: a change meanwhile may be in it or not.

        `accounts` narrows when it names up to 200.
        """
        self.subscription(id)
        narrow = 1 <= len(accounts) <= BATCH
        return self._assignments(id, rows.possible(accounts) if narrow else None, after)

    def _assignments(
        self, id: SubscriptionId, narrowed: set[AccountId] | None, after: str
    ) -> Iterator[Assigned]:
        while True:
            with self._reading() as conn:
                page = accounts.assignments_page(conn, id, narrowed, after)
            yield from page
            if len(page) < wire.PAGE:
                return
            after = page[-1].account

    def assigned(self, id: SubscriptionId) -> Iterator[AccountId]:
        """As `assignments`, in larger pages."""
        self.subscription(id)
        return self._assigned(id)

    def _assigned(self, id: SubscriptionId) -> Iterator[AccountId]:
        after = ""
        while True:
            with self._reading() as conn:
                page = accounts.assigned_page(conn, id, after)
            yield from page
            if len(page) < accounts.MANY:
                return
            after = page[-1]

    def assign(self, id: SubscriptionId, accounts: Sequence[AccountId], key: str) -> Sequence[Result]:
        return self._once(
            Call(key, f"POST /v1/subscriptions/{id}/assignments", accounts_body(accounts), 200),
            lambda conn, now: seats.assign(conn, now, id, accounts),
            wire.results_json,
            wire.results_of,
        )

    def unassign(self, id: SubscriptionId, accounts: Sequence[AccountId], key: str) -> Sequence[Result]:
        return self._once(
            Call(key, f"POST /v1/subscriptions/{id}/unassignments", accounts_body(accounts), 200),
            lambda conn, now: seats.unassign(conn, id, accounts),
            wire.results_json,
            wire.results_of,
        )

    # ---- users ----

    def find_account(self, user_name: str) -> Account | None:
        with self._reading() as conn:
            return accounts.find(conn, user_name)

    def accounts(self, after: str = "") -> Iterator[Account]:
        """By id, from beyond `after`, page by page: who is made meanwhile may be in it or not."""
        while True:
            with self._reading() as conn:
                page = accounts.page(conn, after)
            yield from page
            if len(page) < wire.PAGE:
                return
            after = page[-1].id

    def create_account(
        self, user_name: str, display_name: str, email: str, external_id: str, key: str
    ) -> Account:
        wish = NewAccount(user_name, display_name, email, external_id)
        return self._once(
            Call(key, "POST /v1/users", wish.body(), 201),
            lambda conn, now: accounts.create(conn, wish),
            wire.account_json,
            wire.account_of,
        )

    def set_active(self, id: AccountId, active: bool, key: str) -> Account:
        return self.change_account(id, AccountChange(active=active), key)

    def change_account(self, id: AccountId, wish: AccountChange, key: str) -> Account:
        """PATCH of the contract. A name that another user has: Rejected user_exists."""
        return self._once(
            Call(key, f"PATCH /v1/users/{id}", wish.body(), 200),
            lambda conn, now: accounts.change(conn, id, wish),
            wire.account_json,
            wire.account_of,
        )

    # ---- Destinations ----

    def destinations(self) -> Sequence[Destination]:
        with self._reading() as conn:
            return seats.read_destinations(conn)

    def add_destination(self, name: str, key: str) -> Destination:
        return self._once(
            Call(key, "POST /v1/destinations", destination_body(name), 201),
            lambda conn, now: seats.add_destination(conn, now, name),
            wire.destination_json,
            wire.destination_of,
        )

    def remove_destination(self, id: str) -> None:
        with self._administering() as (conn, _):
            seats.remove_destination(conn, id)

    # ---- transactions ----

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """A snapshot in which nothing is due any more."""
        with _transient():
            with reading(self._engine) as conn:
                due = books.is_due(rows.read_books(conn), self._now())
            if due:
                with writing(self._engine) as conn:
                    rows.lock(conn)
                    _settle(conn, self._now())
            with reading(self._engine) as conn:
                yield conn

    @contextmanager
    def _administering(self) -> Iterator[tuple[Connection, datetime]]:
        """A transaction that has the tenant's lock and the role (L1); nothing is due in it any more."""
        try:
            with writing(self._engine) as conn:
                if not rows.lock(conn):
                    raise Unauthorized(
                        f"the connector's account has not the role {ROLE} (L1): nothing was changed; "
                        "`anysoft-connector tenant role grant` gives it back"
                    )
                now = self._now()
                _settle(conn, now)
                yield conn, now
        except Unavailable as error:
            raise Transient(str(error), maybe_done=True) from error

    def _once(
        self,
        call: Call,
        act: Callable[[Connection, datetime], T],
        to_json: Callable[[T], Any],
        of_json: Callable[[object], T],
    ) -> T:
        with self._administering() as (conn, now):
            outcome = once(conn, call, now, lambda: act(conn, now), to_json, of_json)
        if isinstance(outcome, Rejected):
            raise outcome
        return outcome


@contextmanager
def _transient() -> Iterator[None]:
    """For what changes nothing that the caller asked for."""
    try:
        yield
    except Unavailable as error:
        raise Transient(str(error)) from error


def _settle(conn: Connection, now: datetime) -> None:
    before = rows.read_books(conn)
    if books.is_due(before, now):
        destinations = rows.count_destinations(conn)
        after, charges = books.settle(before, destinations, rows.read_prices(conn), now)
        rows.write_books(conn, before, after, charges)

"""How is a tenant elsewhere driven? sync.ports.Licensing over HTTP, by AnySoft's contract."""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TypeVar
from urllib.parse import quote

from connector.anysoft import bodies, forms, wire
from connector.anysoft.fields import Malformed
from connector.anysoft.last_said import LastSaid
from connector.anysoft.licensing import BATCH
from connector.anysoft.transport import NoSuchCall, Request, Sends
from connector.store.fold import folded
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
    Status,
    Subscription,
    SubscriptionId,
    Tenant,
)
from sync.ports import Missing, Rejected, Transient

T = TypeVar("T")
MOST_PAGES = 10_000
MOST_EMPTY_PAGES = 10  #: in a row

ASSIGNING = frozenset(
    {
        Status.ASSIGNED,
        Status.ALREADY_ASSIGNED,
        Status.NO_LICENSE_LEFT,
        Status.REQUIRES_PRODUCT,
        Status.UNKNOWN_USER,
        Status.INACTIVE_USER,
    }
)
UNASSIGNING = frozenset(
    {Status.UNASSIGNED, Status.NOT_ASSIGNED, Status.REQUIRED_BY_ADDON, Status.UNKNOWN_USER}
)


class HttpTenant:
    """An answer that isn't what the contract says is Transient: it proves nothing; a write may be done."""

    def __init__(self, transport: Sends, last_said: LastSaid | None = None) -> None:
        self._transport = transport
        self.last_said = last_said  #: is told what is sold; None: nobody keeps it

    # ---- what there is ----

    def tenant(self) -> Tenant:
        return self._ask(Request("GET", "/v1/tenant"), wire.tenant_of)

    def products(self) -> Sequence[Product]:
        said = list(self._list("/v1/products", wire.product_of))
        if self.last_said:
            self.last_said.products(said)
        return said

    def subscriptions(self) -> Sequence[Subscription]:
        said = list(self._list("/v1/subscriptions", wire.subscription_of))
        if self.last_said:
            self.last_said.subscriptions(said)
        return said

    def subscription(self, id: SubscriptionId) -> Subscription:
        return self._ask(Request("GET", _path("subscriptions", id)), wire.subscription_of)

    # ---- buying and managing ----

    def add_product(
        self, product: ProductId, quantity: int, billing: Billing, address: Address, key: str
    ) -> Subscription:
        body = bodies.AddProduct(product, quantity, billing, address).body()
        return self._ask(
            Request("POST", "/v1/subscriptions", (), body, _key(key), (200, 201)), wire.subscription_of
        )

    def change_quantity(self, id: SubscriptionId, quantity: int, key: str) -> Subscription:
        return self._change(id, bodies.Change(quantity=quantity), key)

    def manage(
        self,
        id: SubscriptionId,
        key: str,
        billing: Billing | None = None,
        address: Address | None = None,
        settings: dict[str, str] | None = None,
    ) -> Subscription:
        return self._change(id, bodies.Change(billing=billing, address=address, settings=settings), key)

    def _change(self, id: SubscriptionId, wish: bodies.Change, key: str) -> Subscription:
        request = Request("PATCH", _path("subscriptions", id), (), wish.body(), _key(key), (200, 202))
        return self._ask(request, wire.subscription_of)

    # ---- seats ----

    def assignments(self, id: SubscriptionId, accounts: Collection[AccountId] = ()) -> Iterator[Assigned]:
        query = [("user_id", account) for account in accounts] if len(accounts) <= BATCH else []
        return self._list(_path("subscriptions", id) + "/assignments", wire.assigned_of, query)

    def assigned(self, id: SubscriptionId) -> Iterator[AccountId]:
        return (each.account for each in self.assignments(id))

    def assign(self, id: SubscriptionId, accounts: Sequence[AccountId], key: str) -> Sequence[Result]:
        return self._batch(id, "assignments", accounts, key, ASSIGNING)

    def unassign(self, id: SubscriptionId, accounts: Sequence[AccountId], key: str) -> Sequence[Result]:
        return self._batch(id, "unassignments", accounts, key, UNASSIGNING)

    def _batch(
        self,
        id: SubscriptionId,
        what: str,
        accounts: Sequence[AccountId],
        key: str,
        known: Collection[Status],
    ) -> Sequence[Result]:
        def read(json: object) -> Sequence[Result]:
            results = wire.results_of(json)
            if [result.account for result in results] != list(accounts):
                raise Malformed("results", "must name the users asked for, in that order")
            if any(result.status not in known for result in results):
                raise Malformed("results", "has a status of another call")
            return results

        path = f"{_path('subscriptions', id)}/{what}"
        return self._ask(Request("POST", path, (), bodies.accounts_body(accounts), _key(key)), read)

    # ---- users ----

    def find_account(self, user_name: str) -> Account | None:
        """The name is compared here too: a tenant that ignores the query must not give us somebody else."""
        if not user_name or not forms.storable(user_name, forms.LONGEST_NAME):
            return None
        wanted = folded(user_name)
        for account in self._list("/v1/users", wire.account_of, [("user_name", user_name)]):
            if folded(account.user_name) == wanted:
                return account
        return None

    def accounts(self) -> Iterator[Account]:
        return self._list("/v1/users", wire.account_of)

    def create_account(
        self, user_name: str, display_name: str, email: str, external_id: str, key: str
    ) -> Account:
        body = bodies.NewAccount(user_name, display_name, email, external_id).body()
        return self._ask(Request("POST", "/v1/users", (), body, _key(key), (200, 201)), wire.account_of)

    def set_active(self, id: AccountId, active: bool, key: str) -> Account:
        body = bodies.AccountChange(active=active).body()
        return self._ask(Request("PATCH", _path("users", id), (), body, _key(key)), wire.account_of)

    # ---- Destinations ----

    def destinations(self) -> Sequence[Destination]:
        """None when the tenant hasn't this call: then only the counter of the subscriptions tells."""
        try:
            return list(self._list("/v1/destinations", wire.destination_of))
        except (Missing, NoSuchCall):
            return ()

    def add_destination(self, name: str, key: str) -> Destination:
        body = bodies.destination_body(name)
        return self._ask(
            Request("POST", "/v1/destinations", (), body, _key(key), (200, 201)), wire.destination_of
        )

    def remove_destination(self, id: str) -> None:
        self._transport.send(Request("DELETE", _path("destinations", id), expected=(200, 204)))

    # ---- one call, and lists ----

    def _ask(self, request: Request, read: Callable[[object], T]) -> T:
        answer = self._transport.send(request)
        try:
            return read(answer)
        except Malformed as error:
            raise _strange(request, error) from error

    def _list(
        self, path: str, read: Callable[[object, str], T], query: Sequence[tuple[str, str]] = ()
    ) -> Iterator[T]:
        """Page by page; a list that never ends, or comes round again, is no answer."""
        cursor: str | None = None
        seen: set[str] = set()
        empty = 0
        while True:
            more = [] if cursor is None else [("cursor", cursor)]
            request = Request("GET", path, (*query, ("limit", str(wire.PAGE)), *more))
            answer = self._transport.send(request)
            try:
                items, cursor = wire.page_of(answer)
                values = [read(item, at) for at, item in items]
                empty = 0 if values else empty + 1
                endless = cursor in seen or len(seen) == MOST_PAGES or empty > MOST_EMPTY_PAGES
                if cursor is not None and endless:
                    raise Malformed("next", "must lead to the end of the list")
            except Malformed as error:
                raise _strange(request, error) from error
            yield from values
            if cursor is None:
                return
            seen.add(cursor)


def _strange(request: Request, error: Malformed) -> Transient:
    return Transient(
        f"AnySoft: {request.method} {request.path}: the answer isn't what the contract says: {error}",
        maybe_done=request.writes,
    )


def _path(what: str, id: str) -> str:
    """Ids come from the tenant; one that would lead elsewhere isn't there."""
    if not id or not id.strip(".") or not forms.storable(id, wire.LONGEST_ID):
        raise Missing(f"there is nothing of that id in {what}")
    return f"/v1/{what}/{quote(id, safe='')}"


def _key(key: str) -> str:
    if mistakes := forms.key_mistakes(key):
        raise Rejected("invalid", "give an idempotency key of 1 to 100 characters", mistakes)
    return key

"""How are the built-in tenant's books and people read from its tables, and written back?"""

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from decimal import Decimal

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from connector.anysoft.books import Bought, Prices
from connector.anysoft.fields import Fields
from connector.anysoft.forms import storable
from connector.anysoft.licensing import METERED, ROLE, Charge, ChargeKind, renews_on
from connector.anysoft.wire import address_of, billing_of
from connector.store.tables import (
    tenant_accounts,
    tenant_assignments,
    tenant_charges,
    tenant_destinations,
    tenant_prices,
    tenant_roles,
    tenant_subscriptions,
)
from sync.model import (
    Account,
    AccountId,
    Money,
    PendingChange,
    ProductId,
    Subscription,
    SubscriptionId,
)

Books = Mapping[ProductId, Bought]


def lock(conn: Connection) -> bool:
    """Takes the tenant's lock, which every write needs before it reads; whether the role is granted (L1)."""
    role = select(tenant_roles.c.granted).where(tenant_roles.c.role == ROLE).with_for_update()
    return bool(conn.execute(role).scalar_one_or_none())


def read_books(conn: Connection) -> Books:
    """At most one subscription a product, so five rows."""
    rows = conn.execute(select(tenant_subscriptions).order_by(tenant_subscriptions.c.product)).mappings()
    return {ProductId(row["product"]): _bought(row) for row in rows}


def _bought(row: RowMapping) -> Bought:
    pending = None
    if row["pending_quantity"] is not None:
        pending = PendingChange(row["pending_quantity"], row["pending_at"], row["pending_by"])
    return Bought(
        SubscriptionId(row["id"]),
        ProductId(row["product"]),
        row["quantity"],
        row["assigned"],
        date.fromisoformat(row["started_on"]),
        date.fromisoformat(row["billed_on"]),
        pending,
        row["pending_refused"],
    )


def write_books(conn: Connection, before: Books, after: Books, charges: Iterable[Charge]) -> None:
    for product, entry in after.items():
        if entry != before[product]:
            write_entry(conn, entry)
    write_charges(conn, charges)


def write_entry(conn: Connection, entry: Bought) -> None:
    pending = entry.pending
    conn.execute(
        update(tenant_subscriptions)
        .where(tenant_subscriptions.c.id == entry.id)
        .values(
            quantity=entry.quantity,
            assigned=entry.assigned,
            billed_on=entry.billed_on.isoformat(),
            pending_quantity=pending.quantity if pending else None,
            pending_at=pending.requested_at if pending else None,
            pending_by=pending.effective_by if pending else None,
            pending_refused=entry.refused,
        )
    )


def read_subscriptions(conn: Connection, today: date) -> list[Subscription]:
    rows = conn.execute(select(tenant_subscriptions).order_by(tenant_subscriptions.c.product)).mappings()
    destinations = count_destinations(conn)
    return [_subscription(row, destinations, today) for row in rows]


def _subscription(row: RowMapping, destinations: int, today: date) -> Subscription:
    entry = _bought(row)
    return Subscription(
        entry.id,
        entry.product,
        entry.quantity,
        entry.assigned,
        destinations if entry.product in METERED else 0,
        entry.started_on,
        renews_on(entry.started_on, today),
        entry.pending,
        billing_of(Fields.of(json.loads(row["billing"]))),
        address_of(Fields.of(json.loads(row["address"]))),
    )


def count_destinations(conn: Connection) -> int:
    return conn.execute(select(func.count()).select_from(tenant_destinations)).scalar_one()


# ---- money ----


def read_prices(conn: Connection) -> Prices:
    """Only the known ones (L11)."""
    rows = conn.execute(select(tenant_prices).where(tenant_prices.c.amount.is_not(None)))
    return {ProductId(row.product): Money(Decimal(row.amount), row.currency) for row in rows}


def write_charges(conn: Connection, charges: Iterable[Charge]) -> None:
    for charge in charges:
        conn.execute(
            insert(tenant_charges).values(
                at=charge.at,
                subscription_id=charge.subscription,
                product=charge.product,
                kind=charge.kind.value,
                seats=charge.seats,
                amount=f"{charge.amount.amount:f}" if charge.amount else None,
                currency=charge.amount.currency if charge.amount else "",
            )
        )


def read_charges(conn: Connection, product: ProductId | None) -> list[Charge]:
    """In the order in which they were booked."""
    query = select(tenant_charges).order_by(tenant_charges.c.pk)
    if product is not None:
        query = query.where(tenant_charges.c.product == product)
    return [
        Charge(
            row.at,
            SubscriptionId(row.subscription_id),
            ProductId(row.product),
            ChargeKind(row.kind),
            row.seats,
            None if row.amount is None else Money(Decimal(row.amount), row.currency),
        )
        for row in conn.execute(query)
    ]


# ---- people ----


def account(row: RowMapping) -> Account:
    return Account(
        AccountId(row["id"]),
        row["user_name"],
        row["display_name"],
        row["email"],
        row["external_id"],
        row["active"],
    )


def possible(ids: Collection[str]) -> set[AccountId]:
    """Without those that no row can bear, and that a database would refuse as a parameter."""
    return {AccountId(id) for id in ids if storable(id, 40)}


def read_active(conn: Connection, accounts: Collection[AccountId]) -> dict[AccountId, bool]:
    """Those that exist, and whether they are active."""
    rows = conn.execute(
        select(tenant_accounts.c.id, tenant_accounts.c.active).where(
            tenant_accounts.c.id.in_(possible(accounts))
        )
    )
    return {AccountId(row.id): row.active for row in rows}


def read_holders(
    conn: Connection, subscriptions: Collection[SubscriptionId], accounts: Collection[AccountId]
) -> set[AccountId]:
    """Those of `accounts` who hold at least one of `subscriptions`."""
    rows = conn.execute(
        select(tenant_assignments.c.account_id).where(
            tenant_assignments.c.subscription_id.in_(subscriptions),
            tenant_assignments.c.account_id.in_(possible(accounts)),
        )
    )
    return {AccountId(row.account_id) for row in rows}

"""What does AnySoft's own side do in the built-in tenant: open it, give or take the role, set prices?"""

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import Engine, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from connector.anysoft import rows
from connector.anysoft.licensing import CATALOG, ROLE
from connector.store.engine import reading, writing
from connector.store.tables import tenant_prices, tenant_roles
from sync.model import Address, Billing, Money, ProductId, SubscriptionId
from sync.ports import Licensing, Missing


def open_tenant(engine: Engine) -> None:
    """Makes the tenant, its role granted, unless there is one: safe at each start, by several at once."""
    with reading(engine) as conn:
        if conn.execute(select(tenant_roles.c.role)).first() is not None:
            return
    try:
        with writing(engine) as conn:
            conn.execute(insert(tenant_roles).values(role=ROLE, granted=True))
    except IntegrityError:  # another process was faster
        return


def grant_role(engine: Engine) -> None:
    _set_role(engine, True)


def revoke_role(engine: Engine) -> None:
    """From the next write on, every license action is Unauthorized (L1)."""
    _set_role(engine, False)


def _set_role(engine: Engine, granted: bool) -> None:
    open_tenant(engine)
    with writing(engine) as conn:
        conn.execute(update(tenant_roles).where(tenant_roles.c.role == ROLE).values(granted=granted))


def set_price(engine: Engine, product: ProductId, price: Money | None) -> None:
    """Per seat and month, as agreed with AnySoft; None: unknown (L11). Booked charges stay as they are."""
    if product not in CATALOG:
        raise Missing(f"there is no product {product}: use one of {', '.join(CATALOG)}")
    with writing(engine) as conn:
        rows.lock(conn)
        conn.execute(delete(tenant_prices).where(tenant_prices.c.product == product))
        if price is not None:
            values = {"amount": f"{price.amount:f}", "currency": price.currency}
            conn.execute(insert(tenant_prices).values(product=product, **values))


def refuse_pending(engine: Engine, id: SubscriptionId) -> None:
    """The change that is pending will end without effect, as it happens at real tenants."""
    with writing(engine) as conn:
        rows.lock(conn)
        for entry in rows.read_books(conn).values():
            if entry.id == id and entry.pending is not None:
                rows.write_entry(conn, replace(entry, refused=True))
                return
    raise Missing(f"no change is pending for {id}")


def seed_demo(
    engine: Engine,
    tenant: Licensing,
    prices: Mapping[ProductId, Money],
    quantities: Mapping[ProductId, int],
    billing: Billing,
    address: Address,
) -> None:
    """Prices and subscriptions (bases first); what there is already is left alone."""
    open_tenant(engine)
    with reading(engine) as conn:
        priced = rows.read_prices(conn)
    for product, price in prices.items():
        if product not in priced:
            set_price(engine, product, price)
    subscribed = {subscription.product for subscription in tenant.subscriptions()}
    for product in CATALOG:
        if product in quantities and product not in subscribed:
            tenant.add_product(product, quantities[product], billing, address, f"seed-{product}")

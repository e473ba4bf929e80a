"""What must be so at AnySoft at every moment? Read from the tenant's own tables (R12, R09)."""

from collections.abc import Iterator

from sqlalchemy import func, select

from connector.store.engine import reading
from connector.store.tables import tenant_assignments as gave
from connector.store.tables import tenant_subscriptions as subs
from tests.company import CENTRE, PRINT, Company


def bounds(company: Company) -> Iterator[tuple[bool, str]]:
    """Whether it is so, and what is wrong otherwise."""
    with reading(company.engine) as connection:
        counted = select(gave.c.subscription_id, func.count()).group_by(gave.c.subscription_id)
        has: dict[str, int] = {row[0]: row[1] for row in connection.execute(counted)}
        bought = {row.product: row for row in connection.execute(select(subs))}
        base = gave.alias("base")
        under = select(base.c.account_id).where(
            base.c.subscription_id == bought[PRINT].id, base.c.account_id == gave.c.account_id
        )
        addon = gave.c.subscription_id == bought[CENTRE].id
        bare = connection.scalar(select(func.count()).where(addon, ~under.exists()))
    yield not bare, f"{bare} have an add-on without its base (R09)"
    for product, row in bought.items():
        yield has.get(row.id, 0) <= row.quantity, f"{has.get(row.id)} of {product}, {row.quantity} bought"

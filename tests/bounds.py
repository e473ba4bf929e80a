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
        ids = {row.product: row.id for row in connection.execute(select(subs))}
        base = select(gave.c.account_id).where(gave.c.subscription_id == ids[PRINT])
        bare = select(func.count()).where(
            gave.c.subscription_id == ids[CENTRE], gave.c.account_id.not_in(base)
        )
        yield not connection.scalar(bare), "an add-on without its base (R09)"
    for product, id in ids.items():
        bought = company.sold(product).quantity
        yield has.get(id, 0) <= bought, f"{has.get(id)} of {product}, {bought} bought"

"""What has AnySoft sold to this tenant, and may we act on it? Read at the start of each round."""

from dataclasses import dataclass

from sync.model import ProductId, Subscription
from sync.plan import Catalog
from sync.ports import Licensing, Unauthorized


@dataclass(frozen=True, slots=True)
class Sold:
    catalog: Catalog
    subscriptions: dict[ProductId, Subscription]


def read_sold(licensing: Licensing) -> Sold:
    """Raises Transient, Unauthorized (also when the connector's account lacks the role, L1)."""
    check_role(licensing)
    subscriptions = {s.product: s for s in licensing.subscriptions()}
    return Sold(Catalog(tuple(licensing.products()), frozenset(subscriptions)), subscriptions)


def check_role(licensing: Licensing) -> None:
    """One call, which tells whether AnySoft answers and lets us act (L1). Raises Transient, Unauthorized."""
    tenant = licensing.tenant()
    if not tenant.administers:
        raise Unauthorized(
            f"the connector's account at AnySoft tenant {tenant.name} lacks the role Global Administration: "
            "grant it there; no license call is made until then"
        )

"""To which products is a person entitled, and for which reasons? (R01, R06)"""

from collections.abc import Iterable
from datetime import datetime

from sync.model import Entitlement, Facts, Mapping, MappingId, Membership, ProductId, Reason
from sync.plan import Applicable


def entitle(facts: Facts, applicable: Applicable) -> dict[ProductId, Entitlement]:
    """The union over all directories of the person: what the groups say.

    Whether they may be served (disabled, in conflict, protected) is for `decide`, which says so (R06, R16).
    """
    found = reasons_by_product(facts.memberships, applicable)
    return {product: Entitlement(product, reasons) for product, reasons in found.items()}


def reasons_by_product(
    memberships: Iterable[Membership], applicable: Applicable
) -> dict[ProductId, tuple[Reason, ...]]:
    """Best first; one reason a mapping, whatever the number of groups that lead to it (R07), since the
    earliest of them."""
    found: dict[MappingId, Reason] = {}
    products: dict[MappingId, ProductId] = {}
    for membership in memberships:
        for mapping in applicable.get(membership.group, ()):
            known = found.get(mapping.id)
            since = max(membership.since, mapping.made_at)
            if known is None or since < known.since:
                found[mapping.id] = _reason(mapping, since)
                products[mapping.id] = mapping.product
    by_product: dict[ProductId, list[Reason]] = {}
    for id, reason in found.items():
        by_product.setdefault(products[id], []).append(reason)
    return {
        product: tuple(sorted(reasons, key=lambda r: (r.priority, r.since, r.mapping)))
        for product, reasons in sorted(by_product.items())
    }


def _reason(mapping: Mapping, since: datetime) -> Reason:
    return Reason(
        mapping=mapping.id,
        group=mapping.group,
        group_name=mapping.group_name,
        priority=mapping.priority,
        since=since,
    )

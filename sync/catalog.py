"""In which order do products come, and who stands on whom? (L12, R09)"""

from collections.abc import Iterable

from sync.model import ProductId
from sync.plan import Catalog


def bases_first(products: Iterable[ProductId], catalog: Catalog) -> tuple[ProductId, ...]:
    """These products, each after those that it requires; equals by id.

    A product that the catalog doesn't know requires nothing. A circle of requirements ends the descent.
    """
    return tuple(sorted(products, key=lambda p: (_depth(p, catalog, ()), p)))


def _depth(product: ProductId, catalog: Catalog, above: tuple[ProductId, ...]) -> int:
    if product in above:
        return 0
    below = (*above, product)
    return max((1 + _depth(base, catalog, below) for base in catalog.bases(product)), default=0)

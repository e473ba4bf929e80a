from sync.catalog import bases_first
from sync.model import ProductId
from sync.plan import Catalog
from tests.sync.world import CATALOG, CENTRE, DESTINATION, PRINT, RELEASE, SCAN, product


def test_bases_come_before_their_add_ons() -> None:
    """R09"""
    order = bases_first({RELEASE, DESTINATION, CENTRE, SCAN, PRINT}, CATALOG)
    assert order == (PRINT, SCAN, CENTRE, RELEASE, DESTINATION)


def test_a_chain_is_ordered_by_its_depth_though_names_say_otherwise() -> None:
    low, mid, top = ProductId("z"), ProductId("m"), ProductId("a")
    chain = Catalog((product(top, "A", mid), product(mid, "M", low), product(low, "Z")), frozenset())
    assert bases_first((top, mid, low), chain) == (low, mid, top)


def test_an_unknown_product_and_a_circle_do_no_harm() -> None:
    one, two, lost = ProductId("one"), ProductId("two"), ProductId("lost")
    circle = Catalog((product(one, "1", two), product(two, "2", one)), frozenset())
    assert set(bases_first((one, two, lost), circle)) == {one, two, lost}
    assert bases_first((one, two, lost), circle)[0] == lost

"""R07: nested groups."""

from itertools import pairwise

from sync.mapping import applicable
from sync.model import GroupId, Mapping, MappingId
from tests.sync.world import CENTRE, CENTRES, PRINT, STAFF, mapping


def groups(*ids: int) -> list[GroupId]:
    return [GroupId(id) for id in ids]


def test_a_plain_mapping_gives_to_its_own_group_only() -> None:
    """R07: not transitive, child groups are ignored."""
    plain = mapping(STAFF)
    assert applicable([plain], [(STAFF, CENTRES)]) == {STAFF: (plain,)}


def test_a_transitive_mapping_reaches_twelve_levels_down() -> None:
    """R07: depth 10 and more."""
    chain = groups(*range(13))
    deep = mapping(chain[0], PRINT, transitive=True)
    assert applicable([deep], list(pairwise(chain))) == dict.fromkeys(chain, (deep,))


def test_ten_thousand_levels_do_not_exhaust_the_stack() -> None:
    chain = groups(*range(10_000))
    assert len(applicable([mapping(chain[0], PRINT, transitive=True)], list(pairwise(chain)))) == 10_000


def test_a_cycle_ends() -> None:
    """R07: cycles are fine."""
    a, b, c = groups(1, 2, 3)
    deep = mapping(a, PRINT, transitive=True)
    assert applicable([deep], [(a, b), (b, c), (c, a), (b, b)]) == {a: (deep,), b: (deep,), c: (deep,)}


def test_two_paths_to_a_group_give_the_mapping_once() -> None:
    """R07: one reason a mapping, whatever the number of paths."""
    top, left, right, low = groups(1, 2, 3, 4)
    deep = mapping(top, PRINT, transitive=True)
    found = applicable([deep], [(top, left), (top, right), (left, low), (right, low)])
    assert found[low] == (deep,)


def test_mappings_of_a_group_come_by_their_ids_whatever_the_order_given() -> None:
    first, second = (
        Mapping(MappingId(id), STAFF, "G", "entra", product) for id, product in ((1, CENTRE), (2, PRINT))
    )
    assert applicable([second, first], ()) == {STAFF: (first, second)}

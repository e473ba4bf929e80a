"""R01, R06, R07: reasons."""

from sync.entitle import entitle
from sync.mapping import applicable
from sync.model import Facts, Membership
from tests.moments import at
from tests.sync.world import (
    CENTRE,
    CENTRES,
    MAPPINGS,
    OTHER_STAFF,
    PRINT,
    RELEASES,
    STAFF,
    judge,
    mapping,
    person,
    reason,
)

APPLICABLE = applicable(MAPPINGS, ())


def facts(*members: Membership, conflict: bool = False) -> Facts:
    return Facts(person(conflict=conflict), members, ())


def test_two_groups_that_give_the_same_product_are_two_reasons_of_one_entitlement() -> None:
    """R01"""
    found = entitle(facts(Membership(STAFF, at(5)), Membership(OTHER_STAFF, at(3))), APPLICABLE)
    assert list(found) == [PRINT]
    assert found[PRINT].reasons == (reason(OTHER_STAFF, at(3)), reason(STAFF, at(5)))


def test_the_best_reason_has_the_smallest_priority_though_it_is_newer() -> None:
    """R14"""
    urgent = applicable([mapping(STAFF), mapping(OTHER_STAFF, priority=1)], ())
    found = entitle(facts(Membership(STAFF, at(0)), Membership(OTHER_STAFF, at(9))), urgent)
    assert [r.group for r in found[PRINT].reasons] == [OTHER_STAFF, STAFF]


def test_equal_reasons_are_ordered_by_mapping() -> None:
    members = Membership(OTHER_STAFF, at(0)), Membership(STAFF, at(0))
    assert [r.group for r in entitle(facts(*members), APPLICABLE)[PRINT].reasons] == [STAFF, OTHER_STAFF]


def test_two_paths_to_one_mapping_are_one_reason_since_the_earlier() -> None:
    """R07"""
    deep = applicable([mapping(STAFF, transitive=True)], [(STAFF, CENTRES), (STAFF, RELEASES)])
    members = Membership(CENTRES, at(5)), Membership(RELEASES, at(2)), Membership(STAFF, at(9))
    assert entitle(facts(*members), deep)[PRINT].reasons == (reason(STAFF, at(2)),)


def test_nobody_is_entitled_by_a_mapping_before_it_was_made() -> None:
    """R14: since when entitled; an old member doesn't overtake who waits already."""
    late = applicable([mapping(STAFF, made_at=at(60))], ())
    assert entitle(facts(Membership(STAFF, at(0))), late)[PRINT].reasons[0].since == at(60)


def test_one_group_may_give_several_products() -> None:
    both = applicable([mapping(STAFF), mapping(STAFF, CENTRE, id=99)], ())
    assert list(entitle(facts(Membership(STAFF, at(0))), both)) == [PRINT, CENTRE]


def test_an_unmapped_group_gives_nothing() -> None:
    assert entitle(facts(Membership(CENTRES, at(0))), applicable([mapping(STAFF)], ())) == {}


def test_who_is_in_conflict_gets_nothing_but_it_is_known_what_the_groups_say() -> None:
    """R06, R16"""
    torn = facts(Membership(STAFF, at(0)), conflict=True)
    assert list(entitle(torn, APPLICABLE)) == [PRINT]
    given = judge([STAFF], who=person(conflict=True)).standings
    assert [(s.waiting, s.blocked) for s in given] == [(False, "CONFLICT")]

"""R24: mass removal is held and asked."""

from collections.abc import Collection, Iterable

import pytest

from sync.guards import check, enough
from sync.model import GroupId, GuardPolicy, HoldId, Loss, PersonId, ProductId
from sync.plan import HoldChange
from sync.ports import GuardView
from tests.sync.world import CENTRE, OTHER_STAFF, PRINT, STAFF, loss

POLICY = GuardPolicy()  #: empties from 3; more than max(5, 20 %) of a group, max(10, 10 %) of a product
PLENTY = 1_000  #: holders of the product, where it shall not matter

Key = tuple[ProductId, GroupId | None]


def holders_of(staff: int, product: int = PLENTY, **more: int) -> dict[Key, int]:
    return {(PRINT, STAFF): staff, (PRINT, None): product, (PRINT, OTHER_STAFF): more.get("other", 0)}


def own_groups(product: int, people: Iterable[int]) -> dict[Key, int]:
    """Each of the people is in a group of their own, of which 50 others hold it."""
    groups: dict[Key, int] = {(PRINT, GroupId(100 + id)): 50 for id in people}
    return groups | {(PRINT, None): product}


def checked(
    new: Collection[Loss],
    holders: dict[Key, int],
    known: Collection[Loss] = (),
    open_holds: dict[Key, HoldId] | None = None,
    back: Collection[int] = (),
) -> list[tuple[str, GroupId | None, list[int]]]:
    view = GuardView(tuple(known), holders, open_holds or {})
    regained = [(PersonId(id), PRINT) for id in back]
    return [(c.reason, c.group, list(c.people)) for c in check(view, tuple(new), regained, POLICY)]


def left(*people: int, groups: tuple[GroupId, ...] = (STAFF,)) -> list[Loss]:
    """They left the groups: the view's holders of the group don't count them any more."""
    return [loss(id, *groups) for id in people]


def disabled(*people: int) -> list[Loss]:
    """They are still members: the view's holders of the group count them yet."""
    return [loss(id, STAFF, member=True) for id in people]


@pytest.mark.parametrize(
    ("says", "count", "staying", "reason"),
    [
        ("two of two: too small a group to be emptied", 2, 0, ""),
        ("three of three: emptied", 3, 0, "group_emptied"),
        ("three of four: few enough", 3, 1, ""),
        ("five of six: not more than five", 5, 1, ""),
        ("six of seven: more than five", 6, 1, "group_share"),
        ("six of thirty: 20 % exactly", 6, 24, ""),
        ("six of twenty-nine: more than 20 %", 6, 23, "group_share"),
        ("twenty of a hundred: 20 % exactly", 20, 80, ""),
        ("twenty-one of a hundred", 21, 79, "group_share"),
    ],
)
@pytest.mark.parametrize("cause", [left, disabled])
def test_a_groups_limits(says: str, count: int, staying: int, reason: str, cause: object) -> None:
    """R24: whatever the cause, disabled people included"""
    people = range(1, count + 1)
    members = staying + (count if cause is disabled else 0)
    found = checked(cause(*people), holders_of(members))  # type: ignore[operator]
    assert found == ([(reason, STAFF, list(people))] if reason else []), says


@pytest.mark.parametrize(
    ("says", "count", "before", "trips"),
    [
        ("ten of eleven: not more than ten", 10, 11, False),
        ("eleven of a hundred: more than 10 %", 11, 100, True),
        ("eleven of a hundred and ten: 10 % exactly", 11, 110, False),
    ],
)
def test_a_products_limits(says: str, count: int, before: int, trips: bool) -> None:
    """R24: each from a group of its own, so that no group's guard sees it."""
    new = [loss(id, GroupId(100 + id)) for id in range(count)]
    holders = own_groups(before, range(count))
    expected = [("product_share", None, list(range(count)))] if trips else []
    assert checked(new, holders) == expected, says


def test_losses_of_the_last_day_count_whether_removed_or_not_but_only_held_ones_join() -> None:
    """R24: planned or done; only these removals are held."""
    known = [loss(1, STAFF), loss(2, STAFF, held=False), loss(3, STAFF), loss(4, STAFF), loss(5, STAFF)]
    assert checked(left(6), holders_of(staff=10), known) == [("group_share", STAFF, [1, 3, 4, 5, 6])]


def test_people_count_not_losses() -> None:
    """R24: the same person lost twice in a day is one."""
    known = [loss(id, STAFF, held=False) for id in range(1, 6)]
    assert checked(left(1, 2, 3), holders_of(staff=10), known) == []


def test_who_comes_back_counts_no_more() -> None:
    """R24: real losses"""
    known = left(1, 2, 3, 4, 5)
    assert checked(left(6), holders_of(staff=10), known, back=[1]) == []
    assert checked(left(6), holders_of(staff=10), known, back=[99]) != []


def test_who_comes_back_into_an_emptying_group_is_one_of_those_left() -> None:
    """R24: the view doesn't know of it yet."""
    known = left(1, 2)
    assert checked(left(3, 4), holders_of(staff=0), known, back=[1]) == []
    assert checked(left(3), holders_of(staff=0), known) == [("group_emptied", STAFF, [1, 2, 3])]


def test_other_groups_and_products_go_on() -> None:
    """R24: only these removals are held."""
    new = [*left(1, 2, 3), loss(4, OTHER_STAFF), loss(5, STAFF, product=CENTRE)]
    holders = holders_of(0, other=9) | {(CENTRE, STAFF): 9, (CENTRE, None): 50}
    assert checked(new, holders) == [("group_emptied", STAFF, [1, 2, 3])]


def test_a_removal_is_in_one_hold_only_its_groups_first() -> None:
    """R24"""
    both = left(1, 2, 3, groups=(STAFF, OTHER_STAFF))
    emptied = [("group_emptied", STAFF, [1, 2, 3])]
    assert checked(both, holders_of(0)) == emptied
    other = loss(4, OTHER_STAFF)
    assert checked([*both, other], holders_of(0)) == [*emptied, ("group_emptied", OTHER_STAFF, [4])]


def test_what_a_groups_hold_has_does_not_trip_its_product() -> None:
    """R24: its group's, else its product's"""
    known = [loss(id, STAFF, hold=7) for id in range(1, 11)]
    new = [loss(id, GroupId(100 + id)) for id in range(20, 22)]
    holders = own_groups(50, range(20, 22))
    holds: dict[Key, HoldId] = {(PRINT, STAFF): HoldId(7)}
    assert checked(new, holders, known, holds) == []
    free = [loss(id, STAFF) for id in range(1, 11)]
    assert checked(new, holders, free) == [("product_share", None, [*range(1, 11), 20, 21])]


def test_an_open_hold_takes_what_joins_below_the_limits_and_keeps_its_id() -> None:
    """R24"""
    known = [*(loss(id, STAFF, hold=7) for id in (1, 2, 3)), loss(4, STAFF)]
    view = GuardView(tuple(known), holders_of(100), {(PRINT, STAFF): HoldId(7)})
    assert check(view, left(5), (), POLICY) == (
        HoldChange(HoldId(7), "group_share", STAFF, PRINT, (PersonId(4), PersonId(5))),
    )


def test_an_open_hold_of_a_product_takes_what_joins_and_counts_its_own() -> None:
    """R24"""
    open_holds: dict[Key, HoldId] = {(PRINT, None): HoldId(8)}
    known = [loss(1, STAFF, hold=8)]
    assert checked(left(2), holders_of(100), known, open_holds) == [("product_share", None, [2])]


def test_an_open_hold_that_nobody_joins_is_left_alone() -> None:
    open_holds: dict[Key, HoldId] = {(PRINT, OTHER_STAFF): HoldId(9)}
    assert checked(left(1), holders_of(50), open_holds=open_holds) == []


def test_released_people_are_not_seen_and_what_joins_later_is_held_anew() -> None:
    """R24: the view leaves the excused out."""
    assert checked(left(7, 8, 9), holders_of(0)) == [("group_emptied", STAFF, [7, 8, 9])]


def test_without_new_losses_nothing_is_held() -> None:
    assert checked([], holders_of(0), known=left(1, 2, 3)) == []


def test_without_any_group_only_the_product_counts() -> None:
    """An adopted license that no group ever gave."""
    new = [loss(id) for id in range(11)]
    assert checked(new, {(PRINT, None): 11}) == [("product_share", None, list(range(11)))]


def test_an_add_on_lost_with_its_base_goes_into_the_bases_hold() -> None:
    """R10: in its hold, and in no other"""
    add_ons = [loss(id, product=CENTRE, base=PRINT) for id in range(1, 13)]
    bases = left(*range(1, 13))
    holders = holders_of(0) | {(CENTRE, None): 12}
    expected = [("group_emptied", STAFF, list(range(1, 13)))]
    assert checked([*add_ons, *bases], holders) == expected


def test_an_add_on_whose_base_is_not_held_counts_for_its_own_product() -> None:
    """R24: real losses, whatever the cause"""
    add_ons = [loss(id, product=CENTRE, base=PRINT) for id in range(1, 13)]
    bases = [loss(id, GroupId(100 + id)) for id in range(1, 13)]
    holders: dict[Key, int] = {(CENTRE, None): 12} | own_groups(PLENTY, range(1, 13))
    view = GuardView((), holders, {})
    assert [(c.product, c.reason) for c in check(view, [*add_ons, *bases], (), POLICY)] == [
        (CENTRE, "product_share")
    ]


def test_a_circle_of_bases_does_not_hang() -> None:
    new = [loss(1, product=CENTRE, base=PRINT), loss(1, product=PRINT, base=CENTRE)]
    assert check(GuardView((), {}, {}), new, (), POLICY) == ()


def test_the_limits_are_settings() -> None:
    """R24: each number is a documented setting."""
    strict = GuardPolicy(empty_from=1, group_min=0, group_percent=0)
    view = GuardView((), holders_of(0), {})
    assert [c.reason for c in check(view, left(1), (), strict)] == ["group_emptied"]


@pytest.mark.parametrize(
    "policy", [GuardPolicy(), GuardPolicy(group_percent=0), GuardPolicy(product_percent=3)]
)
def test_more_holders_than_are_enough_change_nothing(policy: GuardPolicy) -> None:
    """R24: whoever counts them may stop there; with one holder less it may trip."""
    for losses in range(1, 80):
        new = (left if losses % 2 else disabled)(*range(1, losses + 1))
        at_least = enough(losses, policy)
        counted = check(GuardView((), holders_of(at_least, at_least), {}), new, (), policy)
        all_of_them = check(GuardView((), holders_of(10**6, 10**6), {}), new, (), policy)
        assert counted == all_of_them, losses

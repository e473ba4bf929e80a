"""L3, L4, L7, L8, L10, L12: who gets a license, who keeps it, and how many Destinations may there be?"""

import pytest

from sync.model import AccountId, SubscriptionId
from sync.ports import Missing, Rejected
from tests.contracts.licensing_world import World


def test_L3_assigned_never_exceeds_the_quantity_and_the_rest_is_told_so(anysoft: World) -> None:
    id, people = anysoft.subscribe("anyprint", 2), anysoft.people(4)
    assert anysoft.assign(id, people[:3]) == ["assigned", "assigned", "no_license_left"]
    assert anysoft.holders(id) == set(people[:2])
    assert anysoft.assign(id, people[3:]) == ["no_license_left"]
    assert anysoft.now(id).assigned == anysoft.now(id).quantity == 2


def test_L3_a_seat_that_is_freed_can_be_taken(anysoft: World) -> None:
    id, people = anysoft.subscribe("anyprint", 1), anysoft.people(2)
    anysoft.assign(id, people[:1])
    assert anysoft.unassign(id, people[:1]) == ["unassigned"]
    assert anysoft.assign(id, people[1:]) == ["assigned"]
    assert anysoft.holders(id) == {people[1]}


def test_L4_a_metered_license_never_runs_out(anysoft: World) -> None:
    id, people = anysoft.subscribe("anyscan", 1), anysoft.people(5)
    assert anysoft.assign(id, people) == ["assigned"] * 5
    assert anysoft.holders(id) == set(people)


def test_L4_destinations_are_bounded_by_both_metered_quantities_together(anysoft: World) -> None:
    with pytest.raises(Rejected) as none:
        anysoft.licensing.add_destination("before anything is bought", anysoft.key())
    assert none.value.code == "no_license_left"
    base = anysoft.subscribe("anyscan", 1)
    more = anysoft.subscribe("anyscan-destination", 2)
    made = [anysoft.licensing.add_destination(f"Scans {n}", anysoft.key()) for n in range(3)]
    with pytest.raises(Rejected) as full:
        anysoft.licensing.add_destination("one too many", anysoft.key())
    assert full.value.code == "no_license_left"
    assert set(anysoft.licensing.destinations()) == set(made)
    assert anysoft.now(base).destinations_created == anysoft.now(more).destinations_created == 3
    assert anysoft.now(anysoft.subscribe("anyprint", 5)).destinations_created == 0
    anysoft.licensing.remove_destination(made[0].id)
    anysoft.licensing.add_destination("in its place", anysoft.key())
    with pytest.raises(Missing):
        anysoft.licensing.remove_destination(made[0].id)


def test_L7_who_has_it_already_changes_nothing_and_costs_nothing(anysoft: World) -> None:
    id, people = anysoft.subscribe("anyprint", 3), anysoft.people(3)
    anysoft.assign(id, people[:2])
    before, billed = list(anysoft.licensing.assignments(id)), anysoft.billed("anyprint")
    anysoft.clock.go(hours=1)
    assert anysoft.assign(id, people[:2]) == ["already_assigned"] * 2
    assert list(anysoft.licensing.assignments(id)) == before
    assert anysoft.billed("anyprint") == billed
    assert anysoft.assign(id, [people[2], people[2]]) == ["assigned", "already_assigned"]


def test_L7_each_of_many_gets_their_own_answer(anysoft: World) -> None:
    base, addon = anysoft.subscribe("anyprint", 9), anysoft.subscribe("anyprint-centre", 1)
    has, inactive, plain, first, second = people = anysoft.people(5)
    anysoft.assign(base, [has, inactive, first, second])
    anysoft.licensing.set_active(inactive, False, anysoft.key())
    nobody, strange = AccountId("nobody"), AccountId("x\0y")
    assert anysoft.assign(addon, [nobody, inactive, plain, strange, first, second, first]) == [
        "unknown_user",
        "inactive_user",
        "requires_product",
        "unknown_user",
        "assigned",
        "no_license_left",
        "already_assigned",
    ]
    assert anysoft.holders(addon) == {first}
    assert anysoft.holders(base) == set(people) - {plain}


def test_L8_each_of_many_gets_their_own_answer(anysoft: World) -> None:
    base, addon = anysoft.subscribe("anyprint", 9), anysoft.subscribe("anyprint-release", 9)
    both, one, none = anysoft.people(3)
    anysoft.assign(base, [both, one])
    anysoft.assign(addon, [both])
    assert anysoft.unassign(base, [AccountId("nobody"), both, one, one, none]) == [
        "unknown_user",
        "required_by_addon",
        "unassigned",
        "not_assigned",
        "not_assigned",
    ]
    assert anysoft.holders(base) == {both}


def test_L8_an_inactive_user_can_be_unassigned(anysoft: World) -> None:
    id, (person,) = anysoft.subscribe("anyprint", 1), anysoft.people(1)
    anysoft.assign(id, [person])
    assert anysoft.licensing.set_active(person, False, anysoft.key()).active is False
    assert anysoft.holders(id) == {person}, "setting inactive keeps the assignments"
    assert anysoft.assign(id, [person]) == ["already_assigned"]
    assert anysoft.unassign(id, [person]) == ["unassigned"]


@pytest.mark.parametrize(
    ("base", "addon"),
    [
        ("anyprint", "anyprint-centre"),
        ("anyprint", "anyprint-release"),
        ("anyscan", "anyscan-destination"),
    ],
)
def test_L12_an_addon_stands_on_its_base(anysoft: World, base: str, addon: str) -> None:
    with pytest.raises(Rejected) as refused:
        anysoft.subscribe(addon, 5)
    assert refused.value.code == "requires_product"
    below, above = anysoft.subscribe(base, 5), anysoft.subscribe(addon, 5)
    people = anysoft.people(1)
    assert anysoft.assign(above, people) == ["requires_product"]
    assert anysoft.assign(below, people) == ["assigned"]
    assert anysoft.assign(above, people) == ["assigned"]
    assert anysoft.unassign(below, people) == ["required_by_addon"]
    assert anysoft.unassign(above, people) == ["unassigned"]
    assert anysoft.unassign(below, people) == ["unassigned"]


@pytest.mark.parametrize("size", [0, 201])
def test_a_batch_names_1_to_200_users(anysoft: World, size: int) -> None:
    id = anysoft.subscribe("anyprint", 300)
    batch = [AccountId(f"u{n}") for n in range(size)]
    for call in (anysoft.licensing.assign, anysoft.licensing.unassign):
        with pytest.raises(Rejected) as refused:
            call(id, batch, anysoft.key())
        assert (refused.value.code, refused.value.fields[0][0]) == ("invalid", "user_ids")


def test_a_batch_of_200_is_served(anysoft: World) -> None:
    id, people = anysoft.subscribe("anyprint", 199), anysoft.people(200)
    assert anysoft.assign(id, people) == ["assigned"] * 199 + ["no_license_left"]
    assert anysoft.unassign(id, people) == ["unassigned"] * 199 + ["not_assigned"]
    assert anysoft.holders(id) == set()


def test_a_subscription_that_isnt_there_is_missing(anysoft: World) -> None:
    nowhere = SubscriptionId("no\0where")
    with pytest.raises(Missing):
        anysoft.licensing.subscription(nowhere)
    with pytest.raises(Missing):
        list(anysoft.licensing.assignments(nowhere))
    with pytest.raises(Missing):
        anysoft.licensing.assign(nowhere, [AccountId("u")], anysoft.key())
    with pytest.raises(Missing):
        anysoft.licensing.unassign(nowhere, [AccountId("u")], anysoft.key())
    with pytest.raises(Missing):
        anysoft.licensing.change_quantity(nowhere, 3, anysoft.key())

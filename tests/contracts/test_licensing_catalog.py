"""L1, L2, L11: who may act, what is sold, at which price?"""

from collections.abc import Callable
from decimal import Decimal

import pytest

from connector.anysoft import office
from sync.model import AccountId, Money, ProductId, ProductType, SubscriptionId
from sync.ports import Unauthorized
from tests.contracts.licensing_world import ADDRESS, BILLING, World

Act = Callable[[World, SubscriptionId, list[AccountId]], object]
ACTIONS: dict[str, Act] = {
    "add": lambda w, id, p: w.licensing.add_product(ProductId("anyscan"), 1, BILLING, ADDRESS, "k"),
    "assign": lambda w, id, p: w.licensing.assign(id, p[1:], "k"),
    "unassign": lambda w, id, p: w.licensing.unassign(id, p[:1], "k"),
    "quantity": lambda w, id, p: w.licensing.change_quantity(id, 9, "k"),
    "manage": lambda w, id, p: w.licensing.manage(id, "k", settings={"a": "b"}),
    "create account": lambda w, id, p: w.licensing.create_account("new@x.example", "", "", "", "k"),
    "set active": lambda w, id, p: w.licensing.set_active(p[0], False, "k"),
    "add destination": lambda w, id, p: w.licensing.add_destination("Scans", "k"),
    "remove destination": lambda w, id, p: w.licensing.remove_destination("any"),
}


def everything(world: World) -> object:
    subscriptions = world.licensing.subscriptions()
    return (
        subscriptions,
        [list(world.licensing.assignments(each.id)) for each in subscriptions],
        list(world.licensing.accounts()),
        world.licensing.destinations(),
        world.tenant.charges(),
        [world.tenant.settings(each.id) for each in subscriptions],
    )


@pytest.mark.parametrize("action", ACTIONS)
def test_L1_without_the_role_every_action_is_refused_and_nothing_changes(anysoft: World, action: str) -> None:
    id, people = anysoft.subscribe("anyprint", 5), anysoft.people(2)
    anysoft.assign(id, people[:1])
    office.revoke_role(anysoft.engine)
    before = everything(anysoft)
    with pytest.raises(Unauthorized, match="GlobalAdministration"):
        ACTIONS[action](anysoft, id, people)
    assert not anysoft.licensing.tenant().administers
    assert everything(anysoft) == before


def test_L1_the_role_comes_back_by_a_grant_only(anysoft: World) -> None:
    id, people = anysoft.subscribe("anyprint", 5), anysoft.people(1)
    office.revoke_role(anysoft.engine)
    office.open_tenant(anysoft.engine)  # what each start does
    with pytest.raises(Unauthorized):
        anysoft.assign(id, people)
    office.grant_role(anysoft.engine)
    assert anysoft.licensing.tenant().administers
    assert anysoft.assign(id, people) == ["assigned"]


def test_L1_without_the_role_what_was_answered_before_is_not_told_again(anysoft: World) -> None:
    id, people = anysoft.subscribe("anyprint", 5), anysoft.people(1)
    anysoft.licensing.assign(id, people, "same")
    office.revoke_role(anysoft.engine)
    with pytest.raises(Unauthorized):
        anysoft.licensing.assign(id, people, "same")


def test_L2_the_catalog(anysoft: World) -> None:
    catalog = {product.id: product for product in anysoft.licensing.products()}
    assert {id: (p.family, p.name, p.type, p.requires) for id, p in catalog.items()} == {
        "anyprint": ("AnyPrint", "AnyPrint", ProductType.USER, ()),
        "anyprint-centre": ("AnyPrint", "AnyPrint Centre", ProductType.USER, ("anyprint",)),
        "anyprint-release": ("AnyPrint", "AnyPrint Release", ProductType.USER, ("anyprint",)),
        "anyscan": ("AnyScan", "AnyScan", ProductType.METERED, ()),
        "anyscan-destination": ("AnyScan", "AnyScan Destination", ProductType.METERED, ("anyscan",)),
    }


def test_L2_each_product_says_how_it_is_billed_and_what_it_requires(anysoft: World) -> None:
    said = {product.id: product.description for product in anysoft.licensing.products()}
    user = "User License billed per allocated user. Each license can be assigned to a single user."
    metered = (
        "Metered License billed per Destination created. Each license can be assigned to multiple users."
    )
    assert said == {
        "anyprint": user,
        "anyprint-centre": f"{user} Add-on. Requires AnyPrint License.",
        "anyprint-release": f"{user} Add-on. Requires AnyPrint License.",
        "anyscan": metered,
        "anyscan-destination": f"{metered} Additional Destination license. Requires AnyScan.",
    }


def test_L11_a_price_is_the_tenants_own_and_may_be_unknown(anysoft: World) -> None:
    def price(product: str) -> Money | None:
        return {each.id: each.unit_price for each in anysoft.licensing.products()}[ProductId(product)]

    assert price("anyprint") == Money(Decimal("4.00"), "EUR")
    assert price("anyprint-release") is None
    office.set_price(anysoft.engine, ProductId("anyprint"), Money(Decimal("3.35"), "GBP"))
    assert price("anyprint") == Money(Decimal("3.35"), "GBP")
    office.set_price(anysoft.engine, ProductId("anyprint"), None)
    assert price("anyprint") is None

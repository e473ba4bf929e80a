"""Do the invariants hold after any sequence of calls? R12, L3, L4, L10, L12, and money that adds up."""

import random
from collections import Counter
from collections.abc import Callable
from decimal import Decimal

import pytest
from sqlalchemy import Engine

from connector.anysoft import office
from sync.model import AccountId, Destination, ProductId, ProductType, SubscriptionId
from sync.ports import Missing, Rejected
from tests.contracts.licensing_world import World, world

EXPECTED = {
    "already_subscribed",
    "requires_product",
    "below_assigned",
    "change_pending",
    "no_license_left",
    "user_exists",
}


def step(anysoft: World, chance: random.Random) -> str:
    """One random call; what it answered."""
    licensing = anysoft.licensing
    people = [account.id for account in licensing.accounts()] or [AccountId("nobody")]
    ids = [each.id for each in licensing.subscriptions()] or [SubscriptionId("none")]
    products = list(licensing.products())
    some = chance.sample(people, min(len(people), chance.randint(1, 4)))
    nowhere = Destination("nowhere", "")
    calls: list[Callable[[], object]] = [
        lambda: anysoft.subscribe(chance.choice(products).id, chance.randint(1, 5)),
        lambda: licensing.change_quantity(chance.choice(ids), chance.randint(1, 8), anysoft.key()),
        lambda: licensing.change_quantity(chance.choice(ids), chance.randint(1, 8), anysoft.key()),
        lambda: office.refuse_pending(anysoft.engine, chance.choice(ids)),
        lambda: anysoft.people(2),
        lambda: licensing.create_account(
            f"Person{chance.randint(0, 9)}@X.example", "", "", "", anysoft.key()
        ),
        lambda: licensing.set_active(chance.choice(people), chance.random() < 0.7, anysoft.key()),
        *[lambda: anysoft.assign(chance.choice(ids), some)] * 6,
        *[lambda: anysoft.unassign(chance.choice(ids), some)] * 3,
        *[lambda: licensing.add_destination("Scans", anysoft.key())] * 2,
        lambda: licensing.remove_destination(chance.choice([*licensing.destinations(), nowhere]).id),
        *[lambda: anysoft.clock.go(minutes=chance.choice([1, 40]))] * 3,
        lambda: anysoft.clock.go(days=chance.choice([1, 20, 50])),
    ]
    try:
        chance.choice(calls)()
    except Rejected as rejected:
        return rejected.code
    except Missing:
        return "missing"
    return "done"


def check(anysoft: World) -> None:
    catalog = {product.id: product for product in anysoft.licensing.products()}
    bought = {each.product: each for each in anysoft.licensing.subscriptions()}
    holders = {product: anysoft.holders(each.id) for product, each in bought.items()}
    destinations = len(anysoft.licensing.destinations())
    metered = sum(each.quantity for id, each in bought.items() if catalog[id].type is ProductType.METERED)
    assert destinations <= metered, "L4, L10"
    for product, each in bought.items():
        assert each.quantity >= 1
        if catalog[product].type is ProductType.USER:
            assert each.assigned <= each.quantity, "L3, R12"
        for base in catalog[product].requires:
            assert holders[product] <= holders[base], "L12"


def check_bills(anysoft: World, product: ProductId) -> None:
    """Upfront once and first; each amount is a price of whole seats; nothing negative, nothing given back."""
    charges = anysoft.tenant.charges(product)
    assert Counter(charge.kind.value for charge in charges)["upfront"] == 1
    assert charges[0].kind.value == "upfront"
    assert [charge.at for charge in charges] == sorted(charge.at for charge in charges)
    price = {each.id: each.unit_price for each in anysoft.licensing.products()}[product]
    for charge in charges:
        assert charge.seats >= 1
        expected = None if price is None else Decimal(charge.seats) * price.amount
        assert (charge.amount and charge.amount.amount) == expected


@pytest.mark.parametrize("seed", range(3))
def test_R12_L12_any_sequence_of_calls(engine: Engine, seed: int) -> None:
    chance = random.Random(seed)
    anysoft = world(engine, lambda tenant: tenant)
    for product in anysoft.licensing.products():
        if chance.random() < 0.6:
            for id in (*product.requires, product.id):
                if id not in {each.product for each in anysoft.licensing.subscriptions()}:
                    anysoft.subscribe(id, chance.randint(1, 5))
    anysoft.people(6)
    answers: Counter[str] = Counter()
    for _ in range(50):
        answers[step(anysoft, chance)] += 1
        check(anysoft)
    assert set(answers) <= EXPECTED | {"done", "missing"}
    assert answers["done"] > 20
    for subscription in anysoft.licensing.subscriptions():
        check_bills(anysoft, subscription.product)

"""L5, L6, L9, L10: what is bought, when does a change take effect, and what is billed?"""

from datetime import date, timedelta

import pytest

from connector.anysoft import office
from sync.model import Address, Billing, PendingChange, ProductId, SubscriptionId
from sync.ports import Rejected
from tests.contracts.licensing_world import ADDRESS, BILLING, DELAY, World


def refused_change(anysoft: World, id: SubscriptionId, quantity: int) -> str:
    with pytest.raises(Rejected) as refused:
        anysoft.licensing.change_quantity(id, quantity, anysoft.key())
    return refused.value.code


def test_L5_adding_a_product_bills_it_upfront_at_once(anysoft: World) -> None:
    added = anysoft.licensing.add_product(ProductId("anyprint"), 3, BILLING, ADDRESS, anysoft.key())
    assert (added.product, added.quantity, added.assigned, added.pending) == ("anyprint", 3, 0, None)
    assert (added.billing, added.address) == (BILLING, ADDRESS)
    assert (added.started_on, added.renews_on) == (date(2026, 1, 31), date(2026, 2, 28))
    assert anysoft.now(added.id) == added
    assert list(anysoft.licensing.subscriptions()) == [added]
    assert anysoft.billed("anyprint") == [("upfront", 3, "12.00")]


def test_L5_all_mistakes_are_told_at_once_and_nothing_is_bought(anysoft: World) -> None:
    billing, address = Billing(" ", "nobody"), Address("", "", "", "Germany", "line\nbreak")
    with pytest.raises(Rejected) as refused:
        anysoft.licensing.add_product(ProductId("anyprint"), 0, billing, address, anysoft.key())
    assert refused.value.code == "invalid"
    assert [field for field, _ in refused.value.fields] == [
        "quantity",
        "billing.name",
        "billing.email",
        "address.line1",
        "address.line2",
        "address.city",
        "address.postal_code",
        "address.country",
    ]
    with pytest.raises(Rejected) as unknown:
        anysoft.licensing.add_product(ProductId("anyfax"), 1, BILLING, ADDRESS, anysoft.key())
    assert (unknown.value.code, unknown.value.fields[0][0]) == ("invalid", "product_id")
    assert not anysoft.licensing.subscriptions()
    assert not anysoft.tenant.charges()


def test_L5_a_product_is_subscribed_once(anysoft: World) -> None:
    anysoft.subscribe("anyprint", 3)
    with pytest.raises(Rejected) as refused:
        anysoft.subscribe("anyprint", 4)
    assert refused.value.code == "already_subscribed"
    assert anysoft.billed("anyprint") == [("upfront", 3, "12.00")]


def test_L5_it_renews_on_the_day_it_started_or_the_last_of_a_shorter_month(anysoft: World) -> None:
    id = anysoft.subscribe("anyprint", 1)
    seen = []
    for _ in range(119):
        seen.append(anysoft.now(id).renews_on)
        anysoft.clock.go(days=1)
    assert list(dict.fromkeys(seen)) == [
        date(2026, 2, 28),
        date(2026, 3, 31),
        date(2026, 4, 30),
        date(2026, 5, 31),
    ]
    assert anysoft.billed("anyprint") == [("upfront", 1, "4.00")] + [("renewal", 1, "4.00")] * 3
    assert [charge.at.date() for charge in anysoft.tenant.charges()][1:] == [
        date(2026, 2, 28),
        date(2026, 3, 31),
        date(2026, 4, 30),
    ]


@pytest.mark.parametrize(
    ("started", "renews"),
    [
        (date(2026, 11, 30), [date(2026, 12, 30), date(2027, 1, 30), date(2027, 2, 28), date(2027, 3, 30)]),
        (date(2028, 1, 29), [date(2028, 2, 29), date(2028, 3, 29), date(2028, 4, 29), date(2028, 5, 29)]),
        (date(2028, 2, 29), [date(2028, 3, 29), date(2028, 4, 29), date(2028, 5, 29), date(2028, 6, 29)]),
    ],
)
def test_L5_it_is_billed_on_each_renewal(anysoft: World, started: date, renews: list[date]) -> None:
    anysoft.clock.at = anysoft.clock.at.replace(year=started.year, month=started.month, day=started.day)
    id = anysoft.subscribe("anyprint", 2)
    for day in renews:
        assert anysoft.now(id).renews_on == day
        anysoft.clock.at = anysoft.clock.at.replace(year=day.year, month=day.month, day=day.day)
    assert anysoft.now(id).renews_on > renews[-1]
    assert [charge.at.date() for charge in anysoft.tenant.charges()] == [started, *renews]
    assert anysoft.billed("anyprint")[1:] == [("renewal", 2, "8.00")] * 4, "in full each time, not pro rata"


@pytest.mark.parametrize("quantity", [0, -1, 10_000_001, True])
def test_L5_the_quantity_is_a_whole_number_of_at_least_1(anysoft: World, quantity: int) -> None:
    with pytest.raises(Rejected) as refused:
        anysoft.subscribe("anyprint", quantity)
    assert [field for field, _ in refused.value.fields] == ["quantity"]
    assert not anysoft.tenant.charges()


def test_L5_renewals_that_nobody_looked_at_are_billed_all_the_same_and_once(anysoft: World) -> None:
    anysoft.subscribe("anyprint", 1)
    anysoft.clock.go(days=365)
    for _ in range(2):
        anysoft.licensing.subscriptions()
        assert anysoft.billed("anyprint") == [("upfront", 1, "4.00")] + [("renewal", 1, "4.00")] * 12


def test_L6_nothing_is_pro_rata_or_refunded(anysoft: World) -> None:
    id, people = anysoft.subscribe("anyprint", 4), anysoft.people(2)
    anysoft.assign(id, people)
    anysoft.clock.go(days=13)
    anysoft.unassign(id, people)
    anysoft.licensing.change_quantity(id, 1, anysoft.key())
    anysoft.clock.go(hours=1)
    assert anysoft.now(id).quantity == 1
    assert anysoft.billed("anyprint") == [("upfront", 4, "16.00")]
    anysoft.licensing.change_quantity(id, 2, anysoft.key())
    anysoft.clock.go(hours=1)
    assert anysoft.now(id).quantity == 2
    assert anysoft.billed("anyprint")[1:] == [("increase", 1, "4.00")], "a whole month for half of one"


def test_L9_until_a_change_takes_effect_the_old_quantity_is_in_force(anysoft: World) -> None:
    id, people = anysoft.subscribe("anyprint", 1), anysoft.people(3)
    asked = anysoft.clock.at
    answer = anysoft.licensing.change_quantity(id, 2, anysoft.key())
    assert answer.pending == PendingChange(2, asked, asked + DELAY)
    assert answer.quantity == 1
    anysoft.clock.go(minutes=29)
    assert anysoft.now(id) == answer
    assert anysoft.assign(id, people) == ["assigned", "no_license_left", "no_license_left"]
    assert anysoft.billed("anyprint") == [("upfront", 1, "4.00")]
    anysoft.clock.go(minutes=1)
    assert anysoft.assign(id, people) == ["already_assigned", "assigned", "no_license_left"]
    assert (anysoft.now(id).quantity, anysoft.now(id).pending) == (2, None)
    assert anysoft.billed("anyprint") == [("upfront", 1, "4.00"), ("increase", 1, "4.00")]
    assert anysoft.tenant.charges()[-1].at == asked + DELAY
    anysoft.clock.go(days=40)
    anysoft.licensing.subscriptions()
    assert anysoft.billed("anyprint")[2:] == [("renewal", 2, "8.00")], "the recurring amount changed"


def test_L9_one_change_at_a_time(anysoft: World) -> None:
    id = anysoft.subscribe("anyprint", 1)
    anysoft.licensing.change_quantity(id, 5, anysoft.key())
    for quantity in (1, 5, 6):
        assert refused_change(anysoft, id, quantity) == "change_pending"
    other = anysoft.subscribe("anyscan", 1)
    assert anysoft.licensing.change_quantity(other, 2, anysoft.key()).pending is not None
    anysoft.clock.go(minutes=30)
    assert anysoft.licensing.change_quantity(id, 6, anysoft.key()).pending is not None
    assert anysoft.now(id).quantity == 5


def test_L9_the_quantity_there_is_is_no_change(anysoft: World) -> None:
    id = anysoft.subscribe("anyprint", 3)
    assert anysoft.licensing.change_quantity(id, 3, anysoft.key()).pending is None


def test_L9_a_change_can_be_refused_in_the_end(anysoft: World) -> None:
    id = anysoft.subscribe("anyprint", 1)
    anysoft.licensing.change_quantity(id, 5, anysoft.key())
    office.refuse_pending(anysoft.engine, id)
    pending = anysoft.now(id).pending
    assert pending is not None
    assert pending.quantity == 5, "nobody can see it coming"
    anysoft.clock.go(minutes=30)
    assert (anysoft.now(id).quantity, anysoft.now(id).pending) == (1, None)
    assert anysoft.billed("anyprint") == [("upfront", 1, "4.00")]
    anysoft.licensing.change_quantity(id, 5, anysoft.key())
    anysoft.clock.go(minutes=30)
    assert anysoft.now(id).quantity == 5, "the next one isn't refused too"


def test_L9_billing_address_and_settings_can_be_managed(anysoft: World) -> None:
    id = anysoft.subscribe("anyprint", 1)
    billing, address = Billing("New", "new@contoso.example"), Address("9 Quay", "Cork", "T12", "IE")
    licensing = anysoft.licensing
    assert licensing.manage(id, anysoft.key(), billing=billing).billing == billing
    assert licensing.manage(id, anysoft.key(), address=address).address == address
    licensing.manage(id, anysoft.key(), settings={"pin": "on", "color": "off"})
    licensing.manage(id, anysoft.key(), settings={"pin": "", "duplex": "on"})
    assert anysoft.tenant.settings(id) == {"color": "off", "duplex": "on"}
    assert (anysoft.now(id).billing, anysoft.now(id).address) == (billing, address)
    assert anysoft.now(id).pending is None


def test_L9_managing_with_mistakes_changes_nothing(anysoft: World) -> None:
    id = anysoft.subscribe("anyprint", 1)
    with pytest.raises(Rejected) as refused:
        anysoft.licensing.manage(
            id, anysoft.key(), Billing("New", "@"), Address("9", "C", "1", "XX"), {"": ""}
        )
    assert [field for field, _ in refused.value.fields] == ["billing.email", "address.country", "settings"]
    with pytest.raises(Rejected) as empty:
        anysoft.licensing.manage(id, anysoft.key())
    assert empty.value.code == "invalid"
    assert anysoft.now(id).billing == BILLING


@pytest.mark.parametrize("quantity", [0, -1, 10_000_001, True])
def test_L9_a_quantity_is_a_whole_number_of_at_least_1(anysoft: World, quantity: int) -> None:
    id = anysoft.subscribe("anyprint", 1)
    assert refused_change(anysoft, id, quantity) == "invalid"


def test_L10_the_quantity_never_goes_below_what_is_assigned(anysoft: World) -> None:
    id, people = anysoft.subscribe("anyprint", 5), anysoft.people(3)
    anysoft.assign(id, people)
    assert refused_change(anysoft, id, 2) == "below_assigned"
    assert anysoft.licensing.change_quantity(id, 3, anysoft.key()).pending is not None


def test_L10_a_decrease_ends_without_effect_when_more_people_have_it_by_then(anysoft: World) -> None:
    id, people = anysoft.subscribe("anyprint", 5), anysoft.people(4)
    anysoft.assign(id, people[:3])
    anysoft.licensing.change_quantity(id, 3, anysoft.key())
    assert anysoft.assign(id, people[3:]) == ["assigned"], "the old quantity is in force"
    anysoft.clock.go(minutes=30)
    assert (anysoft.now(id).quantity, anysoft.now(id).assigned, anysoft.now(id).pending) == (5, 4, None)


def test_L10_metered_quantities_never_go_below_the_destinations(anysoft: World) -> None:
    base, more = anysoft.subscribe("anyscan", 3), anysoft.subscribe("anyscan-destination", 3)
    anysoft.assign(base, anysoft.people(5))
    for n in range(4):
        anysoft.licensing.add_destination(f"Scans {n}", anysoft.key())
    assert anysoft.licensing.change_quantity(base, 1, anysoft.key()).pending, "assigned users don't bound it"
    anysoft.clock.go(minutes=30)
    assert refused_change(anysoft, more, 2) == "below_assigned"
    assert anysoft.now(base).quantity == 1
    with pytest.raises(Rejected):
        anysoft.licensing.add_destination("full", anysoft.key())


def test_L10_two_metered_decreases_together_cant_undercut_the_destinations(anysoft: World) -> None:
    base, more = anysoft.subscribe("anyscan", 3), anysoft.subscribe("anyscan-destination", 3)
    for n in range(4):
        anysoft.licensing.add_destination(f"Scans {n}", anysoft.key())
    anysoft.licensing.change_quantity(base, 1, anysoft.key())
    anysoft.clock.go(minutes=1)
    anysoft.licensing.change_quantity(more, 1, anysoft.key())
    anysoft.clock.go(minutes=30)
    assert (anysoft.now(base).quantity, anysoft.now(more).quantity) == (1, 3)


def test_L11_an_unknown_price_is_billed_as_unknown_and_never_as_0(anysoft: World) -> None:
    anysoft.subscribe("anyscan", 2)
    anysoft.clock.go(days=28)
    anysoft.licensing.subscriptions()
    assert anysoft.billed("anyscan") == [("upfront", 2, None), ("renewal", 2, None)]


def test_L9_a_change_may_take_up_to_1_hour(anysoft: World) -> None:
    for delay in (timedelta(hours=1, seconds=1), timedelta(seconds=-1)):
        with pytest.raises(ValueError, match="L9"):
            type(anysoft.tenant)(anysoft.engine, anysoft.clock, delay)

"""When is something bought without a person? R17, R21, R25: in whole rounds, and the caps one by one."""

from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import Engine

from connector.anysoft.office import set_price
from connector.manual import Desk
from sync.automatic import Growth, PurchaseView, grown, why_not
from sync.model import Buying, GrowthPolicy, Mode, Money, Product, RequestState
from sync.ports import Rejected
from sync.quantity import AUTOMATIC
from sync.reconcile import Scope
from tests.company import CENTRE, PRINT, SCAN, Company
from tests.sync.asking import request, sub
from tests.sync.world import DESTINATION, PRODUCTS

CAPS = Buying(Mode.AUTO, seats_per_request=5, seats_per_month=8, money_per_month=Decimal(100), ceiling=40)
FOUR = Money(Decimal("4.00"), "EUR")
CALM = PurchaseView(seats_this_month=0, open_holds=0, stale=(), growth=())


@pytest.fixture
def firm(engine: Engine) -> Company:
    """12 members for years, 12 seats, AnyPrint at 4.00."""
    company = Company(engine)
    company.buy(PRINT, 12)
    set_price(engine, PRINT, FOUR)
    company.settle(buying={PRINT: CAPS})
    company.map(company.group("Old", company.hire(*names(12))), PRINT)
    company.go(days=40)
    company.set_active(company.hire("somebody@northmill.example")[0], True)
    company.round()
    return company


def names(n: int, start: int = 0) -> list[str]:
    return [f"p{i:03}@northmill.example" for i in range(start, start + n)]


def grow(company: Company, people: int, start: int = 100) -> list[str]:
    ids = company.hire(*names(people, start))
    company.map(company.group(f"New {start}", ids), PRINT)
    company.round()
    return ids


def test_r21_inside_the_caps_it_is_bought_once_and_the_waiting_are_served(firm: Company) -> None:
    grow(firm, 3)
    asked = firm.request(PRINT)
    assert asked is not None
    assert (asked.state, asked.target, asked.decided_by) == (RequestState.PENDING, 15, AUTOMATIC)
    firm.go(minutes=31)
    firm.round()
    assert firm.sold(PRINT).quantity == 15
    assert len(firm.holders(PRINT)) == 15
    firm.round(Scope.EVERYONE)
    assert firm.sold(PRINT).quantity == 15


def test_r21_what_was_bought_this_month_counts_and_the_next_month_begins_anew(firm: Company) -> None:
    firm.settle(expire_days=60)
    grow(firm, 5, 100)
    firm.go(minutes=31)
    grow(firm, 4, 200)
    asked = firm.request(PRINT)
    assert asked is not None
    assert asked.state is RequestState.OPEN
    assert "9 seats this month" in asked.reason
    firm.go(days=21)
    firm.hire("the.directory.lives@northmill.example")
    firm.round()
    later = firm.request(PRINT)
    assert later is not None
    assert (firm.now.month, later.decided_by, later.target) == (5, AUTOMATIC, 21)


@pytest.mark.parametrize("mode", [Mode.ASK, Mode.NEVER])
def test_r21_ask_opens_a_request_and_never_only_reports(firm: Company, mode: Mode) -> None:
    firm.settle(buying={PRINT: Buying(mode)})
    grow(firm, 3)
    assert (firm.request(PRINT) is None) == (mode is Mode.NEVER)
    assert len(firm.line(PRINT)) == 3
    assert firm.sold(PRINT).pending is None
    [short] = [s for s in firm.rehearse(Scope.EVERYONE).shortages if s.need]
    assert short.need == 3


def test_r21_an_open_request_of_a_product_that_is_set_to_never_is_withdrawn(firm: Company) -> None:
    firm.settle(buying={})
    grow(firm, 3)
    assert firm.request(PRINT) is not None
    firm.settle(buying={PRINT: Buying(Mode.NEVER)})
    firm.round()
    assert firm.request(PRINT) is None


def test_r25_a_group_that_grew_unusually_gets_what_is_free_and_asks_for_the_rest(firm: Company) -> None:
    firm.settle(buying={PRINT: replace(CAPS, seats_per_request=100, seats_per_month=100, ceiling=100,
                                       money_per_month=Decimal(1000))})  # fmt: skip
    grow(firm, 11)
    asked = firm.request(PRINT)
    assert asked is not None
    assert asked.state is RequestState.OPEN
    assert "grew unusually" in asked.reason
    firm.go(hours=25)
    firm.round()
    asked = firm.request(PRINT)
    assert asked is not None
    assert asked.decided_by == AUTOMATIC, "a day later it is as it is"


def test_r21_never_while_removals_are_held(firm: Company) -> None:
    firm.buy(CENTRE, 6)
    ids = firm.hire(*names(6, 300))
    group = firm.group("Centre", ids)
    firm.map(group, PRINT)
    firm.map(group, CENTRE)
    firm.settle(buying={})
    firm.round()
    firm.approve(PRINT)
    firm.round()
    firm.go(minutes=31)
    firm.round()
    firm.leave(group, *ids)
    firm.round()
    assert firm.open_holds()
    firm.settle(buying={PRINT: CAPS})
    grow(firm, 2)
    asked = firm.request(PRINT)
    assert asked is not None
    assert (asked.state, "held" in asked.reason) == (RequestState.OPEN, True)


@pytest.mark.parametrize(
    ("says", "view", "buying", "price", "why"),
    [
        ("all is well", CALM, CAPS, FOUR, ""),
        ("price unknown", CALM, CAPS, None, "price"),
        ("a hold", replace(CALM, open_holds=1), CAPS, FOUR, "held"),
        ("stale", replace(CALM, stale=("okta",)), CAPS, FOUR, "okta"),
        ("unusual growth", replace(CALM, growth=(Growth("G", 31, 11),)), CAPS, FOUR, "G grew"),
        ("one request", CALM, replace(CAPS, seats_per_request=1), FOUR, "one request"),
        ("the month's seats", replace(CALM, seats_this_month=7), CAPS, FOUR, "9 seats this month"),
        ("the month's money", CALM, replace(CAPS, money_per_month=Decimal("7.99")), FOUR, "8.00 EUR"),
        ("just the month's money", CALM, replace(CAPS, money_per_month=Decimal(8)), FOUR, ""),
        ("the ceiling", CALM, replace(CAPS, ceiling=21), FOUR, "ceiling"),
        ("no caps at all", CALM, Buying(Mode.AUTO), FOUR, "one request"),
    ],
)
def test_r21_each_cap(says: str, view: PurchaseView, buying: Buying, price: Money | None, why: str) -> None:
    asked = request(quantity=20, need=2, waiting=2, proposed=22)
    product: Product = replace(PRODUCTS[1], unit_price=price)
    said = why_not(asked, sub(20), product, buying, view, GrowthPolicy())
    assert (why in said) if why else said == "", says


@pytest.mark.parametrize(
    ("before", "new", "trips"),
    [(0, 10, False), (0, 11, True), (20, 10, False), (22, 11, False), (21, 11, True)],
)
def test_r25_more_than_the_larger_of_10_and_half_of_those_before(before: int, new: int, trips: bool) -> None:
    assert bool(grown([Growth("G", before + new, new)], GrowthPolicy())) == trips


def test_r17_a_refused_destination_opens_one_prompt_a_free_one_withdraws_it(engine: Engine) -> None:
    company = Company(engine)
    company.buy(SCAN, 1)
    company.round()
    assert company.request(SCAN) is None, "none is free, and none was wanted"
    desk = Desk(engine, company.tenant, "ada", company.clock)
    made = desk.add_destination("Archive")
    company.round()
    assert company.request(SCAN) is None
    with pytest.raises(Rejected):
        desk.add_destination("Mail room")
    for _ in range(2):
        company.round()
    asked = company.request(SCAN)
    assert asked is not None
    assert (asked.quantity, asked.need, asked.proposed) == (1, 1, 2)
    company.tenant.remove_destination(made.id)
    company.round()
    assert company.request(SCAN) is None
    desk.add_destination("Mail room")
    company.round()
    assert company.request(SCAN) is None, "nobody was refused since"


def test_r17_destinations_to_spare(engine: Engine) -> None:
    company = Company(engine)
    company.settle(destinations_spare=2)
    company.buy(SCAN, 3)
    company.round()
    assert company.request(SCAN) is None
    company.tenant.add_destination("Archive", "k1")
    company.tenant.add_destination("Mail room", "k2")
    company.round()
    asked = company.request(SCAN)
    assert asked is not None
    assert (asked.need, asked.proposed) == (1, 4)
    company.approve(SCAN)
    company.round()
    company.go(minutes=31)
    company.round()
    assert company.sold(SCAN).quantity == 4
    assert company.request(SCAN) is None


@pytest.mark.parametrize("approved", [False, True])
def test_r17_buying_the_other_metered_product_ends_the_prompt(engine: Engine, approved: bool) -> None:
    """Their quantities count together; a request of either is seen to, whichever is bought from then on."""
    company = Company(engine)
    company.settle(destinations_spare=2)
    company.buy(SCAN, 1)
    company.round()
    if approved:
        company.approve(SCAN)
    assert company.request(SCAN) is not None
    company.buy(DESTINATION, 2)
    company.round()
    company.round()
    assert (company.request(SCAN), company.request(DESTINATION)) == (None, None)
    assert company.sold(SCAN).quantity == 1
    company.tenant.add_destination("Archive", "k1")
    company.tenant.add_destination("Mail room", "k2")
    company.round()
    asked = company.request(DESTINATION)
    assert asked is not None
    assert (asked.need, company.request(SCAN)) == (1, None)

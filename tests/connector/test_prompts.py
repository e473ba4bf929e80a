"""R18: what does a prompt say?"""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine

from connector import prompts
from connector.store.engine import reading
from sync.model import Money, Policy, Request
from sync.reconcile import Scope
from tests.company import PRINT, Company


@pytest.fixture
def firm(engine: Engine) -> Company:
    """Five entitled, three seats; one of the seats is held by a guest whom no group gives it."""
    company = Company(engine)
    company.settle(grace_disabled_hours=48)
    company.buy(PRINT, 4)
    guest = company.tenant.create_account("guest@northmill.example", "Guest", "", "", company.key())
    company.tenant.assign(company.sold(PRINT).id, [guest.id], company.key())
    company.hire("guest@northmill.example")
    ids = company.hire(*(f"p{n}@northmill.example" for n in range(5)))
    group = company.group("LIC-AnyPrint", ids)
    company.map(group, PRINT)
    company.go(minutes=5)
    company.round(Scope.EVERYONE)
    company.set_active(ids[0], False)
    company.round()
    return company


def said(
    company: Company, price: Money | None = None, renews: date | None = None, **asked: Any
) -> prompts.Content:
    request = company.request(PRINT)
    assert request is not None
    with reading(company.engine) as connection:
        return prompts.content(
            connection,
            replace(request, **asked),
            price,
            renews,
            Policy(),
            "sales@anysoft.example",
            company.now,
        )


def test_r18_who_waits_since_when_and_because_of_which_group(firm: Company) -> None:
    content = said(firm)
    assert [(w.user, w.because) for w in content.people] == [
        ("p3@northmill.example", ("LIC-AnyPrint",)),
        ("p4@northmill.example", ("LIC-AnyPrint",)),
    ]


def test_r18_cheaper_ways_first(firm: Company) -> None:
    assert {(c.why, c.count, c.people) for c in said(firm).cheaper} == {
        ("in_grace", 1, ("p0@northmill.example",)),
        ("no_group", 1, ("guest@northmill.example",)),
    }


def test_r18_the_sales_contact_from_50_seats_or_without_a_price(firm: Company) -> None:
    price = Money(Decimal(4), "EUR")
    assert said(firm).contact == "sales@anysoft.example"
    assert said(firm, price).contact == ""
    assert said(firm, price, proposed=53).contact == ""
    assert said(firm, price, proposed=54).contact == "sales@anysoft.example"


def test_r18_wait_until_the_renewal_where_it_is_near(firm: Company) -> None:
    assert said(firm, renews=date(2027, 3, 8)).wait_until == date(2027, 3, 8)
    assert said(firm, renews=date(2027, 3, 9)).wait_until is None


def test_r18_in_words_price_unknown_is_never_0(firm: Company) -> None:
    request: Request | None = firm.request(PRINT)
    assert request is not None
    lines = "\n".join(prompts.lines(request, said(firm), None, None, date(2027, 4, 1)))
    assert "Charged now: price unknown; at the next renewal on 2027-04-01: price unknown" in lines
    assert "If nobody answers, nothing is bought" in lines


def test_r22_what_is_assigned_beyond_what_is_bought_is_missing_too(firm: Company) -> None:
    request = firm.request(PRINT)
    assert request is not None
    lines = prompts.lines(replace(request, waiting=12, need=16), said(firm), None, None, None)
    assert "12 wait, 16 missing (4 of them are assigned beyond what is bought)." in lines[0]
    assert "beyond" not in prompts.lines(request, said(firm), None, None, None)[0]


def test_r22_a_proposal_to_have_fewer_says_what_it_saves(firm: Company) -> None:
    price = Money(Decimal("2.00"), "EUR")
    fewer: dict[str, Any] = {"quantity": 10, "proposed": 1, "need": 0, "waiting": 0}
    request = firm.request(PRINT)
    assert request is not None
    lines = "\n".join(
        prompts.lines(replace(request, **fewer), said(firm, price, **fewer), None, price, date(2027, 4, 1))
    )
    assert "10 bought, 9 more than are needed" in lines
    assert "Charged now: nothing; at the next renewal on 2027-04-01: 2.00 EUR, 18.00 EUR less than" in lines

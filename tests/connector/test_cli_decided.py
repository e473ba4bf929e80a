"""What becomes of a request that was decided on, and how is it told? (R18, R19)"""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from connector.anysoft.office import set_price
from sync.model import Money, RequestState
from tests.company import PRINT, Company
from tests.connector.deciding import Call, bigger, calls, euros, joined, one_short, open_request


@pytest.fixture
def firm(tmp_path: Path, sqlite_template: Path) -> Iterator[Company]:
    with one_short(tmp_path / "data", sqlite_template) as company:
        yield company


@pytest.fixture
def call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    return calls(tmp_path / "data", capsys)


def test_r18_what_is_scheduled_says_what_it_leaves_uncovered_and_can_be_bought_now(
    firm: Company, call: Call
) -> None:
    call("request", "schedule", "1", "--seen", "2:1")
    said = call("request", "show", "1")
    assert "3 in all (+1), for 1 of the 1 missing." in said
    assert "Charged then:" in said
    joined(firm, "d@x.example", "e@x.example")
    assert "2 bought now, 3 missing" in call("request", "approve", "1", code=1)
    said = call("request", "show", "1")
    assert "for 1 of the 3 missing." in said
    assert "2 missing beyond that: `request approve 1` buys 5 in all now instead." in said
    bought = call("request", "approve", "1", "--json")
    assert (bought["state"], bought["target"], bought["due_at"]) == ("approved", 5, None)


def scheduled(firm: Company, call: Call) -> None:
    """For a day in this month, three seats at 4.00."""
    set_price(firm.engine, PRINT, euros("4.00"))
    call("request", "schedule", "1", "--at", "2027-03-20", "--seen", "2:1:4.00:EUR")


@pytest.fixture
def in_2027(firm: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.cli.deciding.now", firm.clock)


@pytest.mark.usefixtures("in_2027")
@pytest.mark.parametrize("price", [euros("400.00"), Money(Decimal("4.00"), "SEK"), None])
def test_r19_what_was_scheduled_and_got_dearer_is_asked_for_anew(
    firm: Company, call: Call, price: Money | None
) -> None:
    scheduled(firm, call)
    firm.go(days=18, hours=14)
    set_price(firm.engine, PRINT, price)
    firm.go(minutes=70)
    firm.round()
    asked = open_request(firm)
    assert (asked.state, asked.target, asked.price, asked.due_at) == (RequestState.OPEN, None, None, None)
    assert asked.reason.startswith("reopened: a seat was at 4.00 EUR when it was approved, now at ")
    assert (firm.sold(PRINT).quantity, firm.sold(PRINT).pending) == (2, None)
    assert asked.reason in call("request", "show", "1")
    call("request", "approve", "1")
    firm.round()
    assert open_request(firm).state is RequestState.PENDING


@pytest.mark.usefixtures("in_2027")
@pytest.mark.parametrize("price", ["4.00", "3.00"])
def test_r19_what_was_scheduled_and_got_no_dearer_is_bought_when_it_is_due(
    firm: Company, call: Call, price: str
) -> None:
    scheduled(firm, call)
    set_price(firm.engine, PRINT, euros(price))
    firm.round()
    assert open_request(firm).state is RequestState.SCHEDULED
    firm.go(days=19)
    firm.round()
    assert open_request(firm).state is RequestState.PENDING
    firm.go(minutes=31)
    firm.round()
    assert firm.sold(PRINT).quantity == 3


@pytest.mark.usefixtures("in_2027")
def test_r18_a_scheduled_one_is_billed_after_the_renewal_before_it_and_does_not_expire(
    firm: Company, call: Call
) -> None:
    set_price(firm.engine, PRINT, euros("4.00"))
    call("request", "schedule", "1", "--at", "2027-05-01", "--seen", "2:1")
    said = call("request", "show", "1")
    assert (
        "Charged then: 4.00 EUR; at the next renewal on 2027-04-01: 8.00 EUR, "
        "at each one after it is bought: 12.00 EUR."
    ) in said
    shown = call("request", "show", "1", "--json")
    assert (shown["next_bill"], shown["renews_on"], shown["expires_at"]) == ("8.00 EUR", "2027-04-01", None)


@pytest.mark.usefixtures("in_2027")
def test_r18_what_is_done_is_told_as_it_was(firm: Company, call: Call) -> None:
    set_price(firm.engine, PRINT, euros("4.00"))
    call("request", "approve", "1", "--seen", "2:1", "--as", "approver")
    firm.round()
    firm.go(minutes=31)
    firm.round()
    set_price(firm.engine, PRINT, euros("5.00"))
    said = call("request", "show", "1")
    assert said.partition("\n\n")[2] == (
        "anyprint: 2 were bought, 1 waited, 1 were missing.\n"
        "Decided by approver, 2027-03-01 09:00 UTC: 3 in all (+1), a seat at 4.00 EUR.\n"
        "Done, 2027-03-01 09:31 UTC. AnySoft has confirmed 3.\n"
    )
    shown = call("request", "show", "1", "--json")
    assert (shown["charge_now"], shown["next_bill"], shown["approved_price"]) == (None, None, "4.00 EUR")
    assert (shown["decided_at"], shown["ended_at"]) == ("2027-03-01T09:00:00Z", "2027-03-01T09:31:00Z")
    assert "price unknown" not in said + call("request", "list")


@pytest.mark.usefixtures("in_2027")
def test_r18_what_is_withdrawn_tells_who_had_scheduled_it(firm: Company, call: Call) -> None:
    scheduled(firm, call)
    bigger(firm)
    firm.round()
    assert firm.request(PRINT) is None
    shown = call("request", "show", "1", "--json")
    assert (shown["state"], shown["target"], shown["due_at"]) == ("withdrawn", 3, "2027-03-20T00:00:00Z")
    assert shown["decided_by"].startswith("cli:")
    assert shown["people"] == shown["waits"] == []
    said = call("request", "show", "1")
    assert (
        f"Decided by {shown['decided_by']}, 2027-03-01 09:00 UTC: 3 in all (+1), a seat at 4.00 EUR" in said
    )
    assert ", due 2027-03-20 00:00 UTC.\n" in said
    assert said.endswith("UTC: nobody is short of it any more. Nothing was changed.\n")
    (told,) = call("explain", "c@x.example", "--json")["requests"]
    assert (told["decided_by"], told["target"], told["due_at"]) == (
        shown["decided_by"], 3, "2027-03-20T00:00:00Z",
    )  # fmt: skip


def test_r19_what_is_declined_tells_by_whom_and_why(firm: Company, call: Call) -> None:
    call("request", "decline", "1", "--reason", "too dear", "--as", "approver")
    said = call("request", "show", "1")
    assert "anyprint: 2 were bought, 1 waited, 1 were missing.\nDeclined by approver, " in said
    assert "UTC: too dear. Nothing was changed.\n" in said
    assert "Waits:" not in said

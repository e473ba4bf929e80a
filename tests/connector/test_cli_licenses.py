"""Do the `license` commands do what AnySoft's page lets a Global Administrator do, and nobody else?"""

import json
import re
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from connector import wiring
from connector.anysoft import office
from connector.anysoft.forms import MOST_SEATS
from connector.anysoft.tenant import BuiltInTenant
from connector.cli.root import main
from connector.store import audit
from connector.store.engine import reading
from sync.model import Money, ProductId
from tests.company import ADDRESS, BILLING, CENTRE, PRINT, RELEASE, SCAN, Company
from tests.connector.places import opened, prepared
from tests.faulty import Faulty, busy

ADA, BOB, EVE = "ada@x.example", "bob@x.example", "eve@x.example"
BUYER = ("--billing-name=A", "--billing-email=a@x.example", "--address-line1=B 1", "--address-city=C",
         "--address-postal-code=1", "--address-country=SE")  # fmt: skip
#: all that changes something; the Destination is the one there is
ACTIONS: dict[str, tuple[str, ...]] = {
    "add": ("add", "anyprint-release", "--quantity=1", *BUYER),
    "assign": ("assign", "anyprint", BOB),
    "unassign": ("unassign", "anyprint", ADA, "--yes"),
    "adopt": ("adopt", "anyprint", "--entitled"),
    "quantity": ("quantity", "anyprint", "9"),
    "manage": ("manage", "anyprint", "--settings", "pin=on"),
    "destination add": ("destinations", "add", "Second"),
    "destination remove": ("destinations", "remove", "DESTINATION"),
}
LOOKS = (("list",), ("show", "anyprint"), ("users", "anyprint"), ("users", "anyprint", "--lacking"),
         ("charges",), ("destinations", "list"))  # fmt: skip

Call = Callable[..., Any]


@pytest.fixture
def company(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    """ADA has AnyPrint by hand, BOB and EVE lack it; 5 are bought, of AnyScan 2."""
    monkeypatch.chdir(tmp_path)
    with opened(prepared(tmp_path / "data", sqlite_template)) as engine:
        company = Company(engine)
        company.hire(ADA, BOB, EVE)
        company.buy(PRINT, 5)
        company.buy(SCAN, 2)
        account = company.tenant.create_account(ADA, "", "", "", "ada")
        company.tenant.assign(company.sold(PRINT).id, [account.id], "give")
        yield company


@pytest.fixture
def call(company: Company, capsys: pytest.CaptureFixture[str]) -> Call:
    def run(*arguments: str, code: int = 0) -> Any:
        found = main(["license", *arguments])
        told = capsys.readouterr()
        assert found == code, told
        return json.loads(told.out) if "--json" in arguments and code == 0 else told.out + told.err

    return run


def everything(engine: Engine, tenant: BuiltInTenant) -> object:
    subscriptions = tenant.subscriptions()
    return (
        subscriptions,
        [list(tenant.assignments(s.id)) for s in subscriptions],
        [tenant.settings(s.id) for s in subscriptions],
        list(tenant.accounts()),
        tenant.destinations(),
        tenant.charges(),
    )


@pytest.mark.parametrize("role", ["viewer", "operator", "approver", "admin"])
@pytest.mark.parametrize("action", ACTIONS)
def test_L1_every_action_is_for_approvers_and_admins_only(
    company: Company, call: Call, action: str, role: str
) -> None:
    assert main(["operator", "add", "otto", "--role", role]) == 0
    made = company.tenant.add_destination("First", "first").id
    arguments = [made if a == "DESTINATION" else a for a in ACTIONS[action]]
    before = everything(company.engine, company.tenant)
    may = role in ("approver", "admin")
    told = call(*arguments, "--as", "otto", code=0 if may else 1)
    with reading(company.engine) as connection:
        entries = [e for e in audit.entries(connection) if e.actor == "otto"]
    if may:
        assert {e.action for e in entries}.isdisjoint({"refused"})
        assert entries, "who did it is in the audit log"
    else:
        assert f"otto is {role}, this needs approver" in told
        assert everything(company.engine, company.tenant) == before
        assert [e.action for e in entries] == ["refused"]


@pytest.mark.parametrize("look", LOOKS)
def test_whoever_is_an_operator_may_look(
    call: Call, look: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["operator", "add", "otto", "--role", "viewer"]) == 0
    capsys.readouterr()
    assert isinstance(call(*look, "--as", "otto", "--json"), list | dict)


#: adopting is the connector's own business: AnySoft isn't asked
@pytest.mark.parametrize("action", [action for action in ACTIONS if action != "adopt"])
def test_L1_without_the_connectors_own_role_every_action_is_refused(
    company: Company, call: Call, action: str
) -> None:
    made = company.tenant.add_destination("First", "first").id
    assert main(["tenant", "role", "revoke"]) == 0
    before = everything(company.engine, company.tenant)
    arguments = [made if a == "DESTINATION" else a for a in ACTIONS[action]]
    assert "GlobalAdministration" in call(*arguments, code=1)
    assert everything(company.engine, company.tenant) == before


def test_L7_several_at_once_and_only_those_who_lack_it_are_offered(company: Company, call: Call) -> None:
    assert [row["user"] for row in call("users", "anyprint", "--lacking", "--json")] == [BOB, EVE]
    given = call("assign", "anyprint", ADA, BOB, EVE, "--json")
    assert [row["status"] for row in given] == ["already_assigned", "assigned", "assigned"]
    assert call("users", "anyprint", "--lacking", "--json") == []
    held = {row["user"]: row["how"] for row in call("users", "anyprint", "--json")}
    assert held == dict.fromkeys([ADA, BOB, EVE], "manual")
    assert "Nobody has anyscan" in call("users", "anyscan")
    assert "isn't bought" in call("users", "anyprint-centre", code=1)


def test_R05_who_is_disabled_or_inactive_is_not_offered(company: Company, call: Call) -> None:
    (gone,) = company.hire("gone@x.example")
    company.set_active(gone, False)
    asleep = company.tenant.create_account("asleep@x.example", "", "", "", "asleep")
    company.tenant.set_active(asleep.id, False, "off")
    company.tenant.create_account("other@x.example", "", "", "", "other")
    offered = [row["user"] for row in call("users", "anyprint", "--lacking", "--json")]
    assert offered == [BOB, EVE, "other@x.example"]


def test_users_says_because_of_which_groups(company: Company, call: Call) -> None:
    (fay,) = company.hire("fay@x.example")
    company.map(company.group("LIC-AnyPrint", [fay]), PRINT)
    company.round()
    (row,) = [row for row in call("users", "anyprint", "--json") if row["user"] == "fay@x.example"]
    assert (row["how"], row["groups"]) == ("managed", ["LIC-AnyPrint"])


@pytest.mark.parametrize(("answer", "left"), [("y\n", [EVE]), ("n\n", [ADA, BOB, EVE])])
def test_L8_unassigning_asks_who_loses_what(
    company: Company, call: Call, monkeypatch: pytest.MonkeyPatch, answer: str, left: list[str]
) -> None:
    call("assign", "anyprint", BOB, EVE)
    company.tenant.create_account("has-it-not@x.example", "", "", "", "not")
    keyboard = StringIO(answer)
    keyboard.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stdin", keyboard)
    told = call("unassign", "anyprint", ADA, BOB, "has-it-not@x.example", code=0 if answer == "y\n" else 1)
    assert f"{ADA}, {BOB} lose anyprint now" in told
    assert company.holders(PRINT) == set(left)


def test_L8_without_a_terminal_it_takes_yes_and_a_wrong_name_is_told_first(call: Call) -> None:
    assert "AnySoft has no user" in call("unassign", "anyprint", "nobody@x.example", code=1)
    assert "--yes" in call("unassign", "anyprint", ADA, code=1)
    assert call("unassign", "anyprint", ADA, "--yes", "--json") == [{"user": ADA, "status": "unassigned"}]


def test_L9_managing_changes_what_is_given_and_keeps_the_rest(company: Company, call: Call) -> None:
    call("manage", "anyprint", "--billing-purchase-order", "PO-9", "--address-city", "Lund")
    sold = company.sold(PRINT)
    assert (sold.billing.name, sold.billing.purchase_order) == (BILLING.name, "PO-9")
    assert (sold.address.line1, sold.address.city) == (ADDRESS.line1, "Lund")
    shown = call("manage", "anyprint", "--billing-name", "Other", "--json")
    assert shown["billing"] == {"name": "Other", "email": BILLING.email, "purchase_order": "PO-9"}
    assert shown["address"]["city"] == "Lund"
    call("manage", "anyprint", "--settings", "pin=on", "--settings", "color=off")
    assert company.tenant.settings(sold.id) == {"pin": "on", "color": "off"}
    said = call("manage", "anyprint", "--billing-email", "nobody", "--address-country", "x", code=1)
    assert said.count("must be a mail address") == 1
    assert re.findall(r"^  (--[a-z-]+): ", said, re.M) == ["--billing-email", "--address-country"]
    assert company.sold(PRINT).billing.email == BILLING.email


def test_L5_L9_what_was_billed_is_listed(company: Company, call: Call) -> None:
    rows = call("charges", "anyprint", "--json")
    assert [(row["kind"], row["seats"], row["amount"]) for row in rows] == [("upfront", 5, None)]
    assert len(call("charges", "--json")) == 2
    assert "unknown" in call("charges", "anyprint"), "never 0 (L11)"


def test_L5_L9_the_charge_is_told_with_the_result(company: Company, call: Call) -> None:
    """Nobody is asked without a terminal, so this is where a script reads it."""
    office.set_price(company.engine, RELEASE, Money(Decimal("1.50"), "EUR"))
    bought = call("add", "anyprint-release", "--quantity=3", *BUYER, "--json")
    assert (bought["charge_now"], bought["next_bill"]) == ("4.50 EUR", "4.50 EUR")
    more = call("quantity", "anyprint", "7")
    assert re.search(r"charge now +unknown", more), "its price isn't known (L11)"
    assert "charge_now" not in call("quantity", "anyscan", "1", "--json")


def test_L11_an_unknown_price_is_shown_so_and_so_is_its_bill(call: Call) -> None:
    shown = call("show", "anyprint")
    assert re.search(r"^price +unknown$", shown, re.M)
    assert re.search(r"^next bill +unknown$", shown, re.M)
    assert re.search(r"^next bill +-$", call("show", "anyprint-centre"), re.M), "not bought"
    (row,) = [line for line in call("list").splitlines() if line.startswith("anyprint ")]
    assert row.split().count("unknown") == 2
    assert call("show", "anyprint", "--json")["price"] is None


def test_all_mistakes_of_a_purchase_are_told_each_once(company: Company, call: Call) -> None:
    told = call(
        "add", "anyprint-release", "--quantity=3", "--billing-name", "A", "--billing-email", "nope",
        "--address-line1", "", "--address-city", "C", "--address-country", "Sweden", code=2,
    )  # fmt: skip
    assert "--address-line1, --address-postal-code: needed to buy a product" in told
    assert "--billing-email: must be a mail address" in told
    assert "--address-country: must be an ISO 3166-1 code" in told
    for option in ("--billing-email", "--address-line1", "--address-postal-code", "--address-country"):
        assert told.count(option) == 1
    assert len(company.tenant.subscriptions()) == 2


def test_an_unknown_product_is_among_the_mistakes_of_a_purchase(company: Company, call: Call) -> None:
    told = call("add", "nope", "--quantity=1", "--address-country", "x", code=2)
    assert told.count("PRODUCT: there is no product nope: use one of anyprint") == 1
    assert "--billing-name, --billing-email" in told
    assert "there is no product nope" in call("add", "nope", "--quantity=1", *BUYER, code=1)


def test_mistakes_of_a_purchase_are_told_though_anysoft_is_not_there(
    company: Company, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    down = Faulty(company.tenant, ("products",), [busy] * 9).licensing()
    monkeypatch.setattr(wiring, "licensing", lambda settings, engine: down)
    assert "--billing-name, --billing-email" in call("add", "nope", "--quantity=1", code=2)
    assert "--billing-name" not in call("add", "nope", "--quantity=1", *BUYER, code=1)


def test_an_unknown_product_has_no_charges(call: Call) -> None:
    assert "there is no product bogus: use one of anyprint" in call("charges", "bogus", code=1)
    assert "Nothing yet" in call("charges", "anyprint-centre")


def test_of_an_empty_company_nobody_has_it_all(
    tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    monkeypatch.setenv("CONNECTOR_DATA_DIR", str(tmp_path / "empty"))
    with opened(prepared(tmp_path / "empty", sqlite_template)) as engine:
        Company(engine).buy(PRINT, 5)
    assert "There is nobody to give anyprint to" in call("users", "anyprint", "--lacking")


def test_as_many_seats_can_be_asked_for_as_the_contract_allows(call: Call) -> None:
    assert call("quantity", "anyprint", str(MOST_SEATS), "--json")["pending"] == MOST_SEATS
    assert str(MOST_SEATS) in call("quantity", "anyprint", str(MOST_SEATS + 1), code=2)


def test_L12_add_ons_by_hand_stand_on_their_base(company: Company, call: Call) -> None:
    company.buy(CENTRE, 2)
    assert "assign the product that it requires first" in call("assign", "anyprint-centre", BOB, code=1)
    call("assign", "anyprint-centre", ADA)
    assert "unassign the add-on first" in call("unassign", "anyprint", ADA, "--yes", code=1)
    call("unassign", "anyprint-centre", ADA, "--yes")
    call("unassign", "anyprint", ADA, "--yes")
    assert company.tenant.charges(ProductId("anyprint"))[0].seats == 5


@pytest.mark.parametrize(("reserve", "warned"), [(5, False), (6, True)])
def test_R14_a_reserve_beyond_what_is_bought_is_warned_of(
    company: Company, capsys: pytest.CaptureFixture[str], reserve: int, warned: bool
) -> None:
    company.group("LIC", [])
    add = ("mapping", "add", "--directory=entra", "--group=LIC", "--product=anyprint", "--yes")
    assert main([*add, f"--reserve={reserve}"]) == 0
    said = "6 seats of anyprint are reserved, 5 are bought" in capsys.readouterr().err
    assert said is warned

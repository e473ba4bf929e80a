"""What do the `license` commands say and leave when AnySoft's answer is lost, and what settles it? (R29)"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from connector import points, wiring
from connector.cli.root import main
from connector.store import audit, intents
from connector.store.engine import reading
from connector.store.tables import intents as intent_rows
from sync.model import Held, Origin
from tests.company import PRINT, RELEASE, SCAN, Company
from tests.connector.places import opened, prepared
from tests.faulty import Fault, Faulty, lost_answer, lost_request

ADA, BOB = "ada@x.example", "bob@x.example"
BUYER = ("--billing-name=A", "--billing-email=a@x.example", "--address-line1=B 1", "--address-city=C",
         "--address-postal-code=1", "--address-country=SE")  # fmt: skip
ADD = ("add", "anyprint-release", "--quantity=3", *BUYER)
Call = Callable[..., str]


@pytest.fixture
def company(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    """Of AnyPrint 5 are bought; ADA was given one by hand, BOB lacks it."""
    monkeypatch.chdir(tmp_path)
    with opened(prepared(tmp_path / "data", sqlite_template)) as engine:
        company = Company(engine)
        monkeypatch.setattr(points, "clock", company.clock)
        company.hire(ADA, BOB)
        company.buy(PRINT, 5)
        company.buy(SCAN, 2)
        assert main(["license", "assign", "anyprint", ADA]) == 0
        company.go(minutes=5)
        yield company


@pytest.fixture
def faults(company: Company, monkeypatch: pytest.MonkeyPatch) -> list[Fault]:
    """What befalls the writes to come, in their order."""
    coming: list[Fault] = []
    kinds = ("add_product", "change_quantity", "manage", "assign", "unassign", "add_destination")
    faulty = Faulty(company.tenant, kinds, coming).licensing()
    monkeypatch.setattr(wiring, "licensing", lambda settings, engine: faulty)
    return coming


@pytest.fixture
def call(company: Company, capsys: pytest.CaptureFixture[str]) -> Call:
    def run(*arguments: str, code: int = 0) -> str:
        capsys.readouterr()
        found = main(list(arguments))
        told = capsys.readouterr()
        assert found == code, told
        return told.out + told.err

    return run


def audited(company: Company, action: str) -> list[dict[str, Any]]:
    with reading(company.engine) as connection:
        return [json.loads(e.detail) for e in audit.entries(connection) if e.action == action]


def explained(call: Call, user: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(call("explain", user, "--json"))
    return found


@pytest.mark.parametrize(
    ("action", "arguments"),
    [
        ("add", ADD),
        ("quantity", ("quantity", "anyprint", "9")),
        ("manage", ("manage", "anyprint", "--billing-name", "Other")),
        ("assign", ("assign", "anyprint", BOB)),
        ("unassign", ("unassign", "anyprint", ADA, "--yes")),
    ],
)
def test_R20_one_lost_answer_is_settled_by_the_command_itself(
    company: Company, call: Call, faults: list[Fault], action: str, arguments: tuple[str, ...]
) -> None:
    faults.append(lost_answer)
    call("license", *arguments)
    assert len(audited(company, f"license.{action}.done")) == (2 if action == "assign" else 1)
    assert audited(company, f"license.{action}.unknown") == audited(company, f"license.{action}.failed") == []


def test_R20_an_add_that_was_carried_out_unheard_is_never_denied(
    company: Company, call: Call, faults: list[Fault]
) -> None:
    faults += [lost_answer] * 3
    told = call("license", *ADD, code=1)
    assert "may have been carried out: check `license show anyprint-release`" in told
    assert audited(company, "license.add.failed") == []
    (before,), (after,) = audited(company, "license.add"), audited(company, "license.add.unknown")
    assert before["key"] == after["key"]
    assert [charge.seats for charge in company.tenant.charges(RELEASE)] == [3], "bought, and once"


def test_R20_a_quantity_is_sent_once_and_then_looked_up(
    company: Company, call: Call, faults: list[Fault]
) -> None:
    faults += [lost_request, lost_answer]
    assert "check `license show anyprint`" in call("license", "quantity", "anyprint", "9", code=1)
    assert len(faults) == 1, "what costs money isn't sent again: the key may be ignored"
    assert company.sold(PRINT).pending is None
    assert len(audited(company, "license.quantity.unknown")) == 1


@pytest.mark.parametrize("reached", [True, False])
def test_R29_a_lost_assign_is_in_doubt_until_the_next_rounds_look(
    company: Company, call: Call, faults: list[Fault], reached: bool
) -> None:
    faults += [lost_answer if reached else lost_request] * 3
    assert "check `license users anyprint`" in call("license", "assign", "anyprint", BOB, code=1)
    assert audited(company, "license.assign.unknown")[0]["code"] == "no_answer"
    assert company.standing(BOB, PRINT).held is Held.MAYBE
    said = explained(call, BOB)
    assert said["products"][0]["reason"].startswith("AnySoft's answer was lost")
    assert (said["calls"][0]["kind"], said["calls"][0]["status"]) == ("assign", "unknown")
    if not reached:
        company.round()
        assert company.held(BOB, PRINT) is Held.MAYBE, "a list may be a minute old (T11)"
        company.go(seconds=62)
    company.round()
    standing = company.standing(BOB, PRINT)
    assert (standing.held, standing.origin) == (
        (Held.YES, Origin.MANUAL) if reached else (Held.NO, Origin.NONE)
    )
    assert (standing.failure, standing.look_at) == ("", None)
    with reading(company.engine) as connection:
        assert set(connection.scalars(select(intent_rows.c.state))) == {"settled"}
        assert intents.doubted_by_hand(connection) == []
    company.go(hours=48)
    company.round()
    assert company.holders(PRINT) == ({ADA, BOB} if reached else {ADA}), "given by hand, never taken (R08)"


@pytest.mark.parametrize("reached", [True, False])
def test_R29_a_lost_unassign_is_in_doubt_until_the_next_rounds_look(
    company: Company, call: Call, faults: list[Fault], reached: bool
) -> None:
    faults += [lost_answer if reached else lost_request] * 3
    assert "may have been carried out" in call("license", "unassign", "anyprint", ADA, "--yes", code=1)
    assert company.held(ADA, PRINT) is Held.MAYBE
    company.go(seconds=62)
    company.round()
    standing = company.standing(ADA, PRINT)
    assert (standing.held, standing.origin) == (
        (Held.NO, Origin.NONE) if reached else (Held.YES, Origin.MANUAL)
    )
    assert standing.failure == ""


def test_what_surely_was_not_done_is_failed_and_leaves_no_doubt(
    company: Company, call: Call, faults: list[Fault]
) -> None:
    company.tenant.create_account(BOB, "", "", "", "bob")
    assert main(["tenant", "role", "revoke"]) == 0
    call("license", "assign", "anyprint", BOB, code=1)
    assert audited(company, "license.assign.failed")[0]["code"] == "unauthorized"
    assert company.held(BOB, PRINT) is Held.NO
    call("license", "unassign", "anyprint", ADA, "--yes", code=1)
    assert company.held(ADA, PRINT) is Held.YES


def test_R30_each_entry_names_its_people_and_explain_tells_who_did_it(
    company: Company, call: Call, faults: list[Fault]
) -> None:
    company.hire("eve@x.example")
    call("license", "assign", "anyprint", BOB, "eve@x.example")
    call("license", "manage", "anyprint", "--address-city", "Lund", "--billing-purchase-order", "",
         "--settings", "pin=on")  # fmt: skip
    with reading(company.engine) as connection:
        hashed = [audit.subject_of(connection, company.person(user)) for user in (BOB, "eve@x.example")]
        entries = list(audit.entries(connection))
    for action in ("license.assign", "license.assign.done"):
        assert audited(company, action)[-1]["subjects"] == hashed
    assert {e.subject for e in entries if e.action == "account.create"} >= set(hashed)
    fields = ["address.city", "billing.purchase_order", "settings.pin"]
    assert audited(company, "license.manage")[0]["fields"] == fields
    done = [(c["by"][:4], c["kind"], c["product"], c["status"]) for c in explained(call, BOB)["calls"]]
    assert done == [("cli:", "assign", "anyprint", "assigned"), ("cli:", "account_create", "", "created")]
    assert "cli:" in call("explain", BOB)


def test_R30_explain_tells_who_adopted(company: Company, call: Call) -> None:
    (fay,) = company.hire("fay@x.example")
    call("license", "assign", "anyprint", "fay@x.example")
    company.map(company.group("LIC", [fay]), PRINT)
    company.round()
    call("license", "adopt", "anyprint", "fay@x.example")
    newest = explained(call, "fay@x.example")["calls"][0]
    assert (newest["kind"], newest["status"], newest["by"][:4]) == ("adopt", "adopted", "cli:")

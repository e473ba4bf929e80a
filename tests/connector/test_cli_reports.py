"""Do the reports on the command line tell all of it, in each form? (R05, R07, R16)"""

import csv
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from connector.cli.root import main
from connector.store import seats
from connector.store.engine import writing
from scim.store import Kind, MemberOp, MemberVerb
from sync.report import LISTED, Seats
from tests.company import PRINT, Company
from tests.connector.places import opened, prepared

Call = Callable[..., Any]
MANY = LISTED + 20


@pytest.fixture
def firm(tmp_path: Path, sqlite_template: Path) -> Iterator[Company]:
    """One seat for more people than a stored report lists."""
    with opened(prepared(tmp_path / "data", sqlite_template)) as engine:
        company = Company(engine)
        company.buy(PRINT, 1)
        company.map(company.group("LIC", company.hire(*(f"p{n:03}@x.example" for n in range(MANY)))), PRINT)
        yield company


@pytest.fixture
def call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    def run(*arguments: str, code: int = 0) -> Any:
        found = main(["--data", str(tmp_path / "data"), *arguments])
        told = capsys.readouterr()
        assert found == code, told
        return json.loads(told.out) if "--json" in arguments else told.out

    return run


def test_r16_everybody_who_waits_is_in_json_and_csv_and_the_text_says_where(
    firm: Company, call: Call
) -> None:
    planned = call("plan", "--json", code=3)
    assert (len(planned["waiting"]), planned["complete"]) == (MANY - 1, True)
    call("sync", "--wait", "--json", code=3)
    whole = call("report", "show", "--json")
    assert (len(whole["waiting"]), whole["complete"], whole["counts"]["waiting"]) == (
        MANY - 1,
        True,
        MANY - 1,
    )
    rows = list(csv.DictReader(StringIO(call("report", "show", "--format", "csv"), newline="")))
    assert sum(row["section"] == "waiting" for row in rows) == MANY - 1
    assert call("report", "show", "--format", "html").count("of 119</td>") == MANY - 1
    text = call("report", "show")
    assert f"Waiting for a seat ({LISTED} of {MANY - 1})" in text
    assert "All of them: `report show 1 --format csv`" in text
    call("sync", "--full", "--wait", "--json", code=3)
    old = call("report", "show", "1", "--json")
    assert (len(old["waiting"]), old["complete"]) == (LISTED, False), "as they were then"


def test_a_report_tells_calls_time_and_seats(firm: Company, call: Call) -> None:
    call("sync", "--wait", "--json", code=3)
    said = call("report", "show", "--json")
    assert (said["calls"]["assign"], said["calls"]["create_account"]) == (1, 1)
    assert said["seconds"] >= 0
    assert said["seats"] == [
        {
            "product": PRINT,
            "quantity": 1,
            "assigned": 1,
            "waiting": MANY - 1,
            "pending": None,
            "metered": False,
        }
    ]


def test_r07_r05_who_is_left_out_and_what_needs_a_person_is_named(firm: Company, call: Call) -> None:
    call("sync", "--full", "--wait", "--json", code=3)
    [inner, hand] = firm.hire("inner@x.example", "hand@x.example")
    group = firm.group("Inside", [inner])
    with firm.directory().writing() as writer:
        top = writer.create(Kind.GROUP, {"displayName": "Top"}).id
        writer.change_members(top, [MemberOp(MemberVerb.ADD, (group,))])
        writer.warn("unknown_path", "nickName")
    firm.map(top, PRINT)
    account = firm.tenant.create_account("hand@x.example", "", "", "", firm.key())
    first = firm.tenant.find_account("p000@x.example")
    assert first is not None
    firm.tenant.unassign(firm.sold(PRINT).id, [first.id], firm.key())
    firm.tenant.assign(firm.sold(PRINT).id, [account.id], firm.key())
    firm.set_active(hand, False)
    call("sync", "--full", "--wait", "--json", code=3)
    for said in (call("report", "show", "--json"), call("plan", "--json", code=3)):
        assert said["left_out"] == [{"directory": "entra", "group": "Top", "product": PRINT, "people": 1}]
        assert said["by_hand"] == [{"user": "hand@x.example", "product": PRINT}]
        [skipped] = said["skipped"]
        assert (skipped["directory"], skipped["code"], skipped["subject"]) == (
            "entra",
            "unknown_path",
            "nickName",
        )
    text = call("report", "show")
    assert "LEFT OUT: 1 people of groups inside Top (entra) don't get anyprint" in text
    assert "hand@x.example  anyprint\n" in text
    assert "entra  unknown_path  nickName  1×" in text


def test_seats_over_time_and_by_group(firm: Company, call: Call) -> None:
    call("sync", "--wait", "--json", code=3)
    said = call("report", "seats", "--json")
    assert said["groups"] == [
        {
            "directory": "entra", "group": "LIC", "product": PRINT, "people": MANY, "assigned": 1,
            "waiting": MANY - 1, "lacking": 0,
        }
    ]  # fmt: skip
    [level] = said["history"]
    assert (level["quantity"], level["assigned"], level["waiting"]) == (1, 1, MANY - 1)
    with writing(firm.engine) as connection:
        before = Seats(PRINT, 1, 0, 0, None, False)
        seats.note(connection, [before], firm.now - timedelta(days=400))
    rows = list(csv.DictReader(StringIO(call("report", "seats", "--format", "csv"), newline="")))
    assert [row["section"] for row in rows] == ["group", "history", "history"], "one was in force already"
    page = call("report", "seats", "--format", "html")
    assert page.count("<polygon") == 2
    assert "http" not in page
    assert "LIC" in call("report", "seats")

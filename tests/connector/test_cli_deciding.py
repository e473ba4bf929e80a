"""Is a decision on a request bound to what was seen, and made by who may? (R19, R14)"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.cli.root import main
from connector.store import operators
from connector.store.engine import writing
from connector.store.operators import Role
from sync.model import Request, RequestState
from sync.ports import Transient
from tests.company import PRINT, Company
from tests.connector.places import opened, prepared

Call = Callable[..., Any]


@pytest.fixture
def firm(tmp_path: Path, sqlite_template: Path) -> Iterator[Company]:
    """Two seats for three people: one waits, one request is open."""
    with opened(prepared(tmp_path / "data", sqlite_template)) as engine:
        company = Company(engine)
        company.buy(PRINT, 2)
        company.map(company.group("LIC", company.hire("a@x.example", "b@x.example", "c@x.example")), PRINT)
        company.round()
        with writing(engine) as connection:
            for role in Role:
                operators.add(connection, role.value, role, company.now)
        yield company


@pytest.fixture
def call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    def run(*arguments: str, code: int = 0) -> Any:
        found = main(["--data", str(tmp_path / "data"), *arguments])
        told = capsys.readouterr()
        assert found == code, told
        return json.loads(told.out) if "--json" in arguments and not code else told.out + told.err

    return run


def joined(company: Company, *names: str) -> None:
    """More people want it: the request has other figures from now on."""
    company.map(company.group(f"Group of {names[0]}", company.hire(*names)), PRINT)
    company.round()


def open_request(company: Company) -> Request:
    found = company.request(PRINT)
    assert found is not None
    return found


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_r19_only_an_approver_decides_on_a_request(firm: Company, call: Call, role: Role) -> None:
    id = str(open_request(firm).id)
    for command in (["approve", id], ["schedule", id], ["decline", id, "--reason", "no"]):
        assert "this needs approver" in call("request", *command, "--as", role.value, code=1)
    assert open_request(firm).state is RequestState.OPEN
    call("request", "list", "--as", "approver")
    assert call("request", "approve", id, "--json", "--as", "approver")["decided_by"] == "approver"


@pytest.mark.parametrize("look", [("request", "list"), ("request", "show", "1")])
@pytest.mark.parametrize("command", ["approve", "schedule"])
def test_r19_other_figures_than_were_shown_are_refused_and_shown(
    firm: Company, call: Call, look: tuple[str, ...], command: str
) -> None:
    call(*look)
    joined(firm, "d@x.example", "e@x.example")
    said = call("request", command, "1", code=1)
    assert "2 bought now, 3 missing" in said
    assert open_request(firm).state is RequestState.OPEN
    assert call("request", command, "1", "--json")["target"] == 5, "these were shown by the refusal"


def test_r19_what_one_person_saw_binds_nobody_else(firm: Company, call: Call) -> None:
    call("request", "list", "--as", "admin")
    joined(firm, "d@x.example")
    call("request", "list", "--as", "approver")
    assert "2 missing" in call("request", "approve", "1", "--as", "admin", code=1)
    assert call("request", "approve", "1", "--json", "--as", "approver")["target"] == 4


@pytest.mark.parametrize("command", ["approve", "schedule"])
def test_r19_who_was_shown_nothing_decides_nothing(firm: Company, call: Call, command: str) -> None:
    """Without a terminal there is nobody to ask, and another's look is not theirs."""
    call("request", "show", "1", "--as", "admin")
    said = call("request", command, "1", "--as", "approver", code=1)
    assert "never shown to approver: look first (`request show 1`)" in said
    assert "--seen Q:NEED" in said
    assert open_request(firm).state is RequestState.OPEN
    assert call("request", command, "1", "--seen", "2:1", "--json", "--as", "approver")["target"] == 3


def test_r19_what_could_not_be_shown_was_not_seen(
    firm: Company, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise Transient("AnySoft is away")

    with monkeypatch.context() as patch:
        patch.setattr("connector.shown.licenses", away)
        call("request", "list", code=1)
        call("request", "show", "1", code=1)
    assert "never shown" in call("request", "approve", "1", code=1)


def test_r19_a_script_says_what_it_decided_on(firm: Company, call: Call) -> None:
    assert "2 bought now, 1 missing" in call("request", "approve", "1", "--seen", "2:7", code=1)
    assert "no figures" in call("request", "approve", "1", "--seen", "two", code=2)
    assert call("request", "approve", "1", "--seen", "2:1", "--json")["state"] == "approved"


def test_r19_on_a_terminal_who_saw_nothing_is_asked(
    firm: Company, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def no(prompt: str) -> str:
        asked.append(prompt)
        return "n"

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.termui.visible_prompt_func", no)
    call("request", "approve", "1", code=1)
    assert "".join(asked).startswith("anyprint: 2 are bought, 1 missing, 3 proposed. Go on?")
    assert open_request(firm).state is RequestState.OPEN


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


def test_r14_who_does_not_wait_is_named_as_given(firm: Company, call: Call) -> None:
    said = call("queue", "move", "anyprint", "a@x.example", "--to", "1", code=1)
    assert "a@x.example doesn't wait for anyprint" in said
    assert "person" not in said

"""Is a decision on a request bound to what was seen, and made by who may? (R19, R14)"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from connector.anysoft.office import set_price
from connector.store.operators import Role
from sync.model import RequestState
from sync.ports import Transient
from tests.company import PRINT, Company
from tests.connector.deciding import Call, bigger, calls, euros, joined, one_short, open_request


@pytest.fixture
def firm(tmp_path: Path, sqlite_template: Path) -> Iterator[Company]:
    with one_short(tmp_path / "data", sqlite_template) as company:
        yield company


@pytest.fixture
def call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    return calls(tmp_path / "data", capsys)


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


@dataclass
class Terminal:
    """Somebody sits at it, and answers all questions alike."""

    says: str = "n"
    meanwhile: Callable[[], None] = lambda: None
    asked: str = ""

    def answer(self, prompt: str) -> str:
        self.asked += prompt
        self.meanwhile()
        return self.says


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    found = Terminal()
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.termui.visible_prompt_func", found.answer)
    return found


def test_r19_on_a_terminal_who_saw_nothing_is_asked_what_would_be_bought(
    firm: Company, call: Call, terminal: Terminal
) -> None:
    """With what it costs; an unknown price is said to be so (L11)."""
    call("request", "approve", "1", code=1)
    assert terminal.asked.startswith(
        "anyprint: 2 bought, 1 missing. 3 in all (+1). Charged now: price unknown;"
    )
    assert open_request(firm).state is RequestState.OPEN
    set_price(firm.engine, PRINT, euros("4.00"))
    terminal.asked, terminal.says = "", "y"
    bought = call("request", "approve", "1", "--quantity", "5000", "--json")
    assert terminal.asked.startswith(
        "anyprint: 2 bought, 1 missing. 5000 in all (+4998). Charged now: 19992.00 EUR; "
        "at the next renewal on 2027-04-01: 20000.00 EUR. Nothing is pro rata, nothing is refunded. Buy?"
    )
    assert (bought["target"], bought["charge_now"], bought["approved_price"]) == (
        5000, "19992.00 EUR", "4.00 EUR",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("day", "bills"),
    [
        ("2027-03-20", "at the next renewal on 2027-04-01: 28000.00 EUR."),
        (
            "2027-05-01",
            "at the next renewal on 2027-04-01: 8.00 EUR, at each one after it is bought: 28000.00 EUR.",
        ),
    ],
)
def test_r19_on_a_terminal_it_is_asked_for_when_it_is_scheduled(
    firm: Company, call: Call, terminal: Terminal, monkeypatch: pytest.MonkeyPatch, day: str, bills: str
) -> None:
    monkeypatch.setattr("connector.cli.deciding.now", firm.clock)
    set_price(firm.engine, PRINT, euros("4.00"))
    call("request", "schedule", "1", "--quantity", "7000", "--at", day, code=1)
    asked = f"7000 in all (+6998) on {day} 00:00 UTC. Charged then: 27992.00 EUR; {bills} "
    assert asked in terminal.asked


def test_r19_on_a_terminal_nothing_is_asked_that_would_be_refused(
    firm: Company, call: Call, terminal: Terminal
) -> None:
    assert "not more than the 2" in call("request", "approve", "1", "--quantity", "1", code=1)
    assert terminal.asked == ""


@pytest.mark.parametrize("what", ["price", "quantity", "need"])
def test_r19_what_changes_while_it_is_asked_is_not_bought(
    firm: Company, call: Call, terminal: Terminal, what: str
) -> None:
    changes: dict[str, Callable[[], None]] = {
        "price": lambda: set_price(firm.engine, PRINT, euros("400.00")),
        "quantity": lambda: bigger(firm),
        "need": lambda: joined(firm, "d@x.example"),
    }
    terminal.says, terminal.meanwhile = "y", changes[what]
    refused = {"quantity": "a change to 3 is pending"}.get(what, "changed")
    assert refused in call("request", "approve", "1", code=1)
    assert open_request(firm).state is RequestState.OPEN


@pytest.mark.parametrize("command", ["approve", "schedule"])
@pytest.mark.parametrize("look", [("request", "list"), ("request", "show", "1")])
def test_r19_another_price_than_was_shown_is_refused_and_shown(
    firm: Company, call: Call, look: tuple[str, ...], command: str
) -> None:
    set_price(firm.engine, PRINT, euros("4.00"))
    call(*look)
    set_price(firm.engine, PRINT, euros("400.00"))
    said = call("request", command, "1", code=1)
    assert "2 bought now, 1 missing, a seat at 400.00 EUR: 3 in all are charged 400.00 EUR now" in said
    assert open_request(firm).state is RequestState.OPEN
    decided = call("request", command, "1", "--json")
    assert (decided["target"], decided["approved_price"]) == (3, "400.00 EUR"), "shown by the refusal"


def test_r19_l11_a_price_that_is_known_by_now_is_another(firm: Company, call: Call) -> None:
    call("request", "show", "1")
    set_price(firm.engine, PRINT, euros("4.00"))
    assert "a seat at 4.00 EUR" in call("request", "approve", "1", code=1)
    set_price(firm.engine, PRINT, None)
    assert "a seat at price unknown" in call("request", "approve", "1", code=1)
    assert call("request", "approve", "1", "--json")["approved_price"] is None


def test_r19_a_script_may_say_the_price_that_it_decided_on(firm: Company, call: Call) -> None:
    """Where it says none, it is bound to the one that it was shown, if it was shown any."""
    set_price(firm.engine, PRINT, euros("4.00"))
    for other in ("2:1:3.99:EUR", "2:1:4.00:SEK", "2:1:unknown"):
        assert "a seat at 4.00 EUR" in call("request", "approve", "1", "--seen", other, code=1)
    for wrong in ("2:1:", "2:1:four", "2:1:4.00"):
        assert "--seen" in call("request", "approve", "1", "--seen", wrong, code=2)
    set_price(firm.engine, PRINT, euros("5.00"))
    assert "a seat at 5.00 EUR" in call("request", "approve", "1", "--seen", "2:1", code=1)
    assert call("request", "approve", "1", "--seen", "2:1:5:EUR", "--json")["state"] == "approved"


def test_r14_who_does_not_wait_is_named_as_given(firm: Company, call: Call) -> None:
    said = call("queue", "move", "anyprint", "a@x.example", "--to", "1", code=1)
    assert "a@x.example doesn't wait for anyprint" in said
    assert "person" not in said

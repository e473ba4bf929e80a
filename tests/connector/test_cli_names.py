"""Is a person whose name has unseen letters called the same everywhere, and found so? (T27)"""

import csv
import json
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from connector.cli.root import main
from tests.company import PRINT, Company
from tests.connector.places import opened, prepared

RED = "\x1b[31mred@x.example"
SHOWN = r"\x1b[31mred@x.example"
#: its letters are the escape's; another person than RED
FAKE = SHOWN
FAKE_SHOWN = r"\x5cx1b[31mred@x.example"


@pytest.fixture
def firm(tmp_path: Path, sqlite_template: Path) -> Iterator[Company]:
    """One seat for three people, one of whom AnySoft takes no account of."""
    with opened(prepared(tmp_path / "data", sqlite_template)) as engine:
        company = Company(engine)
        company.buy(PRINT, 1)
        people = company.hire(RED, "anna@x.example", FAKE)
        company.map(company.group("LIC \x1b[2J", people), PRINT)
        yield company


@pytest.fixture
def call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What is printed, on either stream; each line of it can be seen whole."""

    def run(*arguments: str, code: int = 0) -> str:
        found = main(["--data", str(tmp_path / "data"), *arguments])
        told = capsys.readouterr()
        assert found == code, told
        for line in (told.out + told.err).replace("\r\n", "\n").split("\n"):
            assert line.isprintable(), line
        return told.out + told.err

    return run


def test_one_form_in_queue_report_csv_page_and_doctor(firm: Company, call: Callable[..., str]) -> None:
    call("sync", "--wait", code=3)
    call("queue", "list", PRINT)
    for form in ("text", "csv", "html"):
        said = call("report", "show", "--format", form)
        assert (SHOWN in said, FAKE_SHOWN in said) == (True, True), form
    rows = list(csv.DictReader(StringIO(call("report", "show", "--format", "csv"), newline="")))
    assert {SHOWN, FAKE_SHOWN} <= {row["user"] for row in rows}
    assert "invalid  AnySoft refuses the user's names or mail address" in call("report", "show")
    assert f"`explain '{SHOWN}'`" in call("doctor", code=1), "its advice can be followed as it stands"


def test_commands_take_the_name_that_is_shown(firm: Company, call: Callable[..., str]) -> None:
    call("sync", "--wait", code=3)
    assert "mend them in the directory; tried again" in call("explain", SHOWN)
    for shown, name in ((SHOWN, RED), (FAKE_SHOWN, FAKE)):
        told: dict[str, Any] = json.loads(call("explain", shown, "--json"))
        assert told["user"] == name
        assert shown in call("explain", shown)
    [id] = firm.hire("by-id\x9b@x.example")
    assert json.loads(call("explain", id, "--json"))["user"] == "by-id\x9b@x.example"
    assert SHOWN in call("license", "unassign", PRINT, SHOWN, "--yes", code=1)
    assert r"\x1b[31mnobody" in call("explain", r"\x1b[31mnobody", code=1)

"""Has the CSV of a report all that its text and its JSON have, and can a spreadsheet trust it?"""

import csv
from dataclasses import replace
from io import StringIO

import pytest

from connector.report_html import as_html
from sync.report import Report
from sync.report_csv import as_csv
from sync.report_json import stored
from sync.report_text import as_text
from tests.company import PRINT, SCAN
from tests.sync.test_report import FULL, done


def rows_of(report: Report) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(as_csv(report), newline="")))


def test_the_csv_has_a_row_for_everything() -> None:
    rows = rows_of(FULL)
    assert [(r["section"], r["user"], r["outcome"]) for r in rows if r["section"] != "count"] == [
        ("round", "", "not everybody is listed"),
        ("incomplete", "", ""),
        ("action", "anna", "assigned"),
        ("action", "ben", "no_answer"),
        ("waiting", "cleo", ""),
        ("blocked", "dora", "MISSING_BASE"),
        ("held", "emil", "group_emptied"),
        ("failed", "ben", "no_answer"),
        ("seats", "", ""),
        ("seats", "", ""),
        ("short", "", ""),
        ("request", "", "open"),
        ("left_out", "", ""),
        ("namesake", "", ""),
        ("by_hand", "gus", ""),
        ("skipped", "", "unknown_path"),
        ("call", "", ""),
        ("call", "", ""),
    ]
    [waits] = (r for r in rows if r["section"] == "waiting")
    assert (waits["position"], waits["of"], waits["since"]) == ("1", "40", "2027-03-01T07:30:00Z")


def test_the_csv_has_the_figures_each_in_a_cell_of_its_own() -> None:
    rows = rows_of(replace(FULL, counts={**FULL.counts, "untold": 8}, notes=("AnySoft is back",)))
    seats = {
        r["product"]: [r[name] for name in ("quantity", "assigned", "free", "waiting", "pending")]
        for r in rows
        if r["section"] == "seats"
    }
    assert seats == {PRINT: ["20", "20", "0", "40", "60"], SCAN: ["1", "9", "", "0", ""]}
    [short] = (r for r in rows if r["section"] == "short")
    assert (short["product"], short["waiting"], short["free"], short["need"]) == (PRINT, "40", "0", "40")
    [untold] = (r for r in rows if r["section"] == "untold")
    assert (untold["count"], untold["outcome"]) == ("8", "to come")
    [note] = (r for r in rows if r["section"] == "note")
    assert note["because"] == "AnySoft is back"
    counts = {r["action"]: r["count"] for r in rows if r["section"] == "count"}
    assert (counts["waiting"], counts["by_hand"], counts["assign"]) == ("40", "3", "1")
    calls = {r["action"]: r["count"] for r in rows if r["section"] == "call"}
    assert calls == {"assign": "2", "subscriptions": "1"}


def test_each_row_of_the_text_has_one_in_the_csv() -> None:
    """Of every list that the JSON has; a new one must be in the CSV, too."""
    kept = {name: value for name, value in stored(FULL).items() if isinstance(value, list | dict)}
    in_json = sum(len(value) for name, value in kept.items() if name != "counts")
    in_csv = [r for r in rows_of(FULL) if r["section"] not in ("round", "count", "action")]
    assert len(in_csv) == in_json


@pytest.mark.parametrize(
    ("start", "shown"),
    [("=", "'="), ("+", "'+"), ("-", "'-"), ("@", "'@"), ("\t", r"\x09"), ("\r", r"\x0d")],
)
def test_a_hostile_name_is_no_formula(start: str, shown: str) -> None:
    """T27"""
    name = f"{start}HYPERLINK(1)"
    [row] = (r for r in rows_of(replace(FULL, actions=(done("assign", name),))) if r["section"] == "action")
    assert row["user"] == f"{shown}HYPERLINK(1)"


def test_a_name_of_unseen_letters_is_the_same_in_all_forms() -> None:
    """T27"""
    report = replace(FULL, actions=(done("assign", "\x1b[31mred", "assigned"),))
    for shown in (as_text(report), as_csv(report), as_html(report)):
        assert r"\x1b[31mred" in shown
        assert all(line.isprintable() for line in shown.replace("\r\n", "\n").split("\n"))

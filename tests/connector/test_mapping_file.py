"""mapping apply, mapping export, and what the plan of a mapping warns of (R07, R08, R10, R26)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.cli.root import main
from connector.mapping_file import BadFile, export, read
from connector.store import audit, mappings
from connector.store.engine import reading
from sync.model import Mapping
from sync.reconcile import Scope
from tests.company import CENTRE, PRINT, Company
from tests.connector.places import opened, prepared


@pytest.fixture
def firm(tmp_path: Path, sqlite_template: Path) -> Iterator[Company]:
    """Ten people in LIC-Print, four of them and one more in LIC-Centre; LIC-Print gives AnyPrint."""
    folder = prepared(tmp_path / "data", sqlite_template)
    with opened(folder) as engine:
        company = Company(engine)
        company.buy(PRINT, 20)
        company.buy(CENTRE, 20)
        ids = company.hire(*(f"p{n}@northmill.example" for n in range(11)))
        company.map(company.group("LIC-Print", ids[:10]), PRINT)
        company.group("LIC-Centre", [*ids[:4], ids[10]])
        company.group("Guests")
        yield company


def apply(company: Company, tmp_path: Path, text: str) -> int:
    file = tmp_path / "mappings.toml"
    file.write_text(text, encoding="utf-8")
    return main(["--data", str(tmp_path / "data"), "mapping", "apply", str(file), "--yes"])


def stored(company: Company) -> list[Mapping]:
    with reading(company.engine) as connection:
        return mappings.list_mappings(connection)


def entry(group: str, product: str, more: str = "") -> str:
    return f'[[mapping]]\ndirectory = "entra"\ngroup = "{group}"\nproduct = "{product}"\n{more}\n'


def test_a_file_is_the_whole_of_the_mappings(firm: Company, tmp_path: Path) -> None:
    text = entry("LIC-Centre", "anyprint-centre") + entry("Guests", "anyprint", "priority = 200\nreserve = 3")
    assert apply(firm, tmp_path, text) == 0
    assert [(m.group_name, m.product, m.priority, m.reserve) for m in stored(firm)] == [
        ("LIC-Centre", CENTRE, 100, 0), ("Guests", PRINT, 200, 3),
    ]  # fmt: skip
    with reading(firm.engine) as connection:
        said = [e.action for e in audit.entries(connection) if e.action.startswith("mapping.")]
    assert said == ["mapping.add", "mapping.remove", "mapping.add", "mapping.add"]


def test_r30_why_a_mapping_was_changed_is_kept_and_shown(
    firm: Company, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Issue D: each change is audited with who and why."""

    def call(*command: str) -> list[dict[str, Any]]:
        assert main(["--data", str(tmp_path / "data"), *command]) == 0
        out = capsys.readouterr().out
        return list(json.loads(out)) if "--json" in command else []

    def why() -> list[tuple[str, str]]:
        return [(row["changed_by"], row["reason"]) for row in call("mapping", "list", "--json")]

    of = ("--directory", "entra", "--yes", "--reason")
    call("mapping", "add", "--group", "Guests", "--product", "anyprint", *of, "asked for in T-1")
    assert why() == [("cli:test", ""), (by := why()[1][0], "asked for in T-1")]
    assert by.startswith("cli:")
    call("mapping", "repin", "2", "LIC-Centre", "--yes", "--reason", "T-2")
    assert why()[1] == (by, "T-2")
    file = tmp_path / "mappings.toml"
    file.write_text(entry("LIC-Print", "anyprint", "priority = 5") + entry("Guests", "anyprint"))
    call("mapping", "apply", str(file), "--yes", "--reason", "T-3")
    assert why() == [(by, "T-3"), (by, "T-3")]
    call("mapping", "remove", "3", "--yes", "--reason", "T-4")
    call("mapping", "remove", "1", "--yes")
    said = call("audit", "list", "--action", "mapping.", "--json")
    assert [(e["action"], e["subject"], e["actor"], e["detail"].get("reason")) for e in said] == [
        ("mapping.remove", "mapping:1", by, None),
        ("mapping.remove", "mapping:3", by, "T-4"),
        ("mapping.add", "mapping:3", by, "T-3"),
        ("mapping.change", "mapping:1", by, "T-3"),
        ("mapping.remove", "mapping:2", by, "T-3"),
        ("mapping.repin", "mapping:2", by, "T-2"),
        ("mapping.add", "mapping:2", by, "asked for in T-1"),
        ("mapping.add", "mapping:1", "cli:test", None),
    ]
    assert call("audit", "list", "--subject", "mapping:2", "--limit", "1", "--json") == said[4:5]
    assert call("audit", "verify") == []


def test_changed_terms_keep_the_mapping_and_its_people(firm: Company, tmp_path: Path) -> None:
    firm.round()
    [before] = stored(firm)
    assert apply(firm, tmp_path, entry("LIC-Print", "anyprint", "priority = 5\ngrace_hours = 72")) == 0
    [after] = stored(firm)
    assert (after.id, after.priority, after.grace_hours) == (before.id, 5, 72)
    firm.round()
    assert len(firm.holders(PRINT)) == 10


def test_exported_and_applied_it_changes_nothing(
    firm: Company, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    firm.map("Guests", CENTRE, priority=7, transitive=True, grace_hours=0)
    before = stored(firm)
    assert main(["--data", str(tmp_path / "data"), "mapping", "export"]) == 0
    text = capsys.readouterr().out
    assert apply(firm, tmp_path, text) == 0
    assert "are as the file has them" in capsys.readouterr().out
    assert stored(firm) == before


def test_all_mistakes_are_told_at_once_and_nothing_is_done(
    firm: Company, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = stored(firm)
    text = (
        entry("LIC-Centre", "anyprint-centre")
        + entry("Nobody", "anyprint")
        + entry("Guests", "anyfax", 'priority = -1\ntransitive = "yes"\ncolor = 3')
        + '[[mapping]]\ndirectory = "entra"\n'
        + entry("Guests", "anyprint") * 2
        + "[groups]\n"
    )
    assert apply(firm, tmp_path, text) == 1
    said = capsys.readouterr().err
    for mistake in (
        "groups: there is no such table",
        'mapping 2 (group "Nobody", product "anyprint"): directory entra has no group Nobody',
        'mapping 3 (group "Guests", product "anyfax"): product: there is no \'anyfax\'',
        'mapping 3 (group "Guests", product "anyfax"): priority: must be between 0 and',
        'mapping 3 (group "Guests", product "anyfax"): transitive: must be true or false',
        'mapping 3 (group "Guests", product "anyfax"): color: there is no such setting',
        "mapping 4: group is missing",
        "mapping 4: product is missing",
        'mapping 6 (group "Guests", product "anyprint"): mapping 5 is of the same group and product',
    ):
        assert mistake in said, said
    assert stored(firm) == before


@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        (
            entry("Unknown", "anyprint", "priority = -3"),
            [
                'mapping 1 (group "Unknown", product "anyprint"): priority: must be between 0 and 1000000',
                'mapping 1 (group "Unknown", product "anyprint"): directory entra has no group Unknown',
            ],
        ),
        (
            entry("Guests", "zz").replace("entra", "nope"),
            [
                'mapping 1 (group "Guests", product "zz"): product: there is no \'zz\'',
                'mapping 1 (group "Guests", product "zz"): no directory nope',
            ],
        ),
        (
            entry("LIC-Centre", "anyprint-centre") + entry("lic-centre", "anyprint-centre", "reserve = -1"),
            [
                'mapping 2 (group "lic-centre", product "anyprint-centre"): reserve: must be between 0 and',
                'mapping 2 (group "lic-centre", product "anyprint-centre"): mapping 1 is of the same group',
            ],
        ),
        (
            entry("Unknown", "zz") * 2,
            [
                'mapping 1 (group "Unknown", product "zz"): product: there is no \'zz\'',
                'mapping 1 (group "Unknown", product "zz"): directory entra has no group Unknown',
                'mapping 2 (group "Unknown", product "zz"): product: there is no \'zz\'',
                'mapping 2 (group "Unknown", product "zz"): directory entra has no group Unknown',
                'mapping 2 (group "Unknown", product "zz"): mapping 1 is of the same group and product',
            ],
        ),
        (
            '[[mapping]]\ndirectory = 3\ngroup = " "\nproduct = "a\\u0000"\nreserve = true\n',
            [
                "mapping 1: directory: must be a text in quotes",
                "mapping 1: group: is empty",
                "mapping 1: product: has a NUL in it",
                "mapping 1: reserve: must be a whole number",
            ],
        ),
    ],
    ids=["group and term", "directory and product", "twice and term", "unknown, twice", "no text"],
)
def test_each_mistake_of_an_entry_is_told(firm: Company, text: str, mistakes: list[str]) -> None:
    """These and no others: one run is enough to mend a file."""
    with reading(firm.engine) as connection, pytest.raises(BadFile) as caught:
        read(connection, text, [PRINT, CENTRE])
    said = caught.value.args
    assert len(said) == len(mistakes), said
    assert all(any(line.startswith(each) for line in said) for each in mistakes), said


@pytest.mark.parametrize("text", ["[[mapping", "mapping = 3", "mapping = [1]", "[mapping]\ngroup = 1"])
def test_what_is_no_such_file_is_refused(firm: Company, tmp_path: Path, text: str) -> None:
    assert apply(firm, tmp_path, text) == 1
    assert len(stored(firm)) == 1


def test_a_groups_name_can_not_forge_a_line_of_an_export(firm: Company, tmp_path: Path) -> None:
    firm.map(firm.group('A"\n[[mapping]]\ndirectory = "okta'), CENTRE)
    with reading(firm.engine) as connection:
        found = mappings.list_mappings(connection)
        ids = mappings.group_ids(connection, [m.group for m in found])
    with reading(firm.engine) as connection:
        again = read(connection, export(found, ids), [PRINT, CENTRE])
    assert [(m.group, m.product) for m in again] == [(m.group, m.product) for m in found]


def test_r10_the_plan_of_a_mapping_warns_of_people_without_the_base(
    firm: Company, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    firm.round()
    apply(firm, tmp_path, entry("LIC-Print", "anyprint") + entry("LIC-Centre", "anyprint-centre"))
    said = capsys.readouterr().err
    assert "WARNING: 1 of 5 people of LIC-Centre lack AnyPrint" in said
    assert "get anyprint-centre: 4" in said


def test_r08_the_plan_of_a_mapping_offers_to_adopt_what_was_given_by_hand(
    firm: Company, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    firm.round()
    account = firm.tenant.find_account("p0@northmill.example")
    assert account is not None
    firm.tenant.assign(firm.sold(CENTRE).id, [account.id], firm.key())
    firm.go(minutes=5)
    firm.round(Scope.EVERYONE)
    apply(firm, tmp_path, entry("LIC-Print", "anyprint") + entry("LIC-Centre", "anyprint-centre"))
    assert "1 have anyprint-centre by hand and keep it; `license adopt" in capsys.readouterr().err
    firm.round()
    assert main(["--data", str(tmp_path / "data"), "license", "adopt", "anyprint-centre", "--entitled"]) == 0
    assert firm.standing("p0@northmill.example", CENTRE).origin == "managed"

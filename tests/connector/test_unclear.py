"""What does an operator see of deleted groups, of groups of one name, of people whom two records claim?"""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from connector.cli.root import main
from connector.notify import digest
from connector.store import mappings
from connector.store.engine import reading
from scim.store import Kind
from sync.model import Mapping
from tests.company import PRINT, Company
from tests.connector.places import opened, prepared


@pytest.fixture
def firm(tmp_path: Path, sqlite_template: Path) -> Iterator[Company]:
    """LIC-Print and LIC-More give AnyPrint; LIC-More is deleted."""
    with opened(prepared(tmp_path / "data", sqlite_template)) as engine:
        company = Company(engine)
        company.buy(PRINT, 9)
        ids = company.hire("anna", "bo")
        company.map(company.group("LIC-Print", ids), PRINT)
        gone = company.group("LIC-More", ids)
        company.map(gone, PRINT)
        company.round()
        with company.directory().writing() as writer:
            writer.delete(Kind.GROUP, gone)
        yield company


def call(tmp_path: Path, *command: str) -> int:
    return main(["--data", str(tmp_path / "data"), *command])


def stored(company: Company) -> list[Mapping]:
    with reading(company.engine) as connection:
        return mappings.list_mappings(connection)


def test_r02_an_export_with_a_deleted_group_can_be_applied(
    firm: Company, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(tmp_path, "mapping", "export") == 0
    file = tmp_path / "ex.toml"
    text = capsys.readouterr().out
    file.write_text(text, encoding="utf-8")
    before = stored(firm)
    assert call(tmp_path, "mapping", "apply", str(file), "--yes") == 0
    told = capsys.readouterr()
    assert "as the file has them" in told.out
    assert "WARNING: group LIC-More of entra is deleted, mapping 2 gives nothing" in told.err
    assert "`mapping repin 2 GROUP`" in told.err
    assert stored(firm) == before

    file.write_text(text.replace("priority = 100", "priority = 7", 1), encoding="utf-8")
    assert call(tmp_path, "mapping", "apply", str(file), "--yes") == 0, "other changes go through"
    assert [(m.priority, m.gone) for m in stored(firm)] == [(7, False), (100, True)]


def test_r02_a_new_mapping_of_a_deleted_group_is_refused_by_its_name(
    firm: Company, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call(tmp_path, "mapping", "export")
    file = tmp_path / "ex.toml"
    text = capsys.readouterr().out
    file.write_text(text, encoding="utf-8")
    assert call(tmp_path, "mapping", "remove", "2", "--yes") == 0
    capsys.readouterr()
    assert call(tmp_path, "mapping", "apply", str(file), "--yes") == 1
    assert ": group LIC-More (" in (said := capsys.readouterr().err)
    assert "of directory entra is deleted: give the one that was pushed anew" in said


def test_r02_a_deleted_groups_mapping_is_shown_with_what_to_do(
    firm: Company, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(tmp_path, "mapping", "list") == 0
    assert "`mapping repin 2 GROUP` if it was pushed anew, else `mapping remove 2`" in capsys.readouterr().err
    assert call(tmp_path, "mapping", "list", "--json") == 0
    told = capsys.readouterr()
    assert ([row["gone"] for row in json.loads(told.out)], told.err) == ([False, True], "")
    call(tmp_path, "doctor", "--json")
    [found] = [f for f in json.loads(capsys.readouterr().out) if f["check"] == "people and groups"]
    assert found["state"] == "attention"
    assert "group LIC-More of entra is deleted, mapping 2 gives nothing" in found["said"]


def test_r02_r06_namesakes_and_conflicts_are_alerts(
    firm: Company, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call(tmp_path, "mapping", "remove", "2", "--yes")
    other = firm.group("lic-print")
    [linked] = firm.hire("bo", directory="okta")
    with firm.directory("okta").writing() as writer:
        before = writer.lock(Kind.USER, linked)
        writer.save(before, {**before.attributes, "userName": "bo.old"})
    firm.hire("bo", directory="okta")  # of whom Entra's bo is linked to another record already
    wanted = {
        "entra": f"group {other} of entra is called LIC-Print, as that of mapping 1, which is another one",
        "okta": "bo of okta may be somebody else's name, and get no license",
    }
    capsys.readouterr()
    call(tmp_path, "doctor", "--json")
    [found] = [f for f in json.loads(capsys.readouterr().out) if f["check"] == "people and groups"]
    with reading(firm.engine) as connection:
        body = digest.matter(connection, (), firm.now + timedelta(days=1))
    for directory, said in wanted.items():
        assert said in found["said"]
        assert said in body.body
        assert call(tmp_path, "directory", "check", directory, "--json") == 3
        problems = json.loads(capsys.readouterr().out)["problems"]
        assert [said in problem for problem in problems].count(True) == 1
    assert "2 unclear people or groups" in body.subject

"""As the guide says: an Okta org is declared, checked, mapped, read and licensed on the command line."""

import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from connector.cli.root import main
from connector.store.engine import reading
from connector.store.tables import groups
from tests.connector.places import opened, prepared
from tests.standins.okta import Okta
from tests.standins.tls import Authority
from tests.sync.sources.okta_world import RSA, app_there, pem

BUY = (
    "--billing-name=A", "--billing-email=a@x.example", "--address-line1=B 1", "--address-city=C",
    "--address-postal-code=1", "--address-country=SE", "--json",
)  # fmt: skip
STAFF = [f"user{n}@northmill.example" for n in range(5)]
Call = Callable[..., Any]


@pytest.fixture
def engine(tmp_path: Path, sqlite_template: Path) -> Iterator[Engine]:
    with opened(prepared(tmp_path / "data", sqlite_template)) as engine:
        yield engine


@pytest.fixture
def call(
    engine: Engine,
    okta: Okta,
    tls: Authority,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Iterator[Call]:
    okta.org.now, okta.app = datetime.now(UTC) - timedelta(minutes=15), app_there(RSA)
    (tmp_path / "okta.pem").write_text(pem(RSA))
    (tmp_path / "connector.toml").write_text(
        f"""
ca_bundle = "{tls.bundle}"
[directories.okta]
kind = "okta"
org_url = "{okta.url}"
client_id = "0oaNorthmill"
private_key_file = "{tmp_path / "okta.pem"}"
key_id = "k1"
"""
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONNECTOR_CONFIG", str(tmp_path / "connector.toml"))

    def run(*arguments: str, code: int = 0) -> Any:
        found = main(arguments)
        told = capfd.readouterr()
        assert found == code, told
        assert "BEGIN PRIVATE KEY" not in told.out + told.err
        assert "eyJ" not in told.out + told.err, "no token, no assertion"
        return json.loads(told.out) if "--json" in arguments and code in (0, 3) else told.out + told.err

    yield run
    logging.getLogger().handlers.clear()


def test_from_the_guide_to_licenses_with_somebody_suspended(call: Call, okta: Okta) -> None:
    ids = okta.org.hire(*STAFF)
    group = okta.org.group("LIC-AnyPrint", ids)
    okta.org.group("Everyone", ids)
    okta.org.status(ids[4], "SUSPENDED")
    call("license", "add", "anyprint", "--quantity=10", *BUY)
    call("mapping", "add", "--directory=okta", "--group=LIC-AnyPrint", "--product=anyprint", "--yes")
    call("sync", "--directory=okta", "--wait")
    assert explained(call, STAFF[0]) == "assigned"
    assert explained(call, STAFF[4]) == "blocked", "suspended"
    okta.org.go(600)
    okta.org.leave(group, ids[0])
    okta.org.join(group, *okta.org.hire("zoe@northmill.example"))
    okta.org.status(ids[1], "SUSPENDED")
    call("sync", "--directory=okta", "--wait")
    assert explained(call, STAFF[0]) == "removing"
    assert explained(call, STAFF[1]) in ("none", "blocked")
    assert explained(call, "zoe@northmill.example") == "assigned"
    (row,) = call("directory", "list", "--json")
    assert row["name"] == "okta"
    assert row["error"] in ("", None)


def test_add_refuses_an_address_that_can_not_be_oktas(call: Call, tmp_path: Path) -> None:
    who = ("--client-id=c", f"--private-key-file={tmp_path / 'okta.pem'}")
    for url, says in (
        ("http://acme.okta.example", "https://"),
        ("https://acme-admin.okta.com", "without -admin"),
    ):
        assert says in call("directory", "add", "x", "--kind=okta", f"--org-url={url}", *who, code=1)
    assert [row["name"] for row in call("directory", "list", "--json")] == []


def explained(call: Call, user: str) -> str:
    told = call("explain", user, "--json")
    return str(next(each["state"] for each in told["products"] if each["product"] == "anyprint"))


def test_check_says_what_to_grant(call: Call, okta: Okta) -> None:
    okta.org.group("LIC-AnyPrint", okta.org.hire(*STAFF))
    call("mapping", "add", "--directory=okta", "--group=LIC-AnyPrint", "--product=anyprint", "--yes")
    assert "LIC-AnyPrint: its members can be read" in call("directory", "check", "okta", code=0)
    assert okta.app is not None
    okta.app.dpop, okta.app.tokens = True, {}
    assert "untick 'Require Demonstrating" in call("directory", "check", "okta", code=3)


def test_r26_a_mapping_that_was_refused_or_is_wrong_leaves_no_group(
    call: Call, okta: Okta, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does one whose product is misspelled."""
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda prompt: "n")
    okta.org.group("LIC-AnyPrint", okta.org.hire(*STAFF))
    add = ("mapping", "add", "--directory=okta", "--group=LIC-AnyPrint", "--product")
    assert "nobody of LIC-AnyPrint is known yet" in call(*add, "anyprint", code=1)
    call(*add, "anyprnt", "--yes", code=1)
    assert known(engine) == []
    okta.org.group("LIC-Other", ())
    call(*add, "anyprint", "--yes")
    assert "nobody of LIC-Other is known yet" in call("mapping", "repin", "1", "LIC-Other", code=1)
    assert known(engine) == ["LIC-AnyPrint"]
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda prompt: "y")
    call("mapping", "repin", "1", "LIC-Other")
    assert [row["group"] for row in call("mapping", "list", "--json")] == ["LIC-Other"]


def known(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return list(connection.scalars(select(groups.c.display_name)))


def test_sync_of_a_directory_ends_by_what_came_of_it_and_not_of_another(
    call: Call, okta: Okta, tmp_path: Path
) -> None:
    okta.org.group("LIC-AnyPrint", okta.org.hire(*STAFF))
    call("license", "add", "anyprint", "--quantity=10", *BUY)
    call("mapping", "add", "--directory=okta", "--group=LIC-AnyPrint", "--product=anyprint", "--yes")
    file = tmp_path / "connector.toml"
    same = file.read_text().partition("[directories.okta]")[2]
    another = same.replace("0oaNorthmill", "0oaElsewhere") + 'groups = ["LIC-AnyPrint"]\n'
    file.write_text(f"{file.read_text()}[directories.broken]{another}")
    told = call("sync", "--directory=broken", "--wait", "--json", code=3)
    assert told["incomplete"][0].startswith("directory broken: ")
    told = call("sync", "--directory=okta", "--wait", "--json")
    assert [why.partition(":")[0] for why in told["incomplete"]] == ["directory broken"], "told all the same"
    call("sync", "--wait", "--json", code=3)

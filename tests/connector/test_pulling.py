"""Is a directory read as the commands and the worker promise? Against a stand-in of Entra ID, over TLS."""

import json
import logging
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from sqlalchemy import Engine

from connector import pulling, sources
from connector.cli.root import main
from connector.settings import Overrides, load
from connector.store import pulls
from connector.store.engine import reading
from connector.store.leases import acquire, holds_now
from sync.ports import Fenced
from tests.connector.places import opened, prepared
from tests.connector.processes import run, started, until
from tests.connector.test_cli import BUY
from tests.standins.graph import CLIENT, TENANT, Entra
from tests.standins.tls import Authority, authority
from tests.sync.sources.outside import EntraElsewhere

SETTINGS = """
ca_bundle = "{bundle}"
[directories.entra]
kind = "entra"
tenant_id = "{tenant}"
client_id = "{client}"
client_secret = "canary-client-secret"
authority = "{url}"
graph_url = "{url}"
interval = "10s"
"""


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    yield
    logging.getLogger().handlers.clear()


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def entra(tls: Authority) -> Iterator[Entra]:
    with Entra(tls.server) as server:
        yield server


@pytest.fixture
def folder(
    tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch, entra: Entra, tls: Authority
) -> Path:
    """A prepared data folder, settings that name the tenant, and one group of three."""
    monkeypatch.chdir(tmp_path)
    prepared(tmp_path / "data", sqlite_template)
    (tmp_path / "config").mkdir()
    said = SETTINGS.format(bundle=tls.bundle, tenant=TENANT, client=CLIENT, url=entra.url)
    (tmp_path / "config" / "connector.toml").write_text(said)
    entra.tenant.team("LIC-AnyPrint", entra.tenant.hire("ada", "bo", "cy"))
    return tmp_path


@pytest.fixture
def engine(folder: Path) -> Iterator[Engine]:
    with opened(folder / "data") as engine:
        yield engine


Call = Callable[..., Any]


@pytest.fixture
def call(folder: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    """Run a command; its JSON, or all its text where it has none."""

    def run(*arguments: str, code: int = 0) -> Any:
        found = main(arguments)
        told = capsys.readouterr()
        assert found == code, told
        assert "Traceback" not in told.err
        assert "canary" not in told.out + told.err
        return json.loads(told.out) if told.out.startswith(("{", "[")) else told.out + told.err

    return run


def mapped(call: Call) -> None:
    call("license", "add", "anyprint", "--quantity", "50", *BUY)
    call(
        "mapping", "add", "--directory", "entra", "--group", "LIC-AnyPrint", "--product", "anyprint", "--yes"
    )


def holders(folder: Path) -> set[str]:
    query = "SELECT a.user_name FROM tenant_assignments t JOIN tenant_accounts a ON a.id = t.account_id"
    with closing(sqlite3.connect(folder / "data" / "connector.sqlite")) as connection:
        return {name.partition("@")[0] for (name,) in connection.execute(query)}


def test_from_nothing_to_licenses_by_three_commands(call: Call, folder: Path, entra: Entra) -> None:
    """The group is asked for when it is mapped, then read, then people get their licenses."""
    mapped(call)
    told = call("sync", "--directory", "entra", "--wait", "--json")
    assert told["counts"]["assign"] == 3
    assert told["incomplete"] == []
    assert holders(folder) == {"ada", "bo", "cy"}
    (seen,) = call("directory", "list", "--json")
    assert (seen["name"], seen["kind"], seen["state"], seen["cursor"]) == (
        "entra",
        "entra",
        "fresh",
        "active",
    )
    assert seen["error"] is None
    entra.tenant.leave(next(iter(entra.tenant.teams)), next(iter(entra.tenant.people)))
    entra.tenant.join(next(iter(entra.tenant.teams)), *entra.tenant.hire("zoe"))
    call("sync", "--directory", "entra", "--wait", "--json")
    assert holders(folder) == {"ada", "bo", "cy", "zoe"}, "ada has her settle window and grace"
    assert call("explain", "ada@northmill.example", "--json")["products"][0]["state"] == "removing"


def test_r26_what_a_group_gives_that_was_not_read_yet_is_not_called_nothing(
    call: Call, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call("license", "add", "anyprint", "--quantity", "50", *BUY)
    add = ("mapping", "add", "--directory", "entra", "--group", "LIC-AnyPrint", "--product")
    assert main([*add, "anyprint", "--yes", "--json"]) == 0
    first = capsys.readouterr().err
    assert "nobody of LIC-AnyPrint is known yet: entra is read for it from now on" in first
    assert "changes nobody's" not in first
    call("sync", "--directory", "entra", "--wait", "--json")
    assert main([*add, "anyprint-centre", "--yes", "--json"]) == 0
    assert "known yet" not in capsys.readouterr().err


def test_r23_an_incomplete_read_is_in_the_report_the_list_and_doctor(
    call: Call, folder: Path, entra: Entra
) -> None:
    mapped(call)
    call("sync", "--directory", "entra", "--wait", "--json")
    entra.roles.discard("GroupMember.Read.All")
    told = call("sync", "--directory", "entra", "--wait", "--json", code=3)
    assert "GroupMember.Read.All" in told["incomplete"][0]
    (seen,) = call("directory", "list", "--json")
    assert "GroupMember.Read.All" in seen["error"]
    doctor = {row["check"]: row for row in call("doctor", "--json", code=1)}
    assert doctor["directories"]["state"] == "attention"
    assert holders(folder) == {"ada", "bo", "cy"}
    entra.roles.add("GroupMember.Read.All")
    assert call("sync", "--directory", "entra", "--wait", "--json")["incomplete"] == []


def test_check_states_the_rights_that_are_needed_and_no_more(call: Call, entra: Entra) -> None:
    mapped(call)
    told = call("directory", "check", "entra", "--json", code=0)
    assert {f["what"]: f["ok"] for f in told["findings"]} == {
        "sign-in": True,
        "GroupMember.Read.All": True,
        "User.Read.All": True,
        "least privilege": True,
        "group LIC-AnyPrint": True,
    }


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda e: e.roles.add("Directory.ReadWrite.All"), "remove Directory.ReadWrite.All"),
        (lambda e: e.roles.discard("User.Read.All"), "User.Read.All: needed to read who is enabled"),
        (lambda e: e.roles.discard("GroupMember.Read.All"), "GroupMember.Read.All: needed"),
        (lambda e: setattr(e, "secret", "another"), "check tenant_id, client_id"),
        (lambda e: _only(e).__setattr__("visibility", "HiddenMembership"), "Member.Read.Hidden"),
        (lambda e: _only(e).__setattr__("deleted", True), "it isn't there"),
    ],
    ids=["too much", "no users", "no groups", "wrong secret", "hidden members", "deleted group"],
)
def test_check_says_what_to_do(
    call: Call, entra: Entra, spoil: Callable[[Entra], None], problem: str
) -> None:
    mapped(call)
    spoil(entra)
    told = call("directory", "check", "entra", "--json", code=3)
    assert problem in " ".join(told["problems"])


def _only(entra: Entra) -> Any:
    return next(iter(entra.tenant.teams.values()))


def test_a_directory_may_be_added_by_command(call: Call, folder: Path, entra: Entra) -> None:
    (folder / "secret").write_text("canary-client-secret\n")
    where = ("--authority", entra.url, "--graph-url", entra.url)
    who = ("--tenant-id", TENANT, "--client-id", CLIENT, "--client-secret-file", "secret")
    call("directory", "add", "second", "--kind", "entra", *who, *where, "--groups", "LIC-AnyPrint", "--json")
    call("sync", "--directory", "second", "--wait", "--json")
    seen = {row["name"]: row for row in call("directory", "list", "--json")}
    assert (seen["second"]["state"], seen["second"]["users"]) == ("fresh", 3)
    call("directory", "add", "third", "--kind", "entra", *who[:4], code=1)
    call("directory", "add", "third", "--kind", "okta", "--cron", "* * * * *", code=2)
    for plain in ("--authority", "--graph-url"):
        told = call("directory", "add", "third", "--kind", "entra", *who, plain, "http://127.0.0.1:1", code=1)
        assert f"{plain[2:].replace('-', '_')} " in str(told)
        assert "https://" in str(told)
    assert "third" not in {row["name"] for row in call("directory", "list", "--json")}
    call("directory", "add", "third", "--kind", "entra", *who, "--cron", "never", code=1)


WAYS = ("certificate", "pfx", "federated token", "managed identity", "another cloud")


@pytest.mark.parametrize("way", WAYS)
def test_each_way_to_sign_in_reads(
    call: Call, folder: Path, entra: Entra, tls: Authority, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """As the guide says it, from `directory add` to people in the mirror."""
    options = list(EntraElsewhere(entra).declare(folder))
    if way != "managed identity":
        at = options.index("--certificate-file")
        match way:
            case "pfx":
                made = ("openssl", "pkcs12", "-export", "-passout", "pass:", "-in", options[at + 1])
                subprocess.run((*made, "-out", folder / "entra.pfx"), check=True, capture_output=True)
                options[at + 1] = "entra.pfx"
            case "federated token":
                (folder / "token").write_text("canary-federated\n")
                entra.federated = {"canary-federated"}
                options[at : at + 2] = ["--federated-token-file", "token"]
            case "another cloud":  # its sign-in is on another host than its Graph
                options[options.index("--authority") + 1] = entra.url.replace("127.0.0.1", "localhost")
    else:  # as App Service has it
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{entra.url}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", "canary-header")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tls.bundle))
        options = ["--managed-identity", "--tenant-id", TENANT, "--graph-url", entra.url]
    call("directory", "add", "second", "--kind", "entra", *options, "--groups", "LIC-AnyPrint", "--json")
    assert call("directory", "check", "second", "--json")["problems"] == []
    call("sync", "--directory", "second", "--wait", "--json")
    seen = {row["name"]: row for row in call("directory", "list", "--json")}
    assert (seen["second"]["state"], seen["second"]["users"], seen["second"]["error"]) == ("fresh", 3, None)


def test_without_the_ca_bundle_nothing_is_sent(call: Call, folder: Path, entra: Entra) -> None:
    config = folder / "config" / "connector.toml"
    config.write_text("\n".join(line for line in config.read_text().splitlines() if "ca_bundle" not in line))
    told = call("directory", "check", "entra", "--json", code=3)
    assert "SSLError" in " ".join(told["problems"])
    assert entra.seen == []


def test_a_name_in_the_settings_stays_with_the_group_that_it_first_found_r02(
    call: Call, folder: Path, entra: Entra, engine: Engine
) -> None:
    config = folder / "config" / "connector.toml"
    config.write_text(config.read_text() + 'groups = ["LIC-AnyPrint", "LIC-Missing"]\n')
    call("sync", "--directory", "entra", "--wait", "--json")
    first = next(iter(entra.tenant.teams))
    entra.tenant.rename(first, "LIC-Print")
    other = entra.tenant.team("LIC-AnyPrint-2", entra.tenant.hire("eve"))
    entra.tenant.rename(other, "LIC-AnyPrint")
    call("sync", "--directory", "entra", "--full", "--wait", "--json")
    with reading(engine) as connection:
        assert pulls.pins(connection, 1) == {"LIC-AnyPrint": first}
    told = call("directory", "check", "entra", "--json")
    assert [row["code"] for row in told["skipped"]] == ["group_missing"]
    assert told["users"] == 3


def puller(engine: Engine, owner: str) -> pulling.Puller:
    settings = load(Overrides())
    made = pulling.Puller(settings, engine, owner, Event())
    made.directories = sources.declared(settings, engine)
    return made


def test_t13_two_never_read_the_same_directory_at_once(call: Call, engine: Engine) -> None:
    mapped(call)
    first, second = puller(engine, "a"), puller(engine, "b")
    during: list[object] = []
    done = first.pull("entra", progress=lambda *_: during.append(second.pull("entra")))
    assert done is not None
    assert done.whole
    assert len(during) >= 2
    assert set(during) == {None}


def test_t13_a_reader_whose_lease_was_taken_over_writes_nothing_more(call: Call, engine: Engine) -> None:
    mapped(call)
    first = puller(engine, "a")
    with reading(engine) as connection:
        before = pulls.row_of(connection, 1).generation

    def take_over(*_: object) -> None:
        with sqlite3.connect(str(engine.url.database)) as raw:
            raw.execute("UPDATE leases SET expires_at = 0 WHERE name = 'pull:1'")
        lease = acquire(engine, "pull:1", "b", 15)
        assert lease is not None
        assert holds_now(engine, lease)

    with pytest.raises(Fenced):
        first.pull("entra", progress=take_over)
    with reading(engine) as connection:
        row = pulls.row_of(connection, 1)
    assert (row.generation, row.cursor) == (before + 2, "resume"), "begun, and one page"


def test_the_schedule_skips_what_another_worker_read_just_now(
    call: Call, engine: Engine, entra: Entra
) -> None:
    mapped(call)
    first, second = puller(engine, "a"), puller(engine, "b")
    first.tick("entra", lambda: None)
    asked = len(entra.seen)
    second.tick("entra", lambda: None)
    assert len(entra.seen) == asked
    later = second.directories["entra"]
    assert later.every == timedelta(seconds=10)


@pytest.mark.parametrize(
    "point", ["page read", "cursor saved", "page read:2", "cursor saved:2", "pull added"]
)
def test_t12_kill_9_in_the_middle_of_a_read_loses_nothing(
    call: Call, folder: Path, entra: Entra, point: str
) -> None:
    """At each page, on both sources: tests/sync/sources/test_killed.py."""
    killed_and_whole(call, folder, entra, point)


def killed_and_whole(call: Call, folder: Path, entra: Entra, point: str) -> None:
    mapped(call)
    with started(folder, "sync", "--directory", "entra", "--wait", CONNECTOR_TEST_KILL_AT=point) as killed:
        code = killed.process.wait(60)
    assert code == -9, killed.tell()
    assert "canary" not in killed.tell()
    with closing(sqlite3.connect(folder / "data" / "connector.sqlite")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.execute("UPDATE leases SET expires_at = 0")  # as time would
        connection.commit()
    told = call("sync", "--directory", "entra", "--wait", "--json")
    assert told["incomplete"] == []
    assert holders(folder) == {"ada", "bo", "cy"}


def test_it_is_told_when_cron_reads_before_it_does(call: Call, folder: Path) -> None:
    settings = folder / "config" / "connector.toml"
    settings.write_text(settings.read_text().replace('interval = "10s"', 'cron = "0 3 1 1 *"'))
    with started(folder, "worker") as worker:
        until(lambda: [d for d in call("directory", "list", "--json") if d["next_at"]], 20, worker.tell)
        assert worker.stop() < 10
    (seen,) = call("directory", "list", "--json")
    assert seen["state"] == "new"
    assert "-01-01T0" in seen["next_at"], "with up to half a minute of jitter"


def test_the_worker_reads_by_itself_and_stops_quickly(call: Call, folder: Path, entra: Entra) -> None:
    mapped(call)
    with started(folder, "worker") as worker:
        until(lambda: holders(folder) == {"ada", "bo", "cy"}, 30, worker.tell)
        entra.tenant.join(next(iter(entra.tenant.teams)), *entra.tenant.hire("zoe"))
        begun = time.monotonic()
        until(lambda: "zoe" in holders(folder), 30, worker.tell)
        assert time.monotonic() - begun < 20, "within the interval, and a round"
        until(lambda: call("directory", "list", "--json")[0]["next_at"], 20, worker.tell)
        assert worker.stop() < 10
    assert "canary" not in worker.tell()


def test_sync_of_a_directory_that_is_not_read_is_refused(folder: Path) -> None:
    done = run(folder, "sync", "--directory", "nowhere")
    assert done.returncode == 2
    assert "isn't read" in done.stderr

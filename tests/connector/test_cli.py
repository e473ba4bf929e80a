"""Do the commands do what they say, in the JSON that is promised? In one process, on one data folder."""

import json
import logging
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from connector.anysoft.office import set_price
from connector.cli.root import main
from connector.store import audit, credentials
from connector.store.directories import named
from connector.store.directory import DirectoryStore
from connector.store.engine import reading
from connector.store.engine import writing as writing_to
from scim.store import Kind, MemberOp, MemberVerb
from sync.model import Money, ProductId
from tests.company import PRINT, Company
from tests.connector.places import opened, prepared

BUY = (
    "--billing-name=A", "--billing-email=a@x.example", "--address-line1=B 1", "--address-city=C",
    "--address-postal-code=1", "--address-country=SE", "--json",
)  # fmt: skip


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    yield
    logging.getLogger().handlers.clear()


@pytest.fixture
def engine(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.chdir(tmp_path)
    with opened(prepared(tmp_path / "data", sqlite_template)) as engine:
        yield engine


Call = Callable[..., Any]


@pytest.fixture
def call(engine: Engine, capsys: pytest.CaptureFixture[str]) -> Call:
    """Run a command; its JSON, or its text where it has none."""

    def run(*arguments: str, code: int = 0) -> Any:
        found = main(arguments)
        told = capsys.readouterr()
        assert found == code, told
        assert "Traceback" not in told.err
        return json.loads(told.out) if "--json" in arguments and code in (0, 3) else told.out + told.err

    return run


def company(engine: Engine, people: int) -> None:
    """A directory "entra" with a group LIC of so many people."""
    with writing_to(engine) as connection:
        directory = named(connection, "entra").pk
    store = DirectoryStore(engine, directory, lambda: datetime.now(UTC))
    with store.writing() as writer:
        group = writer.create(Kind.GROUP, {"displayName": "LIC"})
        ids = tuple(
            writer.create(Kind.USER, {"userName": f"u{n}@x.example", "active": True}).id
            for n in range(people)
        )
        writer.change_members(group.id, [MemberOp(MemberVerb.ADD, ids)])


def test_from_nothing_to_a_prompt_an_approval_and_an_explanation(call: Call, engine: Engine) -> None:
    """The whole way on the command line, without a worker: `sync --wait` runs the rounds itself."""
    set_price(engine, ProductId("anyprint"), Money(Decimal("4.00"), "EUR"))
    assert call("directory", "add", "entra", "--kind", "entra", "--json")["state"] == "new"
    company(engine, 3)
    bought = call("license", "add", "anyprint", "--quantity", "2", *BUY)
    assert (bought["quantity"], bought["price"], bought["next_bill"]) == (2, "4.00 EUR", "8.00 EUR")
    mapped = call(
        "mapping", "add", "--directory=entra", "--group=lic", "--product=anyprint", "--yes", "--json"
    )
    assert mapped[0]["group"] == "LIC"
    planned = call("plan", "--json", code=3)
    assert [a["action"] for a in planned["actions"]].count("assign") == 2
    assert planned["run"] is None
    report = call("sync", "--wait", "--json", code=3)
    assert [a["outcome"] for a in report["actions"] if a["action"] == "assign"] == ["assigned"] * 2
    assert report["waiting"][0]["user"] == "u2@x.example"
    assert call("queue", "list", "anyprint", "--json")[0]["position"] == 1
    (license, *_) = call("license", "list", "--json")
    assert (license["product"], license["assigned"], license["waiting"], license["free"]) == (
        "anyprint",
        2,
        1,
        0,
    )
    waits = call("explain", "u2@x.example", "--json")["products"][0]
    assert (waits["state"], waits["position"], waits["of"]) == ("waiting", 1, 1)
    assert call("doctor", "--json", code=1)  # no worker runs
    (prompt,) = call("request", "list", "--json")
    expected = ("open", 2, 3, 1, "4.00 EUR", "12.00 EUR")
    fields = ("state", "quantity", "proposed", "waiting", "charge_now", "next_bill")
    assert tuple(prompt[f] for f in fields) == expected
    assert call("request", "show", str(prompt["id"]), "--json")["people"] == ["u2@x.example"]
    assert call("request", "approve", str(prompt["id"]), "--json")["state"] == "approved"
    assert "approved" in call("request", "approve", str(prompt["id"]), code=1)
    call("sync", "--wait", "--json", code=3)
    (pending,) = [x for x in call("license", "list", "--json") if x["pending"]]
    assert (pending["quantity"], pending["pending"]) == (2, 3)
    assert call("audit", "verify", "--json")["intact"]
    assert [r["run"] for r in call("report", "list", "--json")] == [2, 1]
    for form in ("text", "csv", "html"):
        assert "u2@x.example" in call("report", "show", "1", "--format", form)
    assert call("report", "show", "1", "--json")["run"] == 1


def test_a_declined_and_a_scheduled_request_are_kept(call: Call, engine: Engine) -> None:
    call("directory", "add", "entra", "--kind", "entra", "--json")
    company(engine, 2)
    call("license", "add", "anyprint", "--quantity", "1", *BUY)
    call("mapping", "add", "--directory=entra", "--group=LIC", "--product=anyprint", "--yes", "--json")
    call("sync", "--wait", "--json", code=3)
    scheduled = call("request", "schedule", "1", "--quantity", "4", "--seen", "1:1", "--json")
    assert (scheduled["state"], scheduled["target"]) == ("scheduled", 4)
    declined = call("request", "decline", "1", "--reason", "too dear", "--json")
    assert (declined["state"], declined["reason"]) == ("declined", "too dear")
    assert "declined" in call("request", "decline", "1", "--reason", "again", code=1)


def test_a_secret_is_shown_once_and_a_revoked_one_is_refused(call: Call, engine: Engine) -> None:
    """T22."""
    call("directory", "add", "entra", "--kind", "entra", "--json")
    made = call("token", "create", "entra", "--days", "30", "--json")
    assert set(made) == {"id", "token", "directory", "expires_at"}
    client = call("client", "create", "entra", "--json")
    assert set(client) == {"id", "client_id", "client_secret", "directory"}
    for noun, secret in (("token", made["token"]), ("client", client["client_secret"])):
        listed = call(noun, "list", "--json")
        assert len(listed) == 1
        assert secret not in json.dumps(listed)
    with reading(engine) as connection:
        assert credentials.authenticate(connection, made["token"], datetime.now(UTC)) is not None
        assert not any(made["token"] in line for line in audit.export(connection))
    call("token", "revoke", made["id"])
    with reading(engine) as connection:
        assert credentials.authenticate(connection, made["token"], datetime.now(UTC)) is None
    assert "no client" in call("client", "revoke", made["id"], code=1)


def test_several_tokens_live_at_once_as_the_help_says(call: Call) -> None:
    call("directory", "add", "entra", "--kind", "entra", "--json")
    for _ in range(3):
        call("token", "create", "entra", "--json")
    assert [each["live"] for each in call("token", "list", "--json")] == [True] * 3
    assert "Several may live at once" in call("token", "create", "--help")


@pytest.mark.parametrize(
    ("role", "may"),
    [("viewer", 0), ("operator", 1), ("approver", 2), ("admin", 3)],
)
def test_roles_bound_what_an_operator_may_do(call: Call, engine: Engine, role: str, may: int) -> None:
    """L1: a refusal changes nothing and is in the audit log."""
    call("license", "add", "anyprint", "--quantity", "5", *BUY)
    call("operator", "add", "ada", "--role", role)
    levels = (
        (0, ("license", "list", "--json")),
        (1, ("directory", "add", "x", "--kind", "scim")),
        (2, ("license", "quantity", "anyprint", "9", "--json")),
        (3, ("operator", "add", "bo", "--role", "viewer")),
    )
    for needed, arguments in levels:
        told = call(*arguments, "--as", "ada", code=0 if may >= needed else 1)
        assert may >= needed or f"ada is {role}" in told
    assert (len(call("directory", "list", "--json")) == 1) is (may >= 1)
    with reading(engine) as connection:
        refused = [e for e in audit.entries(connection) if e.action == "refused"]
        done = [e for e in audit.entries(connection) if e.actor == "ada" and e.action != "refused"]
    assert len(refused) == 3 - may
    assert {e.actor for e in refused} <= {"ada"}
    assert bool(done) is (may >= 1)


def test_who_uses_the_command_line_is_in_the_audit_log(call: Call, engine: Engine) -> None:
    call("directory", "add", "entra", "--kind", "entra")
    with reading(engine) as connection:
        assert {e.actor[:4] for e in audit.entries(connection)} == {"cli:"}


def test_without_the_role_at_anysoft_nothing_is_bought_or_assigned(call: Call, engine: Engine) -> None:
    """L1: the connector's own account."""
    call("license", "add", "anyprint", "--quantity", "5", *BUY)
    call("tenant", "role", "revoke")
    assert "(L1)" in call("license", "quantity", "anyprint", "9", code=1)
    assert "Global Administration" in call("doctor", code=1)
    with reading(engine) as connection:
        assert "license.quantity.failed" in {e.action for e in audit.entries(connection)}
    call("tenant", "role", "grant")
    assert call("license", "quantity", "anyprint", "9", "--json")["pending"] == 9


def test_doctor_agrees_with_the_report_of_a_round_that_a_command_made(call: Call) -> None:
    """No worker runs that would find it out."""
    call("tenant", "role", "revoke")
    said = call("sync", "--wait", code=3)
    assert "no round came to its end" in said
    assert re.search(r"^rounds +failed +since .*Global Administration", call("doctor", code=1), re.M)
    call("tenant", "role", "grant")
    call("sync", "--wait")
    assert "nothing is in their way" in call("doctor", code=1), "of the worker alone it says that none runs"


def test_doctor_tells_of_a_setting_for_a_product_that_is_not_sold(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R21. A start doesn't: AnySoft may not be there."""
    monkeypatch.setenv("CONNECTOR_SYNC__BUY__ANYPRINT__MODE", "never")
    assert re.search(r"^settings +ok", call("doctor", code=1), re.M)
    monkeypatch.setenv("CONNECTOR_SYNC__BUY__NOPE__MODE", "never")
    said = call("doctor", code=1)
    assert re.search(r"^settings +attention +sync.buy.nope: .* use one of anyprint", said, re.M)


def test_doctor_names_a_request_so_that_its_number_is_no_count(call: Call, engine: Engine) -> None:
    firm = Company(engine)
    firm.buy(PRINT, 1)
    firm.map(firm.group("LIC", firm.hire("a@x.example", "b@x.example")), PRINT)
    firm.round()
    assert re.search(r"prompts +attention +request 1 \(anyprint, open\)", call("doctor", code=1))


def test_prices_of_the_built_in_tenant_are_set_and_an_unknown_one_is_said_to_be_so(
    call: Call, engine: Engine
) -> None:
    """L11, R18, R21: so that buying inside caps can be tried without the demo."""
    call("directory", "add", "entra", "--kind", "entra", "--json")
    company(engine, 2)
    assert call("tenant", "price", "anyprint", "unknown", "--json")["price"] is None
    call("license", "add", "anyprint", "--quantity", "1", *BUY)
    call("mapping", "add", "--directory=entra", "--group=LIC", "--product=anyprint", "--yes", "--json")
    call("sync", "--wait", "--json", code=3)
    for look in (("request", "list"), ("request", "show", "1")):
        assert call(*look).count("price unknown") >= 2
    assert call("request", "list", "--json")[0]["charge_now"] is None
    assert call("tenant", "price", "anyprint", "2.50:EUR", "--json")["price"] == "2.50 EUR"
    assert call("request", "list", "--json")[0]["charge_now"] == "2.50 EUR"
    assert "price unknown" not in call("request", "show", "1")
    assert "no price" in call("tenant", "price", "anyprint", "0:EUR", code=2)
    assert "no product anyfax" in call("tenant", "price", "anyfax", "1:EUR", code=1)


def test_licenses_by_hand(call: Call, engine: Engine) -> None:
    """L7, L8, R08."""
    call("directory", "add", "entra", "--kind", "entra")
    company(engine, 3)
    call("license", "add", "anyprint", "--quantity", "5", *BUY)
    given = call("license", "assign", "anyprint", "u0@x.example", "--json")
    assert given == [{"user": "u0@x.example", "status": "assigned"}]
    assert call("license", "assign", "anyprint", "u0@x.example", "--json")[0]["status"] == "already_assigned"
    assert "by hand" in call("explain", "u0@x.example", "--json")["products"][0]["reason"]
    assert "nobody@x.example" in call("license", "assign", "anyprint", "nobody@x.example", code=1)
    assert "no group gives" in call("license", "adopt", "anyprint", "u0@x.example", code=1)
    call("mapping", "add", "--directory=entra", "--group=LIC", "--product=anyprint", "--yes")
    call("sync", "--wait", "--json")
    assert "LIC" in call("license", "unassign", "anyprint", "u1@x.example", "--yes", code=1)
    assert call("license", "adopt", "anyprint", "--entitled", "--json")[0]["status"] == "adopted"
    assert "LIC" in call("license", "unassign", "anyprint", "u0@x.example", "--yes", code=1)
    call("mapping", "remove", "1", "--yes")
    call("sync", "--wait", "--json", code=3)  # R24: the group's three are held
    gone = call("license", "unassign", "anyprint", "u1@x.example", "--yes", "--json")
    assert gone[0]["status"] == "unassigned"
    assert call("license", "show", "anyprint", "--json")["assigned"] == 2


def test_destinations(call: Call) -> None:
    """L4: the quantity bounds them."""
    call("license", "add", "anyscan", "--quantity", "1", *BUY)
    made = call("license", "destinations", "add", "Archive", "--json")
    assert call("license", "destinations", "list", "--json") == [made]
    assert "buy more" in call("license", "destinations", "add", "Second", code=1)
    call("license", "destinations", "remove", made["id"])
    assert call("license", "destinations", "list", "--json") == []


def test_a_backup_is_whole_and_for_its_owner_only(call: Call, tmp_path: Path) -> None:
    """T30."""
    call("directory", "add", "entra", "--kind", "entra")
    call("db", "backup", "copy.sqlite")
    assert (tmp_path / "copy.sqlite").stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(tmp_path / "copy.sqlite")) as copy:
        assert copy.execute("SELECT name FROM directories").fetchall() == [("entra",)]
    assert call("db", "verify", "--json")["whole"]
    call("db", "upgrade")


def test_an_edited_audit_log_is_found(call: Call, tmp_path: Path) -> None:
    """T26."""
    call("directory", "add", "entra", "--kind", "entra")
    assert len(call("audit", "export").splitlines()) == 1
    with closing(sqlite3.connect(tmp_path / "data" / "connector.sqlite")) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {name}")
        database.execute("UPDATE audit SET actor = 'somebody'")
        database.commit()
    assert "edited" in call("audit", "verify", code=1)
    assert "audit log" in call("doctor", code=1)


def test_a_link_to_the_console_is_for_the_operator_who_asks(call: Call) -> None:
    call("operator", "add", "ada", "--role", "viewer")
    link = call("sign-in", "--as", "ada", "--url", "https://c.example/").strip()
    assert link.startswith("https://c.example/sign-in?link=")
    assert [row["name"] for row in call("operator", "list", "--json")] == ["ada"]
    call("operator", "remove", "ada")
    assert call("operator", "list", "--json") == []
    assert "--url" in call("sign-in", "--url", "ftp://x", code=2)


def test_the_demo_never_buys_at_a_tenant_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """T04: its subscriptions are made up, a real tenant's invoices aren't."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONNECTOR_ANYSOFT__URL", "https://anysoft.example")
    monkeypatch.setenv("CONNECTOR_ANYSOFT__CLIENT_ID", "us")
    monkeypatch.setenv("CONNECTOR_ANYSOFT__CLIENT_SECRET", "s" * 40)
    assert main(["up", "--demo", "--port", "0"]) == 1
    assert "CONNECTOR_ANYSOFT__URL" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []

"""What does an operator see while AnySoft is slow, down, or refuses the role, and does it end by itself?

R29, T29, L1. The worker, the command line and the SCIM endpoint against a tenant on loopback; the
clock is the test's own, so an outage of an hour takes seconds.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import StringIO
from itertools import pairwise
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine
from werkzeug.wrappers import Request, Response

from connector import points
from connector.anysoft.access import Tokens
from connector.anysoft.office import grant_role, open_tenant, revoke_role
from connector.anysoft.server import create_server
from connector.anysoft.tenant import BuiltInTenant
from connector.app import create_app
from connector.cli.root import main
from connector.store import audit, credentials, directories, mappings, runs
from connector.store.engine import connect, reading, writing
from connector.store.runs import Run
from connector.worker import Worker
from sync.model import ProductId, Subscription
from tests.company import ADDRESS, BILLING
from tests.connector.places import opened, prepared, settings_for
from tests.connector.web.ways_in import signed_in
from tests.contracts.licensing_http import CLIENT, SECRET, serving

PRINT = ProductId("anyprint")
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@dataclass
class Clock:
    at: datetime = NOON

    def __call__(self) -> datetime:
        return self.at


@dataclass
class Elsewhere:
    """A tenant on loopback, and what befalls the calls to it."""

    engine: Engine
    tenant: BuiltInTenant
    clock: Clock
    down: bool = False
    retry_after: int = 0  #: seconds, of a 429
    seconds: float = 0.0  #: each answer takes so long
    calls: list[tuple[datetime, str]] = field(default_factory=list)
    app: Callable[..., Iterable[bytes]] = lambda environ, start: []

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        asked = Request(environ)
        self.calls.append((self.clock.at, f"{asked.method} {asked.path}"))
        self.clock.at += timedelta(seconds=self.seconds)
        if self.down:
            return Response("<h1>Bad gateway</h1>", 502)(environ, start)
        if self.retry_after:
            return Response("slow down", 429, {"Retry-After": str(self.retry_after)})(environ, start)
        return self.app(environ, start)

    def sold(self) -> Subscription:
        return next(s for s in self.tenant.subscriptions() if s.product == PRINT)

    def assigned(self) -> int:
        return self.sold().assigned


@dataclass
class Site:
    clock: Clock
    there: Elsewhere
    worker: Worker
    engine: Engine
    scim: FlaskClient
    data: Path

    def work(self, lapse: timedelta, step: float = 1.0) -> None:
        """The worker looks every `step` seconds of the test's clock."""
        until = self.clock.at + lapse
        while self.clock.at < until:
            self.worker.tick()
            self.clock.at += timedelta(seconds=step)

    def hire(self, name: str) -> None:
        """As Entra ID does: a person, and the group membership. Both must be 2xx, always (T29)."""
        user = self.scim.post("/scim/v2/Users", json={"userName": name, "active": True})
        assert user.status_code == 201
        member = {"op": "Add", "path": "members", "value": [{"value": user.get_json()["id"]}]}
        group = self.scim.get("/scim/v2/Groups").get_json()["Resources"][0]["id"]
        patched = self.scim.patch(f"/scim/v2/Groups/{group}", json={"Operations": [member], **_PATCH})
        assert patched.status_code in (200, 204)

    def runs(self) -> list[Run]:
        with reading(self.engine) as connection:
            return runs.list_runs(connection)

    def audited(self, action: str) -> list[str]:
        with reading(self.engine) as connection:
            return [e.detail for e in audit.entries(connection) if e.action == action]

    def first_run(self, since: datetime) -> Run:
        return next(run for run in reversed(self.runs()) if run.started_at >= since)

    def says(self, *command: str) -> str:
        said = StringIO()
        with redirect_stdout(said):
            main(["--data", str(self.data), *command])
        return said.getvalue()

    def doctor(self) -> dict[str, tuple[str, str]]:
        return {
            each["check"]: (each["state"], each["said"]) for each in json.loads(self.says("doctor", "--json"))
        }


_PATCH = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]}


@pytest.fixture
def site(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """One person is in the mapped group and has the license; there are seats for all who come."""
    monkeypatch.chdir(tmp_path)
    clock = Clock()
    monkeypatch.setattr(points, "clock", clock)
    elsewhere = connect(f"sqlite:///{prepared(tmp_path / 'there', sqlite_template) / 'connector.sqlite'}")
    open_tenant(elsewhere)
    tenant = BuiltInTenant(elsewhere, clock, timedelta(minutes=30))
    tenant.add_product(PRINT, 50, BILLING, ADDRESS, "buy")
    there = Elsewhere(elsewhere, tenant, clock)
    there.app = create_server(tenant, Tokens(CLIENT, SECRET), clock)
    with ExitStack() as running:
        running.callback(elsewhere.dispose)
        monkeypatch.setenv("CONNECTOR_ANYSOFT__URL", running.enter_context(serving(there)))
        monkeypatch.setenv("CONNECTOR_ANYSOFT__CLIENT_ID", CLIENT)
        monkeypatch.setenv("CONNECTOR_ANYSOFT__CLIENT_SECRET", SECRET)
        data = prepared(tmp_path / "data", sqlite_template)
        engine = running.enter_context(opened(data))
        with writing(engine) as connection:
            directories.add(connection, "entra", "entra", clock())
            token = credentials.token_create(connection, "entra", clock()).secret
        settings = settings_for(data)
        app = create_app(settings)
        running.callback(app.extensions["engine"].dispose)
        scim = app.test_client()
        scim.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        group = scim.post("/scim/v2/Groups", json={"displayName": "LIC-AnyPrint"}).get_json()["id"]
        with writing(engine) as connection:
            mappings.add(
                connection, mappings.find_group(connection, "entra", group), PRINT, "cli:test", clock()
            )
        worker = Worker(settings, engine, Event())
        running.callback(worker.close)
        here = Site(clock, there, worker, engine, scim, data)
        here.hire("ada@northmill.example")
        here.work(timedelta(seconds=5))
        assert there.assigned() == 1
        yield here


def test_r29_t29_down_for_an_hour(site: Site) -> None:
    site.there.down = True
    site.there.calls.clear()
    before = len(site.runs())
    site.clock.at = NOON + timedelta(minutes=2)
    for n in range(6):
        site.hire(f"user{n}@northmill.example")
        site.work(timedelta(minutes=10), step=5)

    tried = sorted({at for at, _ in site.there.calls})
    waits = [(after - before).total_seconds() for before, after in pairwise(tried)]
    assert waits[:5] == [5, 10, 20, 40, 60], "the back-off of decisions/0008"
    assert min(waits[5:]) >= 60
    assert len(site.there.calls) <= len(tried) + 2, "and each time it is one call, not several"
    assert len(site.runs()) <= before + 1, "an outage doesn't fill the list of runs"

    state, said = site.doctor()["rounds"]
    assert state == "failed"
    assert "since 2026-11-24 12:02:0" in said
    assert "502" in said
    assert site.doctor()["anysoft"][0] == "failed"
    assert "NOW: no round comes to its end since 2026-11-24 12:02:0" in site.says("report", "show")

    site.there.down = False
    ended = site.clock.at
    site.work(timedelta(minutes=2), step=5)
    assert site.there.assigned() == 7, "it caught up by itself within two minutes (T09)"
    first = site.first_run(ended)
    (note,) = first.report["notes"]
    assert note.startswith("AnySoft is back: from 2026-11-24 12:02:0")
    assert first.report["incomplete"] == []
    assert "NOTE: AnySoft is back" in site.says("report", "show", str(first.id))
    assert site.doctor()["rounds"] == ("ok", "nothing is in their way")
    assert all(not run.report["notes"] for run in site.runs() if run.id > first.id), "it is told once"


def test_r29_an_outage_in_which_nothing_was_to_be_done_is_over_when_it_is(site: Site) -> None:
    site.there.down = True
    site.work(timedelta(minutes=3), step=5)
    assert site.doctor()["rounds"][0] == "failed"
    site.there.down = False
    site.work(timedelta(minutes=2), step=5)
    assert site.doctor()["rounds"][0] == "ok"
    assert "AnySoft is back" in site.says("report", "show")


def test_l1_r29_the_role_is_refused(site: Site) -> None:
    revoke_role(site.there.engine)
    site.hire("bob@northmill.example")
    site.there.calls.clear()
    before = len(site.runs())
    begun = site.clock.at
    site.work(timedelta(hours=1), step=5)

    assert {call for _, call in site.there.calls if call.startswith("POST")} <= {"POST /oauth2/token"}
    tried = [at for at, call in site.there.calls if call == "GET /v1/tenant"]
    waits = [(after - before).total_seconds() for before, after in pairwise(tried)]
    assert waits[:4] == [5, 10, 20, 40]
    assert min(waits[4:]) >= 60
    assert len(site.runs()) == before + 1
    assert "lacks the role Global Administration" in site.runs()[0].report["incomplete"][0]
    assert f"since {begun:%Y-%m-%d %H:%M}" in site.runs()[0].report["incomplete"][1]
    for check in ("anysoft", "rounds"):
        state, said = site.doctor()[check]
        assert state == "failed"
        assert "lacks the role Global Administration" in said
    assert f"since {begun:%Y-%m-%d %H:%M}" in site.doctor()["rounds"][1]
    (stopped,) = site.audited("rounds.stopped")
    assert "lacks the role Global Administration" in stopped

    grant_role(site.there.engine)
    ended = site.clock.at
    site.work(timedelta(minutes=2), step=5)
    assert site.there.assigned() == 2
    assert "AnySoft is back" in site.first_run(ended).report["notes"][0]
    assert len(site.audited("rounds.resumed")) == 1
    assert site.doctor()["rounds"][0] == site.doctor()["anysoft"][0] == "ok"


def test_r29_answers_that_take_30_seconds(site: Site) -> None:
    site.there.seconds = 30.0
    begun = site.clock.at
    for n in range(3):
        site.hire(f"user{n}@northmill.example")
    site.work(timedelta(minutes=15))
    assert site.there.assigned() == 4
    slow = f"slow since {begun:%Y-%m-%d %H:%M}"
    assert any(slow in note for run in site.runs() for note in run.report["notes"])
    assert all(run.outcome == "done" for run in site.runs())
    state, said = site.doctor()["anysoft"]
    assert state == "attention"
    assert slow in said
    assert "the last call took 60 s" in said, "and the token took as long"

    site.there.seconds = 0.0
    site.hire("eve@northmill.example")
    site.work(timedelta(seconds=10))
    assert site.there.assigned() == 5
    assert site.runs()[0].report["notes"] == []
    assert site.doctor()["anysoft"][0] == "ok"


@pytest.fixture
def crowded(site: Site) -> Site:
    """All seats are taken, one waits and is asked for; the clock of the command line is the test's."""
    site.there.tenant.change_quantity(site.there.sold().id, 1, "fewer")
    site.work(timedelta(minutes=31), step=10)
    site.hire("bob@northmill.example")
    site.work(timedelta(seconds=5))
    assert site.there.assigned() == 1
    return site


#: what says so of each row, or of the whole
MARKED = (
    ("explain", "bob@northmill.example"),
    ("queue", "list", "anyprint"),
    ("request", "list"),
    ("request", "show", "1"),
    ("license", "list"),
    ("license", "show", "anyprint"),
    ("license", "users", "anyprint"),
    ("plan",),
)


def marks_of(said: str) -> dict[str, Any]:
    told = json.loads(said)
    return told if isinstance(told, dict) else told[0]


@pytest.mark.parametrize("befalls", ["down", "busy"])
def test_r16_r29_everything_that_is_stored_is_told_while_anysoft_cannot_be_asked(
    crowded: Site, befalls: str
) -> None:
    (asked,) = json.loads(crowded.says("request", "list", "--json"))
    bill = (asked["next_bill"], asked["charge_now"])
    crowded.clock.at = NOON + timedelta(minutes=40)
    crowded.work(timedelta(seconds=5))
    if befalls == "down":
        crowded.there.down = True
        why = "AnySoft can't be reached since 2026-11-24 12:41"
    else:
        crowded.there.retry_after = 1200
        why = "AnySoft asked to be left alone until 2026-11-24 13:0"
    crowded.work(timedelta(minutes=3), step=5)
    as_of = "this is as of 2026-11-24 12:40:0"
    for command in MARKED:
        said = crowded.says(*command)
        assert why in said, command
        assert as_of in said, command
        marked = marks_of(crowded.says(*command, "--json"))
        assert why in marked["note"]
        assert as_of in marked["note"]
        assert marked["as_of"].startswith("2026-11-24T12:40:0")
    (state,) = json.loads(crowded.says("explain", "bob@northmill.example", "--json"))["products"]
    assert (state["state"], state["position"]) == ("waiting", 1)
    (asked,) = json.loads(crowded.says("request", "list", "--json"))
    assert (asked["next_bill"], asked["charge_now"]) == bill
    (ada,) = json.loads(crowded.says("license", "users", "anyprint", "--json"))
    assert (ada["user"], ada["how"], ada["groups"]) == ("ada@northmill.example", "managed", ["LIC-AnyPrint"])
    planned = json.loads(crowded.says("plan", "--json"))
    assert planned["counts"]["waiting"] == 1

    crowded.there.down, crowded.there.retry_after = False, 0
    crowded.work(timedelta(minutes=25), step=10)
    assert all(marks_of(crowded.says(*command, "--json"))["note"] is None for command in MARKED)


def test_r29_what_only_anysoft_can_tell_says_what_to_do_next(
    crowded: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    crowded.says("request", "show", "1")
    crowded.there.down = True
    crowded.work(timedelta(minutes=1), step=5)
    for command in (("request", "approve", "1"), ("license", "users", "anyprint", "--lacking")):
        assert main(["--data", str(crowded.data), *command]) == 1
        assert "try again when `doctor` finds it well" in capsys.readouterr().err
    assert json.loads(crowded.says("request", "list", "--json"))[0]["state"] == "open"
    crowded.says("request", "decline", "1", "--reason", "not now")
    assert json.loads(crowded.says("request", "list", "--json"))[0]["state"] == "declined"


def test_r16_r29_the_console_shows_what_anysoft_said_last(crowded: Site) -> None:
    browser = crowded.scim.application.test_client()
    signed_in(browser, crowded.engine)
    crowded.there.down = True
    for page, shows in (("/", 'id="license-anyprint"'), ("/prompts", 'id="prompt-1"')):
        said = browser.get(page).text
        assert shows in said
        assert "AnySoft can&#39;t be reached since 2026-11-24 12:31" in said
        assert "this is as of 2026-11-24 12:3" in said


def test_r29_a_429_is_no_failure(site: Site) -> None:
    """T09: it is waited for as long as it asks, and said so."""
    site.there.retry_after = 20
    site.hire("bob@northmill.example")
    begun = site.clock.at
    site.there.calls.clear()
    site.work(timedelta(seconds=15))
    assert len(site.there.calls) == 1
    for check in ("anysoft", "rounds"):
        state, said = site.doctor()[check]
        assert state == "ok"
        assert said.startswith("AnySoft asked to be left alone until 2026-11-24 12:00:2")
    assert site.audited("rounds.stopped") == []
    assert {run.outcome for run in site.runs() if run.started_at >= begun} <= {"put off"}
    assert "NOW: AnySoft asked to be left alone until" in site.says("report", "show")

    site.there.retry_after = 0
    site.work(timedelta(seconds=15))
    assert site.there.assigned() == 2
    assert site.doctor()["rounds"] == ("ok", "nothing is in their way")
    assert not any("AnySoft is back" in note for run in site.runs() for note in run.report["notes"])

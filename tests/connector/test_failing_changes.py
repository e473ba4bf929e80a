"""What does an operator see while AnySoft answers every question and carries nothing out? (R29)"""

import json
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from connector import known
from connector.anysoft import gate
from connector.cli.root import main
from connector.store import breakers, trouble
from connector.store.engine import reading, writing
from sync.breaker import Breaker
from tests.connector.test_outages import Site, site

__all__ = ["site"]
MINUTE = timedelta(minutes=1)
App = Callable[..., Iterable[bytes]]


def changes_fail(there: App) -> App:
    """500 for all that changes something; the rest is answered."""

    def app(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        asked = Request(environ)
        if asked.method == "GET" or asked.path == "/oauth2/token":
            return there(environ, start)
        return Response("no", 500)(environ, start)

    return app


def newest(site: Site) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(site.says("report", "show", "--json"))
    return found


def exit_of(site: Site, *command: str) -> int:
    return main(["--data", str(site.data), *command])


def sent(site: Site) -> int:
    return sum(not call.startswith("GET") and "/oauth2" not in call for _, call in site.there.calls)


@pytest.mark.parametrize("people", [1, 4])
def test_R29_changes_that_fail_alone_are_told_and_end_by_themselves(site: Site, people: int) -> None:
    site.work(MINUTE)
    assert site.doctor()["failing"] == ("ok", "nobody fails")
    well = site.there.app
    site.there.app = changes_fail(well)
    since = site.clock.at
    for n in range(people):
        site.hire(f"new{n}@x.example")
    site.work(MINUTE * 3, 5)

    state, said = site.doctor()["failing"]
    assert state == "failed"
    assert f"since {since:%Y-%m-%d %H:%M:%S} UTC" in said
    assert "tried again at" in said
    assert "POST /v1/users: 500" in said
    assert exit_of(site, "doctor") == 1

    report = newest(site)
    assert {f["user"] for f in report["failed"]} <= {f"new{n}@x.example" for n in range(people)}
    assert report["counts"]["failed"] >= 1
    assert any(f["next_try"] for f in report["failed"])
    shown = site.says("report", "show")
    assert "nothing to do" not in shown
    assert "POST /v1/users: 500" in shown

    before = sent(site)
    site.work(MINUTE * 10, 5)
    assert sent(site) - before <= 11, "one probe a minute"
    with reading(site.engine) as connection:
        assert breakers.read(connection, breakers.CHANGES).is_open
        assert not breakers.read(connection).is_open

    site.there.app = well
    site.work(MINUTE * 16, 5)
    assert site.there.assigned() == 1 + people
    assert site.doctor()["failing"] == ("ok", "nobody fails")
    assert newest(site)["failed"] == []


def test_R29_a_round_that_tries_nobody_tells_who_fails_all_the_same(site: Site) -> None:
    site.work(MINUTE)
    site.there.app = changes_fail(site.there.app)
    site.hire("new@x.example")
    site.work(timedelta(seconds=20))
    site.worker.close()
    assert exit_of(site, "sync", "--wait") == 3
    report = newest(site)
    assert [(f["user"], f["code"]) for f in report["failed"]] == [("new@x.example", "account_no_answer")]
    assert "no change at AnySoft has succeeded since" in report["notes"][0]


def test_R29_while_changes_fail_nobody_is_told_that_anysoft_is_unreachable(site: Site) -> None:
    """A round that ended at the breaker of changes was told as an outage that answers."""
    now = site.clock.at
    with writing(site.engine) as connection:
        breakers.change(
            connection,
            lambda _: Breaker(opened_at=now, not_before=now + MINUTE, why="cut off"),
            now,
            breakers.CHANGES,
        )
        shut = gate.told(breakers.read(connection, breakers.CHANGES), breakers.CHANGES)
        trouble.note(connection, shut, now + MINUTE, now, outage=True)
        assert known.in_the_way(connection, now) == shut
        trouble.note(connection, "AnySoft can't be reached: no route", now + MINUTE, now, outage=True)
        assert known.in_the_way(connection, now).startswith("AnySoft can't be reached since")

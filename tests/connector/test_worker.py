"""Does a tick do what is due, and never end the worker? (T13, T29)"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import Engine

from connector import points, rounds
from connector.anysoft.office import grant_role, revoke_role
from connector.app import create_app
from connector.opening import prepare
from connector.settings import Settings
from connector.store import credentials, directories, runs, signals
from connector.store.engine import Unavailable, reading, writing
from connector.store.runs import Run
from connector.worker import Worker
from tests.connector.places import opened, prepared, settings_for


@pytest.fixture
def settings(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    return settings_for(prepared(tmp_path / "data", sqlite_template))


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    with opened(settings.data_dir) as engine:
        yield engine


@pytest.fixture
def worker(settings: Settings, engine: Engine) -> Iterator[Worker]:
    worker = Worker(settings, engine, Event())
    yield worker
    worker.close()


def made(engine: Engine) -> list[Run]:
    with reading(engine) as connection:
        return runs.list_runs(connection)


def test_the_first_tick_looks_at_everyone_the_next_finds_nothing_due(worker: Worker, engine: Engine) -> None:
    for _ in range(3):
        worker.tick()
    assert [(run.scope, run.cause) for run in made(engine)] == [("everyone", "schedule")]


def test_what_somebody_asks_for_is_done_and_answered(worker: Worker, engine: Engine) -> None:
    worker.tick()
    with writing(engine) as connection:
        number = signals.ask(connection, False, "cli:ada", datetime.now(UTC))
    worker.tick()
    with reading(engine) as connection:
        assert signals.answered(connection, number) == (True, made(engine)[0].id)
        assert signals.asked(connection) is None
    assert made(engine)[0].cause == "cli:ada"


def test_a_second_worker_stands_by_and_takes_over(worker: Worker, settings: Settings, engine: Engine) -> None:
    worker.tick()
    second = Worker(settings, engine, Event())
    second.tick()
    assert len(made(engine)) == 1
    worker.close()
    with writing(engine) as connection:
        signals.ask(connection, False, "cli:ada", datetime.now(UTC))
    second.tick()
    assert len(made(engine)) == 2
    worker.tick()
    assert len(made(engine)) == 2
    second.close()


def test_a_lost_lease_ends_the_round_not_the_worker(
    worker: Worker, engine: Engine, settings: Settings
) -> None:
    """T13: another took it over while this one was paused."""
    worker.tick()
    with writing(engine) as connection:
        connection.exec_driver_sql("UPDATE leases SET owner = 'other', fence = fence + 1")
        signals.ask(connection, False, "cli:ada", datetime.now(UTC))
    worker.tick()
    assert len(made(engine)) == 1
    with writing(engine) as connection:
        connection.exec_driver_sql("UPDATE leases SET expires_at = 0")
    worker.tick()
    assert len(made(engine)) == 2


@pytest.mark.parametrize("error", [Unavailable("gone"), RuntimeError("a fault of ours")])
def test_an_error_of_a_tick_is_logged_and_the_next_tick_works(
    worker: Worker, engine: Engine, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T29."""

    def broken(*_: object) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(rounds, "make", broken)
        worker.tick()
    assert made(engine) == []
    assert worker.idle.is_set()
    worker.tick()
    assert len(made(engine)) == 1


@pytest.mark.parametrize("error", [None, Unavailable("gone"), RuntimeError("a fault of ours")])
def test_t09_a_round_that_broke_off_is_followed_by_another_though_nobody_is_marked(
    worker: Worker, engine: Engine, error: Exception | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Marks go when the plan is stored: what it then didn't do must not wait for the next full round."""
    worker.tick()

    def breaks_off(*_: object) -> rounds.Made:
        if error is not None:
            raise error
        return rounds.Made(made(engine)[0].id, ("AnySoft could not be asked how many seats are left",))

    with monkeypatch.context() as patched:
        patched.setattr(rounds, "people_are_due", lambda *_: True)
        patched.setattr(rounds, "make", breaks_off)
        worker.tick()
    monkeypatch.setenv(points.CLOCK, f"{time.time() - 60} 2")  # a minute later: patience is over
    worker.tick()
    worker.tick()
    assert [run.cause for run in made(engine)] == ["unfinished", "schedule"]


def test_t12_who_takes_the_lease_again_finishes_what_others_left(worker: Worker, engine: Engine) -> None:
    worker.tick()
    worker.close()  # another one had it meanwhile
    worker.tick()
    worker.tick()
    assert [run.cause for run in made(engine)] == ["unfinished", "schedule"]


def test_without_the_role_it_is_patient_and_goes_on_when_it_comes_back(
    worker: Worker, engine: Engine
) -> None:
    """L1, R29: an outage doesn't fill the list of runs."""
    revoke_role(engine)
    for _ in range(5):
        worker.tick()
    assert len(made(engine)) <= 1
    grant_role(engine)
    with writing(engine) as connection:
        signals.ask(connection, True, "cli:ada", datetime.now(UTC))
    worker.tick()
    assert made(engine)[0].outcome == "done"


def test_endpoint_and_worker_on_postgresql(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A directory pushes somebody, and a round looks at them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONNECTOR_DATABASE_URL", postgres_url)
    monkeypatch.setenv("CONNECTOR_SECRET_KEY", "k" * 40)
    settings = settings_for(tmp_path / "data")
    engine = prepare(settings)
    with writing(engine) as connection:
        directories.add(connection, "entra", "entra", datetime.now(UTC))
        token = credentials.token_create(connection, "entra", datetime.now(UTC)).secret
    app = create_app(settings)
    client = app.test_client()
    assert client.get("/readyz").status_code == 200
    headers = {"Authorization": f"Bearer {token}"}
    user = {"userName": "ada@x.example", "active": True}
    assert client.post("/scim/v2/Users", headers=headers, json=user).status_code == 201
    worker = Worker(settings, engine, Event())
    worker.tick()
    with reading(engine) as connection:
        assert not rounds.people_are_due(connection, datetime.now(UTC))
    assert made(engine)[0].outcome == "done"
    worker.close()
    app.extensions["engine"].dispose()
    engine.dispose()


def test_a_stopped_worker_begins_nothing(settings: Settings, engine: Engine) -> None:
    """T30."""
    stop = Event()
    stop.set()
    Worker(settings, engine, stop).tick()
    assert made(engine) == []

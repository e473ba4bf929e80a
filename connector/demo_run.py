"""How does `up --demo` go? Tenant filled, recorded cycles played over HTTP, mappings made, a round shown.

What was played is kept in `state`, so that a second start plays nothing, and a play that broke off goes on.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from threading import Thread

import click
from sqlalchemy import Engine
from structlog.stdlib import get_logger

from connector import up, wiring
from connector.anysoft.office import seed_demo
from connector.demo import recording, scenario
from connector.demo.player import Played, StepFailed, next_cycle, play
from connector.demo.scenario import Scenario
from connector.opening import attach
from connector.scim_endpoint import PREFIX
from connector.settings import Overrides, Settings, load
from connector.store import audit, credentials, directories, mappings, runs, signals
from connector.store.engine import reading, writing
from sync import report_json
from sync.model import RunId
from sync.report_text import as_text

_STATE = "demo"
_BY = "demo"
#: how long a round of the demo may take
PATIENCE = 120.0


class Stuck(Exception):
    """The demo can't go on; the message says why."""


def read_scenario() -> Scenario:
    return scenario.read(files("config").joinpath("demo.toml"))


def write_settings(settings: Settings) -> None:
    """So that every command on this data folder has the demo's short times.

    Raises Stuck for a tenant elsewhere, where the demo's subscriptions would be bought in earnest.
    """
    if settings.anysoft.url is not None:
        raise Stuck(
            "--demo: it buys subscriptions, and only the built-in tenant takes no money for them: "
            "start it without CONNECTOR_ANYSOFT__URL"
        )
    data_dir = settings.data_dir
    path = data_dir / "demo.toml"
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        said = "# Made by `up --demo`; remove this file to have the ordinary times.\n"
        path.write_text(said + read_scenario().settings.as_toml(), encoding="utf-8")


def starter(overrides: Overrides) -> Callable[[Settings, str], None]:
    """For `up.run`: greet, then play in a thread of its own, so that the supervisor goes on minding."""

    def begin(settings: Settings, url: str) -> None:
        up.greet(settings, url)
        Thread(target=_run, args=(load(overrides), url), name="demo", daemon=True).start()

    return begin


def _run(settings: Settings, url: str) -> None:
    try:
        engine = attach(settings)
        plan = read_scenario()
        times = plan.settings
        click.echo(
            f"Demo: settle window {times.settle_seconds} s, grace {times.grace_leaver_seconds} s, "
            f"a change of quantity {times.pending_change_seconds} s ({settings.data_dir / 'demo.toml'})."
        )
        if set(plan.first) <= set(played(engine).cycles):
            click.echo("The cycles were played at an earlier start. This is the state:\n")
            show_newest(engine)
            return
        set_up(engine, settings, plan)
        for name in plan.first:
            if name not in played(engine).cycles:
                play_cycle(engine, name, url, click.echo)
        show_report(engine, map_groups(engine, plan))
        click.echo("Next: anysoft-connector request list · demo next · explain USER")
    except (Stuck, StepFailed) as error:
        click.echo(f"The demo stopped: {error}", err=True)
    except Exception:
        get_logger(__name__).exception("the demo stopped")


def set_up(engine: Engine, settings: Settings, plan: Scenario) -> None:
    """Prices, subscriptions and directories; what is there already stays."""
    anysoft = wiring.licensing(settings, engine)
    seed_demo(engine, anysoft, plan.prices, plan.quantities, plan.billing, plan.address)
    for name, kind in plan.directories:
        with writing(engine) as connection:
            if name not in {d.name for d in directories.all_of(connection)}:
                directories.add(connection, name, kind, datetime.now(UTC))
                audit.append(
                    connection, _BY, "directory.add", f"directory:{name}", {"kind": kind}, datetime.now(UTC)
                )


def map_groups(engine: Engine, plan: Scenario) -> RunId:
    """All mappings at once, and one round over them. Raises Stuck."""
    now = datetime.now(UTC)
    with writing(engine) as connection:
        there = {(m.directory, m.group, m.product) for m in mappings.list_mappings(connection)}
        for m in plan.mappings:
            group = mappings.find_group(connection, m.directory, m.group)
            if (m.directory, group, m.product) not in there:
                mappings.add(connection, group, m.product, _BY, now, priority=m.priority)
        number = signals.ask(connection, False, _BY, now)
    return wait_for(engine, number)


def wait_for(engine: Engine, number: int) -> RunId:
    """Raises Stuck."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with reading(engine) as connection:
            over, run = signals.answered(connection, number)
        if over and run is not None:
            return RunId(run)
        time.sleep(0.1)
    raise Stuck("no worker made a round within two minutes: see its log, and `doctor`")


def show_report(engine: Engine, run: RunId | None) -> None:
    with reading(engine) as connection:
        r = runs.get(connection, run)
        actions = list(runs.actions_of(connection, r.id))
    report = report_json.revive(r.id, r.cause, r.scope, r.started_at, r.finished_at, r.report, actions)
    click.echo(as_text(report))


def show_since(engine: Engine, before: RunId, last: RunId) -> None:
    """The rounds after `before` that did something; the last in any case."""
    with reading(engine) as connection:
        found = [r for r in runs.list_runs(connection, 50) if before < r.id <= last]
    for r in reversed(found):
        done = {name for name, count in r.report.get("counts", {}).items() if count} - {"waiting", "blocked"}
        if done or r.id == last:
            show_report(engine, r.id)


def show_newest(engine: Engine) -> None:
    with writing(engine) as connection:
        number = signals.ask(connection, True, _BY, datetime.now(UTC))
    show_report(engine, wait_for(engine, number))


# ---- cycles ----


def played(engine: Engine) -> Played:
    with reading(engine) as connection:
        kept = signals.get(connection, _STATE)
    return Played() if kept is None else Played.from_json(kept)


def next_of(engine: Engine, plan: Scenario) -> str | None:
    """The next recorded cycle; None: all were played."""
    return next_cycle((*plan.first, *plan.next), played(engine))


def play_cycle(engine: Engine, name: str, url: str, say: Callable[[str], None]) -> None:
    """Over HTTP, with a token of its own that is revoked afterwards. Raises StepFailed."""
    what = recording.read(files("config").joinpath("recordings"), name)
    with writing(engine) as connection:
        token = credentials.token_create(connection, what.directory, datetime.now(UTC), timedelta(hours=1))
    say(f"Playing {name}: {what.title}")
    note = ""
    try:
        for progress in play(what, played(engine), f"{url}{PREFIX}", token.secret):
            with writing(engine) as connection:
                signals.put(connection, _STATE, progress.played.to_json(), datetime.now(UTC))
            if progress.note != note:
                note = progress.note
                say(f"  {progress.step:>3}/{progress.total}  {note}")
    finally:
        with writing(engine) as connection:
            credentials.revoke(connection, token.id, datetime.now(UTC))

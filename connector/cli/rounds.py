"""plan, sync, report, explain: what a round would do, make one now, what one did, and why."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from threading import Event

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from connector import known, rounds, shown, wiring
from connector.besides import besides
from connector.cli import pulled
from connector.cli.kinds import ID, NAME, USER, Whole
from connector.cli.out import json_option, say, show_json, show_note, show_rows
from connector.cli.shell import Failed, Shell, now, pass_shell, refusals
from connector.due import Cause
from connector.known import Known
from connector.report_html import as_html
from connector.store import explain as explaining
from connector.store import first_run, runs, signals, trouble
from connector.store.engine import reading, writing
from connector.store.leases import Heartbeat, acquire, no_fence
from connector.store.ledger import SqlLedger
from connector.store.mirror import SqlMirror
from connector.store.operators import Role
from connector.store.progress import read as read_progress
from connector.store.runs import Run
from connector.store.trouble import Trouble
from sync import explain as words
from sync import report as reports
from sync import report_json
from sync.model import ProductId, Request, RunId
from sync.plan import Catalog
from sync.ports import Fenced, Ports, Transient
from sync.reconcile import Round, Scope, rehearse
from sync.report_csv import as_csv
from sync.report_sections import summary
from sync.report_text import as_text

NEEDS_A_PERSON = 3
#: how long `sync --wait` waits for a worker
PATIENCE_SECONDS = 3600.0


@click.command()
@json_option
@pass_shell
def plan(shell: Shell, as_json: bool) -> int:
    """What a full round would do now; nothing is changed (R28)."""
    shell.actor()
    with _progress() as progress:
        ports, round, there = _rehearsed(shell, progress)
        round = replace(round, trouble=(*round.trouble, *rounds.unread(shell.engine)))
        mappings = ports.mirror.mappings()
        listed = reports.ALL if as_json else reports.LISTED
        with reading(shell.engine) as connection:
            aside = besides(connection, mappings, everyone=True, listed=listed, sold=round.sold)
        composed = reports.compose(round, ports.ledger, now(), mappings, listed)
        report = replace(composed, beside=aside)
    if as_json:
        show_json(report_json.as_json(report) | there.marks())
    else:
        show_note(there.note, as_json=False)
        _show(report, "text")
    return NEEDS_A_PERSON if report.needs_a_person or there.note else 0


def _rehearsed(shell: Shell, progress: Callable[[str, int, int], None]) -> tuple[Ports, Round, Known]:
    """With what AnySoft says now, else with what it said last. Raises Transient: it said nothing yet."""
    policy = wiring.policy(shell.settings)
    anysoft = wiring.licensing(shell.settings, shell.engine)
    there = Known((), (), wiring.clock())
    try:
        ports = wiring.dry_ports(shell.settings, shell.engine, progress, anysoft)
        return ports, rehearse(ports, Scope.EVERYONE, policy), there
    except Transient as error:
        there = known.instead(anysoft, shell.engine, error, wiring.clock())
    ports = wiring.dry_ports(shell.settings, shell.engine, progress, there.licensing())
    return ports, rehearse(ports, Scope.EVERYONE, policy), there


@click.command()
@click.option("--full", is_flag=True, help="Everyone, not only those who changed.")
@click.option("--directory", type=NAME, help="Read this directory first (with --full: all of it).")
@click.option("--wait", is_flag=True, help="Return when it is done, with its report.")
@json_option
@pass_shell
def sync(shell: Shell, full: bool, directory: str | None, wait: bool, as_json: bool) -> int:
    """Run a round now: through the running worker, or here when none runs."""
    actor = shell.actor(Role.OPERATOR)
    if directory is not None:
        with _progress() as progress:
            read = pulled.read(shell, directory, full, progress)
        say(pulled.told(read, directory), err=True)
        with reading(shell.engine) as connection:
            full = bool(first_run.whole(connection))  # everyone is looked at after a first read (R26)
    lease = acquire(shell.engine, rounds.LEASE, f"cli/{os.getpid()}/{time.monotonic_ns()}", _lease(shell))
    if lease is None:
        with writing(shell.engine) as connection:
            number = signals.ask(connection, full, actor.name, now())
        if not wait:
            click.echo("The worker was asked for a round: `report show` tells what it did.")
            return 0
        with _progress() as progress:
            run = _wait_for(shell, number, progress)
    else:
        with Heartbeat(shell.engine, lease) as heartbeat, _progress() as progress:
            ports = wiring.ports(
                shell.settings, shell.engine, heartbeat, heartbeat.lost.is_set, progress=progress
            )
            scope = Scope.EVERYONE if full else Scope.CHANGED
            try:
                run = rounds.make(
                    ports, shell.settings, shell.engine, heartbeat, Cause(actor.name, scope)
                ).run
            except Fenced as error:
                raise Failed(f"{error}; a worker has begun meanwhile: run `sync --wait` again") from None
    report = _report(shell, run, whole=as_json)
    if wait:
        _show(report, "json" if as_json else "text")
    else:
        click.echo(f"Round {run} is done: `report show {run}` tells what it did.")
    asked = report if directory is None else rounds.asked_for(report, directory)
    return NEEDS_A_PERSON if wait and asked.needs_a_person else 0


def _lease(shell: Shell) -> float:
    return shell.settings.sync.lease_seconds


def _wait_for(shell: Shell, number: int, show: Callable[[str, int, int], None]) -> RunId:
    until, asked = time.monotonic() + PATIENCE_SECONDS, now()
    pause = Event()
    while time.monotonic() < until:
        with reading(shell.engine) as connection:
            over, run = signals.answered(connection, number)
            far, wrong = read_progress(connection, asked), known.in_the_way(connection, wiring.clock())
        if over and run is not None:
            return RunId(run)
        if over:
            raise Failed(f"no round could be made: {wrong or 'see the log of the worker'}")
        if far is not None:
            show(far.what, far.done, far.of)
        pause.wait(0.2)
    raise Failed("the worker didn't answer within an hour: see `doctor` and its log")


@click.group()
def report() -> None:
    """What rounds did."""


@report.command("list")
@click.option("--limit", type=Whole(1, 10_000), default=20, show_default=True, help="How many.")
@json_option
@pass_shell
def list_(shell: Shell, limit: int, as_json: bool) -> None:
    """The newest rounds."""
    shell.actor()
    with reading(shell.engine) as connection:
        rows = [
            {
                "run": r.id,
                "cause": r.cause,
                "scope": r.scope,
                "outcome": r.outcome or "running",
                "started_at": r.started_at,
                "finished_at": r.finished_at,
                "counts": r.report.get("counts", {}) if as_json else _summary(r),
            }
            for r in runs.list_runs(connection, limit)
        ]
    columns = ("run", "outcome", "cause", "scope", "started_at", "counts")
    show_rows(rows, columns, as_json=as_json, nothing="No round has run yet: `sync` runs one.")


def _summary(run: Run) -> str:
    return summary(run.report["counts"], run.scope) if run.report else ""


@report.command()
@click.argument("run", type=ID, required=False)
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "csv", "html"]), default="text", show_default=True
)
@json_option
@pass_shell
def show(shell: Shell, run: int | None, form: str, as_json: bool) -> None:
    """One round, the newest unless RUN is given."""
    shell.actor()
    with refusals():
        whole = as_json or form != "text"
        found = _report(shell, None if run is None else RunId(run), whole=whole)
    _show(found, "json" if as_json else form)
    if run is None and form == "text" and not as_json:
        with reading(shell.engine) as connection:
            wrong, put_off = trouble.read(connection), known.waits(connection, wiring.clock())
        if wrong is not None:
            say(f"NOW: no round comes to its end {_wrong(wrong)}")
        elif put_off:
            say(f"NOW: {put_off}; the next round begins then")


def _wrong(seen: Trouble) -> str:
    again = "" if seen.again_at is None else f"; tried again at {seen.again_at:%Y-%m-%d %H:%M:%S} UTC"
    return f"since {seen.since:%Y-%m-%d %H:%M:%S} UTC: {seen.why}{again}"


def _report(shell: Shell, run: RunId | None, *, whole: bool) -> reports.Report:
    """`whole`: of the newest round everybody who waits is listed, not only the first. Raises LookupError."""
    with reading(shell.engine) as connection:
        r = runs.get(connection, run)
        newest = runs.get(connection).id == r.id
        actions = list(runs.actions_of(connection, r.id))
        far = read_progress(connection, r.started_at)
    found = report_json.revive(r.id, r.cause, r.scope, r.started_at, r.finished_at, r.report, actions)
    if r.finished_at is None:
        return replace(found, incomplete=(f"the round is under way: {far or 'it has just begun'}",))
    if whole and newest and not found.complete:
        ledger, mirror = SqlLedger(shell.engine, no_fence, {}), SqlMirror(shell.engine, no_fence, now)
        return reports.completed(found, ledger, mirror.mappings())
    return found


def _show(report: reports.Report, form: str) -> None:
    match form:
        case "json":
            show_json(report_json.as_json(report))
        case "csv":
            click.echo(as_csv(report), nl=False)
        case "html":
            click.echo(as_html(report))
        case _:
            click.echo(as_text(report), nl=False)


@click.command()
@click.argument("user", type=USER)
@json_option
@pass_shell
def explain(shell: Shell, user: str, as_json: bool) -> None:
    """Why USER (a user name or SCIM id) has each license, or hasn't."""
    shell.actor()
    there = known.recall(wiring.licensing(shell.settings, shell.engine), shell.engine, wiring.clock())
    with reading(shell.engine) as connection:
        people = explaining.find_people(connection, user)
        found = [explaining.explain(connection, person) for person in people]
        free = shown.free(there.products, there.subscriptions, connection) if there.note else {}
    if not found:
        raise Failed(f"no directory has a user {user}: check the name, or look at `directory list`")
    catalog = Catalog(there.products, frozenset())  # who needs whom: nobody asks here what was bought
    told = [_told(each, catalog, free) | there.marks() for each in found]
    show_note(_since_then(there.note), as_json=as_json)
    if as_json:
        show_json(told[0] if len(told) == 1 else told[0] | {"others": told[1:]})
        return
    for each, said in zip(found, told, strict=True):
        _tell(each, said)


def _since_then(note: str) -> str:
    return f"{note}; what the directories said since is seen to when it goes on" if note else ""


def _told(found: explaining.Explained, catalog: Catalog, free: Mapping[ProductId, int]) -> dict[str, object]:
    positions = {
        s.standing.product: (s.position.position, s.position.of)
        for s in found.stands
        if s.position is not None
    }
    standings = [s.standing for s in found.stands]
    states = words.explain(found.person, standings, positions, catalog, found.holds, found.givers, free)
    return words.as_json(found.person, states) | {
        "id": found.person.id,
        "groups": [{"directory": d, "group": g, "since": since} for d, g, since in found.groups],
        "changes": found.changes,
        "actions": [{"at": took.at, "run": took.run, **_action(took)} for took in found.actions],
        "calls": found.calls,
        "requests": [_request(asked) for asked in found.requests],
    }


def _action(took: explaining.Took) -> dict[str, object]:
    done = took.done
    return {"action": done.action, "product": done.product, "because": done.because, "outcome": done.outcome}


def _request(asked: Request) -> dict[str, object]:
    return {
        "id": asked.id,
        "product": asked.product,
        "state": asked.state,
        "opened_at": asked.opened_at,
        "decided_at": asked.decided_at,
        "decided_by": asked.decided_by,
        "target": asked.target,
        "due_at": asked.due_at,
        "submitted_at": asked.submitted_at,
        "ended_at": asked.ended_at,
        "reason": asked.reason,
    }


def _tell(found: explaining.Explained, told: dict[str, object]) -> None:
    person = found.person
    live = ", ".join(f"{r.directory} ({'active' if r.active else 'disabled'})" for r in person.records)
    show_rows([{"user": person.user_name, "directories": live or "deleted"}], ("user", "directories"),
              as_json=False, nothing="")  # fmt: skip
    for title, rows, columns in (
        (
            "Licenses",
            _timed(told["products"]),
            ("product", "state", "reason", "since", "position", "of", "next_try"),
        ),
        ("Groups", told["groups"], ("directory", "group", "since")),
        (
            "What the directory said",
            [_fields(c) for c in found.changes],
            ("at", "directory", "what", "group", "request"),
        ),
        ("What rounds did", told["actions"], ("at", "run", "action", "product", "because", "outcome")),
        (
            "What was asked of AnySoft, and done by hand",
            [_fields(c) for c in found.calls],
            ("created_at", "run", "by", "kind", "product", "status"),
        ),
        (
            "Quantity requests while waiting",
            told["requests"],
            (
                "id",
                "product",
                "state",
                "opened_at",
                "decided_by",
                "decided_at",
                "target",
                "due_at",
                "ended_at",
                "reason",
            ),
        ),
    ):
        click.echo(f"\n{title}")
        show_rows(rows, columns, as_json=False, nothing="nothing")  # type: ignore[arg-type]


def _timed(states: object) -> list[dict[str, object]]:
    """The states' times as times, so that they are shown like all others."""
    assert isinstance(states, list)
    return [
        {
            key: datetime.fromisoformat(value) if key in ("since", "next_try") and value else value
            for key, value in state.items()
        }
        for state in states
    ]


def _fields(value: object) -> dict[str, object]:
    return {name: getattr(value, name) for name in value.__slots__}  # type: ignore[attr-defined]


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """On a terminal only, and on stderr: what is printed stays clean."""
    if not sys.stderr.isatty():
        yield lambda what, done, of: None
        return
    bar = Progress(
        SpinnerColumn(), TextColumn("{task.description} {task.completed:,.0f}"), TimeElapsedColumn(),
        console=Console(stderr=True), transient=True,
    )  # fmt: skip
    with bar:
        tasks: dict[str, object] = {}

        def show(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=of or None)
            bar.update(tasks[what], completed=done)  # type: ignore[arg-type]

        yield show

"""doctor: is everything as it should be, and what is to be done?"""

import shlex
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC

import click
from sqlalchemy import Engine, select

from connector import known, rounds, wiring
from connector.cli.out import json_option, show_rows
from connector.cli.rounds import NEEDS_A_PERSON
from connector.cli.shell import Shell, now, pass_shell
from connector.opening import NotOpened
from connector.settings import BadSettings, Settings
from connector.store import (
    audit,
    breakers,
    failing,
    holds,
    notices,
    queue,
    requests,
    seen_directories,
    trouble,
    unclear,
)
from connector.store.engine import Unavailable, reading
from connector.store.failing import Cause
from connector.store.leases import database_now
from connector.store.tables import leases
from sync.model import RequestState
from sync.ports import Busy, Transient, Unauthorized
from sync.settle import OUTAGE


@dataclass(frozen=True, slots=True)
class Finding:
    check: str
    state: str  #: ok, attention (a person is needed), failed
    said: str  #: and what to do


@click.command()
@json_option
@pass_shell
def doctor(shell: Shell, as_json: bool) -> int:
    """Look at the database, AnySoft, the worker, the directories, and what waits for a person."""
    findings = list(_look(shell))
    rows = [asdict(each) for each in findings]
    show_rows(rows, ("check", "state", "said"), as_json=as_json, nothing="")
    states = {each.state for each in findings}
    return 1 if "failed" in states else NEEDS_A_PERSON if "attention" in states else 0


def _look(shell: Shell) -> Iterator[Finding]:
    settings = shell.settings
    try:
        engine = shell.engine
    except (NotOpened, Unavailable) as error:
        yield Finding("database", "failed", str(error))
        return
    yield Finding("database", "ok", f"{engine.dialect.name}, schema current")
    checks: tuple[Callable[[Settings, Engine], Finding], ...] = (
        _audit, _anysoft, _settings, _rounds, _failing, _worker, _directories, _unclear, _prompts, _holds,
        _queue, _notices,
    )  # fmt: skip
    for check in checks:
        yield check(settings, engine)


def _audit(settings: Settings, engine: Engine) -> Finding:
    with reading(engine) as connection:
        found = audit.verify(connection)
    if isinstance(found, audit.Broken):
        return Finding("audit log", "failed", f"{found.why}: `audit verify`")
    return Finding("audit log", "ok", f"{found} entries, intact")


def _anysoft(settings: Settings, engine: Engine) -> Finding:
    try:
        tenant = wiring.licensing(settings, engine).tenant()
    except (Transient, Unauthorized, BadSettings) as error:
        with reading(engine) as connection:
            put_off = known.waits(connection, wiring.clock()) if isinstance(error, Busy) else ""
        if put_off:
            return Finding("anysoft", "ok", f"{put_off}: no failure, it is waited for (R29)")
        return Finding("anysoft", "failed", str(error))
    if not tenant.administers:
        return Finding(
            "anysoft",
            "failed",
            f"the connector's account at {tenant.name} lacks the role Global Administration: "
            "no license call is made; grant it there (built-in tenant: `tenant role grant`)",
        )
    with reading(engine) as connection:
        slow = trouble.read(connection, trouble.SLOW)
    said = f"{tenant.name}, Global Administration"
    if slow is not None:
        return Finding(
            "anysoft", "attention", f"{said}; slow since {slow.since:%Y-%m-%d %H:%M:%S} UTC: {slow.why}"
        )
    return Finding("anysoft", "ok", said)


def _settings(settings: Settings, engine: Engine) -> Finding:
    """What only AnySoft can tell to be wrong: no start asks it."""
    try:
        sold = [str(p.id) for p in wiring.licensing(settings, engine).products()] if settings.sync.buy else []
    except (Transient, Unauthorized, BadSettings):
        return Finding("settings", "ok", "whether [sync.buy] names products is told when AnySoft answers")
    unknown = [f"sync.buy.{product}" for product in settings.sync.buy if product not in sold]
    if unknown:
        said = f"{', '.join(unknown)}: there is no such product: use one of {', '.join(sold)}"
        return Finding("settings", "attention", said)
    return Finding("settings", "ok", "they can be used")


def _rounds(settings: Settings, engine: Engine) -> Finding:
    with reading(engine) as connection:
        found, put_off = trouble.read(connection), known.waits(connection, wiring.clock())
    if found is None:
        return Finding(
            "rounds", "ok", f"{put_off}: they go on then" if put_off else "nothing is in their way"
        )
    again = "" if found.again_at is None else f"; tried again at {found.again_at:%Y-%m-%d %H:%M:%S} UTC"
    return Finding("rounds", "failed", f"since {found.since:%Y-%m-%d %H:%M:%S} UTC: {found.why}{again}")


def _failing(settings: Settings, engine: Engine) -> Finding:
    """Who fails, and whether changes fail while AnySoft answers whatever is asked (R29)."""
    with reading(engine) as connection:
        found = failing.causes(connection)
        changes = breakers.read(connection, breakers.CHANGES)
        since = trouble.read(connection, trouble.CHANGES)
    said = [_cause(cause) for cause in found]
    outage = any(cause.code in OUTAGE for cause in found)
    if since is not None and (outage or changes.is_open):
        said.append(
            f"no change at AnySoft has succeeded since {since.since:%Y-%m-%d %H:%M:%S} UTC: {since.why}"
        )
    if not said:
        return Finding("failing", "ok", "nobody fails")
    return Finding("failing", "failed" if outage else "attention", "; ".join(said))


def _cause(cause: Cause) -> str:
    since = "" if cause.since is None else f" since {cause.since:%Y-%m-%d %H:%M:%S} UTC"
    again = "" if cause.next_try is None else f", tried again at {cause.next_try:%Y-%m-%d %H:%M:%S} UTC"
    people = "1 person fails" if cause.people == 1 else f"{cause.people} people fail"
    return f"{people}{since} ({cause.code}){again}: `explain {shlex.quote(cause.someone)}`"


def _worker(settings: Settings, engine: Engine) -> Finding:
    with reading(engine) as connection:
        row = connection.execute(
            select(leases.c.owner, (leases.c.expires_at > database_now(connection)).label("alive")).where(
                leases.c.name == rounds.LEASE
            )
        ).first()
        full_at = rounds.last_full(connection)
    if row is None or not row.alive:
        return Finding("worker", "failed", "no worker runs: start `up` or `worker`")
    if full_at is None:
        return Finding("worker", "ok", f"{row.owner}; the first full round is still to come")
    age = now() - full_at
    late = age.total_seconds() > 3 * 60 * settings.sync.full_round_minutes
    said = f"{row.owner}; last full round {full_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return Finding("worker", "failed" if late else "ok", f"{said}: look at its log" if late else said)


def _directories(settings: Settings, engine: Engine) -> Finding:
    with reading(engine) as connection:
        found = seen_directories.seen(connection, now())
    stale = [each.name for each in found if each.state == "stale"]
    if stale:
        return Finding("directories", "attention", f"nothing heard for days: {', '.join(stale)}")
    if wrong := [f"{each.name}: {each.error}" for each in found if each.error]:
        return Finding("directories", "attention", f"{'; '.join(wrong)}: `directory check NAME`")
    return Finding("directories", "ok", f"{len(found)}")


def _unclear(settings: Settings, engine: Engine) -> Finding:
    with reading(engine) as connection:
        found = unclear.unclear(connection)
    if found:
        return Finding("people and groups", "attention", "; ".join(each.said for each in found))
    return Finding("people and groups", "ok", "no mapping without its group, no name that two claim")


def _prompts(settings: Settings, engine: Engine) -> Finding:
    with reading(engine) as connection:
        living = requests.living(connection)
    open_ones = [r for r in living if r.state in (RequestState.OPEN, RequestState.OVERDUE) or r.uncovered]
    if open_ones:
        named = ", ".join(f"request {r.id} ({r.product}, {r.state.value})" for r in open_ones)
        return Finding("prompts", "attention", f"{named}: `request show`, then approve, schedule or decline")
    return Finding("prompts", "ok", "none open")


def _holds(settings: Settings, engine: Engine) -> Finding:
    with reading(engine) as connection:
        open_ones = [f"hold {h.id}" for h in holds.list_holds(connection) if h.state == "open"]
    if open_ones:
        return Finding("holds", "attention", f"{', '.join(open_ones)}: `hold show`, then release or reject")
    return Finding("holds", "ok", "none open")


def _queue(settings: Settings, engine: Engine) -> Finding:
    with reading(engine) as connection:
        waiting = {product: count for product, count in queue.waiting(connection).items() if count}
    if waiting:
        return Finding(
            "queue", "attention", ", ".join(f"{n} wait for {p}" for p, n in sorted(waiting.items()))
        )
    return Finding("queue", "ok", "nobody waits")


def _notices(settings: Settings, engine: Engine) -> Finding:
    if not settings.notify.channel:
        return Finding("notices", "ok", "no channel: nobody is told of prompts, holds and removals (R27)")
    with reading(engine) as connection:
        failing = notices.failing(connection)
    if failing:
        why = ", ".join(sorted({n.failure for n in failing}))
        return Finding("notices", "attention", f"{len(failing)} could not be sent: {why}")
    return Finding("notices", "ok", "none waits to be sent again")

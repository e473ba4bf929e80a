"""How is one round made and written down? The seam between the worker or a command and sync.reconcile."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, exists, or_, select
from structlog.stdlib import get_logger

from connector import known, wiring
from connector.besides import Counted, besides
from connector.due import Cause
from connector.settings import Settings
from connector.store import audit, failing, first_run, pulls, requests, seats, signals, trouble
from connector.store.engine import reading, writing
from connector.store.leases import Heartbeat
from connector.store.tables import group_marks, marks, standings
from connector.store.trouble import Trouble
from sync.model import Request, RequestState, RunId
from sync.plan import Catalog
from sync.ports import Ports
from sync.reconcile import Round, Scope, run_round
from sync.report import Report, compose
from sync.report_json import stored
from sync.sold import Sold

#: the lease of whoever makes rounds
LEASE = "worker"
_LAST_FULL = "full_round"
#: how a report's line on a directory that couldn't be read begins
_OF = "directory "
#: a read that begins so long after a send shows what came of it (R20)
READABLE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Made:
    run: RunId
    trouble: tuple[str, ...] = ()  #: what was in its way
    put_off: str = ""  #: AnySoft asked to be left alone: no failure (R29)
    outage: bool = False  #: AnySoft didn't answer


def make(ports: Ports, settings: Settings, engine: Engine, heartbeat: Heartbeat, cause: Cause) -> Made:
    """A round, its report stored. Raises Fenced; Unavailable."""
    log = get_logger(__name__)
    started = ports.clock()
    with reading(engine) as connection:
        observed = first_run.whole(connection) if cause.scope is Scope.EVERYONE else ()
    counted = Counted(ports.licensing)
    ports = replace(ports, licensing=counted.licensing())
    round = run_round(ports, cause.name, cause.scope, wiring.policy(settings))
    assert round.run is not None, "only a dry run has none"
    with reading(engine) as connection:
        before, slow = trouble.read(connection), trouble.read(connection, trouble.SLOW)
    whole = not round.trouble and not round.put_off
    told = replace(
        round,
        trouble=(*_since(round.trouble, before, started), *unread(engine)),
        sold=round.sold or _last_sold(settings, engine, started),
    )
    mappings = ports.mirror.mappings()
    with reading(engine) as connection:
        everyone = cause.scope is Scope.EVERYONE
        aside = besides(connection, mappings, everyone=everyone, calls=counted.calls, sold=round.sold)
    composed = compose(told, ports.ledger, ports.clock(), mappings)
    notes = (*_notes(round, before, slow), *_changes(engine, composed))
    said = stored(replace(composed, notes=notes, beside=aside))
    outcome = "failed" if round.trouble else "done" if whole else "put off"
    ports.ledger.finish(round.run, said, outcome, ports.clock())
    if cause.scope is Scope.EVERYONE:
        with writing(engine) as connection:
            heartbeat.lease.check_in(connection)
            signals.put(connection, _LAST_FULL, started.isoformat(), started)
            if whole:
                first_run.end(connection, observed)
    with writing(engine) as connection:
        heartbeat.lease.check_in(connection)
        seats.note(connection, composed.seats if round.sold else (), started)
        failing.note(connection, {f.code for f in ports.ledger.failing()}, started)
    if round.trouble:
        with writing(engine) as connection:
            heartbeat.lease.check_in(connection)
            trouble.note(connection, round.trouble[0], None, started, outage=round.outage)
    if before is not None and whole:
        with writing(engine) as connection:
            heartbeat.lease.check_in(connection)
            trouble.over(connection)
            audit.append(
                connection, "sync", "rounds.resumed", "", {"since": before.since.isoformat()}, started
            )
    log.info("round", run=round.run, cause=cause.name, scope=cause.scope.value, trouble=round.trouble)
    return Made(round.run, round.trouble, round.put_off, round.outage)


def _last_sold(settings: Settings, engine: Engine, now: datetime) -> Sold | None:
    """For the report of a round that couldn't ask: who waits for AnySoft then, and who for a seat."""
    there = known.recall(wiring.licensing(settings, engine), engine, now)
    bought = {s.product: s for s in there.subscriptions}
    return Sold(Catalog(there.products, frozenset(bought)), bought) if bought else None


def _since(why: tuple[str, ...], before: Trouble | None, started: datetime) -> tuple[str, ...]:
    if not why:
        return ()
    since = started if before is None else before.since
    return (*why, f"no round came to its end since {since:%Y-%m-%d %H:%M:%S} UTC")


def _notes(round: Round, before: Trouble | None, slow: Trouble | None) -> Iterator[str]:
    if round.put_off:
        yield f"{round.put_off}: the rest is done then"
    elif before is not None and not round.trouble:
        yield (
            f"AnySoft is back: from {before.since:%Y-%m-%d %H:%M:%S} to "
            f"{round.started_at:%Y-%m-%d %H:%M:%S} UTC no round came to its end ({before.why})"
        )
    if slow is not None:
        yield f"AnySoft is slow since {slow.since:%Y-%m-%d %H:%M:%S} UTC: {slow.why}"


def _changes(engine: Engine, report: Report) -> Iterator[str]:
    """Why those fail whom AnySoft didn't answer: a report that names them without it helps nobody."""
    with reading(engine) as connection:
        seen = trouble.read(connection, trouble.CHANGES)
    if seen is not None and report.counts.get("failed"):
        yield f"no change at AnySoft has succeeded since {seen.since:%Y-%m-%d %H:%M:%S} UTC: {seen.why}"


def unread(engine: Engine) -> tuple[str, ...]:
    """Why the mirror of a directory that is read may lack something (R23)."""
    with reading(engine) as connection:
        found = pulls.all_of(connection)
    return tuple(f"{_OF}{name}: {seen.error}" for name, seen in sorted(found.items()) if seen.error)


def asked_for(report: Report, directory: str) -> Report:
    """Without what couldn't be read of other directories, for whoever asked for this one."""
    here = f"{_OF}{directory}: "
    told = (why for why in report.incomplete if why.startswith(here) or not why.startswith(_OF))
    return replace(report, incomplete=tuple(told))


def people_are_due(connection: Connection, now: datetime) -> bool:
    """Somebody changed, or a moment of somebody's has come: a removal, an announcement, another try."""
    waits = exists(select(standings.c.product).where(standings.c.look_at <= now))
    asks = select(or_(exists(select(marks.c.person_pk)), exists(select(group_marks.c.group_pk)), waits))
    return bool(connection.scalar(asks))


def requests_are_due(connection: Connection, now: datetime) -> bool:
    """One is to be sent, its answer was lost and can be read by now (R20), or its hour is over (L9)."""
    return any(_is_due(request, now) for request in requests.living(connection))


def _is_due(request: Request, now: datetime) -> bool:
    match request.state:
        case RequestState.APPROVED:
            return True
        case RequestState.SCHEDULED:
            return request.due_at is not None and request.due_at <= now
        case RequestState.SUBMITTED:
            return request.submitted_at is None or request.submitted_at + READABLE <= now
        case RequestState.PENDING:
            return request.effective_by is not None and request.effective_by <= now
        case _:
            return False


def last_full(connection: Connection) -> datetime | None:
    """When the last full round began."""
    value = signals.get(connection, _LAST_FULL)
    return None if value is None else datetime.fromisoformat(value)

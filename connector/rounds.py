"""How is one round made and written down? The seam between the worker or a command and sync.reconcile."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine
from structlog.stdlib import get_logger
from sync.report import report

from connector import wiring
from connector.due import Cause
from connector.settings import Settings
from connector.store import signals
from connector.store.engine import writing
from connector.store.leases import Heartbeat
from sync.model import RunId
from sync.ports import Ports
from sync.reconcile import Scope, run_round

#: the lease of whoever makes rounds
LEASE = "worker"
_LAST_FULL = "full_round"


@dataclass(frozen=True, slots=True)
class Made:
    run: RunId
    whole: bool  #: nothing was in its way


def make(ports: Ports, settings: Settings, engine: Engine, heartbeat: Heartbeat, cause: Cause) -> Made:
    """A round, its report stored. Raises Fenced; Unavailable."""
    log = get_logger(__name__)
    started = ports.clock()
    round = run_round(ports, cause.name, cause.scope, wiring.policy(settings))
    assert round.run is not None, "only a dry run has none"
    said = report(round, ports.ledger, ports.clock())
    ports.ledger.finish(round.run, said, "failed" if round.trouble else "done", ports.clock())
    if cause.scope is Scope.EVERYONE:
        with writing(engine) as connection:
            heartbeat.lease.check_in(connection)
            signals.put(connection, _LAST_FULL, started.isoformat(), started)
    log.info("round", run=round.run, cause=cause.name, scope=cause.scope.value, trouble=round.trouble)
    return Made(round.run, not round.trouble)


def last_full(connection: Connection) -> datetime | None:
    """When the last full round began."""
    value = signals.get(connection, _LAST_FULL)
    return None if value is None else datetime.fromisoformat(value)

"""Which rounds were there, and what did each do? Runs and their actions; the newest first."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from connector.points import reach
from connector.store.rows import canonical
from connector.store.tables import actions, runs
from sync.model import PersonId, ProductId, RunId
from sync.plan import Done


@dataclass(frozen=True, slots=True)
class Run:
    id: RunId
    cause: str
    scope: str
    started_at: datetime
    finished_at: datetime | None
    outcome: str  #: "" while it runs; done, failed, broken
    report: dict[str, Any]  #: as sync.report made it


def begin(connection: Connection, cause: str, scope: str, now: datetime) -> tuple[RunId, list[RunId]]:
    """The new run, and the earlier ones that never finished: they are broken now."""
    broken = connection.scalars(
        update(runs)
        .where(runs.c.finished_at.is_(None))
        .values(finished_at=now, outcome="broken")
        .returning(runs.c.pk)
    ).all()
    new = insert(runs).values(cause=cause, scope=scope, started_at=now).returning(runs.c.pk)
    return RunId(connection.scalars(new).one()), [RunId(pk) for pk in broken]


def finish(
    connection: Connection, run: RunId, report: dict[str, object], outcome: str, now: datetime
) -> None:
    values = {"finished_at": now, "outcome": outcome, "report": canonical(report)}
    connection.execute(update(runs).where(runs.c.pk == run).values(values))
    reach("report half written")


def list_runs(connection: Connection, limit: int = 50, before: RunId | None = None) -> list[Run]:
    """Newest first; `before`: the next page."""
    query = select(runs).order_by(runs.c.pk.desc()).limit(limit)
    if before is not None:
        query = query.where(runs.c.pk < before)
    return [_of_row(row) for row in connection.execute(query)]


def get(connection: Connection, id: RunId | None = None) -> Run:
    """The newest without an id. Raises LookupError."""
    query = select(runs).order_by(runs.c.pk.desc()).limit(1)
    row = connection.execute(query if id is None else query.where(runs.c.pk == id)).first()
    if row is None:
        raise LookupError(
            "no round has run yet: `sync` runs one" if id is None else f"no run {id}: see `report list`"
        )
    return _of_row(row)


def actions_of(connection: Connection, run: RunId) -> Iterator[Done]:
    """In the order of the plan; streamed."""
    query = select(actions).where(actions.c.run_pk == run).order_by(actions.c.seq)
    with connection.execute(query.execution_options(yield_per=1000)) as rows:
        for row in rows:
            yield done_of(row)


def done_of(row: Row[Any]) -> Done:
    """From a row of `actions`."""
    person = None if row.person_pk is None else PersonId(row.person_pk)
    return Done(row.action, person, row.user_name, ProductId(row.product), row.because, row.outcome)


def _of_row(row: Row[Any]) -> Run:
    report = json.loads(row.report)
    return Run(RunId(row.pk), row.cause, row.scope, row.started_at, row.finished_at, row.outcome, report)

"""How is a report stored with its run, revived, and given to scripts?

It is stored as JSON without its actions, which have a table of their own, and revived from both.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from sync import beside
from sync.plan import Done
from sync.report import (
    Blocked,
    Failed,
    Held,
    Over,
    Prompt,
    Report,
    Seats,
    Short,
    Waits,
)


def as_json(report: Report) -> dict[str, object]:
    """The shape of `plan --json` and `report show --json`."""
    actions = [
        {
            "action": a.action,
            "user": a.user_name,
            "product": a.product,
            "because": a.because,
            "outcome": a.outcome,
        }
        for a in report.actions
    ]
    head = {
        "run": report.run,
        "cause": report.cause,
        "scope": report.scope,
        "started_at": moment(report.started_at),
        "finished_at": None if report.finished_at is None else moment(report.finished_at),
    }
    ended = report.finished_at
    took = {"seconds": None if ended is None else (ended - report.started_at).total_seconds()}
    return {**head, **took, **stored(report), "complete": report.complete, "actions": actions}


def stored(report: Report) -> dict[str, object]:
    """What is kept with the run, beside its own columns and its actions."""
    return {
        "counts": dict(report.counts),
        "waiting": [{**asdict(w), "since": moment(w.since)} for w in report.waiting],
        "blocked": [asdict(row) for row in report.blocked],
        "held": [asdict(row) for row in report.held],
        "failed": [
            {**asdict(f), "next_try": None if f.next_try is None else moment(f.next_try)}
            for f in report.failed
        ],
        "shortages": [asdict(row) for row in report.shortages],
        "requests": [asdict(row) for row in report.requests],
        "incomplete": list(report.incomplete),
        "over_allocated": [asdict(row) for row in report.over_allocated],
        "notes": list(report.notes),
        "seats": [asdict(row) for row in report.seats],
        **beside.as_json(report.beside),
    }


def revive(
    run: int,
    cause: str,
    scope: str,
    started_at: datetime,
    finished_at: datetime | None,
    kept: Mapping[str, Any],
    actions: Iterable[Done],
) -> Report:
    """Of what was stored; {} is a run that broke off before its report."""
    blank = Report(run, cause, scope, started_at, finished_at, kept.get("counts", {}), tuple(actions))
    if not kept:
        return replace(blank, incomplete=("the round broke off before its report: the next one heals it",))
    return replace(
        blank,
        waiting=tuple(
            Waits(**{**row, "since": datetime.fromisoformat(row["since"])}) for row in kept["waiting"]
        ),
        blocked=tuple(Blocked(**row) for row in kept["blocked"]),
        held=tuple(Held(**row) for row in kept["held"]),
        failed=tuple(_failed(row) for row in kept["failed"]),
        shortages=tuple(Short(**row) for row in kept["shortages"]),
        requests=tuple(Prompt(**row) for row in kept["requests"]),
        incomplete=tuple(kept["incomplete"]),
        over_allocated=tuple(Over(**row) for row in kept.get("over_allocated", ())),
        notes=tuple(kept.get("notes", ())),
        seats=tuple(Seats(**row) for row in kept.get("seats", ())),
        beside=beside.revive(kept),
    )


def _failed(row: Mapping[str, Any]) -> Failed:
    again = row.get("next_try")
    return Failed(**{**row, "next_try": None if again is None else datetime.fromisoformat(again)})


def moment(at: datetime) -> str:
    """RFC 3339 in UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")

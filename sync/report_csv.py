"""What does a report say to a spreadsheet? All that its text says, in rows to be filtered by `section`."""

import csv
from collections.abc import Iterator
from datetime import datetime
from io import StringIO

from sync.printable import printable
from sync.report import Report
from sync.report_json import moment
from sync.report_sections import NO_CHANNEL, removed_at_once

#: these are kept; further ones may come after them
_COLUMNS = (
    "section", "user", "product", "action", "because", "outcome", "position", "of", "since", "at", "id",
    "directory", "group", "count", "quantity", "assigned", "free", "waiting", "pending", "need", "proposed",
)  # fmt: skip


def as_csv(report: Report) -> str:
    """One row an action, a waiter, a blocked one …; RFC 4180, safe to open in a spreadsheet."""
    out = StringIO()
    writer = csv.DictWriter(out, _COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: cell(value) for name, value in row.items()} for row in _rows(report))
    return out.getvalue()


def cell(value: object) -> object:
    """As all other forms show it; a text that a spreadsheet would take for a formula is made a text."""
    if not isinstance(value, str):
        return value
    shown = printable(value)
    return f"'{shown}" if shown.startswith(("=", "+", "-", "@")) else shown


def _rows(report: Report) -> Iterator[dict[str, object]]:
    yield from _head(report)
    yield from _people(report)
    yield from _products(report)
    yield from _beside(report)


def _head(report: Report) -> Iterator[dict[str, object]]:
    """The round, what is to be known of it first, and its counts: of the longest lists not everybody may be
    listed."""
    listed = "everybody is listed" if report.complete else "not everybody is listed"
    yield _row(
        "round", id=report.run, action=report.scope, because=report.cause, outcome=listed,
        since=moment(report.started_at), at=_moment(report.finished_at),
    )  # fmt: skip
    for why in report.incomplete:
        yield _row("incomplete", because=why)
    for note in report.notes:
        yield _row("note", because=note)
    if untold := report.counts.get("untold", 0):
        at_once = removed_at_once(report)
        for count, outcome in ((at_once, "done"), (untold - at_once, "to come")):
            if count:
                yield _row("untold", because=NO_CHANNEL, outcome=outcome, count=count)
    beside = report.beside
    more = {
        "held_back": beside.held_back_count, "by_hand": beside.by_hand_count, "skipped": beside.skipped_count,
    }  # fmt: skip
    for name, count in (*report.counts.items(), *more.items()):
        yield _row("count", action=name, count=count)


def _people(report: Report) -> Iterator[dict[str, object]]:
    for a in report.actions:
        yield _row("action", a.user_name, a.product, action=a.action, because=a.because, outcome=a.outcome)
    for w in report.waiting:
        place = {"position": w.position, "of": w.of, "since": moment(w.since)}
        yield _row("waiting", w.user, w.product, because=w.because, **place)
    for b in report.blocked:
        yield _row("blocked", b.user, b.product, outcome=b.code, because=b.detail)
    for h in report.held:
        yield _row("held", h.user, h.product, outcome=h.reason, because=h.group, group=h.group)
    for f in report.failed:
        yield _row("failed", f.user, f.product, action=f.action, outcome=f.code, at=_moment(f.next_try))


def _products(report: Report) -> Iterator[dict[str, object]]:
    for s in report.seats:
        free = "" if s.metered else max(0, s.quantity - s.assigned)
        yield _row(
            "seats", "", s.product, because="never runs out" if s.metered else "", quantity=s.quantity,
            assigned=s.assigned, free=free, waiting=s.waiting, pending=s.pending,
        )  # fmt: skip
    for short in report.shortages:
        yield _row("short", "", short.product, waiting=short.waiting, free=short.free, need=short.need)
    for o in report.over_allocated:
        said = f"{o.assigned} have it, {o.quantity} are bought"
        yield _row("over_allocated", "", o.product, because=said, quantity=o.quantity, assigned=o.assigned)
    for r in report.requests:
        yield _row(
            "request", "", r.product, because=f"{r.quantity} to {r.proposed}", outcome=r.state, id=r.id,
            quantity=r.quantity, waiting=r.waiting, proposed=r.proposed,
        )  # fmt: skip


def _beside(report: Report) -> Iterator[dict[str, object]]:
    beside = report.beside
    for out in beside.left_out:
        said = f"{out.people} of groups inside {out.group}"
        where = {"directory": out.directory, "group": out.group}
        yield _row("left_out", "", out.product, because=said, count=out.people, **where)
    for same in beside.namesakes:
        said = f"{same.directory}: {same.group}, {same.id}"
        where = {"directory": same.directory, "group": same.group}
        yield _row("namesake", because=said, of=same.mapping, id=same.id, **where)
    for back in beside.held_back:
        yield _row("held_back", back.user, back.product, because=back.because)
    for hand in beside.by_hand:
        yield _row("by_hand", hand.user, hand.product, because="given by hand, disabled")
    for s in beside.skipped:
        said = f"{s.directory}: {s.subject}"
        where = {"directory": s.directory, "at": s.last_at}
        yield _row("skipped", because=said, outcome=s.code, of=s.count, count=s.count, **where)
    for name, times in beside.calls.items():
        yield _row("call", action=name, count=times)


def _row(section: str, user: str = "", product: str = "", **cells: object) -> dict[str, object]:
    return {"section": section, "user": user, "product": product, **cells}


def _moment(at: datetime | None) -> str:
    return "" if at is None else moment(at)

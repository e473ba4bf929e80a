"""How does a report read: as text for people, as CSV for spreadsheets?"""

import csv
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from io import StringIO

from sync.plan import Verb
from sync.report import Report
from sync.report_json import moment

_HEADINGS = {
    Verb.ASSIGN: "Assigned",
    Verb.CONFIRM: "Confirmed",
    Verb.REMOVE: "Removed",
    Verb.ANNOUNCE: "Told that they will lose it",
    Verb.ACCOUNT: "Accounts",
    Verb.QUANTITY: "Quantities",
}
_COLUMNS = ("section", "user", "product", "action", "because", "outcome", "position", "of", "since")


def as_text(report: Report) -> str:
    """Plain text of any width; what a stranger wrote can't move the cursor or forge a line."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield _title(report)
    yield from (f"INCOMPLETE: {printable(why)}" for why in report.incomplete)
    yield from (f"NOTE: {printable(note)}" for note in report.notes)
    if untold := report.counts.get("untold", 0):
        yield f"NOBODY WAS TOLD of {untold} removals to come: no mail and no webhook is configured"
    for over in report.over_allocated:
        yield (
            f"OVER-ALLOCATED: {over.assigned} have {printable(over.product)}, {over.quantity} are bought: "
            "nobody gets it, nobody loses it; raise the quantity or free licenses"
        )
    for verb, heading in _HEADINGS.items():
        those = [a for a in report.actions if a.action == verb]
        heading = f"To be done: {verb}" if report.run is None else heading
        yield from _section(heading, [(a.user_name, a.product, a.because, a.outcome) for a in those])
    yield from _section(
        f"Waiting for a seat, {len(report.waiting)} of {report.counts.get('waiting', 0)} shown",
        [
            (f"{w.position} of {w.of}", w.user, w.product, w.because, f"since {_minute(w.since)}")
            for w in report.waiting
        ],
    )
    yield from _section(
        "Short of seats",
        [(s.product, f"{s.waiting} wait, {s.free} free, {s.need} missing") for s in report.shortages],
    )
    yield from _section(
        "Quantity requests",
        [
            (
                f"request {p.id}",
                p.product,
                f"{p.quantity} to {p.proposed}",
                f"{p.state}: `request show {p.id}`",
            )
            for p in report.requests
        ],
    )
    yield from _section("Blocked", [(b.user, b.product, b.code, b.detail) for b in report.blocked])
    yield from _section(
        "Removals held until a person decides: `hold list`",
        [(h.user, h.product, h.reason, h.group) for h in report.held],
    )
    yield from _section("Failed, tried again", [(f.user, f.product, f.action, f.code) for f in report.failed])


def _title(report: Report) -> str:
    what = "Dry run, nothing was changed" if report.run is None else f"Round {report.run}"
    when = _minute(report.started_at)
    said = [f"{count} {name}" for name, count in report.counts.items() if count]
    return f"{what} ({report.cause}, {report.scope}), {when}: {', '.join(said) or 'nothing to do'}"


def _section(heading: str, rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    if not rows:
        return
    yield ""
    yield f"{heading} ({len(rows)})"
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(len(row[n]) for row in cells) for n in range(len(cells[0]))]
    for row in cells:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _minute(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def printable(text: str) -> str:
    """Without control and direction characters, which could rewrite what a terminal shows (T27)."""
    return "".join(c if c.isprintable() else "�" for c in text)


def as_csv(report: Report) -> str:
    """One row an action, a waiter, a blocked one …; RFC 4180, safe to open in a spreadsheet."""
    out = StringIO()
    writer = csv.DictWriter(out, _COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in _rows(report))
    return out.getvalue()


def _rows(report: Report) -> Iterator[dict[str, object]]:
    for a in report.actions:
        yield _row("action", a.user_name, a.product, action=a.action, because=a.because, outcome=a.outcome)
    for w in report.waiting:
        place = {"position": w.position, "of": w.of, "since": moment(w.since)}
        yield _row("waiting", w.user, w.product, because=w.because, **place)
    for b in report.blocked:
        yield _row("blocked", b.user, b.product, outcome=b.code, because=b.detail)
    for h in report.held:
        yield _row("held", h.user, h.product, outcome=h.reason, because=h.group)
    for f in report.failed:
        yield _row("failed", f.user, f.product, action=f.action, outcome=f.code)
    for why in report.incomplete:
        yield _row("incomplete", "", "", because=why)
    for o in report.over_allocated:
        yield _row("over_allocated", "", o.product, because=f"{o.assigned} have it, {o.quantity} are bought")


def _row(section: str, user: str, product: str, **cells: object) -> dict[str, object]:
    return {"section": section, "user": user, "product": product, **cells}


def _cell(value: object) -> object:
    """A text that a spreadsheet would take for a formula is made a text."""
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{value}"
    return value

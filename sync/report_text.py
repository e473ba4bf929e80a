"""How does a report read: as text for people, as CSV for spreadsheets?"""

import csv
from collections.abc import Iterator
from io import StringIO

from sync.printable import printable
from sync.report import Report
from sync.report_json import moment
from sync.report_sections import Section, alarms, sections, title

_COLUMNS = ("section", "user", "product", "action", "because", "outcome", "position", "of", "since")


def as_text(report: Report) -> str:
    """Plain text of any width; what a stranger wrote can't move the cursor or forge a line."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield title(report)
    yield from map(printable, alarms(report))
    for section in sections(report):
        yield from _section(section)
    if not report.complete:
        newest = f"`report show {report.run} --format csv` while it is the newest round, "
        where = "`plan --json`" if report.run is None else f"{newest}`queue list PRODUCT`, `hold list`"
        yield from ("", f"Not everybody is listed here. All of them: {where}")


def _section(section: Section) -> Iterator[str]:
    shown = len(section.rows)
    some = section.of is not None and section.of > shown
    yield ""
    yield f"{section.heading} ({f'{shown} of {section.of}' if some else shown})"
    if section.means:
        yield f"  [{section.means}]"
    cells = [[printable(cell) for cell in row] for row in section.rows]
    widths = [max(len(row[n]) for row in cells) for n in range(len(cells[0]))]
    for row in cells:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def as_csv(report: Report) -> str:
    """One row an action, a waiter, a blocked one …; RFC 4180, safe to open in a spreadsheet."""
    out = StringIO()
    writer = csv.DictWriter(out, _COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: cell(value) for name, value in row.items()} for row in _rows(report))
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
    for r in report.requests:
        yield _row("request", "", r.product, because=f"{r.quantity} to {r.proposed}", outcome=r.state)
    for out in report.beside.left_out:
        yield _row("left_out", "", out.product, because=f"{out.people} of groups inside {out.group}")
    for same in report.beside.namesakes:
        yield _row("namesake", "", "", because=f"{same.directory}: {same.group}, {same.id}", of=same.mapping)
    for back in report.beside.held_back:
        yield _row("held_back", back.user, back.product, because=back.because)
    for hand in report.beside.by_hand:
        yield _row("by_hand", hand.user, hand.product, because="given by hand, disabled")
    for s in report.beside.skipped:
        yield _row("skipped", "", "", because=f"{s.directory}: {s.subject}", outcome=s.code, of=s.count)


def _row(section: str, user: str, product: str, **cells: object) -> dict[str, object]:
    return {"section": section, "user": user, "product": product, **cells}


def cell(value: object) -> object:
    """As all other forms show it; a text that a spreadsheet would take for a formula is made a text."""
    if not isinstance(value, str):
        return value
    shown = printable(value)
    return f"'{shown}" if shown.startswith(("=", "+", "-", "@")) else shown

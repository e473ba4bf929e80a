"""How does a report read as plain text?"""

from collections.abc import Iterator

from sync.printable import printable
from sync.report import Report
from sync.report_sections import Section, alarms, sections, title


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

"""How does a report look as a page of its own, for mail and archives? No script, no address, one style."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from sync.printable import printable
from sync.report import Report
from sync.report_sections import alarms, sections, title

_STYLE = (
    "body{font-family:system-ui,sans-serif;margin:2rem;color:#1b2b34;line-height:1.4}h2{font-size:1.1rem}"
    "table{border-collapse:collapse;margin:0 0 1.5rem}.means{color:#51626d;margin:.2rem 0}"
    ".alarm{border-left:4px solid #b3541e;padding:.2rem .8rem;background:#fdf3ec}"
    "th,td{border-bottom:1px solid #d5dde2;padding:.3rem .8rem;text-align:left;vertical-align:top}"
    "svg{background:#f6f8f9;margin:0 0 1.5rem}"
)


def as_html(report: Report) -> str:
    return page("Dry run" if report.run is None else f"Round {report.run}", _lines(report))


def page(name: str, lines: Iterable[str]) -> str:
    """`lines` are HTML already."""
    head = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{text(name)}</title>'
    return "\n".join([head, f"<style>{_STYLE}</style></head><body>", *lines, "</body></html>"]) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield f"<h1>{text(title(report))}</h1>"
    yield from (f'<p class="alarm">{text(alarm)}</p>' for alarm in alarms(report))
    for section in sections(report):
        shown = len(section.rows)
        some = section.of is not None and section.of > shown
        yield f"<h2>{text(section.heading)} ({f'{shown} of {section.of}' if some else shown})</h2>"
        if section.means:
            yield f'<p class="means">{text(section.means)}</p>'
        yield from table(section.columns, section.rows)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    heads = "".join(f'<th scope="col">{text(column.capitalize())}</th>' for column in columns)
    yield f"<table><thead><tr>{heads}</tr></thead><tbody>"
    for row in rows:
        yield "<tr>" + "".join(f"<td>{text(str(cell))}</td>" for cell in row) + "</tr>"
    yield "</tbody></table>"


def text(said: str) -> str:
    return escape(printable(said))

"""How does a report look as a page of its own, for mail and archives? No script, no address, one style."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from sync.report import Report
from sync.report_json import as_json

_SECTIONS = ("actions", "waiting", "shortages", "requests", "blocked", "held", "failed")
_STYLE = (
    "body{font-family:system-ui,sans-serif;margin:2rem;color:#1b2b34}h2{font-size:1.1rem}"
    "table{border-collapse:collapse;margin:0 0 1.5rem}"
    "th,td{border-bottom:1px solid #d5dde2;padding:.3rem .8rem;text-align:left;vertical-align:top}"
)


def as_html(report: Report) -> str:
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    title = "Dry run" if report.run is None else f"Round {report.run}"
    said = as_json(report)
    yield f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
    yield f"<style>{_STYLE}</style></head><body><h1>{title}</h1>"
    yield f"<p>{escape(report.cause)}, {escape(report.scope)}, {escape(str(said['started_at']))}</p>"
    counts = ", ".join(f"{count} {escape(name)}" for name, count in report.counts.items() if count)
    yield f"<p>{counts or 'nothing to do'}</p>"
    yield from (f"<p><strong>Incomplete:</strong> {escape(why)}</p>" for why in report.incomplete)
    yield from (f"<p><strong>Note:</strong> {escape(note)}</p>" for note in report.notes)
    for name in _SECTIONS:
        rows = said[name]
        if isinstance(rows, list) and rows:
            yield from _table(name, rows)
    yield "</body></html>"


def _table(name: str, rows: Sequence[Mapping[str, object]]) -> Iterator[str]:
    yield f"<h2>{escape(name.capitalize())}</h2><table><thead><tr>"
    yield "".join(f"<th>{escape(key)}</th>" for key in rows[0]) + "</tr></thead><tbody>"
    for row in rows:
        cells = ("" if value is None else escape(str(value)) for value in row.values())
        yield "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
    yield "</tbody></table>"

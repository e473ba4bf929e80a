"""report seats: how the seats went, and which groups use them."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import datetime, timedelta
from io import StringIO
from itertools import groupby

import click

from connector.cli.kinds import Whole
from connector.cli.out import json_option, plain, show_json, show_rows
from connector.cli.shell import Shell, now, pass_shell
from connector.report_html import page, table, text
from connector.store import mappings
from connector.store import seats as stored
from connector.store.engine import reading
from connector.store.seats import GroupUse, Level
from sync.report_csv import cell

_GROUPS = tuple(field.name for field in fields(GroupUse))
_LEVELS = tuple(field.name for field in fields(Level))
#: of a product's picture, in pixels
WIDE, HIGH = 640, 160


@dataclass(frozen=True, slots=True)
class Use:
    groups: Sequence[GroupUse]
    history: Sequence[Level]
    since: datetime
    until: datetime


@click.command()
@click.option("--days", type=Whole(1, 3660), default=30, show_default=True, help="How far back.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "csv", "html"]), default="text", show_default=True
)
@json_option
@pass_shell
def seats(shell: Shell, days: int, form: str, as_json: bool) -> None:
    """Seats over time, and by group: who uses them."""
    shell.actor()
    until = now()
    since = until - timedelta(days=days)
    with reading(shell.engine) as connection:
        groups = stored.by_group(connection, mappings.list_mappings(connection))
        use = Use(groups, stored.history(connection, since), since, until)
    match "json" if as_json else form:
        case "json":
            show_json({"since": since, "groups": use.groups, "history": use.history})
        case "csv":
            click.echo(as_csv(use), nl=False)
        case "html":
            click.echo(page("Seats", as_html(use)), nl=False)
        case _:
            show_rows([_row(each, _GROUPS) for each in groups], _GROUPS, as_json=False,
                      nothing="No group is mapped: `mapping add` maps one.")  # fmt: skip
            click.echo()
            show_rows([_row(each, _LEVELS) for each in use.history], _LEVELS, as_json=False,
                      nothing="No round has ended in this time.")  # fmt: skip


def _row(value: GroupUse | Level, names: Sequence[str]) -> dict[str, object]:
    return {name: getattr(value, name) for name in names}


def as_csv(use: Use) -> str:
    """A row a group now, then one for each time at which a product's seats changed."""
    out = StringIO()
    columns = ("section", *dict.fromkeys((*_GROUPS, *_LEVELS)))
    writer = csv.DictWriter(out, columns, restval="", lineterminator="\r\n")
    writer.writeheader()
    for section, values, names in (("group", use.groups, _GROUPS), ("history", use.history, _LEVELS)):
        for value in values:
            row = {name: cell(plain(getattr(value, name))) for name in names}
            writer.writerow({"section": section, **row})
    return out.getvalue()


def as_html(use: Use) -> Iterator[str]:
    yield f"<h1>Seats, {use.since:%Y-%m-%d} to {use.until:%Y-%m-%d}</h1><h2>By group, now</h2>"
    yield from table(_GROUPS, [astuple(each) for each in use.groups])
    for product, levels in groupby(use.history, key=lambda level: level.product):
        those = list(levels)
        yield f"<h2>{text(product)}</h2>"
        yield from _picture(those, use)
        yield from table(_LEVELS[1:], [(plain(each.at), *astuple(each)[2:]) for each in those])


def _picture(levels: Sequence[Level], use: Use) -> Iterator[str]:
    """Bought as a line, assigned as an area, waiting above it."""
    most = max(1, *(max(level.quantity, level.assigned + level.waiting) for level in levels))
    span = max(1.0, (use.until - use.since).total_seconds())

    def steps(heights: Sequence[int]) -> str:
        at = [max(0.0, (level.at - use.since).total_seconds()) / span * WIDE for level in levels]
        ends = [*at[1:], float(WIDE)]
        high = [HIGH - height / most * (HIGH - 10) for height in heights]
        return " ".join(f"{a:.1f},{y:.1f} {b:.1f},{y:.1f}" for a, b, y in zip(at, ends, high, strict=True))

    begin = max(0.0, (levels[0].at - use.since).total_seconds()) / span * WIDE
    yield f'<svg viewBox="0 0 {WIDE} {HIGH}" width="{WIDE}" height="{HIGH}" role="img">'
    yield f"<title>at most {most}: bought, assigned, waiting</title>"
    for heights, color in (
        ([level.assigned + level.waiting for level in levels], "#e9b44c"),
        ([level.assigned for level in levels], "#3f7d9c"),
    ):
        yield f'<polygon fill="{color}" points="{begin:.1f},{HIGH} {steps(heights)} {WIDE},{HIGH}"/>'
    bought = steps([level.quantity for level in levels])
    yield f'<polyline fill="none" stroke="#1b2b34" stroke-width="2" points="{bought}"/></svg>'
    yield '<p class="means">line: bought; blue: assigned; yellow: waiting</p>'

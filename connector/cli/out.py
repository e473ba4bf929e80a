"""How is an answer shown? JSON, a table on a terminal, or plain columns in a pipe."""

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import click
import orjson
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sync.printable import printable

Row = Mapping[str, Any]

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def show_json(value: object) -> None:
    said = orjson.dumps(plain(value), option=orjson.OPT_INDENT_2).decode()
    click.echo(_NOT_ASCII.sub(_json_letter, said))


_NOT_ASCII = re.compile(r"[^\n -~]")


def _json_letter(found: re.Match[str]) -> str:
    """JSON may have it in a string as it is, but a terminal may obey it (T27)."""
    if found[0].isprintable():
        return found[0]
    units = found[0].encode("utf-16-be").hex()
    return "".join(f"\\u{units[n : n + 4]}" for n in range(0, len(units), 4))


def say(line: str, *, err: bool = False) -> None:
    """One line in which a stranger's words may stand."""
    click.echo(printable(line), err=err)


def complain(message: str) -> None:
    """On stderr; each of its lines is one."""
    for line in message.split("\n"):
        say(line, err=True)


def plain(value: Any) -> Any:
    """As JSON has it: times RFC 3339 in UTC, amounts as strings, dataclasses as objects."""
    match value:
        case Enum():
            return plain(value.value)
        case None | bool() | int() | float() | str():
            return value
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case Decimal():
            return f"{value:f}"
        case Mapping():
            return {str(key): plain(part) for key, part in value.items()}
        case _ if is_dataclass(value):
            return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
        case _:
            return [plain(part) for part in value]


def show_rows(rows: Sequence[Row], columns: Sequence[str], *, as_json: bool, nothing: str) -> None:
    """All of each row as JSON, or the named columns; `nothing` is said when there is no row."""
    if as_json:
        show_json(list(rows))
    elif not rows:
        click.echo(nothing)
    else:
        cells = [[text(row.get(column)) for column in columns] for row in rows]
        _show_table([column.replace("_", " ") for column in columns], cells)


def show_fields(row: Row, *, as_json: bool) -> None:
    """One thing: a line for each of its fields."""
    if as_json:
        show_json(row)
        return
    width = max(len(name) for name in row)
    for name, value in row.items():
        click.echo(f"{name.replace('_', ' '):<{width}}  {text(value)}")


def show_note(note: str, *, as_json: bool) -> None:
    """What is to be known of all that is shown, before it; beside JSON, whose rows have it, on stderr."""
    if note:
        click.echo(f"NOTE: {text(note)}", err=as_json)


def text(value: Any) -> str:
    """For people; whatever came from a directory can't move the cursor."""
    match value:
        case None | "":
            return "-"
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        case str() | int() | float() | Decimal() | date():
            return printable(str(value))
        case Mapping():
            return ", ".join(f"{key} {text(part)}" for key, part in value.items()) or "-"
        case _:
            return ", ".join(text(part) for part in value) or "-"


def _show_table(titles: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    if sys.stdout.isatty():
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for title in titles:
            table.add_column(title, overflow="fold")
        for row in cells:
            table.add_row(*(Text(cell) for cell in row))
        Console().print(table)
        return
    widths = [max(len(row[n]) for row in [titles, *cells]) for n in range(len(titles))]
    for row in [titles, *cells]:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())

"""How are values written on a page?"""

from datetime import UTC, date, datetime

from flask import Flask

from connector.shown import HOLD_REASONS
from sync.model import Money
from sync.printable import printable
from sync.report_sections import summary

_NONE = "–"


def set_up(app: Flask) -> None:
    app.jinja_env.filters.update(
        moment=moment, day=day, money=money, number=number, hold_reason=lambda r: HOLD_REASONS.get(r, r),
        summary=summary,
    )  # fmt: skip
    app.jinja_env.finalize = _written
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def _written(value: object) -> object:
    """A stranger's text as everywhere else, so that a name here can be given to a command (T27)."""
    return printable(value) if type(value) is str else value


def moment(value: datetime | str | None) -> str:
    if isinstance(value, str) and value:
        value = datetime.fromisoformat(value)
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if isinstance(value, datetime) else _NONE


def day(value: date | None) -> str:
    return value.isoformat() if value else _NONE


def money(value: Money | None) -> str:
    """A price that isn't known is said to be so, never 0 (L11)."""
    return f"{value.amount:,.2f} {value.currency}" if value else "price unknown"


def number(value: int | None) -> str:
    return _NONE if value is None else f"{value:,}"

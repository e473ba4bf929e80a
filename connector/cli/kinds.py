"""Which values do options and arguments take? Each refusal names the field (exit 2)."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import click

from connector.anysoft.forms import MOST_SEATS
from sync.model import Money
from sync.printable import meant

LONGEST_USER = 320


class Whole(click.IntRange):
    """A whole number inside its bounds."""

    def __init__(self, least: int, most: int) -> None:
        super().__init__(least, most)
        self.asked = f"a whole number from {least} to {most}"

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> int:
        assert self.min is not None
        assert self.max is not None
        number = int(value) if re.fullmatch(r"-?[0-9]{1,30}", str(value)) else None
        if number is None or not self.min <= number <= self.max:
            self.fail(f"{str(value)[:40]!r} won't do: give {self.asked}", param, context)
        return number


class Id(click.ParamType[int]):
    """What a list shows in its column `id`, or `run`."""

    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> int:
        number = int(value) if re.fullmatch(r"[0-9]{1,19}", str(value)) else 0
        if not 1 <= number <= 2**63 - 1:
            group = context.command_path.split()[1:-1] if context else []
            where = f"`{' '.join([*group, 'list'])}`" if group else "the list"
            self.fail(f"{str(value)[:40]!r} is no number: give the one that {where} shows", param, context)
        return number


PORT = Whole(0, 65_535)
QUANTITY = Whole(1, MOST_SEATS)
ID = Id()


class Name(click.ParamType[str]):
    """What people call a directory or an operator: letters, digits, dot, dash, underscore."""

    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> str:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,99}", str(value)):
            self.fail(
                f"{str(value)[:40]!r} is no name: letters, digits, dots, dashes and underscores, at most 100",
                param,
                context,
            )
        return str(value)


class Words(click.ParamType[str]):
    """Some text that isn't empty and fits on a line."""

    name = "text"

    def __init__(self, longest: int = 500) -> None:
        self.longest = longest

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> str:
        words = str(value).strip()
        if not words or len(words) > self.longest or not words.isprintable():
            self.fail(f"must be 1 to {self.longest} printable characters", param, context)
        return words


class User(click.ParamType[str]):
    """A user name as it is shown, or an id. Given is the name itself, whose letters may be unseen ones."""

    name = "user"

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> str:
        shown = str(value).strip()
        user = meant(shown)
        if not shown.isprintable() or not 1 <= len(user) <= LONGEST_USER or "\x00" in user or _torn(user):
            self.fail(
                f"must be a user name of 1 to {LONGEST_USER} letters as `report show` writes it "
                r"(\x1b for a letter that can't be seen), or an id",
                param,
                context,
            )
        return user


def _torn(text: str) -> bool:
    return any("\ud800" <= c <= "\udfff" for c in text)


class Day(click.ParamType[datetime]):
    """2026-12-31, or 2026-12-31T22:00 (UTC)."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{str(value)[:40]!r} is no day: write 2026-12-31 or 2026-12-31T22:00", param, context)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


class Setting(click.ParamType[tuple[str, str]]):
    """KEY=VALUE."""

    name = "key=value"

    def convert(
        self, value: Any, param: click.Parameter | None, context: click.Context | None
    ) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        key, equals, given = str(value).partition("=")
        if not equals or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_.-]{0,63}", key) or len(given) > 500:
            self.fail(f"{str(value)[:40]!r} is no setting: write KEY=VALUE", param, context)
        return key, given


#: bought, missing, and the price of a seat and month: "unknown", or None where it isn't said (R19)
Said = tuple[int, int, Money | str | None]


class Seen(click.ParamType[Said]):
    """30:6, or 30:6:4.00:EUR."""

    name = "q:need[:price]"

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> Said:
        if isinstance(value, tuple):
            return value
        said = re.fullmatch(r"([0-9]{1,9}):([0-9]{1,9})(?::(.+))?", str(value), re.ASCII)
        if said is None:
            self.fail(
                f"{str(value)[:40]!r} are no figures: write 30:6, bought and missing, or 30:6:4.00:EUR with "
                "the price of a seat",
                param,
                context,
            )
        price = None if said[3] is None else PRICE.convert(said[3], param, context)
        return int(said[1]), int(said[2]), price


class Price(click.ParamType[Money | str]):
    """4.00:EUR, of a seat and month; "unknown", which is never 0 (L11)."""

    name = "price"

    def convert(
        self, value: Any, param: click.Parameter | None, context: click.Context | None
    ) -> Money | str:
        if value == "unknown":
            return "unknown"
        if isinstance(value, Money):
            return value
        amount, _, currency = str(value).partition(":")
        if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,2})?:[A-Z]{3}", str(value)) or not Decimal(amount):
            self.fail(f"{str(value)[:40]!r} is no price: write 4.00:EUR, or unknown", param, context)
        return Money(Decimal(amount), currency)


NAME, DAY, SETTING, SEEN, PRICE = Name(), Day(), Setting(), Seen(), Price()
USER = User()
PRODUCT = Words(64)
LINE = Words(500)

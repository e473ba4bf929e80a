"""Which JSON types and sizes does a message have? A strict reader of objects whose errors name the field."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import cast

LONGEST_TEXT = 2000
MOST = 2**31 - 1

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOMENT = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})", re.ASCII
)


class Malformed(Exception):
    """A message isn't what the contract says. `field` is a path such as items[3].quantity."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True)
class Fields:
    """A JSON object; every read raises Malformed when the key is missing, or its value of another kind."""

    values: Mapping[str, object]
    at: str  #: the path of the object; "" for the whole message

    @classmethod
    def of(cls, json: object, at: str = "") -> "Fields":
        if not isinstance(json, dict):
            raise Malformed(at or "the message", f"must be an object, not {_kind(json)}")
        return cls(cast(Mapping[str, object], json), at)

    def path(self, name: str) -> str:
        return f"{self.at}.{name}" if self.at else name

    def only(self, known: Collection[str]) -> None:
        """For requests: a key that nobody would heed is a mistake. Answers may carry more than we know."""
        for name in self.values:
            if name not in known:
                raise Malformed(self.path(name[:100]), "is not a field of this call")

    def has(self, name: str) -> bool:
        """Whether it is there and not null."""
        return self.values.get(name) is not None

    def text(self, name: str, longest: int = LONGEST_TEXT, default: str | None = None) -> str:
        if default is not None and not self.has(name):
            return default
        value = self._there(name)
        if not isinstance(value, str):
            raise Malformed(self.path(name), f"must be a text, not {_kind(value)}")
        if len(value) > longest:
            raise Malformed(self.path(name), f"must have at most {longest} characters")
        return value

    def whole(self, name: str, least: int = 0, most: int = MOST) -> int:
        value = self._there(name)
        if isinstance(value, bool) or not isinstance(value, int):
            raise Malformed(self.path(name), f"must be a whole number, not {_kind(value)}")
        if not least <= value <= most:
            raise Malformed(self.path(name), f"must be from {least} to {most}")
        return value

    def flag(self, name: str) -> bool:
        value = self._there(name)
        if not isinstance(value, bool):
            raise Malformed(self.path(name), f"must be true or false, not {_kind(value)}")
        return value

    def day(self, name: str) -> date:
        text = self.text(name, 10)
        try:
            if _DAY.fullmatch(text):
                return date.fromisoformat(text)
        except ValueError:
            pass
        raise Malformed(self.path(name), "must be a date such as 2026-01-31")

    def moment(self, name: str) -> datetime:
        """RFC 3339, with a zone; in UTC."""
        text = self.text(name, 40)
        try:
            if _MOMENT.fullmatch(text):
                return datetime.fromisoformat(text.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        raise Malformed(self.path(name), "must be a time with its zone such as 2026-01-31T08:00:00Z")

    def inner(self, name: str) -> "Fields":
        return Fields.of(self._there(name), self.path(name))

    def items(self, name: str, most: int) -> list[tuple[str, object]]:
        """The items of a list, each with its path."""
        value = self._there(name)
        if not isinstance(value, list):
            raise Malformed(self.path(name), f"must be a list, not {_kind(value)}")
        if len(value) > most:
            raise Malformed(self.path(name), f"must have at most {most} items")
        return [(f"{self.path(name)}[{index}]", item) for index, item in enumerate(value)]

    def texts(self, name: str, most: int, longest: int = LONGEST_TEXT) -> tuple[str, ...]:
        texts = []
        for at, item in self.items(name, most):
            if not isinstance(item, str):
                raise Malformed(at, f"must be a text, not {_kind(item)}")
            if len(item) > longest:
                raise Malformed(at, f"must have at most {longest} characters")
            texts.append(item)
        return tuple(texts)

    def _there(self, name: str) -> object:
        if name not in self.values:
            raise Malformed(self.path(name), "is required")
        return self.values[name]


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "a list"
        case _:
            return "an object"

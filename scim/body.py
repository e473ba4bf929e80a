"""Which bodies are read at all? Bytes to JSON values, strictly (RFC 8259)."""

import json
from typing import Any, NoReturn

from scim.errors import InvalidSyntax, TooLarge, UnsupportedMediaType

MAX_BYTES = 1_000_000  #: a user, a search
MAX_GROUP_BYTES = 16_000_000  #: a group with its members
MAX_DEPTH = 32
MAX_INTEGER = 2**63 - 1
_MEDIA_TYPES = ("application/scim+json", "application/json")


def check_media_type(content_type: str | None, content_encoding: str | None) -> None:
    """JSON in UTF-8, said or not (absent is JSON). Raises UnsupportedMediaType."""
    if content_encoding and content_encoding.strip().lower() != "identity":
        raise UnsupportedMediaType("send the body without Content-Encoding")
    if not content_type or not content_type.strip():
        return
    media_type, *parameters = (part.strip().lower() for part in content_type.split(";"))
    charsets = [part.split("=", 1)[1].strip("\"' ") for part in parameters if part.startswith("charset=")]
    if media_type not in _MEDIA_TYPES or any(charset not in ("utf-8", "utf8") for charset in charsets):
        raise UnsupportedMediaType("send the body as application/scim+json in UTF-8")


def read(raw: bytes, limit: int = MAX_BYTES) -> dict[str, Any]:
    """The body's JSON object. Raises TooLarge, InvalidSyntax."""
    if len(raw) > limit:
        raise TooLarge(f"the body is larger than {limit} bytes; send less in one request")
    try:
        value = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_int=_integer,
            parse_float=_number,
        )
    except UnicodeDecodeError as error:
        raise InvalidSyntax("the body isn't UTF-8") from error
    except RecursionError as error:
        raise InvalidSyntax(f"the body is nested deeper than {MAX_DEPTH}") from error
    except ValueError as error:
        raise InvalidSyntax(f"the body isn't JSON: {error}") from error
    # Deep nesting needs many brackets, odd characters need an escape: most bodies need no walk.
    if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH or b"\\u" in raw:
        _check(value)
    if not isinstance(value, dict):
        raise InvalidSyntax("the body must be a JSON object")
    return value


def is_storable(text: str) -> bool:
    """No NUL and no lone surrogate: neither survives a database."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key appears twice in one object")
    return result


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} isn't a JSON number")


def _integer(text: str) -> int:
    if len(text) > 20 or not -MAX_INTEGER <= int(text) <= MAX_INTEGER:
        raise ValueError("a number is too large")
    return int(text)


def _number(text: str) -> float:
    if len(text) > 50 or abs(value := float(text)) > 1e300:
        raise ValueError("a number is too large")
    return value


def _check(value: Any) -> None:
    """Refuse what is nested too deep or can't be stored; a loop, so that depth costs no stack."""
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH + 1:
            raise InvalidSyntax(f"the body is nested deeper than {MAX_DEPTH}")
        below: list[Any] = []
        for item in level:
            if isinstance(item, str):
                if not is_storable(item):
                    raise InvalidSyntax("the body holds a NUL or half a surrogate pair")
            elif isinstance(item, dict):
                below.extend(item)
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
        level = below

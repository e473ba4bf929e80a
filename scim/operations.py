"""What does the body of a PATCH say? The envelope to operations, nothing interpreted yet (RFC 7644 3.5.2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from scim.errors import InvalidSyntax, InvalidValue, NoTarget, TooMany

MAX_OPERATIONS = 10_000


class Verb(StrEnum):
    ADD = "add"
    REMOVE = "remove"
    REPLACE = "replace"
    REMOVE_LISTED = "remove these"  #: not on the wire: remove the values given, see dialects.py


@dataclass(frozen=True, slots=True)
class Operation:
    verb: Verb
    path: str  #: "" for none
    value: Any  #: None for null and for none
    creates: bool = False  #: make the element that the path's [ ] asks for, if there is none
    implicit: bool = False  #: a key of a value without path: what may not be written is passed over
    null: bool = False  #: null was sent as the value, rather than none
    lacks: bool = False  #: an add or replace without a value


def read(body: Mapping[str, Any]) -> tuple[Operation, ...]:
    """Raises InvalidSyntax, InvalidValue, NoTarget, TooMany."""
    sent = _lowered(body).get("operations")
    if not isinstance(sent, list) or not sent:
        raise InvalidSyntax('send {"Operations": [{"op": …}]} with at least one operation')
    if len(sent) > MAX_OPERATIONS:
        raise TooMany(f"at most {MAX_OPERATIONS} operations in one PATCH; send several")
    return tuple(_operation(raw) for raw in sent)


def _operation(raw: Any) -> Operation:
    if not isinstance(raw, dict):
        raise InvalidSyntax("an operation must be a JSON object")
    said = _lowered(raw)
    op, path, value = said.get("op"), said.get("path"), said.get("value")
    if not isinstance(op, str) or op.lower() not in ("add", "remove", "replace"):
        raise InvalidSyntax(f"op must be add, remove or replace, not {str(op)[:50]!r}")
    if path is not None and not isinstance(path, str):
        raise InvalidSyntax("path must be a string")
    verb, path = Verb(op.lower()), (path or "").strip()
    if verb is Verb.REMOVE:
        if not path:
            raise NoTarget("remove needs a path")
    elif not path and not isinstance(value, dict):
        raise InvalidValue(f"{verb} without a path needs an object as value")
    null, lacks = value is None and "value" in said, verb is not Verb.REMOVE and "value" not in said
    return Operation(verb, path, value, creates=verb is Verb.ADD, null=null, lacks=lacks)


def _lowered(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The same with its keys in lower case. Raises InvalidSyntax."""
    lowered = {key.lower(): value for key, value in raw.items()}
    if len(lowered) != len(raw):
        raise InvalidSyntax("a key appears twice in one object, in different case")
    return lowered

"""Which members does a group's body or PATCH add, remove or replace? Never loads the group."""

from collections.abc import Sequence
from typing import Any

from scim.errors import InvalidPath, InvalidValue, Mutability
from scim.operations import Operation, Verb
from scim.path import Path
from scim.query import Attr, Compare, Condition, Op, Or
from scim.store import MemberOp, MemberVerb

MAX_MEMBERS = 200_000


def ids(value: Any) -> tuple[str, ...]:
    """Ids of {"value": id} and bare strings, a list of them or one; each once. Raises InvalidValue."""
    elements = value if isinstance(value, list) else [] if value is None else [value]
    if len(elements) > MAX_MEMBERS:
        raise InvalidValue(f"at most {MAX_MEMBERS} members in one request; send several")
    return tuple(dict.fromkeys(_id(element) for element in elements if element is not None))


def compile(operation: Operation, path: Path) -> MemberOp | None:
    """One PATCH operation on `members`, or None when it changes nobody.

    | verb | path | value | |
    | --- | --- | --- | --- |
    | add | members | list | these join |
    | replace | members | list | these are the members; [] empties the group |
    | remove | members | none | empties the group |
    | remove | members | list | these leave; [] is nobody |
    | replace, remove | members | null | nobody leaves: a client that lost its list must not empty the group |
    | remove, add | members[value eq "x"] | | x leaves, joins |
    """
    if path.sub is not None:
        raise Mutability("a member can't be changed; remove it and add another")
    if path.condition is not None:
        picked = tuple(_picked(path.condition))
        if operation.verb in (Verb.REMOVE, Verb.REMOVE_LISTED):
            return MemberOp(MemberVerb.REMOVE, picked)
        if operation.verb is Verb.ADD:
            return MemberOp(MemberVerb.ADD, picked)
        raise Mutability("a member can't be changed; remove it and add another")
    match operation.verb:
        case Verb.REMOVE:
            return None if operation.null else MemberOp(MemberVerb.REPLACE, ())
        case Verb.REPLACE:
            return None if operation.value is None else MemberOp(MemberVerb.REPLACE, ids(operation.value))
        case Verb.ADD:
            verb = MemberVerb.ADD
        case Verb.REMOVE_LISTED:
            verb = MemberVerb.REMOVE
    named = ids(operation.value)
    return MemberOp(verb, named) if named else None


def merge(operations: Sequence[MemberOp]) -> tuple[MemberOp, ...]:
    """One for each run of the same verb: some clients send one operation for each member.
    Raises InvalidValue."""
    if sum(len(operation.ids) for operation in operations) > MAX_MEMBERS:
        raise InvalidValue(f"at most {MAX_MEMBERS} members in one request; send several")
    merged: list[tuple[MemberVerb, list[str]]] = []
    for operation in operations:
        if merged and operation.verb is merged[-1][0] and operation.verb is not MemberVerb.REPLACE:
            merged[-1][1].extend(operation.ids)
        else:
            merged.append((operation.verb, list(operation.ids)))
    return tuple(MemberOp(verb, tuple(dict.fromkeys(named))) for verb, named in merged)


def _id(element: Any) -> str:
    value = element
    if isinstance(element, dict):
        value = next((part for key, part in element.items() if key.lower() == "value"), None)
    if not isinstance(value, str) or not value:
        raise InvalidValue('a member is {"value": "<id>"}')
    return value


def _picked(condition: Condition) -> list[str]:
    match condition:
        case Compare(Attr("value"), Op.EQ, str(id)):
            return [id]
        case Or(parts):
            return [id for part in parts for id in _picked(part)]
        case _:
            raise InvalidPath('pick members by id only: members[value eq "<id>"]')

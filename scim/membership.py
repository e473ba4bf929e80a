"""Which members does a group's body or PATCH add, remove or replace? Never loads the group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from typing import Any

from scim.budget import Budget
from scim.errors import InvalidPath, InvalidValue, Mutability
from scim.matching import Test
from scim.operations import Operation, Verb
from scim.path import Path
from scim.query import Attr, Compare, Condition, Op, Or
from scim.store import MemberOp, MemberVerb

MAX_MEMBERS = 200_000
#: values of members that one PATCH looks at, to find those that a [ ] picks by something else than ids
MAX_LOOKS = 1_000_000
#: in looks, what beginning to look through a group costs
_BEGINNING = 200


@dataclass(frozen=True, slots=True)
class Picking:
    """Members leave: those of the group, as they are then, who pass one of the tests."""

    tests: tuple[Test, ...]

    def begin(self, budget: Budget) -> None:
        """Raises TooMany."""
        budget.spend(_BEGINNING * len(self.tests))

    def picks(self, member: Mapping[str, Any], budget: Budget) -> bool:
        """Raises TooMany."""
        return any(test(member, budget) for test in self.tests)


def ids(value: Any) -> tuple[str, ...]:
    """Ids of {"value": id} and bare strings, a list of them or one; each once. Raises InvalidValue."""
    elements = value if isinstance(value, list) else [] if value is None else [value]
    if len(elements) > MAX_MEMBERS:
        raise InvalidValue(f"at most {MAX_MEMBERS} members in one request; send several")
    return tuple(dict.fromkeys(_id(element) for element in elements if element is not None))


def compile(operation: Operation, path: Path, picks: Test | None = None) -> MemberOp | Picking | None:
    """One PATCH operation on `members`, or None when it changes nobody.

    | verb | path | value | |
    | --- | --- | --- | --- |
    | add | members | list | these join |
    | replace | members | list | these are the members; [] empties the group |
    | remove | members | none | empties the group |
    | remove | members | list | these leave; [] is nobody |
    | replace, remove | members | null | nobody leaves: a client that lost its list must not empty the group |
    | remove, add | members[value eq "x"] | | x leaves, joins |
    | remove | members[type eq "Group"] | | whoever `picks` picks leaves |
    """
    if path.sub is not None:
        raise Mutability("a member can't be changed; remove it and add another")
    if path.condition is not None:
        named = _named(path.condition)
        if operation.verb in (Verb.REMOVE, Verb.REMOVE_LISTED):
            if named is None and picks is not None:
                return Picking((picks,))
            return MemberOp(MemberVerb.REMOVE, named or ())
        if operation.verb is Verb.ADD:
            if named is None:
                raise InvalidPath('add members by id: members[value eq "<id>"], or a list as value')
            return MemberOp(MemberVerb.ADD, named)
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
    listed = ids(operation.value)
    return MemberOp(verb, listed) if listed else None


def merge(operations: Sequence[MemberOp | Picking]) -> tuple[MemberOp | Picking, ...]:
    """One for each run of the same verb: some clients send one operation for each member.
    Raises InvalidValue."""
    if sum(len(each.ids) for each in operations if isinstance(each, MemberOp)) > MAX_MEMBERS:
        raise InvalidValue(f"at most {MAX_MEMBERS} members in one request; send several")
    merged: list[MemberOp | Picking] = []
    for verb, run in groupby(operations, lambda each: each.verb if isinstance(each, MemberOp) else None):
        alike = list(run)
        named = [each.ids for each in alike if isinstance(each, MemberOp)]
        if verb is None:
            tests = (test for each in alike if isinstance(each, Picking) for test in each.tests)
            merged.append(Picking(tuple(dict.fromkeys(tests))))
        elif verb is MemberVerb.REPLACE:
            merged += [MemberOp(verb, tuple(dict.fromkeys(ids))) for ids in named]
        else:
            merged.append(MemberOp(verb, tuple(dict.fromkeys(chain.from_iterable(named)))))
    return tuple(merged)


def _id(element: Any) -> str:
    value = element
    if isinstance(element, dict):
        value = next((part for key, part in element.items() if key.lower() == "value"), None)
    if not isinstance(value, str) or not value:
        raise InvalidValue('a member is {"value": "<id>"}')
    return value


def _named(condition: Condition) -> tuple[str, ...] | None:
    """The ids that the condition names; None when it says anything else."""
    match condition:
        case Compare(Attr("value"), Op.EQ, str(id)):
            return (id,)
        case Or(parts):
            named = [_named(part) for part in parts]
            return None if None in named else tuple(id for ids in named if ids for id in ids)
        case _:
            return None

"""What are a resource's attributes after a PATCH? Pure; all operations or none (RFC 7644 3.5.2)."""

import re
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from scim import filter as filters
from scim import membership
from scim.budget import Budget, weigh
from scim.errors import (
    InvalidFilter,
    InvalidPath,
    InvalidSyntax,
    InvalidValue,
    Mutability,
    NoTarget,
    ScimError,
    TooMany,
    UnknownAttribute,
)
from scim.matching import Test, compiled
from scim.membership import Picking
from scim.operations import MAX_OPERATIONS, Operation, Verb
from scim.path import Path
from scim.path import read as read_path
from scim.query import And, Attr, Compare, Condition, Op
from scim.schema import Attribute, ResourceType, Type, fold
from scim.schema import Mutability as Writable
from scim.store import Attributes, Kind, MemberOp
from scim.values import MAX_VALUES, accept, accept_one

#: comparisons in all the paths of one PATCH: each operation may have one
MAX_TERMS = 12_000
#: values that one PATCH looks at, while nobody else can write
MAX_LOOKS = 100_000
_NAME = re.compile(r"\w+", re.ASCII)
_Values = dict[str, Any]
_REMOVALS = (Verb.REMOVE, Verb.REMOVE_LISTED)


@dataclass(frozen=True, slots=True)
class Edit:
    operation: Operation
    path: Path
    picks: Test | None  #: whom the path's [ ] picks; None without one


@dataclass(frozen=True, slots=True)
class Plan:
    """What a PATCH asks for, as far as it can be told without the resource."""

    edits: tuple[Edit, ...]
    members: tuple[MemberOp | Picking, ...]  #: empty for users
    warnings: tuple[tuple[str, str], ...]  #: code and path of each skipped operation
    forgiving: bool


@dataclass(frozen=True, slots=True)
class Change:
    attributes: Attributes
    warnings: tuple[tuple[str, str], ...]  #: the plan's, and of each operation whose value can't be used


def read(resource_type: ResourceType, operations: Iterable[Operation], *, forgiving: bool) -> Plan:
    """`operations` have been through dialects.py.
    Raises InvalidPath, InvalidFilter, InvalidValue, Mutability, TooMany."""
    paths = _Paths(resource_type)
    edits: list[Edit] = []
    members: list[MemberOp | Picking] = []
    warnings: dict[tuple[str, str], None] = {}
    for number, operation in enumerate(operations):
        if number == MAX_OPERATIONS:  # one without a path stands for many
            raise TooMany(f"at most {MAX_OPERATIONS} operations in one PATCH; send several")
        passes_over = forgiving or operation.implicit
        found = paths.read(operation.path)
        if isinstance(found, InvalidPath | InvalidFilter):
            if not passes_over or not (operation.implicit or _is_foreign(found, operation, resource_type)):
                raise found
            warnings["unknown_path", operation.path[:200]] = None
            continue
        path, picks = found
        leaf = path.sub or path.attribute
        if leaf and Writable.READ_ONLY in (leaf.mutability, path.attribute and path.attribute.mutability):
            if not passes_over:
                raise Mutability(f"{operation.path[:200]} is read-only; leave it out")
            if not operation.implicit:
                warnings["read_only_path", operation.path[:200]] = None
        elif leaf and leaf.mutability is Writable.WRITE_ONLY:
            pass  # a password: accepted, discarded
        elif resource_type.kind is Kind.GROUP and path.attribute and path.attribute.name == "members":
            change = membership.compile(operation, path, picks)
            members += [change] if change else []
            if change is None and operation.value is None:
                warnings["unusable_value", operation.path[:200]] = None
        else:
            edits.append(Edit(operation, path, picks))
    return Plan(tuple(edits), membership.merge(members), tuple(warnings), forgiving)


def _is_foreign(
    error: InvalidPath | InvalidFilter, operation: Operation, resource_type: ResourceType
) -> bool:
    """Whether the path is about nothing by which somebody gains or loses. Of a group only what names
    something else is: the rest may have meant a removal, which must not be answered as if it were done."""
    core, text = resource_type.core.lower(), operation.path.lower().rstrip(":")
    name = _NAME.match(text.removeprefix(f"{core}:"))
    if resource_type.kind is Kind.GROUP and not isinstance(error, UnknownAttribute):
        return name is not None and text != core and not any(vital in text for vital in resource_type.vital)
    attribute = resource_type.find(name.group()) if name else None
    return attribute is None or not attribute.vital


def apply(plan: Plan, before: Attributes) -> Change:
    """What comes of it; `before` and its parts stay as they are.
    Raises InvalidSyntax, InvalidValue, Mutability, NoTarget, TooMany."""
    draft = dict(before)
    budget = Budget(MAX_LOOKS, "this PATCH looks at too many values; send less in one request")
    warnings: dict[tuple[str, str], None] = {}
    for edit in plan.edits:
        try:
            _edit(draft, edit, budget)
        except (InvalidSyntax, InvalidValue, Mutability, NoTarget) as error:
            if not plan.forgiving or not _is_spared(edit.path.attribute, error):
                raise _placed(error, edit) from error
            warnings["unusable_value", edit.operation.path[:200]] = None
    return Change(draft, (*plan.warnings, *warnings))


def _is_spared(attribute: Attribute | None, error: ScimError) -> bool:
    """Whether the rest may be done without it. A directory that clears `active` (an expression of Entra's
    without a default) says nothing of it: the person stays as they are."""
    if attribute is None or not attribute.vital:
        return True
    return attribute.name == "active" and isinstance(error, Mutability)


def _placed(error: ScimError, edit: Edit) -> ScimError:
    """The same, with the whole path in place of its last name."""
    leaf = edit.path.sub or edit.path.attribute
    if leaf is None or not isinstance(error, InvalidValue) or not error.detail.startswith(leaf.name):
        return error
    return InvalidValue(edit.operation.path[:200] + error.detail.removeprefix(leaf.name))


@dataclass(frozen=True, slots=True)
class _Paths:
    """The paths of one PATCH, each read once."""

    resource_type: ResourceType
    _known: dict[str, tuple[Path, Test | None] | InvalidPath | InvalidFilter] = field(default_factory=dict)
    _budget: Budget = field(
        default_factory=lambda: Budget(MAX_TERMS, "the paths compare too much; send less in one request")
    )

    def read(self, text: str) -> tuple[Path, Test | None] | InvalidPath | InvalidFilter:
        """With whom its [ ] picks. Errors are given back: some paths are passed over. Raises TooMany."""
        if (known := self._known.get(text)) is not None:
            return known
        self._budget.spend(filters.terms(text))
        try:
            path = read_path(text, self.resource_type)
        except (InvalidPath, InvalidFilter) as error:
            self._known[text] = error
            return error
        picks = compiled(path.condition, path.attribute) if path.condition and path.attribute else None
        self._known[text] = path, picks
        return path, picks


def _edit(draft: _Values, edit: Edit, budget: Budget) -> None:
    operation, path, attribute = edit.operation, edit.path, edit.path.attribute
    if attribute is None:
        if operation.verb not in _REMOVALS:
            raise InvalidValue(f"{path.urn} needs an object as value")
        draft.pop(path.urn, None)
        return
    holder = dict(draft.get(path.urn) or {}) if path.urn else draft
    before = holder.get(attribute.name)
    if attribute.many:
        after: Any = _edit_many(attribute, before or [], edit, budget)
    else:
        after = _edit_one(attribute, before, path, operation)
    if after in (None, [], {}):
        if attribute.required:
            instead = "send true or false" if attribute.type is Type.BOOLEAN else "send another value"
            raise Mutability(f"{attribute.name} is required and can't be removed; {instead}")
        holder.pop(attribute.name, None)
    else:
        holder[attribute.name] = after
    if path.urn and holder:
        draft[path.urn] = holder
    elif path.urn:
        draft.pop(path.urn, None)


def _edit_one(attribute: Attribute, before: Any, path: Path, operation: Operation) -> Any:
    if path.sub is not None:
        taken = None if operation.verb in _REMOVALS else accept(path.sub, operation.value)
        return _with_sub(before or {}, path.sub, operation.verb, taken)
    if operation.verb in _REMOVALS:
        return None
    value = accept(attribute, operation.value)
    if attribute.type is Type.COMPLEX and isinstance(operation.value, dict):
        return {**_without_nulls(attribute, before or {}, operation), **(value or {})}
    if value is None:
        return before if operation.verb is Verb.ADD else None
    return {**(before or {}), **value} if attribute.type is Type.COMPLEX else value


def _without_nulls(attribute: Attribute, before: _Values, operation: Operation) -> _Values:
    """Without the sub-attributes that a replace sets to null; those it doesn't name stay."""
    if operation.verb is Verb.ADD:
        return before
    named = (attribute.find(key) for key, part in operation.value.items() if part is None)
    cleared = {sub.name for sub in named if sub is not None}
    return {name: part for name, part in before.items() if name not in cleared}


def _edit_many(attribute: Attribute, before: list[Any], edit: Edit, budget: Budget) -> list[Any]:
    budget.spend(1 + len(before))
    path, picks = edit.path, edit.picks
    if path.condition is None and path.sub is None:
        after = _edit_whole(attribute, before, edit.operation, budget)
    else:
        after = list(before)
        picked = [n for n, element in enumerate(before) if picks is None or picks(element, budget)]
        if not picked and edit.operation.verb not in _REMOVALS:
            after.append(_made(path, edit.operation))
            picked = [len(before)]
        if picked:
            change = _changing(attribute, path, edit.operation, len(picked), budget)
            for n in picked:
                after[n] = change(after[n])
            _settle_primary(attribute, after, picked)
        after = [element for element in after if element]
    if len(after) > max(MAX_VALUES, len(before)):
        raise InvalidValue(f"{attribute.name} can have {MAX_VALUES} values at most")
    return after


def _edit_whole(attribute: Attribute, elements: list[Any], operation: Operation, budget: Budget) -> list[Any]:
    match operation.verb:
        case Verb.REMOVE:
            return []
        case Verb.REMOVE_LISTED:
            listed = accept(attribute, operation.value) or []
            budget.spend(len(elements) * len(listed))
            return [element for element in elements if not any(_covers(element, one) for one in listed)]
        case Verb.REPLACE:
            return accept(attribute, operation.value) or []
        case Verb.ADD:
            sent = accept(attribute, operation.value) or ()
            present = {_key(attribute, element, budget) for element in elements}
            new = [one for one in sent if _key(attribute, one, budget) not in present]
            after = elements + new
            _settle_primary(attribute, after, range(len(elements), len(after)))
            return after


def _key(attribute: Attribute, element: Any, budget: Budget) -> Hashable:
    """Equal for two elements that are the same value, where case doesn't matter in any case."""
    if isinstance(element, dict):
        subs = attribute.subs
        return frozenset((name, _key(subs[name.lower()], part, budget)) for name, part in element.items())
    budget.look(element)
    folds = isinstance(element, str) and not attribute.exact
    key: Hashable = fold(element) if folds else element
    return key


def _changing(
    attribute: Attribute, path: Path, operation: Operation, times: int, budget: Budget
) -> Callable[[_Values], _Values]:
    """What is done to each element that is picked; the value is read once, and put into so many."""
    removes = operation.verb in _REMOVALS
    if path.sub is not None:
        sub, taken = path.sub, None if removes else accept(path.sub, operation.value)
        budget.spend(times * _weight(taken))
        return lambda element: _with_sub(element, sub, operation.verb, taken)
    if removes:
        return lambda element: {}
    value = accept_one(attribute, operation.value)
    if value is None:
        raise InvalidValue(f"{operation.path[:200]} needs a value; remove takes the element away")
    budget.spend(times * _weight(value))
    if operation.verb is Verb.ADD:
        return lambda element: {**element, **value}
    # A replaced element still answers to the [ ] that picked it, or the next PATCH would not find it.
    kept = (_template(path.condition) or {}) | value
    return lambda element: kept


def _weight(value: Any) -> int:
    """Of a value in looks."""
    return sum(weigh(part) for part in (value.values() if isinstance(value, dict) else (value,)))


def _with_sub(element: _Values, sub: Attribute, verb: Verb, value: Any) -> _Values:
    """`value`: as accepted; None for none."""
    if value is not None:
        return {**element, sub.name: value}
    if verb is Verb.ADD:
        return element
    return {name: part for name, part in element.items() if name != sub.name}


def _covers(element: Any, listed: Any) -> bool:
    """All that the listed value says is so of the element; `display` is for people."""
    return all(element.get(name) == part for name, part in listed.items() if name != "display")


def _made(path: Path, operation: Operation) -> _Values:
    """The element that `emails[type eq "work"]` asks for: {"type": "work"}."""
    if path.condition is None:
        return {}
    template = _template(path.condition)
    if not operation.creates or template is None:
        raise NoTarget(f"nothing matches {operation.path[:200]}")
    return template


def _template(condition: Condition | None) -> _Values | None:
    """What an element must say to match; None when that isn't one thing."""
    match condition:
        case Compare(Attr(name), Op.EQ, value) if value is not None:
            return {name: value}
        case And(parts):
            made: _Values = {}
            for part in parts:
                inner = _template(part)
                if inner is None:
                    return None
                made |= inner
            return made
        case _:
            return None


def _settle_primary(attribute: Attribute, elements: list[Any], written: Sequence[int]) -> None:
    """A value that becomes primary takes it from the one that was (RFC 7644 3.5.2)."""
    claims = [n for n in written if elements[n].get("primary") is True]
    if len(claims) > 1:
        raise InvalidValue(f"{attribute.name}: only one value can be primary")
    for n, element in enumerate(elements):
        if claims and n != claims[0] and element.get("primary") is True:
            elements[n] = {**element, "primary": False}

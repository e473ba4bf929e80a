"""What are a resource's attributes after a PATCH? Pure; all operations or none (RFC 7644 3.5.2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scim import membership
from scim.errors import InvalidFilter, InvalidPath, InvalidValue, Mutability, NoTarget
from scim.matching import matches
from scim.operations import Operation, Verb
from scim.path import Path
from scim.path import read as read_path
from scim.query import And, Attr, Compare, Condition, Op
from scim.schema import Attribute, ResourceType, Type, fold
from scim.schema import Mutability as Writable
from scim.store import Attributes, Kind, MemberOp
from scim.values import accept, accept_one

_Values = dict[str, Any]
_REMOVALS = (Verb.REMOVE, Verb.REMOVE_LISTED)


@dataclass(frozen=True, slots=True)
class Change:
    attributes: Attributes
    members: tuple[MemberOp, ...]  #: empty for users
    warnings: tuple[tuple[str, str], ...]  #: code and path of each skipped operation


def apply(
    resource_type: ResourceType, before: Attributes, operations: Sequence[Operation], *, forgiving: bool
) -> Change:
    """`operations` have been through dialects.py; `before` and its parts stay as they are.
    Raises InvalidPath, InvalidFilter, InvalidValue, Mutability, NoTarget."""
    draft = dict(before)
    members: list[MemberOp] = []
    warnings: dict[tuple[str, str], None] = {}
    for operation in operations:
        passes_over = forgiving or operation.implicit
        try:
            path = read_path(operation.path, resource_type)
        except (InvalidPath, InvalidFilter):
            if not passes_over:
                raise
            warnings["unknown_path", operation.path[:200]] = None
            continue
        leaf = path.sub or path.attribute
        if leaf and Writable.READ_ONLY in (leaf.mutability, path.attribute and path.attribute.mutability):
            if not passes_over:
                raise Mutability(f"{operation.path[:200]} is read-only; leave it out")
            if not operation.implicit:
                warnings["read_only_path", operation.path[:200]] = None
        elif leaf and leaf.mutability is Writable.WRITE_ONLY:
            pass  # a password: accepted, discarded
        elif resource_type.kind is Kind.GROUP and path.attribute and path.attribute.name == "members":
            compiled = membership.compile(operation, path)
            members += [compiled] if compiled else []
        else:
            _edit(draft, path, operation)
    return Change(draft, membership.merge(members), tuple(warnings))


def _edit(draft: _Values, path: Path, operation: Operation) -> None:
    attribute = path.attribute
    if attribute is None:
        if operation.verb not in _REMOVALS:
            raise InvalidValue(f"{path.urn} needs an object as value")
        draft.pop(path.urn, None)
        return
    if path.urn:
        draft[path.urn] = dict(draft.get(path.urn) or {})
    holder = draft[path.urn] if path.urn else draft
    after = (_edit_many if attribute.many else _edit_one)(
        attribute, holder.get(attribute.name), path, operation
    )
    if after in (None, [], {}):
        if attribute.required:
            raise Mutability(f"{attribute.name} is required; it can be replaced, not removed")
        holder.pop(attribute.name, None)
    else:
        holder[attribute.name] = after
    if path.urn and not holder:
        del draft[path.urn]


def _edit_one(attribute: Attribute, before: Any, path: Path, operation: Operation) -> Any:
    if path.sub is not None:
        return _with_sub(before or {}, path.sub, operation)
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


def _edit_many(attribute: Attribute, before: Any, path: Path, operation: Operation) -> list[Any]:
    elements: list[Any] = list(before or ())
    if path.condition is None and path.sub is None:
        return _edit_whole(attribute, elements, operation)
    picked = [n for n, element in enumerate(elements) if _is_picked(element, path, attribute)]
    if not picked and operation.verb not in _REMOVALS:
        elements.append(_made(path, operation))
        picked = [len(elements) - 1]
    for n in picked:
        elements[n] = _edit_element(attribute, elements[n], path, operation)
    _settle_primary(attribute, elements, picked)
    return [element for element in elements if element]


def _edit_whole(attribute: Attribute, elements: list[Any], operation: Operation) -> list[Any]:
    match operation.verb:
        case Verb.REMOVE:
            return []
        case Verb.REMOVE_LISTED:
            listed = accept(attribute, operation.value) or []
            return [element for element in elements if not any(_covers(element, one) for one in listed)]
        case Verb.REPLACE:
            return accept(attribute, operation.value) or []
        case Verb.ADD:
            present = [_key(attribute, element) for element in elements]
            sent = accept(attribute, operation.value) or ()
            new = [one for one in sent if _key(attribute, one) not in present]
            after = elements + new
            _settle_primary(attribute, after, range(len(elements), len(after)))
            return after


def _key(attribute: Attribute, element: Any) -> Any:
    """Equal for two elements that are the same value, where case doesn't matter in any case."""
    if not isinstance(element, dict):
        return element if attribute.exact or not isinstance(element, str) else fold(element)
    return {name: _key(attribute.subs[name.lower()], part) for name, part in element.items()}


def _edit_element(attribute: Attribute, element: _Values, path: Path, operation: Operation) -> _Values:
    if path.sub is not None:
        return _with_sub(element, path.sub, operation)
    if operation.verb in _REMOVALS:
        return {}
    value = accept_one(attribute, operation.value)
    if value is None:
        raise InvalidValue(f"{operation.path[:200]} needs a value; remove takes the element away")
    # A replaced element still answers to the [ ] that picked it, or the next PATCH would not find it.
    return {**(element if operation.verb is Verb.ADD else _template(path.condition) or {}), **value}


def _with_sub(element: _Values, sub: Attribute, operation: Operation) -> _Values:
    value = None if operation.verb in _REMOVALS else accept(sub, operation.value)
    if value is not None:
        return {**element, sub.name: value}
    if operation.verb is Verb.ADD:
        return element
    return {name: part for name, part in element.items() if name != sub.name}


def _is_picked(element: Any, path: Path, attribute: Attribute) -> bool:
    return path.condition is None or matches(path.condition, element, attribute)


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

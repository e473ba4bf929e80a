"""Does a resource meet a condition? Pure, on the JSON as it is returned (RFC 7644 3.4.2.2).

| | |
| --- | --- |
| several values | one that matches is enough |
| `ne` | exactly where `eq` doesn't match, so also where there is no value |
| `eq null` | no value; null, "" and [] are none for `pr` |
| text | folded, unless the schema says caseExact |
"""

import operator
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, assert_never

from scim.budget import Budget
from scim.query import And, Attr, Compare, Condition, Literal, Not, Op, Or, Present, Within
from scim.schema import Attribute, ResourceType, Scope, Type, fold, parse_time

#: Of a resource, or of an element of the attribute inside [ ]; raises TooMany when the budget is used up
Test = Callable[[Mapping[str, Any], Budget], bool]


def matches(condition: Condition, resource: Mapping[str, Any], scope: Scope) -> bool:
    """As `compiled`, for one resource."""
    return compiled(condition, scope)(resource, Budget(sys.maxsize, ""))


def compiled(condition: Condition, scope: Scope) -> Test:
    """Names are looked up and literals folded once. `scope`: the resource's type, or the attribute when
    elements of it are tested."""
    match condition:
        case And(parts):
            return _all([compiled(part, scope) for part in parts])
        case Or(parts):
            return _any([compiled(part, scope) for part in parts])
        case Not(part):
            return _not(compiled(part, scope))
        case Within(attr, inner):
            return _within(attr, inner, scope)
        case Present(attr):
            return _present(attr)
        case Compare(attr, Op.NE, literal):
            return _not(compiled(Compare(attr, Op.EQ, literal), scope))
        case Compare(attr, _, None):
            return _not(_present(attr))
        case Compare(attr, op, literal):
            return _comparing(attr, _leaf(scope, attr), op, literal)
        case _:
            assert_never(condition)


def _all(tests: Sequence[Test]) -> Test:
    return lambda resource, budget: all(test(resource, budget) for test in tests)


def _any(tests: Sequence[Test]) -> Test:
    return lambda resource, budget: any(test(resource, budget) for test in tests)


def _not(inner: Test) -> Test:
    return lambda resource, budget: not inner(resource, budget)


def _within(attr: Attr, inner: Condition, scope: Scope) -> Test:
    attribute = scope.find(attr.name, attr.urn)
    if attribute is None:
        return lambda resource, budget: False
    test = compiled(inner, attribute)
    return lambda resource, budget: any(
        test(element, budget) for element in values(attr, resource) if isinstance(element, dict)
    )


def _present(attr: Attr) -> Test:
    def test(resource: Mapping[str, Any], budget: Budget) -> bool:
        found = values(attr, resource)
        budget.spend(1 + len(found))
        return any(_is_present(value) for value in found)

    return test


def _comparing(attr: Attr, attribute: Attribute, op: Op, literal: Literal) -> Test:
    right, holds = _comparable(attribute, literal), _HOLDS[op]

    def test(resource: Mapping[str, Any], budget: Budget) -> bool:
        budget.spend(1)
        for value in values(attr, resource):
            budget.look(value)
            left = _comparable(attribute, value)
            # True is no 1 here, and no text is a number.
            if left is None or right is None or isinstance(left, bool) != isinstance(right, bool):
                continue
            if isinstance(left, str) == isinstance(right, str) and holds(left, right):
                return True
        return False

    return test


def values(attr: Attr, resource: Mapping[str, Any]) -> list[Any]:
    """All values at an attribute path, flattened; absent ones are none."""
    holder: Any = resource.get(attr.urn) if attr.urn else resource
    found = holder.get(attr.name) if isinstance(holder, dict | Mapping) else None
    elements = found if isinstance(found, list) else [found]
    if attr.sub:
        elements = [element.get(attr.sub) for element in elements if isinstance(element, dict)]
    return [element for element in elements if element is not None]


def sort_key(attr: Attr, resource: Mapping[str, Any], resource_type: ResourceType) -> tuple[bool, Any]:
    """Of several elements the primary one counts, else the first (RFC 7644 3.4.2.3). Resources without a
    value come last, or first when descending."""
    leaf, sub = resource_type.attribute(attr), attr.sub
    if leaf.type is Type.COMPLEX:
        leaf, sub = leaf.subs["value"], "value"
    found = values(Attr(attr.name, "", attr.urn), resource)
    if sub:
        having = [element for element in found if isinstance(element, dict) and element.get(sub) is not None]
        primary = next((element for element in having if element.get("primary") is True), None)
        found = [element[sub] for element in ([primary] if primary else having)]
    value = _comparable(leaf, found[0]) if found else None
    return (True, "") if value is None else (False, value)


def _leaf(scope: Scope, attr: Attr) -> Attribute:
    if isinstance(scope, ResourceType):
        return scope.attribute(attr)
    found = scope.find(attr.name)
    if found is None:
        raise KeyError(attr.name)
    return found


#: `ne` is where `eq` isn't
_HOLDS: Mapping[Op, Callable[[Any, Any], bool]] = {
    Op.EQ: operator.eq,
    Op.CO: operator.contains,
    Op.SW: str.startswith,
    Op.EW: str.endswith,
    Op.GT: operator.gt,
    Op.GE: operator.ge,
    Op.LT: operator.lt,
    Op.LE: operator.le,
}


def _comparable(attribute: Attribute, value: Any) -> Any:
    """The form in which two values of this attribute are compared; None for a value of another type."""
    match attribute.type:
        case Type.DATETIME:
            try:
                return parse_time(value)
            except (TypeError, ValueError):
                return None
        case Type.STRING | Type.REFERENCE | Type.BINARY:
            if not isinstance(value, str):
                return None
            return value if attribute.exact or attribute.type is Type.BINARY else fold(value)
        case _:
            return value if isinstance(value, bool | int | float) else None


def _is_present(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_is_present(part) for part in value.values())
    if isinstance(value, list):
        return any(_is_present(part) for part in value)
    return value is not None and value != ""

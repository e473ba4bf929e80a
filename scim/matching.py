"""Does a resource meet a condition? Pure, on the JSON as it is returned (RFC 7644 3.4.2.2).

| | |
| --- | --- |
| several values | one that matches is enough |
| `ne` | exactly where `eq` doesn't match, so also where there is no value |
| `eq null` | no value; null, "" and [] are none for `pr` |
| text | folded, unless the schema says caseExact |
"""

from collections.abc import Mapping
from typing import Any, assert_never

from scim.query import And, Attr, Compare, Condition, Literal, Not, Op, Or, Present, Within
from scim.schema import Attribute, ResourceType, Scope, Type, fold, parse_time


def matches(condition: Condition, resource: Mapping[str, Any], scope: Scope) -> bool:
    """`scope` is the resource's type, or the attribute when `resource` is one of its elements."""
    match condition:
        case And(parts):
            return all(matches(part, resource, scope) for part in parts)
        case Or(parts):
            return any(matches(part, resource, scope) for part in parts)
        case Not(part):
            return not matches(part, resource, scope)
        case Within(attr, inner):
            attribute = scope.find(attr.name, attr.urn)
            return attribute is not None and any(
                matches(inner, element, attribute)
                for element in values(attr, resource)
                if isinstance(element, dict)
            )
        case Present(attr):
            return any(_is_present(value) for value in values(attr, resource))
        case Compare(attr, Op.NE, literal):
            return not matches(Compare(attr, Op.EQ, literal), resource, scope)
        case Compare(attr, _, None):
            return not any(_is_present(value) for value in values(attr, resource))
        case Compare(attr, op, literal):
            attribute = _leaf(scope, attr)
            return any(_holds(attribute, op, value, literal) for value in values(attr, resource))
        case _:
            assert_never(condition)


def values(attr: Attr, resource: Mapping[str, Any]) -> list[Any]:
    """All values at an attribute path, flattened; absent ones are none."""
    holder: Any = resource.get(attr.urn) if attr.urn else resource
    found = holder.get(attr.name) if isinstance(holder, dict | Mapping) else None
    elements = found if isinstance(found, list) else [found]
    if attr.sub:
        elements = [element.get(attr.sub) for element in elements if isinstance(element, dict)]
    return [element for element in elements if element is not None]


def _leaf(scope: Scope, attr: Attr) -> Attribute:
    if isinstance(scope, ResourceType):
        return scope.attribute(attr)
    found = scope.find(attr.name)
    if found is None:
        raise KeyError(attr.name)
    return found


def _holds(attribute: Attribute, op: Op, value: Any, literal: Literal) -> bool:
    left, right = _comparable(attribute, value), _comparable(attribute, literal)
    if left is None or right is None or isinstance(left, bool) != isinstance(right, bool):
        return False
    if isinstance(left, str) != isinstance(right, str):
        return False
    match op:
        case Op.EQ:
            return bool(left == right)
        case Op.NE:
            return bool(left != right)
        case Op.CO:
            return right in left
        case Op.SW:
            return bool(left.startswith(right))
        case Op.EW:
            return bool(left.endswith(right))
        case Op.GT:
            return bool(left > right)
        case Op.GE:
            return bool(left >= right)
        case Op.LT:
            return bool(left < right)
        case Op.LE:
            return bool(left <= right)
        case _:
            assert_never(op)


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

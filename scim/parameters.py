"""What does a list or a search ask for? Query parameters or a SearchRequest (RFC 7644 3.4.2 and 3.4.3)."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scim import filter as filters
from scim import path as paths
from scim import projection
from scim.errors import InvalidFilter, InvalidPath, InvalidSyntax, InvalidValue
from scim.projection import Projection
from scim.query import Attr, Condition, Query
from scim.schema import ResourceType, Returned, Type

MAX_COUNT = 200
DEFAULT_COUNT = 100
_MAX_START = 2**31 - 1
_NAMES = {
    name.lower(): name
    for name in (
        "filter",
        "attributes",
        "excludedAttributes",
        "sortBy",
        "sortOrder",
        "startIndex",
        "count",
    )
}


@dataclass(frozen=True, slots=True)
class Search:
    queries: Mapping[str, Query]  #: by endpoint; types of which nothing can match are absent
    projections: Mapping[str, Projection]  #: by endpoint
    start: int
    count: int


def from_url(arguments: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The known parameters of a URL, names in any case; others are left alone: Entra puts flags into its URL.
    Raises InvalidValue, InvalidFilter."""
    found: dict[str, Any] = {}
    for key, values in arguments.items():
        name = _NAMES.get(key.lower())
        if name is None:
            continue
        if len(values) > 1 or name in found:
            error = InvalidFilter if name == "filter" else InvalidValue
            raise error(f"{name} is given twice; give it once")
        found[name] = (
            projection.split(values[0]) if name in ("attributes", "excludedAttributes") else values[0]
        )
    return found


def from_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """The known parameters of a SearchRequest. Raises InvalidSyntax."""
    found = {}
    for key, value in body.items():
        name = _NAMES.get(key.lower())
        if name is not None and value is not None:
            found[name] = value
    for name in ("filter", "sortBy", "sortOrder"):
        if not isinstance(found.get(name, ""), str):
            raise InvalidSyntax(f"{name} must be a string")
    for name in ("attributes", "excludedAttributes"):
        value = found.get(name, [])
        if isinstance(value, str):
            found[name] = projection.split(value)
        elif not isinstance(value, list) or not all(isinstance(part, str) for part in value):
            raise InvalidSyntax(f"{name} must be a list of strings")
    return found


def project(given: Mapping[str, Any], resource_type: ResourceType) -> Projection:
    """What is returned of one resource. Raises InvalidValue."""
    found = projection.read(
        given.get("attributes", ()), given.get("excludedAttributes", ()), (resource_type,)
    )
    return found[resource_type.endpoint]


def read(given: Mapping[str, Any], types: Sequence[ResourceType]) -> Search:
    """A search over one type or all of them. Raises InvalidFilter, InvalidValue, InvalidPath."""
    start = max(1, min(_integer(given, "startIndex", 1), _MAX_START))
    count = max(0, min(_integer(given, "count", DEFAULT_COUNT), MAX_COUNT))
    order = str(given.get("sortOrder", "ascending")).lower()
    if order not in ("ascending", "descending"):
        raise InvalidValue("sortOrder must be ascending or descending")
    sorts = _sorts(given["sortBy"], types) if given.get("sortBy") else {}
    queries = {}
    for each in types:
        condition: Condition | None = None
        if "filter" in given:
            condition = filters.read(given["filter"], each, alone=len(types) == 1)
            if condition == filters.NOTHING:
                continue
        queries[each.endpoint] = Query(
            None if condition == filters.EVERYTHING else condition,
            sorts.get(each.endpoint),
            order == "descending",
            start,
            count,
        )
    projections = projection.read(given.get("attributes", ()), given.get("excludedAttributes", ()), types)
    return Search(queries, projections, start, count)


def window(query: Query, start: int, count: int) -> Query:
    """The same query for another part of the list."""
    return dataclasses.replace(query, start=start, count=count)


def _integer(given: Mapping[str, Any], name: str, default: int) -> int:
    value = given.get(name, default)
    try:
        if isinstance(value, bool | float) or len(str(value)) > 100:
            raise ValueError
        return int(value)
    except (TypeError, ValueError) as error:
        raise InvalidValue(f"{name} must be a whole number") from error


def _sorts(text: str, types: Sequence[ResourceType]) -> dict[str, Attr]:
    """The attribute to sort by of each type that has it. A complex one without sub-attribute means the
    `value` of its primary element, else of its first (RFC 7644 3.4.2.3)."""
    found = {}
    for each in types:
        try:
            path = paths.read(text, each)
        except (InvalidPath, InvalidFilter):
            continue
        leaf = path.sub or path.attribute
        if leaf is None or path.attribute is None or path.condition is not None:
            continue
        if leaf.type is Type.COMPLEX and leaf.find("value") is None:
            continue
        if path.attribute.returned in (Returned.NEVER, Returned.REQUEST):
            continue
        found[each.endpoint] = Attr(path.attribute.name, path.sub.name if path.sub else "", path.urn)
    if not found:
        raise InvalidPath(f"can't sort by {text[:200]!r}; name an attribute with a simple value")
    return found

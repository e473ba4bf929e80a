"""Which attributes are returned? By request, and by the schemas' `returned` (RFC 7644 3.9)."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scim.budget import Budget
from scim.errors import InvalidFilter, InvalidPath, InvalidValue
from scim.matching import Test, compiled
from scim.path import read as read_path
from scim.query import And, Condition, Not, Or, Within
from scim.schema import Attribute, ResourceType, Returned

_MAX_NAMES = 200
#: in all the names of a request: each is asked of each value that is returned
MAX_COMPARISONS = 10
#: A comma outside of quotes and brackets parts two names. What is not closed ends with the text: nothing is
#: read twice.
_NAMES = re.compile(r'(?:\[(?:[^\]"]|"(?:[^"\\]|\\.)*+(?:"|\Z|\\\Z))*+\]?|[^,\[])++', re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Part:
    sub: str  #: "": the whole value
    picks: Test | None = None  #: of which elements; None: of all


#: By URN ("" for core) and name in the schema's spelling; name "" is the whole extension
_Parts = Mapping[tuple[str, str], Sequence[_Part]]


@dataclass(frozen=True, slots=True)
class Projection:
    only: _Parts | None = None  #: None: the default ones
    without: _Parts = field(default_factory=dict)

    def wants(self, attribute: Attribute) -> bool:
        """Whether any of it is returned: what isn't need not be read."""
        match attribute.returned:
            case Returned.ALWAYS:
                return True
            case Returned.NEVER:
                return False
            case Returned.REQUEST:
                return bool(self.only and _of(self.only, attribute))
        if self.only is not None:
            return bool(_of(self.only, attribute))
        return not any(_is_whole(part) for part in _of(self.without, attribute))

    def shows(self, attribute: Attribute, sub: str) -> bool:
        """Whether that part of any of its values may be returned."""
        if self.only is not None:
            return any(part.sub in ("", sub) for part in _of(self.only, attribute))
        cut = any(part.sub == sub and part.picks is None for part in _of(self.without, attribute))
        return self.wants(attribute) and not cut

    def of(self, resource: dict[str, Any], resource_type: ResourceType, budget: Budget) -> dict[str, Any]:
        """The resource as it is returned; it stays as it is. Raises TooMany."""
        if self.only is None and not self.without:
            return resource
        result: dict[str, Any] = {}
        for key, value in resource.items():
            if key in resource_type.attributes:
                inner = dict(self._each(value, resource_type, key, budget))
                if inner:
                    result[key] = inner
        result.update(self._each(resource, resource_type, "", budget))
        return {key: result[key] for key in resource if key in result}

    def _each(
        self, holder: dict[str, Any], resource_type: ResourceType, urn: str, budget: Budget
    ) -> Sequence[tuple[str, Any]]:
        attributes = resource_type.attributes[urn]
        kept = []
        for key, value in holder.items():
            attribute = attributes.get(key.lower())
            if attribute is not None and self.wants(attribute):
                part = self.value(attribute, value, budget)
                if part not in (None, [], {}):
                    kept.append((key, part))
        return kept

    def value(self, attribute: Attribute, value: Any, budget: Budget) -> Any:
        """One wanted attribute's value, cut to the elements and sub-attributes that are returned.
        Raises TooMany."""
        only = _of(self.only, attribute) if self.only else ()
        if only and not any(_is_whole(part) for part in only):
            return _map(value, lambda element: _merged(element, only, budget))
        without = _of(self.without, attribute)
        return _map(value, lambda element: _cut(element, without, budget)) if without else value


def read(
    attributes: Sequence[str], excluded: Sequence[str], types: Sequence[ResourceType]
) -> dict[str, Projection]:
    """One for each type, by endpoint. Names that no schema has are passed over. Raises InvalidValue."""
    if attributes and excluded:
        raise InvalidValue("attributes and excludedAttributes exclude each other; send one of them")
    if len(attributes) + len(excluded) > _MAX_NAMES:
        raise InvalidValue(f"at most {_MAX_NAMES} attribute names")
    return {
        each.endpoint: Projection(_parts(attributes, each) if attributes else None, _parts(excluded, each))
        for each in types
    }


def split(text: str) -> list[str]:
    """The names of a query parameter."""
    return [name.strip() for name in _NAMES.findall(text) if name.strip()]


def _parts(names: Sequence[str], resource_type: ResourceType) -> _Parts:
    parts: dict[tuple[str, str], dict[tuple[str, Condition | None], _Part]] = {}
    comparisons = 0
    for name in dict.fromkeys(names):
        try:
            path = read_path(name, resource_type)
        except InvalidPath:
            continue
        except InvalidFilter as error:
            raise InvalidValue(f"can't read the attribute name {name[:200]!r}") from error
        comparisons += _comparisons(path.condition)
        if comparisons > MAX_COMPARISONS:
            raise InvalidValue(f"at most {MAX_COMPARISONS} comparisons in [ ] in all the attribute names")
        named, sub = path.attribute.name if path.attribute else "", path.sub.name if path.sub else ""
        picks = compiled(path.condition, path.attribute) if path.condition and path.attribute else None
        parts.setdefault((path.urn, named), {})[sub, path.condition] = _Part(sub, picks)
    return {key: tuple(found.values()) for key, found in parts.items()}


def _comparisons(condition: Condition | None) -> int:
    match condition:
        case None:
            return 0
        case And(parts) | Or(parts):
            return sum(map(_comparisons, parts))
        case Not(part) | Within(_, part):
            return _comparisons(part)
        case _:
            return 1


def _of(parts: _Parts, attribute: Attribute) -> Sequence[_Part]:
    whole = parts.get((attribute.urn, ""), ()) if attribute.urn else ()
    return (*parts.get((attribute.urn, attribute.name), ()), *whole)


def _is_whole(part: _Part) -> bool:
    return part.picks is None and not part.sub


def _map(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, list):
        return [part for part in (change(element) for element in value) if part]
    return change(value)


def _merged(element: Any, parts: Sequence[_Part], budget: Budget) -> Any:
    """What the parts ask of one element, in its own order."""
    if not isinstance(element, dict):
        return element
    names = {part.sub for part in parts if part.picks is None or part.picks(element, budget)}
    return {name: value for name, value in element.items() if "" in names or name in names}


def _cut(element: Any, parts: Sequence[_Part], budget: Budget) -> Any:
    if not isinstance(element, dict):
        return element
    names = {part.sub for part in parts if part.picks is None or part.picks(element, budget)}
    return {name: value for name, value in element.items() if not names & {"", name}}

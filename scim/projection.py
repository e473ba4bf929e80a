"""Which attributes are returned? By request, and by the schemas' `returned` (RFC 7644 3.9)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scim.errors import InvalidFilter, InvalidPath, InvalidValue
from scim.matching import matches
from scim.path import Path
from scim.path import read as read_path
from scim.schema import Attribute, ResourceType, Returned

_MAX_NAMES = 200
#: A comma outside of quotes and brackets parts two names
_NAMES = re.compile(r'(?:\[(?:[^\]"]|"(?:[^"\\]|\\.)*")*\]?|[^,\[])+')


@dataclass(frozen=True, slots=True)
class Projection:
    only: tuple[Path, ...] | None = None  #: None: the default ones
    without: tuple[Path, ...] = ()

    def wants(self, attribute: Attribute) -> bool:
        """Whether any of it is returned: what isn't need not be read."""
        match attribute.returned:
            case Returned.ALWAYS:
                return True
            case Returned.NEVER:
                return False
            case Returned.REQUEST:
                return any(_names(path, attribute) for path in self.only or ())
        if self.only is not None:
            return any(_names(path, attribute) for path in self.only)
        return not any(_names(path, attribute) and _is_whole(path) for path in self.without)

    def of(self, resource: dict[str, Any], resource_type: ResourceType) -> dict[str, Any]:
        """The resource as it is returned; it stays as it is."""
        if self.only is None and not self.without:
            return resource
        result: dict[str, Any] = {}
        for key, value in resource.items():
            if key in resource_type.attributes:
                inner = dict(self._each(value, resource_type, key))
                if inner:
                    result[key] = inner
        result.update(self._each(resource, resource_type, ""))
        return {key: result[key] for key in resource if key in result}

    def _each(
        self, holder: dict[str, Any], resource_type: ResourceType, urn: str
    ) -> Sequence[tuple[str, Any]]:
        attributes = resource_type.attributes[urn]
        kept = []
        for key, value in holder.items():
            attribute = attributes.get(key.lower())
            if attribute is not None and self.wants(attribute):
                part = self.value(attribute, value)
                if part not in (None, [], {}):
                    kept.append((key, part))
        return kept

    def value(self, attribute: Attribute, value: Any) -> Any:
        """One wanted attribute's value, cut to the elements and sub-attributes that are returned."""
        only = [path for path in self.only or () if _names(path, attribute)]
        if only and not any(_is_whole(path) for path in only):
            return _map(value, lambda element: _merged(element, only, attribute))
        without = [path for path in self.without if _names(path, attribute)]
        return _map(value, lambda element: _cut(element, without, attribute)) if without else value


def read(
    attributes: Sequence[str], excluded: Sequence[str], types: Sequence[ResourceType]
) -> dict[str, Projection]:
    """One for each type, by endpoint. Names that no schema has are passed over. Raises InvalidValue."""
    if attributes and excluded:
        raise InvalidValue("attributes and excludedAttributes exclude each other; send one of them")
    if len(attributes) + len(excluded) > _MAX_NAMES:
        raise InvalidValue(f"at most {_MAX_NAMES} attribute names")
    return {
        each.endpoint: Projection(_paths(attributes, each) if attributes else None, _paths(excluded, each))
        for each in types
    }


def split(text: str) -> list[str]:
    """The names of a query parameter."""
    return [name.strip() for name in _NAMES.findall(text) if name.strip()]


def _paths(names: Sequence[str], resource_type: ResourceType) -> tuple[Path, ...]:
    paths = []
    for name in names:
        try:
            paths.append(read_path(name, resource_type))
        except InvalidPath:
            continue
        except InvalidFilter as error:
            raise InvalidValue(f"can't read the attribute name {name[:200]!r}") from error
    return tuple(paths)


def _names(path: Path, attribute: Attribute) -> bool:
    if path.attribute is None:
        return path.urn == attribute.urn
    return path.attribute.name == attribute.name and path.urn == attribute.urn


def _is_whole(path: Path) -> bool:
    return path.condition is None and path.sub is None


def _map(value: Any, change: Any) -> Any:
    if isinstance(value, list):
        return [part for part in (change(element) for element in value) if part]
    return change(value)


def _merged(element: Any, paths: Sequence[Path], attribute: Attribute) -> Any:
    """What the paths ask of one element, in its own order."""
    if not isinstance(element, dict):
        return element
    meeting = [path for path in paths if _meets(element, path, attribute)]
    names = {path.sub.name if path.sub else "" for path in meeting}
    return {name: part for name, part in element.items() if "" in names or name in names}


def _cut(element: Any, paths: Sequence[Path], attribute: Attribute) -> Any:
    if not isinstance(element, dict):
        return element
    names = {path.sub.name if path.sub else "" for path in paths if _meets(element, path, attribute)}
    return {name: part for name, part in element.items() if not names & {"", name}}


def _meets(element: dict[str, Any], path: Path, attribute: Attribute) -> bool:
    return path.condition is None or matches(path.condition, element, attribute)

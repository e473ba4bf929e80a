"""What do Entra ID, Okta and others send, and what do they mean by it in the RFC's terms?

Rewritten here, before the strict rules of patch.py see it; each case has a file under tests/scim/exchanges.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from scim.errors import InvalidValue
from scim.operations import Operation, Verb
from scim.schema import ENTERPRISE, ResourceType


class Answer(StrEnum):
    """What a successful PATCH gives back."""

    NOTHING = "nothing"  #: 204
    BRIEF = "brief"  #: 200, a group without its members
    FULL = "full"  #: 200, the resource


@dataclass(frozen=True, slots=True)
class Dialect:
    #: A path that no schema has or that is read-only, or a value that can't be used, skips its operation with
    #: a warning instead of failing the request: a disable must not fail because of a mapped custom attribute.
    #: Not so what is `vital` (schema.py). "" means no value, a number its text; a replace whose [ ] matches
    #: nothing makes the element, as an add does.
    forgiving: bool
    patched_user: Answer = Answer.FULL
    patched_group: Answer = Answer.FULL


DIALECTS: Mapping[str, Dialect] = {
    "scim": Dialect(forgiving=False),
    # Microsoft's guide: PATCH of a group should answer 204 and never return all members.
    "entra": Dialect(forgiving=True, patched_group=Answer.NOTHING),
    # Okta wants the group's details back; its members may be absent.
    "okta": Dialect(forgiving=True, patched_group=Answer.BRIEF),
}

#: sent (Microsoft's samples): "urn:…:enterprise:2.0User", without the colon
_MISSPELT = ENTERPRISE.replace(":User", "User").lower()


def resource(body: Mapping[str, Any], dialect: Dialect) -> dict[str, Any]:
    """A body of POST or PUT."""
    spelt = dict(body)
    for key in [key for key in body if key.lower() == _MISSPELT]:
        spelt = _respelt(spelt, spelt.pop(key))
    return _mended(spelt) if dialect.forgiving else spelt


def _respelt(body: dict[str, Any], misspelt: Any) -> dict[str, Any]:
    """Under the right URN; what is there already counts more."""
    present = next((key for key in body if key.lower() == ENTERPRISE.lower()), ENTERPRISE)
    right = body.get(present)
    if not isinstance(right, dict) or not isinstance(misspelt, dict):
        return {present: misspelt, **body}
    said = {key.lower() for key in right}
    left = {key: value for key, value in misspelt.items() if key.lower() not in said}
    return {**body, present: {**left, **right}}


def operation(sent: Operation, resource_type: ResourceType, dialect: Dialect) -> Iterator[Operation]:
    """The operations that one of a PATCH stands for. Raises InvalidValue."""
    path = sent.path
    if path.lower().startswith(_MISSPELT):
        path = ENTERPRISE + path[len(_MISSPELT) :]
    whole = resource_type.urn(path) if path else None
    if isinstance(sent.value, dict) and sent.verb in (Verb.ADD, Verb.REPLACE) and (not path or whole):
        # sent (Entra with its flag, Okta): no path, {"name.givenName": "Ada", "urn:…:User:department": "HR"}
        # meant: one operation for each key. What may not be written (Okta: id, schemas) was not meant at all.
        prefix = f"{whole}:" if whole and whole != resource_type.core else ""
        for key, value in sent.value.items():
            part = replace(sent, path=prefix + key, value=value, implicit=True)
            yield from operation(part, resource_type, dialect)
        return
    if sent.verb is Verb.REMOVE and sent.value is not None:
        # sent (Entra, default): remove, path members, value [{"value": "u-ivo"}]; an empty list is nobody
        # meant: these values, not the whole attribute
        yield replace(sent, verb=Verb.REMOVE_LISTED, path=path)
        return
    if not dialect.forgiving:
        if sent.lacks:
            raise InvalidValue(f"{sent.verb} needs a value")
        yield replace(sent, path=path)
        return
    # Without a value is as with null: the rest of the request, a disable perhaps, must not fail for it.
    value = _mended(sent.value)
    if value is None and sent.verb is Verb.REPLACE and path.endswith("].value"):
        # sent (Microsoft's validator): replace, path emails[type eq "work"].value, value null
        # meant: no work mail any more, rather than one without an address
        yield replace(sent, verb=Verb.REMOVE, path=path.removesuffix(".value"), value=None)
        return
    yield replace(sent, path=path, value=value, creates=True)


def _mended(value: Any) -> Any:
    """Depth is bounded by body.py. No attribute that can be written is a number."""
    match value:
        case "":
            # sent (Entra, Okta): "title": "", "middleName": ""      meant: no value
            return None
        case dict():
            return {key: _mended(part) for key, part in value.items()}
        case list():
            return [_mended(part) for part in value]
        case int() | float() if not isinstance(value, bool):
            # sent (Entra, a mapped number): employeeNumber 10017      meant: "10017"
            return str(value)
        case _:
            return value

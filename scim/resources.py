"""How does a resource look as JSON, coming in and going out? (RFC 7643 section 3, RFC 7644 3.3 and 3.5.1)"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scim import membership
from scim.errors import InvalidSyntax, InvalidValue
from scim.schema import GROUP, LICENSE, TYPES, USER, Attribute, Mutability, ResourceType, show_time
from scim.store import Attributes, Kind, Reference, Stored
from scim.values import accept


@dataclass(frozen=True, slots=True)
class Sent:
    attributes: Attributes
    members: tuple[str, ...] | None  #: None: not said
    cleared: bool = False  #: externalId was sent as null, rather than left out
    skipped: tuple[tuple[str, str], ...] = ()  #: URN ("" for core) and name of what can't be used

    @property
    def warnings(self) -> list[tuple[str, str]]:
        """Code and path of each."""
        return [("unusable_value", f"{urn}:{name}".strip(":")) for urn, name in self.skipped]


#: What a body must hold: `active` is required, too, but a user who comes without it is active.
_NEEDED = {
    kind: [each.name for each in known.attributes[""].values() if each.required and each.name != "active"]
    for kind, known in TYPES.items()
}


def read(body: Mapping[str, Any], resource_type: ResourceType, *, forgiving: bool = False) -> Sent:
    """A body of POST or PUT that has been through dialects.py. Read-only and unknown attributes are left out,
    an id in the body too (T20); if `forgiving`, also values that can't be used, unless they are vital.
    Raises InvalidSyntax, InvalidValue."""
    schemas = next((value for key, value in body.items() if key.lower() == "schemas"), None)
    if schemas is not None and not (
        isinstance(schemas, list) and all(isinstance(urn, str) for urn in schemas)
    ):
        raise InvalidSyntax("schemas must be a list of URNs")
    attributes: Attributes = {}
    members: tuple[str, ...] | None = None
    skipped: list[tuple[str, str]] | None = [] if forgiving else None
    said = list(body.items())
    for key, value in said:
        urn = resource_type.urn(key)
        if urn is not None:
            if value is not None and not isinstance(value, dict):
                _pass_over(InvalidValue(f"{urn} must be an object"), urn, "", skipped)
            elif urn == resource_type.core:
                said += (value or {}).items()
            elif inner := _taken(value or {}, resource_type, urn, skipped):
                attributes[urn] = inner
            continue
        attribute = resource_type.attributes[""].get(key.lower())
        if attribute is None:
            continue
        if attribute.name == "members" and resource_type.kind is Kind.GROUP:
            if members is not None:
                raise InvalidSyntax("members appears twice")
            members = membership.ids(value) if value is not None else None
        else:
            _take(attributes, attribute, value, skipped)
    for name in _NEEDED[resource_type.kind]:
        if name not in attributes:
            raise InvalidValue(f"{name} is required")
    cleared = attributes.get("externalId", "") is None
    if cleared:
        del attributes["externalId"]
    return Sent(attributes, members, cleared, tuple(skipped or ()))


def created(sent: Attributes, resource_type: ResourceType) -> Attributes:
    """The attributes of a new resource: a user is active unless said otherwise."""
    return {"active": True, **sent} if resource_type.kind is Kind.USER else sent


def replaced(before: Attributes, sent: Sent) -> Attributes:
    """The attributes after a PUT: what isn't sent is cleared, but not what tells who it is and whether it is
    active (Okta leaves both out), nor what was sent and can't be used. A null clears externalId (RFC 7643
    2.5), and leaves `active` as it is: no user is without."""
    after: Attributes = {name: before[name] for name in ("externalId", "active") if name in before}
    if sent.cleared:
        after.pop("externalId", None)
    after |= sent.attributes
    for urn, name in sent.skipped:
        had = before.get(urn, {}) if urn else before
        if not name:
            after |= {urn: had} if had else {}
        elif name in had:
            after |= {urn: {name: had[name], **after.get(urn, {})}} if urn else {name: had[name]}
    return after


def show(
    stored: Stored,
    base_url: str,
    *,
    groups: Sequence[Reference] = (),
    licenses: Sequence[Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """The whole resource without members, which are streamed. Raises nothing."""
    resource_type = USER if stored.kind is Kind.USER else GROUP
    attributes = stored.attributes
    schemas = [resource_type.core, *(urn for urn in resource_type.extensions if urn in attributes)]
    resource: dict[str, Any] = {"schemas": schemas, "id": stored.id, **attributes}
    if groups:
        resource["groups"] = [
            {**_reference(group, base_url), "type": "direct" if group.direct else "indirect"}
            for group in groups
        ]
    if licenses:
        schemas.append(LICENSE)
        resource[LICENSE] = {"licenses": list(licenses)}
    resource["meta"] = {
        "resourceType": str(stored.kind),
        "created": show_time(stored.created),
        "lastModified": show_time(stored.modified),
        "location": location(stored.kind, stored.id, base_url),
        "version": etag(stored),
    }
    return resource


def show_member(member: Reference, base_url: str) -> dict[str, Any]:
    return {**_reference(member, base_url), "type": str(member.kind)}


def location(kind: Kind, id: str, base_url: str) -> str:
    return f"{base_url}/{kind}s/{id}"


def etag(stored: Stored) -> str:
    return f'W/"{stored.version}"'


def _reference(to: Reference, base_url: str) -> dict[str, Any]:
    shown = {"value": to.id, "$ref": location(to.kind, to.id, base_url)}
    return {**shown, "display": to.display} if to.display else shown


def _taken(
    values: Mapping[str, Any], resource_type: ResourceType, urn: str, skipped: list[tuple[str, str]] | None
) -> dict[str, Any]:
    taken: dict[str, Any] = {}
    for key, value in values.items():
        attribute = resource_type.attributes[urn].get(key.lower())
        if attribute is not None:
            _take(taken, attribute, value, skipped)
    return taken


def _take(
    into: dict[str, Any], attribute: Attribute, value: Any, skipped: list[tuple[str, str]] | None
) -> None:
    if attribute.mutability is Mutability.READ_ONLY:
        return
    if attribute.name in into:
        raise InvalidSyntax(f"{attribute.name} appears twice")
    try:
        taken = accept(attribute, value)
    except InvalidValue as error:
        _pass_over(error, attribute.urn, attribute.name, None if attribute.vital else skipped)
        return
    if taken is not None or attribute.name == "externalId":
        into[attribute.name] = taken


def _pass_over(error: InvalidValue, urn: str, name: str, skipped: list[tuple[str, str]] | None) -> None:
    if skipped is None:
        raise error
    skipped.append((urn, name))

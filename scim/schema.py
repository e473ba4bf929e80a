"""Which attributes does a resource have, and of what kind? The schemas as data (RFC 7643)."""

import json
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from importlib.resources import files
from typing import Any, Protocol

from scim.query import Attr
from scim.store import Kind

CORE = "urn:ietf:params:scim:schemas:core:2.0:"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
LICENSE = "urn:anysoft:params:scim:schemas:extension:license:2.0:User"


class Type(StrEnum):
    STRING = "string"
    BOOLEAN = "boolean"
    DECIMAL = "decimal"
    INTEGER = "integer"
    DATETIME = "dateTime"
    BINARY = "binary"
    REFERENCE = "reference"
    COMPLEX = "complex"


class Mutability(StrEnum):
    READ_ONLY = "readOnly"
    READ_WRITE = "readWrite"
    IMMUTABLE = "immutable"
    WRITE_ONLY = "writeOnly"


class Returned(StrEnum):
    ALWAYS = "always"
    NEVER = "never"
    DEFAULT = "default"
    REQUEST = "request"


@dataclass(frozen=True, slots=True)
class Attribute:
    name: str
    type: Type
    urn: str = ""  #: an extension's URN; "" for the core schema and the common attributes
    many: bool = False
    required: bool = False
    exact: bool = False  #: case matters
    mutability: Mutability = Mutability.READ_WRITE
    returned: Returned = Returned.DEFAULT
    #: Somebody gains or loses by it: what is sent for it is done or refused, never passed over, so that the
    #: identity provider shows it.
    vital: bool = False
    subs: Mapping[str, "Attribute"] = field(default_factory=dict)  #: by name in lower case

    def find(self, name: str, urn: str = "") -> "Attribute | None":
        """A sub-attribute, in any case; sub-attributes have no URN."""
        return None if urn else self.subs.get(name.lower())


class Scope(Protocol):
    """Where names are looked up: a resource type, or a complex attribute inside [ ]."""

    def find(self, name: str, urn: str = "") -> Attribute | None: ...


@dataclass(frozen=True, slots=True)
class ResourceType:
    kind: Kind
    endpoint: str  #: "Users"
    core: str  #: the core schema's URN
    extensions: tuple[str, ...]
    attributes: Mapping[str, Mapping[str, Attribute]]  #: by URN ("" for core), then name in lower case

    def find(self, name: str, urn: str = "") -> Attribute | None:
        """An attribute, in any case. Without a URN an extension's attribute is found too, where the core has
        none of that name: Entra asks for `manager eq "…"`."""
        key = name.lower()
        if urn:
            known = self.urn(urn)
            return None if known is None else self.attributes["" if known == self.core else known].get(key)
        for attributes in self.attributes.values():
            if key in attributes:
                return attributes[key]
        return None

    @property
    def vital(self) -> Iterable[str]:
        """Names in lower case."""
        return (name for name, attribute in self.attributes[""].items() if attribute.vital)

    def urn(self, text: str) -> str | None:
        """A schema's URN in its own spelling, or None when it isn't one of this type's."""
        folded = text.lower()
        if not folded.startswith("urn:"):  # each name in a body is asked
            return None
        return next((urn for urn in (self.core, *self.extensions) if urn.lower() == folded), None)

    def attribute(self, attr: Attr) -> Attribute:
        """What the schema says about a resolved path, its sub-attribute if it has one. Raises KeyError."""
        found = self.attributes[attr.urn][attr.name.lower()]
        return found.subs[attr.sub.lower()] if attr.sub else found


def fold(text: str) -> str:
    """The key under which texts are compared when case doesn't matter: NFKC and casefold."""
    return text.casefold() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()


def parse_time(text: str) -> datetime:
    """An aware UTC time from an xsd:dateTime (RFC 7643 2.3.5). Raises ValueError."""
    if "T" not in text.upper():
        raise ValueError("a dateTime has a date, T and a time")
    time = datetime.fromisoformat(text.upper())  # RFC 3339 5.6: t and z are as good
    try:
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError as error:
        raise ValueError("out of range") from error


def show_time(time: datetime) -> str:
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def document(name: str) -> dict[str, Any]:
    """A schema as /Schemas shows it."""
    loaded: dict[str, Any] = json.loads(files("scim").joinpath("schemas", f"{name}.json").read_text("utf-8"))
    return loaded


def _read(raw: Mapping[str, Any], urn: str, vital: Collection[str] = ()) -> Attribute:
    return Attribute(
        name=raw["name"],
        type=Type(raw["type"]),
        urn=urn,
        many=raw["multiValued"],
        required=raw["required"],
        exact=raw.get("caseExact", False),
        mutability=Mutability(raw["mutability"]),
        returned=Returned(raw["returned"]),
        vital=raw["name"] in vital,
        subs={sub["name"].lower(): _read(sub, urn) for sub in raw.get("subAttributes", ())},
    )


_VITAL = {"user": ("userName", "active"), "group": ("displayName", "members")}


def _attributes(name: str, urn: str) -> dict[str, Attribute]:
    vital = _VITAL.get(name, ())
    return {raw["name"].lower(): _read(raw, urn, vital) for raw in document(name)["attributes"]}


def _common() -> dict[str, Attribute]:
    """Attributes that every resource has and no schema lists (RFC 7643 3.1)."""
    parts = [
        Attribute("resourceType", Type.STRING, exact=True, mutability=Mutability.READ_ONLY),
        Attribute("created", Type.DATETIME, mutability=Mutability.READ_ONLY),
        Attribute("lastModified", Type.DATETIME, mutability=Mutability.READ_ONLY),
        Attribute("location", Type.REFERENCE, exact=True, mutability=Mutability.READ_ONLY),
        Attribute("version", Type.STRING, exact=True, mutability=Mutability.READ_ONLY),
    ]
    common = [
        Attribute(
            "schemas", Type.REFERENCE, many=True, mutability=Mutability.READ_ONLY, returned=Returned.ALWAYS
        ),
        Attribute("id", Type.STRING, exact=True, mutability=Mutability.READ_ONLY, returned=Returned.ALWAYS),
        Attribute("externalId", Type.STRING, exact=True),
        Attribute(
            "meta",
            Type.COMPLEX,
            mutability=Mutability.READ_ONLY,
            subs={part.name.lower(): part for part in parts},
        ),
    ]
    return {attribute.name.lower(): attribute for attribute in common}


USER = ResourceType(
    Kind.USER,
    "Users",
    CORE + "User",
    (ENTERPRISE, LICENSE),
    {
        "": _common() | _attributes("user", ""),
        ENTERPRISE: _attributes("enterprise_user", ENTERPRISE),
        LICENSE: _attributes("license", LICENSE),
    },
)
GROUP = ResourceType(Kind.GROUP, "Groups", CORE + "Group", (), {"": _common() | _attributes("group", "")})
TYPES: Mapping[Kind, ResourceType] = {Kind.USER: USER, Kind.GROUP: GROUP}

"""What does a PATCH path or an `attributes` entry point at? (RFC 7644 figure 7 and 3.9)"""

from dataclasses import dataclass

from scim.errors import InvalidFilter, InvalidPath, UnknownAttribute
from scim.filter import value_path
from scim.query import Condition
from scim.schema import Attribute, ResourceType


@dataclass(frozen=True, slots=True)
class Path:
    """`urn:…:User:emails[type eq "work"].value`, or a whole extension when `attribute` is None."""

    urn: str  #: an extension's URN; "" for the core schema
    attribute: Attribute | None
    condition: Condition | None = None
    sub: Attribute | None = None


def read(text: str, resource_type: ResourceType) -> Path:
    """Raises InvalidPath, UnknownAttribute; InvalidFilter for a bad filter in [ ]."""
    whole = resource_type.urn(text.rstrip(":"))
    if whole is not None:
        if whole == resource_type.core:
            raise InvalidPath("a path names an attribute, not the core schema; leave the path out instead")
        return Path(whole, None)
    if text.isascii() and text.isalpha():  # most paths: no grammar needed
        urn, name, sub, condition = "", text, "", None
    else:
        try:
            urn, name, sub, condition = value_path(text, resource_type)
        except InvalidFilter as error:
            if "[" in text:
                raise
            raise InvalidPath(f"can't read the path {text[:200]!r}") from error
    attribute = resource_type.find(name, urn)
    if attribute is None:
        raise UnknownAttribute(f"unknown attribute {text[:200]!r}; /Schemas lists the known ones")
    leaf = attribute.find(sub) if sub else None
    if sub and leaf is None:
        raise InvalidPath(f"{attribute.name} has no sub-attribute {sub[:100]!r}")
    return Path(attribute.urn, attribute, condition, leaf)

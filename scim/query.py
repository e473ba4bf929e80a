"""What can a client ask for? The condition tree that filters become, and a list query (RFC 7644 3.4.2)."""

from dataclasses import dataclass
from enum import StrEnum

#: A typed literal of a filter (RFC 7644 figure 1): string, boolean, number or null
Literal = str | bool | int | float | None


class Op(StrEnum):
    EQ = "eq"
    NE = "ne"
    CO = "co"
    SW = "sw"
    EW = "ew"
    GT = "gt"
    GE = "ge"
    LT = "lt"
    LE = "le"


@dataclass(frozen=True, slots=True)
class Attr:
    """An attribute path that the schema knows, in the schema's own spelling."""

    name: str  #: "userName", "emails", "meta"
    sub: str = ""  #: "familyName", "value"; "" for none
    urn: str = ""  #: an extension's URN; "" for the core schema and the common attributes


@dataclass(frozen=True, slots=True)
class Compare:
    attr: Attr
    op: Op
    value: Literal


@dataclass(frozen=True, slots=True)
class Present:
    attr: Attr


@dataclass(frozen=True, slots=True)
class Within:
    """A value path: one element of a multi-valued attribute matches all of the inner condition."""

    attr: Attr  #: without sub
    inner: "Condition"  #: its Attr.name are sub-attributes of `attr`


@dataclass(frozen=True, slots=True)
class Not:
    part: "Condition"


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple["Condition", ...]


Condition = Compare | Present | Within | Not | And | Or


@dataclass(frozen=True, slots=True)
class Query:
    condition: Condition | None = None
    sort_by: Attr | None = None
    descending: bool = False
    start: int = 1  #: 1-based (RFC 7644 3.4.2.4)
    count: int = 100  #: at most this many; 0: only the total

"""What does the SCIM endpoint need from whoever keeps the directory? The one port.

A Store belongs to one directory: nothing of another directory can be seen or touched through it (T18).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from scim.query import Query


class Kind(StrEnum):
    USER = "User"
    GROUP = "Group"

    __hash__ = str.__hash__  # Enum's own is slow, and tables by kind are asked many times a request


#: A resource's own attributes as the schemas say, in canonical spelling, extensions nested under their URN;
#: without id, meta, groups and members, which are not part of the document. A user's say whether `active`.
Attributes = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stored:
    kind: Kind
    id: str  #: ours, a UUID
    attributes: Attributes
    version: int  #: grows with each change that changes something; the ETag is W/"<version>"
    created: datetime
    modified: datetime


@dataclass(frozen=True, slots=True)
class Reference:
    """A member of a group, or a group of a user."""

    kind: Kind
    id: str
    display: str  #: its displayName, "" when it has none: a userName is no name for people
    direct: bool = True  #: for a user's groups: False when through a nested group


@dataclass(frozen=True, slots=True)
class Page:
    total: int
    items: tuple[Stored, ...]  #: in a stable order


class MemberVerb(StrEnum):
    ADD = "add"
    REMOVE = "remove"
    REPLACE = "replace"  #: the whole list; REPLACE with nothing empties the group


@dataclass(frozen=True, slots=True)
class MemberOp:
    verb: MemberVerb
    ids: tuple[str, ...]


class NotFound(Exception):
    """No such resource in this directory (another directory's counts as none)."""


class Taken(Exception):
    """Another resource of this directory has this userName; args: the attribute's name."""


class Reader(Protocol):
    def get(self, kind: Kind, id: str) -> Stored:
        """One resource. Raises NotFound."""

    def find(self, kind: Kind, query: Query) -> Page:
        """Resources that match, oldest first unless sorted."""

    def members(self, group_id: str) -> Iterator[Reference]:
        """The members of a group, streamed, in a stable order."""

    def groups_of(self, user_ids: Sequence[str]) -> Mapping[str, Sequence[Reference]]:
        """The groups of each user, direct and through nesting."""


class Writer(Reader, Protocol):
    """One transaction: everything or nothing, and the marks for the next round with it."""

    def lock(self, kind: Kind, id: str) -> Stored:
        """As `get`, and nobody else changes it until the end of the transaction. Raises NotFound."""

    def create(self, kind: Kind, attributes: Attributes) -> Stored:
        """A new resource with an id of ours. Raises Taken."""

    def save(self, before: Stored, attributes: Attributes) -> Stored:
        """Replace the attributes. Unchanged ones: no write, same version and time. Raises Taken."""

    def delete(self, kind: Kind, id: str) -> None:
        """For good; a user leaves all groups. Raises NotFound."""

    def change_members(self, group_id: str, operations: Sequence[MemberOp]) -> Sequence[str]:
        """In order, without loading the group. Gives back the ids that are nobody in this directory: they
        were ignored. Members are users or groups. The group's version grows only if something changed."""

    def warn(self, code: str, subject: str) -> None:
        """Something was sent and skipped: shown on the directory's page and in the report."""


class Store(Protocol):
    def reading(self) -> AbstractContextManager[Reader]: ...

    def writing(self) -> AbstractContextManager[Writer]: ...

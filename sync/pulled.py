"""What does a directory tell that is read? Values between a source (Graph, Okta) and the pull.

A *read* is a sequence of pages, from Refresh or Active to a page that is `complete`. The source keeps nothing
between two pages: where it is stands in the cursor, so a process that was killed goes on at the page after
the last one that was stored (T12).

| the source is given | it reads |
| --- | --- |
| Refresh | everything of the groups asked for, from the start |
| Resume | the next page of a read that is under way |
| Active | what changed since the last complete read; a group that is new among those asked for, as a whole |

Ids are the directory's own and opaque. Nothing here may be taken on trust: a source checks types and lengths
before it makes these values, and raises Incomplete for a page that it can't make sense of (T25).
"""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Refresh:
    """Nothing is known, or nothing is to be relied on: the next read is a full one."""


@dataclass(frozen=True, slots=True)
class Resume:
    """In the middle of a read. `state` is the source's own text (JSON): links, what is still to be read."""

    state: str


@dataclass(frozen=True, slots=True)
class Active:
    """A read came to its end; `state` (the source's own JSON) says from where the next asks for changes."""

    state: str


Cursor = Refresh | Resume | Active


class MemberKind(StrEnum):
    USER = "user"
    GROUP = "group"  #: nested: its own members are read as those of a group of their own (R07)
    OTHER = "other"  #: devices, service principals: counted, given nothing


@dataclass(frozen=True, slots=True)
class PulledUser:
    """A person as they are now. `active` is already a decision: accountEnabled, or a status that works."""

    id: str
    user_name: str
    display_name: str
    email: str  #: "" if there is none
    active: bool


@dataclass(frozen=True, slots=True)
class PulledGroup:
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One statement on one membership; of several on the same, the last one counts."""

    group: str
    member: str
    kind: MemberKind
    present: bool  #: False: said to have left (a removal that is said, not one that is inferred)


@dataclass(frozen=True, slots=True)
class Whole:
    """All entries of a group since `anew` are its full membership: only so absence removes (R23).

    `count` is how many direct members of all kinds the directory says there are, asked for apart from the
    list; a group that it doesn't count is Unread. Fewer entries than that: the pull believes neither, and
    removes nobody.
    """

    group: str
    count: int


@dataclass(frozen=True, slots=True)
class Unread:
    """A group that the directory names, but whose members it doesn't give, or not all (R23).

    What was said of it counts as additions; nobody is removed, and the report says why. The source reads it
    again in the next read.
    """

    group: str
    why: str  #: shown to operators


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a read; stored with `next` in one transaction.

    Of users: people in none of the groups may be among them, the pull leaves them out. Users whom a read
    doesn't name at all are looked up by id (DirectorySource.people) before they are taken for gone.
    """

    next: Resume | Active
    complete: bool = False  #: the last page of the read: `next` is Active, else it is Resume
    users: tuple[PulledUser, ...] = ()
    disabled: tuple[str, ...] = ()  #: user ids of whom nothing is known but that: soft-deleted
    gone: tuple[str, ...] = ()  #: user ids said outright to be deleted for good
    groups: tuple[PulledGroup, ...] = ()
    groups_gone: tuple[str, ...] = ()  #: said outright, or confirmed by asking for the id
    anew: tuple[str, ...] = ()  #: groups whose membership begins anew here: earlier entries are void
    entries: tuple[Entry, ...] = ()  #: in the order in which they were said
    whole: tuple[Whole, ...] = ()  #: groups whose full membership is complete with this page
    unread: tuple[Unread, ...] = ()  #: one bad group doesn't keep the read from its end


@dataclass(frozen=True, slots=True)
class People:
    """What a look-up by id says: each id asked for is either found or gone."""

    found: tuple[PulledUser, ...]
    gone: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that `directory check` looked at."""

    what: str  #: "GroupMember.Read.All"
    ok: bool
    say: str  #: what was seen; if not ok, what to do next. Never a secret


class Expired(Exception):
    """The cursor is of no use any more (410, syncStateNotFound …): begin again with Refresh."""


class Incomplete(Exception):
    """The directory answered, but not with the whole: nothing of this page counts, nobody is removed (R23).

    The message is shown to operators: what was wrong, without any secret or body. The same cursor is read
    again later; `restart` says that only a full read can mend it.
    """

    def __init__(self, message: str, *, restart: bool = False) -> None:
        super().__init__(message)
        self.restart = restart

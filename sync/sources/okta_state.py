"""Where is a read of Okta, and where does the next one begin? The cursor's own JSON, and back."""

from collections.abc import Collection
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, Literal

import orjson

from sync.pulled import Active, Expired, Incomplete, Resume
from sync.sources.okta_wire import Group, parse_time, time_text

VERSION = 1
#: how far changes are asked for behind the newest one seen: Okta's lists may lag a little
OVERLAP = timedelta(minutes=5)
#: a time that is further ahead of Okta's own clock is taken for wrong
AHEAD = timedelta(hours=1)

Stage = Literal["groups", "members", "users"]
#: group id: its lastMembershipUpdated when it was read, and whether that settles it
Mark = tuple[str, bool]
Marks = dict[str, Mark]
GONE: Mark = ("", True)  #: Okta doesn't know it any more; its ids don't come again


@dataclass(frozen=True, slots=True)
class Known:
    """After a complete read."""

    org: str
    groups_to: str  #: newest change of a group that was seen
    users_to: str
    marks: Marks

    def active(self) -> Active:
        return Active(_dump(self))

    @classmethod
    def of(cls, cursor: Active, org: str) -> "Known":
        """Raises Expired: not ours, or another org's."""
        found = _load(cursor.state, org)
        try:
            return cls(org, _time(found["groups_to"]), _time(found["users_to"]), _marks(found["marks"]))
        except (KeyError, TypeError, ValueError) as error:
            raise Expired("the cursor can't be read") from error


@dataclass(frozen=True, slots=True)
class Reading:
    """In the middle of a read. Links are Okta's, verbatim."""

    org: str
    full: bool  #: every group's members are read, whether it changed or not
    all: bool  #: every group is listed: only so a group can be missed
    groups_to: str
    users_to: str
    marks: Marks = field(default_factory=dict)  #: from the read before
    stage: Stage = "groups"
    at: str = ""  #: Okta's clock when the groups were listed; "": they weren't yet
    link: str = ""  #: next page of the list that is under way; "": its first
    pages: tuple[str, ...] = ()  #: what its pages were like, to see one come again
    got: int = 0  #: members of the group that is under way
    found: dict[str, tuple[str, int | None]] = field(default_factory=dict)  #: lastMembershipUpdated, count
    todo: tuple[str, ...] = ()  #: groups whose members are still to be read
    again: tuple[str, ...] = ()  #: those that failed once
    done: Marks = field(default_factory=dict)

    def resume(self) -> Resume:
        return Resume(_dump(self))

    @classmethod
    def of(cls, cursor: Resume, org: str) -> "Reading":
        """Raises Expired."""
        found = _load(cursor.state, org)
        try:
            found["marks"], found["done"] = _marks(found["marks"]), _marks(found["done"])
            found["found"] = {str(id): (str(at), n) for id, (at, n) in found["found"].items()}
            for name in ("pages", "todo", "again"):
                found[name] = tuple(found[name])
            return cls(**found)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Expired("the cursor can't be read") from error

    def page(self, link: str, first: str, most: int) -> "Reading":
        """One more page of the list came; `first`: what it begins with. Raises Incomplete: it doesn't end."""
        signs = (_sign(f"first {first}"), *([_sign(f"link {link}")] if link else ()))
        if any(sign in self.pages for sign in signs):
            raise Incomplete("Okta's pages come again: the list doesn't end", restart=True)
        if len(self.pages) >= 2 * most:
            raise Incomplete(f"a list of Okta has more than {most} pages", restart=True)
        return replace(self, link=link, pages=self.pages + signs)

    def list_ended(self) -> "Reading":
        return replace(self, link="", pages=(), got=0)

    def members(self, ids: Collection[str]) -> "Reading":
        """One more page of the first group to do. Raises Incomplete: it goes on beyond all measure."""
        count = self.found[self.todo[0]][1]
        got = self.got + len(ids)
        if count is not None and got > 2 * count + 1000:
            raise Incomplete(f"its list goes on beyond the {count} members that Okta counts", restart=True)
        return replace(self, got=got)

    def doubt(self, group: str) -> str:
        """Why its list, which came to its end, isn't believed; "": it is.

        Fewer than Okta counts is not the whole; where it doesn't count, nothing says what the whole is (R23).
        """
        count = self.found[group][1]
        if count is None:
            return "Okta doesn't say how many members it has"
        return "" if self.got >= count else f"{self.got} of its {count} members are listed"

    def postponed(self, group: str) -> "Reading":
        """It couldn't be read: once more at the end; then it is unknown, and the next read takes it up."""
        rest = replace(self.list_ended(), todo=self.todo[1:])
        if group not in self.again:
            return replace(rest, todo=(*rest.todo, group), again=(*self.again, group))
        return replace(rest, marks={id: mark for id, mark in self.marks.items() if id != group})

    def mark(self, group: str) -> Marks:
        """What to remember of a group that was read in this read."""
        changed, at = parse_time(self.found[group][0]), parse_time(self.at)
        settled = changed is None or at is None or changed > at + AHEAD or changed <= at - OVERLAP
        return {group: (self.found[group][0], settled)}

    def known(self, groups: frozenset[str]) -> Known:
        marks = {id: mark for id, mark in (self.marks | self.done).items() if id in groups}
        return Known(self.org, self.groups_to, self.users_to, marks)


def changed_since(mark: Mark | None, group: Group) -> bool:
    """Whether its members are to be read: they changed, or were read too soon after a change."""
    return mark is None or not mark[1] or mark[0] != time_text(group.members_changed)


def later(before: str, seen: list[datetime], at: datetime) -> str:
    """The newest of these times that Okta's clock allows."""
    times = [time for time in [parse_time(before), *seen] if time is not None and time <= at + AHEAD]
    return time_text(max(times)) if times else before


def behind(text: str) -> str:
    """From where on changes are asked for."""
    moment = parse_time(text)
    if moment is None or moment.year < 1971:
        return "1970-01-01T00:00:00.000Z"
    return time_text(moment - OVERLAP)


def _sign(text: str) -> str:
    return blake2b(text.encode(), digest_size=6).hexdigest()


def _dump(state: Known | Reading) -> str:
    return orjson.dumps({"version": VERSION} | asdict(state)).decode()


def _load(text: str, org: str) -> dict[str, Any]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Expired("the cursor can't be read") from error
    if not isinstance(found, dict) or found.pop("version", None) != VERSION or found.get("org") != org:
        raise Expired("the cursor is another org's, or another version's")
    return found


def _marks(value: object) -> Marks:
    if not isinstance(value, dict):
        raise TypeError("marks")
    return {str(id): (str(at), bool(settled)) for id, (at, settled) in value.items()}


def _time(value: object) -> str:
    if not isinstance(value, str) or parse_time(value) is None:
        raise ValueError("time")
    return value

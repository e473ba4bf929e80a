"""How is a directory read? Page by page into staging; what it gives at once, what it takes at the end (R23).

```
begin ─► page ─► page ─► … ─► look up who is missing ─► add ─► take away, with the cursor
           └ each staged with the cursor after it, in one transaction
broken off: what was gained so far is added, nothing is taken away but what was said outright
```
A process that was killed goes on at the last page that was stored; every step may be done twice (T12).
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sync.delta import WORN_OUT, again_at, fold
from sync.ports import DirectorySource, Transient, Unauthorized
from sync.pulled import Active, Cursor, Expired, Incomplete, Page, People, Refresh, Resume

#: people looked up at once
LOOK_UP = 500
#: says how far a long step has come: what, how many so far, of how many (0: nobody knows)
Tell = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the reading of a directory has come."""

    cursor: Cursor
    reading: str  #: full, changes; "": no read is open
    pages: int  #: of the open read
    full_at: datetime | None  #: when the last complete full read began
    failures: int  #: attempts in a row that weren't whole

    @property
    def ended(self) -> bool:
        """All pages of the open read are staged."""
        return self.reading != "" and isinstance(self.cursor, Active) and self.pages > 0


class Staging(Protocol):
    """Where one directory's read is kept until it is whole. Writing methods check the fence of the pull's
    lease inside their transaction and raise Fenced; so they do when somebody else has moved the cursor."""

    def progress(self) -> Progress: ...

    def wanted(self) -> Collection[str]:
        """Ids of the groups to be read: the mapped ones, and those that the settings name."""

    def begin(self, full: bool, now: datetime) -> None:
        """Open a read; what an earlier one left is dropped. full: the cursor becomes Refresh."""

    def stage(self, page: Page, now: datetime) -> None:
        """A folded page and its cursor, in one transaction. Of people whom the mirror knows, what is said
        counts at once: disabled, gone, renamed. People in none of the groups are left out."""

    def undescribed(self, limit: int) -> Sequence[str]:
        """Members of whom neither this read nor the mirror knows more than the id."""

    def unnamed(self, limit: int) -> Sequence[str]:
        """Known people whom this read didn't name."""

    def stage_people(self, people: People, now: datetime) -> None:
        """Answers to look-ups. Those who are gone go at the end (`finish`)."""

    def add(self, now: datetime, progress: "Tell") -> None:
        """Into the mirror: groups, people, memberships that were gained. In many small transactions."""

    def finish(self, now: datetime) -> tuple[str, ...]:
        """Out of the mirror: what was lost; and the cursor, in one transaction. Gives the groups in which
        absence couldn't count, with the reason: the cursor is Refresh if we doubt what was said
        (sync.delta.doubt), and the source's own where it says itself that it couldn't read a group."""

    def restart(self, why: str, now: datetime) -> None:
        """The cursor becomes Refresh, the open read is dropped."""

    def failed(self, why: str, again_at: datetime, now: datetime) -> None:
        """Write down why the attempt wasn't whole."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """How an attempt ended."""

    whole: bool
    full: bool  #: everything was read, not only what changed
    pages: int
    why: str = ""  #: if it isn't whole


@dataclass(frozen=True, slots=True)
class Pull:
    """All that an attempt needs, in one hand."""

    source: DirectorySource
    staging: Staging
    clock: Callable[[], datetime]  #: aware UTC
    every: timedelta  #: between two reads, as scheduled
    full_every: timedelta  #: between two full ones: the safety net for what a delta never says
    progress: Tell = lambda what, done, of: None
    stopping: Callable[[], bool] = lambda: False
    at: Callable[[str], None] = lambda point: None  #: named points, where the tests kill the process


def pull(p: Pull, *, full: bool = False) -> Pulled:
    """One attempt: goes on with the read that is open, or begins one. Raises Fenced.

    `full`: read everything, even if changes would do.
    """
    if not p.staging.wanted():
        why = "no group is mapped, or named in the settings: there is nothing to read"
        p.staging.failed(why, p.clock(), p.clock())
        return Pulled(False, False, 0, why)
    _begin(p, full)
    reading = p.staging.progress().reading == "full"
    try:
        try:
            pages = _read(p)
        except Expired as error:
            p.staging.restart(str(error), p.clock())
            _begin(p, full=True)
            reading = True
            pages = _read(p)
        if pages is None:
            return Pulled(False, reading, p.staging.progress().pages, "stopped; it goes on where it was")
        _look_up(p, p.staging.undescribed, "people looked up")
        if reading:
            _look_up(p, p.staging.unnamed, "people checked")
        p.staging.add(p.clock(), p.progress)
        p.at("pull added")
        doubts = p.staging.finish(p.clock())
        p.at("pull finished")
    except (Incomplete, Transient, Unauthorized, Expired) as error:
        return _broken_off(p, error, reading)
    if doubts:
        why = _incomplete("; ".join(doubts[:5]) + ("; …" if len(doubts) > 5 else ""))
        seen = p.staging.progress()
        anew = isinstance(seen.cursor, Refresh)
        p.staging.failed(why, again_at(p.clock(), seen.failures, p.every, anew=anew), p.clock())
        return Pulled(False, reading, pages, why)
    return Pulled(True, reading, pages)


def _begin(p: Pull, full: bool) -> None:
    now, seen = p.clock(), p.staging.progress()
    if seen.reading and not (full and seen.reading != "full"):
        return
    due = seen.full_at is None or not timedelta() <= now - seen.full_at < p.full_every
    p.staging.begin(full or due or isinstance(seen.cursor, Refresh), now)


def _read(p: Pull) -> int | None:
    """To the last page; how many there were. None: the process is asked to stop."""
    wanted = p.staging.wanted()
    seen = p.staging.progress()
    pages = seen.pages
    cursor: Cursor = seen.cursor
    ended = seen.ended
    while not ended:
        if p.stopping():
            return None
        page = fold(_checked(p.source.read(cursor, wanted)))
        p.at("page read")
        p.staging.stage(page, p.clock())
        p.at("cursor saved")
        cursor, ended, pages = page.next, page.complete, pages + 1
        p.progress("pages read", pages, 0)
    return pages


def _checked(page: Page) -> Page:
    if page.complete != isinstance(page.next, Active):
        raise AssertionError("a source's page is complete if, and only if, its cursor is Active")
    return page


def _look_up(p: Pull, who: Callable[[int], Sequence[str]], what: str) -> None:
    done = 0
    while (ids := who(LOOK_UP)) and not p.stopping():
        people = p.source.people(ids)
        told = {user.id for user in people.found} | set(people.gone)
        if missing := len(set(ids) - told):
            raise Incomplete(f"{missing} of {len(ids)} people were looked up in vain")
        p.staging.stage_people(people, p.clock())
        done += len(ids)
        p.progress(what, done, 0)
    if ids:
        raise Transient("stopped in the middle of look-ups; it goes on where it was")


def _broken_off(p: Pull, error: Exception, reading: bool) -> Pulled:
    """What was gained counts, absence doesn't (R23); then when to try again."""
    now = p.clock()
    seen = p.staging.progress()
    p.staging.add(now, p.progress)
    anew = isinstance(error, Expired) or (isinstance(error, Incomplete) and error.restart)
    anew = anew or (seen.failures + 1 >= WORN_OUT and isinstance(seen.cursor, Resume))
    why = _incomplete(str(error)) if isinstance(error, Incomplete | Expired) else str(error)
    if anew:
        p.staging.restart(why, now)
    asked = error.retry_after if isinstance(error, Transient) else None
    p.staging.failed(why, again_at(now, seen.failures, p.every, asked, anew=anew), p.clock())
    return Pulled(False, reading, seen.pages, why)


def _incomplete(why: str) -> str:
    return f"incomplete: {why}; nobody was removed by absence"

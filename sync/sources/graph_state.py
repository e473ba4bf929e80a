"""Where is a read of Microsoft Graph, between two pages? In feeds, each with the link to its next page.

`/groups/delta` takes up to 50 ids in its filter, so the groups are read in feeds of 50; a nested group that
turns up gets a place in one that hasn't begun yet. Feeds that came one by one are made one again in the next
read. `/users/delta` comes last: by then the members are known.
"""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace

import orjson

from sync.pulled import Active, Cursor, Expired, Incomplete, Refresh, Resume

FILTERED = 50  #: ids in one filter
MOST_GROUPS = 20_000
MOST_PAGES = 20_000  #: of one feed in one read
MOST_EMPTY = 1_000  #: pages in a row with nothing in them
#: pages that may be read anew, so that later polls take fewer calls
CHEAP = 20
_VERSION = 3


@dataclass(frozen=True, slots=True)
class Feed:
    """One delta query. Links are Graph's own, kept and used verbatim."""

    ids: tuple[str, ...] = ()  #: of groups; (): the users
    link: str = ""  #: the next page, or the changes since the last read; "": from the beginning
    whole: bool = True  #: this read began it from the beginning: it lists everything
    done: bool = False  #: its last page of this read was read
    seen: tuple[str, ...] = ()  #: which of the ids were said to be there, while `whole`
    pages: int = 0
    empty: int = 0  #: pages in a row
    mark: str = ""  #: hash of an earlier link: meeting it again is a circle (Brent)
    size: int = 0  #: pages of the last read that listed everything

    def after(
        self,
        next: str,
        delta: str,
        seen: Iterable[str] = (),
        gone: Iterable[str] = (),
        *,
        empty: bool,
        most: int = MOST_PAGES,
    ) -> "Feed":
        """Once a page was read. Raises Incomplete for a list that doesn't come to an end."""
        pages, in_vain = self.pages + 1, self.empty + 1 if empty else 0
        known = tuple(sorted({*self.seen, *seen} - {*gone})) if self.whole else ()
        if delta:
            return replace(self, link=delta, done=True, seen=known, pages=pages, empty=0, mark="")
        told = _hash(next)
        if next == self.link or told == self.mark:
            raise Incomplete("Microsoft Graph's next links go round in a circle", restart=True)
        if pages >= most or in_vain >= MOST_EMPTY:
            raise Incomplete("Microsoft Graph's next links don't come to an end", restart=True)
        mark = told if pages & (pages - 1) == 0 else self.mark
        return replace(self, link=next, seen=known, pages=pages, empty=in_vain, mark=mark)

    def rested(self) -> "Feed":
        """As the next read begins with it."""
        size = self.pages if self.whole else self.size
        return replace(self, whole=False, done=False, seen=(), pages=0, empty=0, mark="", size=size)


@dataclass(frozen=True, slots=True)
class State:
    groups: tuple[Feed, ...] = ()
    users: Feed = field(default_factory=Feed)
    again: tuple[str, ...] = ()  #: groups that couldn't be read: from the beginning in the next read
    gone: tuple[str, ...] = ()  #: groups that are asked for still: a deleted one may come back

    @property
    def tracked(self) -> set[str]:
        return {*self.again, *(id for feed in self.groups for id in feed.ids)}

    def with_groups(self, ids: Collection[str]) -> "State":
        """These are read too, from the beginning; those that are tracked already are left as they are."""
        new = sorted(set(ids) - self.tracked)
        feeds = list(self.groups)
        for i, feed in enumerate(feeds):
            if new and not feed.pages and not feed.link and (room := FILTERED - len(feed.ids)) > 0:
                feeds[i] = replace(feed, ids=(*feed.ids, *new[:room]))
                new = new[room:]
        feeds += [Feed(tuple(new[i : i + FILTERED])) for i in range(0, len(new), FILTERED)]
        state = replace(self, groups=tuple(feeds))
        if len(state.tracked) > MOST_GROUPS:
            raise Incomplete(f"more than {MOST_GROUPS} groups are nested in those that are read")
        return state

    def with_feed(self, before: Feed, after: Feed) -> "State":
        if before is self.users:
            return replace(self, users=after)
        return replace(self, groups=tuple(after if feed is before else feed for feed in self.groups))

    def without(self, feed: Feed, unread: Collection[str]) -> "State":
        """These groups of the feed are read anew in the next read, as its changes are too little to go by."""
        kept = replace(feed, ids=tuple(id for id in feed.ids if id not in unread))
        return replace(self.with_feed(feed, kept), again=(*self.again, *unread))

    def merged(self) -> "State":
        """The feeds that aren't full are one from now on, read from the beginning: in it nothing is missed
        that a link to changes would have told. If that is too much, all of them but the largest."""
        small = sorted((feed for feed in self.groups if feed.link and len(feed.ids) < FILTERED), key=_size)
        if sum(feed.size for feed in small) > CHEAP:
            small.pop()
        ids = [id for feed in small for id in feed.ids]
        if len(small) <= -(-len(ids) // FILTERED):
            return self
        rest = replace(self, groups=tuple(feed for feed in self.groups if feed not in small))
        return rest.with_groups(ids)

    def missing(self, gone: Collection[str]) -> "State":
        return replace(self, gone=tuple(sorted({*self.gone, *gone})))

    def next_feed(self) -> Feed | None:
        """Groups first; None: everything was read."""
        return next((feed for feed in (*self.groups, self.users) if not feed.done), None)

    def rested(self) -> "State":
        feeds = tuple(feed.rested() for feed in self.groups if feed.ids)
        return State(feeds, self.users.rested(), gone=self.gone).with_groups(self.again)

    def text(self) -> str:
        return orjson.dumps({"version": _VERSION} | asdict(self)).decode()


def state_of(cursor: Cursor, groups: Collection[str]) -> State:
    """Where to go on. Raises Expired if this version can't make sense of the cursor."""
    match cursor:
        case Refresh():
            return State().with_groups(groups)
        case Active(text):
            return _parse(text).merged().with_groups(groups)
        case Resume(text):
            return _parse(text)


def _parse(text: str) -> State:
    try:
        told = orjson.loads(text)
        if told["version"] != _VERSION:
            raise ValueError("another version's")
        feeds = tuple(_feed(each) for each in told["groups"])
        again, gone = tuple(_texts(told["again"])), tuple(_texts(told["gone"]))
        return State(feeds, _feed(told["users"]), again, gone)
    except (ValueError, KeyError, TypeError):
        raise Expired("the cursor is another version's: everything is read anew") from None


def _feed(told: dict[str, object]) -> Feed:
    ids, seen = told.pop("ids"), told.pop("seen")
    return Feed(ids=_texts(ids), seen=_texts(seen), **told)  # type: ignore[arg-type]


def _texts(value: object) -> Sequence[str] | tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError("not a list")
    return tuple(str(each) for each in value)


def _size(feed: Feed) -> int:
    return feed.size


def _hash(link: str) -> str:
    return hashlib.sha256(link.encode()).hexdigest()[:16]

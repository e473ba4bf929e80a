"""What do the statements of a read come to? Pure: no order is relied on but that in which they were said.

| of one membership was said                       | it is |
| --- | --- |
| added, added (doubled, or replayed)              | present |
| added, removed                                   | absent: removed outright |
| removed, added                                   | present |
| nothing, in a group that was read as a whole     | absent |
| nothing, in any other group                      | as it was (R23) |
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sync.pulled import Entry, Page, PulledGroup, PulledUser

#: nobody waits longer for another read of a directory whose reads fail
LONGEST_PATIENCE = timedelta(hours=1)
#: after so many failures in a row in the middle of a read it is begun anew
WORN_OUT = 5


@dataclass(frozen=True, slots=True)
class Listed:
    """What was staged of one group at the end of a read."""

    group: str
    name: str
    whole: bool  #: the source says that all its members were listed
    members: int  #: of all kinds, present
    count: int | None  #: as the directory counts them; None: it doesn't


def fold(page: Page) -> Page:
    """The page with one statement on each person, group and membership: the last one."""
    lost = {*page.disabled, *page.gone}
    users: dict[str, PulledUser] = {}
    for user in page.users:
        if user.id not in lost:
            users[user.id] = user
    groups: dict[str, PulledGroup] = {}
    for group in page.groups:
        groups[group.id] = group
    gone = {id for id in page.groups_gone if id not in groups}
    return replace(
        page,
        users=tuple(users.values()),
        disabled=tuple(id for id in dict.fromkeys(page.disabled) if id not in page.gone),
        gone=tuple(dict.fromkeys(page.gone)),
        groups=tuple(groups.values()),
        groups_gone=tuple(id for id in dict.fromkeys(page.groups_gone) if id in gone),
        anew=tuple(dict.fromkeys(page.anew)),
        entries=last_words(page.entries),
    )


def last_words(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The last statement on each membership, in the order in which these were said."""
    last: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        last.pop((entry.group, entry.member), None)
        last[entry.group, entry.member] = entry
    return tuple(last.values())


def doubt(listed: Listed) -> str:
    """Why absence can't count in this group although the source calls it whole; "" if it counts (R23)."""
    name = listed.name or listed.group
    if listed.count is None:
        return f"group {name}: its members weren't counted"
    if listed.members >= listed.count:
        return ""
    return f"group {name}: {listed.members} of its {listed.count} members were listed"


def again_at(
    now: datetime, failures: int, every: timedelta, asked: float | None = None, *, anew: bool = False
) -> datetime:
    """When a read may be tried again after so many failures in a row.

    `asked`: seconds that the directory asked for, at most an hour. `anew`: the next read begins from the
    start, so that each one costs much: it waits twice as long each time.
    """
    wait = every * 2 ** min(failures, 10) if anew else timedelta()
    if asked is not None:
        wait = max(wait, timedelta(seconds=max(asked, 0.0)))
    return now + min(wait, LONGEST_PATIENCE)

"""What does Okta say of groups and of the people in them? The source for a pull (sync.ports.DirectorySource).

Okta has no delta of members. A read goes through these stages, a page at a time:

| stage | a read of changes | a full read |
| --- | --- | --- |
| groups | those that changed since the newest change seen, less five minutes | all of the org |
| members | of groups that changed, were read too soon after a change, or are new to us | of all asked for |
| users | people who changed: suspending somebody touches no group | none: everybody was seen |

When a group is new to us, all groups of the org are listed too. Only from that list can one be missed; it is
gone if Okta doesn't know its id either. A member list is held against the count that Okta keeps apart
(`expand=stats`); a group that can't be read whole is tried once more at the end, and then named as unread.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import quote

from sync.ports import Transient, Unauthorized
from sync.pulled import (
    Active,
    Cursor,
    Entry,
    Expired,
    Finding,
    Incomplete,
    MemberKind,
    Page,
    People,
    PulledGroup,
    PulledUser,
    Refresh,
    Resume,
    Unread,
    Whole,
)
from sync.sources import okta_check
from sync.sources import okta_wire as wire
from sync.sources.okta_api import GROUPS, USERS, Api, Listed
from sync.sources.okta_rate import date_of
from sync.sources.okta_state import GONE, Known, Reading, behind, changed_since, later

PAGE = 200  #: as Okta recommends
MOST_PAGES = 10_000  #: of one list: two million people
BEGIN = "1970-01-01T00:00:00.000Z"


@dataclass(slots=True)
class Okta:
    """`provisioned`: people who were made, but never signed in, get licenses too."""

    api: Api
    provisioned: bool = False
    most_pages: int = MOST_PAGES

    @property
    def org(self) -> str:
        return self.api.caller.base

    # ---- the port ----

    def find_groups(self, names: Sequence[str]) -> Sequence[PulledGroup]:
        found: dict[str, PulledGroup] = {}
        for name in dict.fromkeys(names):
            by_id = self._group(name) if wire.is_id(name) else None
            for group in [by_id] if by_id is not None else self._named(name):
                found[group.id] = group
        return list(found.values())

    def read(self, cursor: Cursor, groups: Collection[str]) -> Page:
        match cursor:
            case Refresh():
                reading = Reading(self.org, full=True, all=True, groups_to=BEGIN, users_to=BEGIN)
            case Active():
                known = Known.of(cursor, self.org)
                new = any(id not in known.marks for id in groups)
                reading = Reading(self.org, False, new, known.groups_to, known.users_to, known.marks)
            case Resume():
                reading = Reading.of(cursor, self.org)
        match reading.stage:
            case "groups":
                return self._groups(reading, frozenset(groups))
            case "members":
                return self._members(reading, frozenset(groups))
            case "users":
                return self._users(reading, frozenset(groups))

    def people(self, ids: Sequence[str]) -> People:
        found: list[PulledUser] = []
        gone: list[str] = []
        for id in dict.fromkeys(ids):
            if not wire.is_id(id):
                raise Incomplete("an id of a person that Okta can't have given")
            answer = self.api.get(f"{USERS}/{id}")
            if answer is None:
                gone.append(id)
                continue
            user = wire.user(answer.json(), provisioned=self.provisioned).user
            if user.id != id:
                raise Incomplete("Okta answers with another person than was asked for")
            found.append(user)
        return People(tuple(found), tuple(gone))

    def check(self, groups: Collection[str]) -> Sequence[Finding]:
        return okta_check.check(self.api, groups)

    # ---- the groups ----

    def _groups(self, reading: Reading, wanted: frozenset[str]) -> Page:
        url = f"{GROUPS}?limit={PAGE}&expand=stats"
        if not reading.all:
            since = behind(reading.groups_to)
            url += _filter(f'lastUpdated gt "{since}" or lastMembershipUpdated gt "{since}"')
        listed = self._list(reading.link or url)
        seen = wire.groups(listed.answer)
        at = self._time(listed)
        reading = reading if reading.at else replace(reading, at=wire.time_text(at))
        moments = [moment for group in seen for moment in (group.changed, group.members_changed)]
        ours = [group for group in seen if group.group.id in wanted]
        todo = [
            each.group.id
            for each in ours
            if reading.full or changed_since(reading.marks.get(each.group.id), each)
        ]
        reading = replace(
            reading.page(listed.next, seen[0].group.id if seen else "", self.most_pages),
            groups_to=later(reading.groups_to, moments, at),
            found=reading.found | _found(ours),
            todo=tuple(dict.fromkeys((*reading.todo, *todo))),
        )
        told = tuple(group.group for group in ours)
        if listed.next:
            return Page(reading.resume(), groups=told)
        gone = self._gone(wanted - set(reading.found)) if reading.all else ()
        reading = replace(reading.list_ended(), done=dict.fromkeys(gone, GONE))
        return self._go_on(reading, wanted, Page(reading.resume(), groups=told, groups_gone=gone))

    def _gone(self, missing: Collection[str]) -> tuple[str, ...]:
        """A complete list lacks these: does Okta say so too when it is asked for each? Raises Incomplete."""
        for id in sorted(missing):
            if self._group(id) is not None:
                raise Incomplete(f"Okta's list of groups lacks {id}, which is there", restart=True)
        return tuple(sorted(missing))

    # ---- the members of one group ----

    def _members(self, reading: Reading, wanted: frozenset[str]) -> Page:
        id = reading.todo[0]
        try:
            return self._member_page(reading, id, wanted)
        except (Incomplete, Expired, Unauthorized, Transient) as error:
            if not self._only_this_fails(error):
                raise
            nonsense = isinstance(error, Incomplete) and error.restart  # not even who is in it is believed
            told = Page(reading.resume(), anew=(id,)) if nonsense else None
            return self._give_up(reading, id, str(error), wanted, told)

    def _member_page(self, reading: Reading, id: str, wanted: frozenset[str]) -> Page:
        first = not reading.link
        if first and id in reading.again:
            reading = self._counted_again(reading, id)
        listed = self.api.page(reading.link or f"{GROUPS}/{id}/users?limit={PAGE}")
        if listed is None:
            raise Incomplete("its members can't be found (404), though the group is listed")
        people = [each.user for each in wire.users(listed.answer, provisioned=self.provisioned)]
        reading = reading.page(listed.next, people[0].id if people else "", self.most_pages)
        reading = reading.members({user.id for user in people})
        told = Page(
            reading.resume(),
            users=tuple(people),
            anew=(id,) if first else (),
            entries=tuple(Entry(id, user.id, MemberKind.USER, True) for user in people),
        )
        if listed.next:
            return told
        count, doubt = reading.found[id][1], reading.doubt(id)
        if count is None or doubt:
            return self._give_up(reading, id, doubt, wanted, told)
        rest = replace(reading.list_ended(), todo=reading.todo[1:], done=reading.done | reading.mark(id))
        return self._go_on(rest, wanted, replace(told, whole=(Whole(id, count),)))

    def _give_up(
        self, reading: Reading, id: str, why: str, wanted: frozenset[str], told: Page | None = None
    ) -> Page:
        """It is tried once more when the others are read; then it is unread, and new to the next read."""
        rest, told = reading.postponed(id), told or Page(reading.resume())
        if id not in reading.again:
            return replace(told, next=rest.resume())
        return self._go_on(rest, wanted, replace(told, unread=(Unread(id, why),)))

    def _counted_again(self, reading: Reading, id: str) -> Reading:
        """Somebody may have left between the count and the list. Without an answer the old count stays."""
        try:
            listed = self._list(f"{GROUPS}?limit={PAGE}&expand=stats" + _filter(f'id eq "{id}"'))
            seen = wire.groups(listed.answer)
        except Incomplete:
            return reading
        counted = [one for one in seen if one.group.id == id and one.count is not None]
        return replace(reading, found=reading.found | _found(counted))

    def _only_this_fails(self, error: Exception) -> bool:
        """Or is it Okta as a whole that is down, busy, or refuses us?"""
        match error:
            case Transient(retry_after=None) | Unauthorized():
                try:
                    self._list(f"{GROUPS}?limit=1")
                except (Transient, Unauthorized, Incomplete):
                    return False
                return True
            case Transient():
                return False
        return True

    # ---- people who changed ----

    def _users(self, reading: Reading, wanted: frozenset[str]) -> Page:
        since = behind(reading.users_to)
        changed = _filter(f'lastUpdated gt "{since}"')
        listed = self._list(reading.link or f"{USERS}?limit={PAGE}{changed}")
        seen = wire.users(listed.answer, provisioned=self.provisioned, skip_unknown=True)
        reading = reading.page(listed.next, seen[0].user.id if seen else "", self.most_pages)
        newest = later(reading.users_to, [each.changed for each in seen], self._time(listed))
        reading = replace(reading, users_to=newest)
        told = Page(reading.resume(), users=tuple(each.user for each in seen))
        return told if listed.next else self._end(reading, wanted, told)

    # ---- what comes next ----

    def _go_on(self, reading: Reading, wanted: frozenset[str], told: Page) -> Page:
        if reading.todo:
            return replace(told, next=replace(reading, stage="members").resume())
        if reading.full:
            return self._end(replace(reading, users_to=reading.at), wanted, told)
        return replace(told, next=replace(reading, stage="users").resume())

    def _end(self, reading: Reading, wanted: frozenset[str], told: Page) -> Page:
        return replace(told, next=reading.known(wanted).active(), complete=True)

    # ---- calls ----

    def _list(self, url: str) -> Listed:
        listed = self.api.page(url)
        if listed is None:
            raise Incomplete("Okta doesn't know its own list (404): check org_url")
        return listed

    def _time(self, listed: Listed) -> datetime:
        """Okta's clock, unless it is far off: then ours."""
        ours = self.api.clock()
        theirs = date_of(listed.answer)
        return theirs.astimezone(UTC) if theirs is not None and abs(theirs - ours).days < 1 else ours

    def _group(self, id: str) -> PulledGroup | None:
        answer = self.api.get(f"{GROUPS}/{id}")
        if answer is None:
            return None
        group = wire.group(answer.json()).group
        if group.id != id:
            raise Incomplete("Okta answers with another group than was asked for")
        return group

    def _named(self, name: str) -> list[PulledGroup]:
        listed = self._list(f"{GROUPS}?q={quote(name, safe='')}")
        return [each.group for each in wire.groups(listed.answer) if each.group.name == name]


def _found(groups: Iterable[wire.Group]) -> dict[str, tuple[str, int | None]]:
    return {each.group.id: (wire.time_text(each.members_changed), each.count) for each in groups}


def _filter(condition: str) -> str:
    return f"&filter={quote(condition, safe='')}"

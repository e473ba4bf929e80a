"""What does an Entra ID tenant say of some groups and their people? Read by Microsoft Graph's delta queries.

A group's own changes, and those of each group nested in it, come from /groups/delta; who is enabled, and who
was deleted, never does: that comes from /users/delta. What a delta never says is mended by a full read.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote, urlencode

from sync.ports import DirectorySource, Transient, Unauthorized
from sync.pulled import (
    Active,
    Cursor,
    Expired,
    Finding,
    Incomplete,
    MemberKind,
    Page,
    People,
    PulledGroup,
    PulledUser,
    Resume,
    Unread,
    Whole,
)
from sync.sources.graph_api import Api, Part
from sync.sources.graph_state import MOST_PAGES, Feed, State, state_of
from sync.sources.graph_wire import (
    NO_GROUPS,
    USER_FIELDS,
    DeltaPage,
    GroupsPage,
    checked_id,
    delta_page,
    group_of,
    groups_page,
    user_of,
    users_page,
)
from sync.sources.http import objects

MOST_NAMESAKES = 100
_EVENTUAL = {"ConsistencyLevel": "eventual"}


@dataclass(frozen=True, slots=True)
class Graph:
    """sync.ports.DirectorySource over HTTP."""

    api: Api
    most_pages: int = MOST_PAGES

    # ---- reading ----

    def read(self, cursor: Cursor, groups: Collection[str]) -> Page:
        state = state_of(cursor, [checked_id(id) for id in groups])
        feed = state.next_feed()
        if feed is None:
            return Page(Active(state.rested().text()), complete=True)
        answer = self.api.get(feed.link or _first_link(feed))
        assert answer is not None
        told = delta_page(answer)
        self.api.caller.own(told.next or told.delta)  # one that leads elsewhere isn't even kept (T24)
        return self._users(state, feed, told) if feed is state.users else self._groups(state, feed, told)

    def _groups(self, state: State, feed: Feed, told: DeltaPage) -> Page:
        page = groups_page(told, frozenset(feed.ids))
        if back := page.seen.difference(page.gone).intersection(state.gone):
            name = next((group.name for group in page.groups if group.id in back), min(back))
            raise Expired(
                f"group {name} was restored: no delta names the groups that it is in, so everything is read"
            )
        after = self._after(feed, told, page)
        nested = {e.member for e in page.entries if e.kind is MemberKind.GROUP and e.present}
        moved = state.with_feed(feed, after).with_groups(nested)
        moved = moved if feed.whole else moved.missing(page.gone)
        found = Page(
            Resume(moved.text()),
            groups=page.groups,
            groups_gone=page.gone,
            anew=feed.ids if feed.whole and not feed.pages else (),
            entries=page.entries,
        )
        return self._whole(moved, found, after) if after.done and after.whole else found

    def _after(self, feed: Feed, told: DeltaPage, page: GroupsPage = NO_GROUPS) -> Feed:
        empty, most = not told.items, self.most_pages
        return feed.after(told.next, told.delta, page.seen, page.gone, empty=empty, most=most)

    def _whole(self, state: State, found: Page, feed: Feed) -> Page:
        """All pages of a feed were read from the beginning. A group that isn't in them is asked for
        by id: only if it isn't there, it is gone (T07). Members are counted apart from their list: where
        Graph doesn't count them, nobody is missed (R23). One bad group doesn't stop the others."""
        unseen = [id for id in feed.ids if id not in feed.seen]
        gone, whole, unread = list(found.groups_gone), [], []
        for id, part in zip(unseen, self._parts(f"/groups/{id}?$select=id" for id in unseen), strict=True):
            if part.status == 404:
                gone.append(id)
            else:
                unread.append(
                    Unread(id, f"it was left out of its own list, but asked for it's {part.status}")
                )
        urls = (f"/groups/{id}/members?$count=true&$top=1&$select=id" for id in feed.seen)
        for id, part in zip(feed.seen, self._parts(urls, True), strict=True):
            count = _count(part)
            if count is not None:
                whole.append(Whole(id, count))
            else:
                unread.append(Unread(id, f"Microsoft Graph doesn't count its members: {part.status}"))
        rest = state.without(feed, [each.group for each in unread]).missing(gone)
        return replace(
            found,
            next=Resume(rest.text()),
            groups_gone=tuple(gone),
            whole=tuple(whole),
            unread=tuple(unread),
        )

    def _users(self, state: State, feed: Feed, told: DeltaPage) -> Page:
        page = users_page(told)
        after = self._after(feed, told)
        moved = state.with_feed(feed, after)
        partial = self.people(page.partial)
        return Page(
            Active(moved.rested().text()) if after.done else Resume(moved.text()),
            complete=after.done,
            users=(*page.users, *partial.found),
            disabled=(*page.disabled, *partial.gone),  # it was there a moment ago
            gone=page.gone,
        )

    # ---- asking by id or name ----

    def people(self, ids: Sequence[str]) -> People:
        urls = (f"/users/{quote(checked_id(id))}?$select={USER_FIELDS}" for id in ids)
        found: list[PulledUser] = []
        gone: list[str] = []
        for id, part in zip(ids, self._parts(urls), strict=True):
            if part.status == 404:
                gone.append(id)
            elif part.status == 200:
                user = user_of(part.body)
                if user.id != id:
                    raise Incomplete("Microsoft Graph answers with another user than the one asked for")
                found.append(user)
            else:
                raise Incomplete(f"Microsoft Graph: a user can't be read: {part.status}")
        return People(tuple(found), tuple(gone))

    def find_groups(self, names: Sequence[str]) -> Sequence[PulledGroup]:
        found: dict[str, PulledGroup] = {}
        for name in names:
            for group in (*self._by_id(name), *self._by_name(name)):
                found[group.id] = group
        return list(found.values())

    def _by_id(self, id: str) -> Iterator[PulledGroup]:
        if len(id) == 36 and id.count("-") == 4 and id.replace("-", "").isalnum():
            answer = self.api.get(f"/v1.0/groups/{quote(id)}?$select=id,displayName", missing=True)
            if answer is not None:
                yield group_of(answer)

    def _by_name(self, name: str) -> Iterator[PulledGroup]:
        escaped = name.replace("'", "''")
        query = {"$filter": f"displayName eq '{escaped}'", "$select": "id,displayName"}
        answer = self.api.get(f"/v1.0/groups?{urlencode(query, quote_via=quote)}")
        assert answer is not None
        for item in objects(answer, "value", MOST_NAMESAKES):
            group = group_of(item)
            if group.name.casefold() == name.casefold():
                yield group

    # ---- what an administrator has to mend ----

    def check(self, groups: Collection[str]) -> Sequence[Finding]:
        try:
            self.api.sign_in.token()
        except (Unauthorized, Transient) as error:
            return [Finding("sign-in", False, str(error))]
        return [Finding("sign-in", True, "a token was given"), *self._permissions(), *self._each(groups)]

    def _permissions(self) -> Iterator[Finding]:
        for name, url, why in (
            ("GroupMember.Read.All", "/v1.0/groups?$top=1&$select=id", "to read groups and their members"),
            ("User.Read.All", f"/v1.0/users?$top=1&$select={USER_FIELDS}", "to read who is enabled"),
        ):
            try:
                answer = self.api.get(url)
                assert answer is not None
                if name == "User.Read.All":
                    for item in objects(answer, "value"):
                        user_of(item)
                yield Finding(name, True, f"granted, {why}")
            except (Unauthorized, Transient, Incomplete) as error:
                yield Finding(name, False, f"needed {why}: {error}")
        extra = sorted(self.api.sign_in.roles() - NEEDED)
        if extra:
            yield Finding(
                "least privilege",
                False,
                f"the app may do more than is needed: remove {', '.join(extra[:10])}",
            )
        else:
            yield Finding("least privilege", True, "no permission beyond those needed was seen")

    def _each(self, groups: Collection[str]) -> Iterator[Finding]:
        ids = sorted(checked_id(id) for id in groups)
        try:
            parts = self._parts(f"/groups/{id}?$select=id,displayName,visibility" for id in ids)
        except (Unauthorized, Transient, Incomplete) as error:
            yield Finding("groups", False, str(error))
            return
        may_see_hidden = "Member.Read.Hidden" in self.api.sign_in.roles()
        for id, part in zip(ids, parts, strict=True):
            if part.status == 404:
                yield Finding(f"group {id}", False, "it isn't there: was it deleted? See `mapping repin`")
            elif part.status != 200:
                yield Finding(f"group {id}", False, f"it can't be read: {part.status}")
            elif part.body.get("visibility") == "HiddenMembership" and not may_see_hidden:
                why = "its members are hidden: grant Member.Read.Hidden too"
                yield Finding(f"group {group_of(part.body).name}", False, why)
            else:
                yield Finding(f"group {group_of(part.body).name}", True, "it can be read")

    def _parts(self, urls: Iterator[str], eventual: bool = False) -> Sequence[Part]:
        return self.api.batch(list(urls), _EVENTUAL if eventual else None)


#: application permissions; the last one only for groups that hide their members
NEEDED = frozenset({"GroupMember.Read.All", "User.Read.All", "Member.Read.Hidden"})


def _first_link(feed: Feed) -> str:
    if not feed.ids:
        return f"/v1.0/users/delta?{urlencode({'$select': USER_FIELDS}, quote_via=quote)}"
    chosen = " or ".join(f"id eq '{id}'" for id in feed.ids)
    query = {"$select": "displayName,members", "$filter": chosen}
    return f"/v1.0/groups/delta?{urlencode(query, quote_via=quote)}"


def _count(part: Part) -> int | None:
    """None: Graph doesn't say."""
    count = part.body.get("@odata.count")
    if part.status != 200 or not isinstance(count, int) or isinstance(count, bool) or count < 0:
        return None
    return count


def _port(source: Graph) -> DirectorySource:
    return source  # mypy checks here that the port is fulfilled

"""What does Microsoft Graph's JSON say? To values, or Incomplete: nothing half understood goes on (T25)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sync.pulled import Entry, Incomplete, MemberKind, PulledGroup, PulledUser
from sync.sources.http import LONGEST_LINK, as_objects, objects, optional_text, text

USER_FIELDS = "id,userPrincipalName,mail,displayName,accountEnabled"
_ID = re.compile(r"[A-Za-z0-9._-]{1,100}\Z")
_KINDS = {"#microsoft.graph.user": MemberKind.USER, "#microsoft.graph.group": MemberKind.GROUP}


@dataclass(frozen=True, slots=True)
class DeltaPage:
    items: Sequence[Mapping[str, object]]
    next: str  #: "" on the last page
    delta: str  #: "" but on the last page


@dataclass(frozen=True, slots=True)
class GroupsPage:
    groups: tuple[PulledGroup, ...]
    gone: tuple[str, ...]
    entries: tuple[Entry, ...]
    seen: frozenset[str]  #: groups that were spoken of


NO_GROUPS = GroupsPage((), (), (), frozenset())


@dataclass(frozen=True, slots=True)
class UsersPage:
    users: tuple[PulledUser, ...]
    disabled: tuple[str, ...]
    gone: tuple[str, ...]
    partial: tuple[str, ...]  #: changed, but not described whole: to be looked up


def delta_page(answer: Mapping[str, object]) -> DeltaPage:
    """Exactly one of the two links is there, else the list is not what it says it is."""
    next = optional_text(answer, "@odata.nextLink", LONGEST_LINK)
    delta = optional_text(answer, "@odata.deltaLink", LONGEST_LINK)
    if bool(next) == bool(delta):
        both = "both a next and a delta link" if next else "neither a next nor a delta link"
        raise Incomplete(f"a page of Microsoft Graph has {both}", restart=bool(next))
    return DeltaPage(objects(answer, "value"), next, delta)


def groups_page(page: DeltaPage, asked: frozenset[str]) -> GroupsPage:
    """Groups that weren't asked for are passed over."""
    groups: dict[str, PulledGroup] = {}
    gone: dict[str, None] = {}
    entries: list[Entry] = []
    seen: set[str] = set()
    for item in page.items:
        id = id_of(item)
        if id not in asked:
            continue
        seen.add(id)
        if removal(item):  # soft-deleted or for good: either way its members lose it
            groups.pop(id, None)
            gone[id] = None
            continue
        gone.pop(id, None)
        if "displayName" in item:
            groups[id] = group_of(item)
        if "members@delta" in item:
            told = as_objects(item["members@delta"], "members@delta")
            entries += [_entry(id, member) for member in told]
    return GroupsPage(tuple(groups.values()), tuple(gone), tuple(entries), frozenset(seen))


def users_page(page: DeltaPage) -> UsersPage:
    said: dict[str, PulledUser | str] = {}
    for item in page.items:
        id = id_of(item)
        reason = removal(item)
        if reason:
            said[id] = "gone" if reason == "deleted" else "disabled"
        elif "userPrincipalName" in item and "accountEnabled" in item:
            said[id] = user_of(item)
        else:
            said[id] = "partial"
    return UsersPage(
        tuple(each for each in said.values() if isinstance(each, PulledUser)),
        *(tuple(id for id, each in said.items() if each == what) for what in ("disabled", "gone", "partial")),
    )


def user_of(fields: Mapping[str, object]) -> PulledUser:
    """Raises Incomplete; so for one whose accountEnabled may not be read."""
    enabled = fields.get("accountEnabled")
    if not isinstance(enabled, bool):
        raise Incomplete("accountEnabled of a user isn't told: User.Read.All is needed")
    name = text(fields, "userPrincipalName")
    return PulledUser(
        id=id_of(fields),
        user_name=name,
        display_name=optional_text(fields, "displayName"),
        email=optional_text(fields, "mail"),
        active=enabled,
    )


def group_of(fields: Mapping[str, object]) -> PulledGroup:
    id = id_of(fields)
    return PulledGroup(id, optional_text(fields, "displayName") or id)


def id_of(fields: Mapping[str, object]) -> str:
    return checked_id(text(fields, "id", 100))


def checked_id(id: str) -> str:
    """An id that can stand in a path and in a filter. Raises Incomplete."""
    if not _ID.match(id):
        raise Incomplete("an id of Microsoft Graph holds letters that no id has")
    return id


def removal(item: Mapping[str, object]) -> str:
    """changed (soft-deleted), deleted (for good), "" (it is there). Raises Incomplete for anything else."""
    if "@removed" not in item:
        return ""
    told = item["@removed"]
    reason = told.get("reason") if isinstance(told, dict) else None
    if reason not in ("changed", "deleted"):
        raise Incomplete("an @removed of Microsoft Graph has a reason that isn't known")
    return str(reason)


def _entry(group: str, member: Mapping[str, object]) -> Entry:
    present = not removal(member)
    kind = optional_text(member, "@odata.type", 100)
    if present and not kind:
        raise Incomplete("a member comes without its type")
    return Entry(group, id_of(member), _KINDS.get(kind, MemberKind.OTHER), present)

"""What does the stand-in of Entra ID know? People, groups, and every change of them in order."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from uuid import NAMESPACE_URL, uuid5

KINDS = {
    "user": "#microsoft.graph.user",
    "group": "#microsoft.graph.group",
    "device": "#microsoft.graph.device",
}


def guid(name: str) -> str:
    """The same id for the same name, as Entra's look."""
    return str(uuid5(NAMESPACE_URL, name))


@dataclass(slots=True)
class Someone:
    id: str
    upn: str
    name: str
    mail: str | None
    enabled: bool = True
    deleted: bool = False  #: soft: restorable


@dataclass(slots=True)
class Team:
    id: str
    name: str
    members: dict[str, str] = field(default_factory=dict)  #: id -> user, group, device
    visibility: str | None = None
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened to a user, a group, or a membership; `seq` is the order of it all."""

    seq: int
    kind: str  #: user, group, member
    id: str  #: of a membership: the group's
    member: str = ""
    member_kind: str = ""
    present: bool = True
    gone: str = ""  #: changed (soft-deleted), deleted (for good)


@dataclass(slots=True)
class EntraTenant:
    people: dict[str, Someone] = field(default_factory=dict)
    teams: dict[str, Team] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    epoch: int = 1  #: tokens of an earlier one are expired
    _seq: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def now(self) -> int:
        return self.events[-1].seq if self.events else 0

    # ---- an administrator's hand ----

    def hire(self, *names: str) -> list[str]:
        """People by the part of their UPN before the @. Gives their ids."""
        ids = []
        for name in names:
            id = guid(f"user:{name}")
            upn = f"{name}@northmill.example"
            self.people[id] = Someone(id, upn, name.title(), upn)
            self._note("user", id)
            ids.append(id)
        return ids

    def change(self, id: str, **values: object) -> None:
        """upn, name, mail, enabled."""
        for name, value in values.items():
            setattr(self.people[id], name, value)
        self._note("user", id)

    def delete(self, id: str, *, purged: bool = False) -> None:
        """Soft: memberships stay. Purged: they go. No group's delta tells either."""
        if purged:
            del self.people[id]
            for team in self.teams.values():
                team.members.pop(id, None)
        else:
            self.people[id].deleted = True
        self._note("user", id, gone="deleted" if purged else "changed")

    def restore(self, id: str) -> None:
        self.people[id].deleted = False
        self._note("user", id)

    def team(self, name: str, members: Iterable[str] = (), **values: str) -> str:
        id = guid(f"group:{name}")
        self.teams[id] = Team(id, name, **values)  # type: ignore[arg-type]
        self._note("group", id)
        self.join(id, *members)
        return id

    def rename(self, team: str, name: str) -> None:
        self.teams[team].name = name
        self._note("group", team)

    def disband(self, team: str) -> None:
        self.teams[team].deleted = True
        self._note("group", team, gone="changed")

    def bring_back(self, team: str) -> None:
        self.teams[team].deleted = False
        self._note("group", team)
        for member, kind in self.teams[team].members.items():
            self._note("member", team, member=member, member_kind=kind)

    def join(self, team: str, *members: str) -> None:
        for member in members:
            kind = "user" if member in self.people else "group" if member in self.teams else "device"
            self.teams[team].members[member] = kind
            self._note("member", team, member=member, member_kind=kind)

    def leave(self, team: str, *members: str) -> None:
        for member in members:
            kind = self.teams[team].members.pop(member)
            self._note("member", team, member=member, member_kind=kind, present=False)

    def expire(self) -> None:
        """Every token that was given is lost."""
        self.epoch += 1

    def _note(self, kind: str, id: str, **values: object) -> None:
        self.events.append(Event(next(self._seq), kind, id, **values))  # type: ignore[arg-type]

    # ---- what a delta says ----

    def group_items(self, ids: list[str], since: int) -> list[dict[str, object]]:
        """One item a membership, so that a group is spread over pages; since 0: the state as it is."""
        items: list[dict[str, object]] = []
        for id in ids:
            team = self.teams.get(id)
            if since == 0:
                if team is None or team.deleted:
                    continue
                items.append({"id": id, "displayName": team.name})
                items += [_membership(team, member, kind) for member, kind in team.members.items()]
                continue
            for event in self.events:
                if event.seq <= since or event.id != id or event.kind == "user" or team is None:
                    continue
                if event.kind == "group":
                    items.append({"id": id, "@removed": {"reason": event.gone}} if event.gone else
                                 {"id": id, "displayName": team.name})  # fmt: skip
                else:
                    items.append(_membership(team, event.member, event.member_kind, present=event.present))
        return items

    def user_items(self, since: int) -> list[dict[str, object]]:
        if since == 0:
            return [user_json(p) for p in self.people.values() if not p.deleted]
        last = {e.id: e for e in self.events if e.kind == "user" and e.seq > since}
        return [
            {"id": id, "@removed": {"reason": event.gone}} if event.gone else user_json(self.people[id])
            for id, event in last.items()
        ]


def user_json(one: Someone) -> dict[str, object]:
    return {
        "id": one.id, "userPrincipalName": one.upn, "displayName": one.name, "mail": one.mail,
        "accountEnabled": one.enabled,
    }  # fmt: skip


def _membership(team: Team, member: str, kind: str, *, present: bool = True) -> dict[str, object]:
    told: dict[str, object] = {"@odata.type": KINDS[kind], "id": member}
    if not present:
        told["@removed"] = {"reason": "deleted"}
    return {"id": team.id, "displayName": team.name, "members@delta": [told]}


def merged(items: list[dict[str, object]]) -> list[dict[str, object]]:
    """Neighbors of one group as one item, as Graph shows them in a page."""
    found: list[dict[str, object]] = []
    for item in items:
        before = found[-1] if found else {}
        if before.get("id") == item["id"] and "@removed" not in item and "@removed" not in before:
            members = [*before.get("members@delta", []), *item.get("members@delta", [])]  # type: ignore[misc]
            before |= {"displayName": item["displayName"]} | ({"members@delta": members} if members else {})
        else:
            found.append(dict(item))
    return found

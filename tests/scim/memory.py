"""How would a Store behave with everything in memory? For tests of scim alone; one directory, one thread."""

import copy
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from scim.matching import matches, values
from scim.query import Condition, Query
from scim.resources import show, show_member
from scim.schema import TYPES, fold
from scim.store import (
    Attributes,
    Kind,
    MemberOp,
    MemberVerb,
    NotFound,
    Page,
    Reference,
    Stored,
    Taken,
)

_BASE = "http://memory.example"


@dataclass
class Memory:
    """A Store, and its Writer at the same time: a failed transaction puts the copy back."""

    now: datetime = datetime(2026, 1, 5, 8, tzinfo=UTC)
    new_id: Callable[[], str] = lambda: str(uuid.uuid4())
    resources: dict[str, Stored] = field(default_factory=dict)
    belongs: dict[str, dict[str, None]] = field(default_factory=dict)  #: group to its members, in order
    warnings: list[tuple[str, str]] = field(default_factory=list)
    members_read: int = 0

    @contextmanager
    def reading(self) -> Iterator["Memory"]:
        yield self

    @contextmanager
    def writing(self) -> Iterator["Memory"]:
        kept = (dict(self.resources), copy.deepcopy(self.belongs), list(self.warnings))
        self.now += timedelta(seconds=1)
        try:
            yield self
        except BaseException:
            self.resources, self.belongs, self.warnings = kept
            raise

    def get(self, kind: Kind, id: str) -> Stored:
        stored = self.resources.get(id)
        if stored is None or stored.kind is not kind:
            raise NotFound(id)
        return stored

    lock = get

    def find(self, kind: Kind, query: Query) -> Page:
        found = [each for each in self.resources.values() if each.kind is kind]
        if query.condition is not None:
            found = [each for each in found if self._meets(each, query.condition)]
        if query.sort_by is not None:
            found = self._sorted(found, query)
        start = query.start - 1
        return Page(len(found), tuple(found[start : start + query.count]))

    def members(self, group_id: str) -> Iterator[Reference]:
        for id in self.belongs.get(group_id, ()):
            self.members_read += 1
            yield self._reference(id)

    def groups_of(self, user_ids: Sequence[str]) -> Mapping[str, Sequence[Reference]]:
        return {id: self._groups_of(id) for id in user_ids}

    def create(self, kind: Kind, attributes: Attributes) -> Stored:
        self._refuse_taken(kind, attributes, "")
        stored = Stored(kind, self.new_id(), copy.deepcopy(attributes), 1, self.now, self.now)
        self.resources[stored.id] = stored
        return stored

    def save(self, before: Stored, attributes: Attributes) -> Stored:
        if attributes == before.attributes:
            return before
        self._refuse_taken(before.kind, attributes, before.id)
        return self._touched(replace(before, attributes=copy.deepcopy(attributes)))

    def delete(self, kind: Kind, id: str) -> None:
        self.get(kind, id)
        del self.resources[id]
        self.belongs.pop(id, None)
        for members in self.belongs.values():
            members.pop(id, None)

    def change_members(self, group_id: str, operations: Sequence[MemberOp]) -> Sequence[str]:
        group = self.get(Kind.GROUP, group_id)
        members = self.belongs.setdefault(group_id, {})
        before, unknown = set(members), dict[str, None]()
        for operation in operations:
            if operation.verb is MemberVerb.REMOVE:
                for id in operation.ids:
                    members.pop(id, None)
                continue
            known = {id: None for id in operation.ids if id in self.resources}
            unknown |= {id: None for id in operation.ids if id not in self.resources}
            if operation.verb is MemberVerb.REPLACE:
                members.clear()
            members.update(known)
        if set(members) != before:
            self._touched(group)
        return list(unknown)

    def warn(self, code: str, subject: str) -> None:
        self.warnings.append((code, subject))

    def json(self, id: str) -> dict[str, Any]:
        """The whole resource, members and groups too: what conditions are tested on."""
        stored = self.resources[id]
        shown = show(stored, _BASE, groups=self._groups_of(id))
        if stored.kind is Kind.GROUP:
            members = self.belongs.get(id, ())
            shown["members"] = [show_member(self._reference(each), _BASE) for each in members]
        return shown

    def _meets(self, stored: Stored, condition: Condition) -> bool:
        return matches(condition, self.json(stored.id), TYPES[stored.kind])

    def _sorted(self, found: list[Stored], query: Query) -> list[Stored]:
        """Without a value: last, or first when descending (RFC 7644 3.4.2.3)."""
        assert query.sort_by is not None
        whole, sub = replace(query.sort_by, sub=""), query.sort_by.sub or "value"
        keys = {each.id: _sort_key(values(whole, self.json(each.id)), sub) for each in found}
        return sorted(found, key=lambda each: keys[each.id], reverse=query.descending)

    def _touched(self, stored: Stored) -> Stored:
        after = replace(stored, version=stored.version + 1, modified=self.now)
        self.resources[stored.id] = after
        return after

    def _reference(self, id: str) -> Reference:
        stored = self.resources[id]
        return Reference(stored.kind, id, stored.attributes.get("displayName", ""))

    def _groups_of(self, id: str) -> list[Reference]:
        found: dict[str, Reference] = {}
        level, direct = [id], True
        while level:
            level = [
                group
                for group, members in self.belongs.items()
                if group not in found and any(each in members for each in level)
            ]
            for group in level:
                found[group] = replace(self._reference(group), direct=direct)
            direct = False
        return list(found.values())

    def _refuse_taken(self, kind: Kind, attributes: Attributes, id: str) -> None:
        if kind is not Kind.USER:
            return
        name = fold(attributes["userName"])
        for each in self.resources.values():
            if each.kind is kind and each.id != id and fold(each.attributes["userName"]) == name:
                raise Taken("userName")


def _sort_key(present: Sequence[Any], sub: str) -> tuple[bool, str]:
    """Of several elements the primary one counts, else the first."""
    chosen = next(
        (each for each in present if isinstance(each, dict) and each.get("primary")), (*present, None)[0]
    )
    value = chosen.get(sub) if isinstance(chosen, dict) else chosen
    return (value is None, "" if value is None else fold(str(value)))

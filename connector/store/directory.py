"""How does one directory read and write its mirror? Implements the port of scim.store on the tables.

Row locks are taken in one order, so that concurrent writers wait rather than deadlock: groups by pk, then
users, then persons; in the end warnings, marks of groups, marks of persons, each ascending.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

import orjson
from sqlalchemy import (
    Connection,
    Engine,
    delete,
    exists,
    or_,
    select,
    update,
)

from connector.store import directories, emails
from connector.store.changes import Recorder
from connector.store.engine import reading, writing
from connector.store.find import find
from connector.store.fold import folded
from connector.store.marks import mark, mark_groups, mark_members
from connector.store.members import change, net
from connector.store.persons import Profile, as_key, claim, link, profile, show
from connector.store.references import groups_of, members
from connector.store.rows import insert_into
from connector.store.rowwise import stored
from connector.store.scope import is_id
from connector.store.statements import CREATE, DELETING, LOCKING, READING, TOUCH, saving
from connector.store.tables import (
    groups,
    mappings,
    memberships,
    nestings,
    users,
    warnings,
)
from scim.body import MAX_BYTES
from scim.errors import TooLarge
from scim.query import Query
from scim.store import (
    Attributes,
    Kind,
    MemberOp,
    NotFound,
    Page,
    Reader,
    Reference,
    Store,
    Stored,
    Writer,
)


@dataclass(frozen=True, slots=True)
class DirectoryStore:
    """One directory. Raises connector.store.engine's Unavailable beside what the port says."""

    engine: Engine
    directory: int  #: pk
    now: Callable[[], datetime]
    request_id: str = ""
    base_url: str = ""  #: of the endpoint: filters on meta.location and $ref mean it
    heard: datetime | None = None  #: when the directory was last heard of, as far as is known

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        with reading(self.engine) as connection:
            yield self._session(connection)

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        with writing(self.engine) as connection:
            session = self._session(connection)
            yield session
            session.finish()

    def _session(self, connection: Connection) -> "Session":
        return Session(connection, self.directory, self.now(), self.request_id, self.base_url, self.heard)


@dataclass(frozen=True, slots=True)
class Session:
    """One transaction of one directory; `finish` writes what is owed to the next round."""

    connection: Connection
    directory: int
    now: datetime
    request_id: str
    base_url: str = ""
    heard: datetime | None = None
    #: rows as this transaction, which has locked them, knows them; `save` takes them out
    _locked: dict[str, Any] = field(default_factory=dict)
    _persons: set[int] = field(default_factory=set)
    _groups: set[int] = field(default_factory=set)
    _warnings: Counter[tuple[str, str]] = field(default_factory=Counter)

    # ---- reading ----

    def get(self, kind: Kind, id: str) -> Stored:
        return stored(kind, self._locked.get(id) or self._row(kind, id))

    def find(self, kind: Kind, query: Query) -> Page:
        return find(self.connection, self.directory, kind, query, self.base_url)

    def members(self, group_id: str) -> Iterator[Reference]:
        return members(self.connection, self.directory, self._row(Kind.GROUP, group_id).pk)

    def groups_of(self, user_ids: Sequence[str]) -> Mapping[str, Sequence[Reference]]:
        return groups_of(self.connection, self.directory, user_ids)

    # ---- writing ----

    def lock(self, kind: Kind, id: str) -> Stored:
        row = self._locked[id] = self._row(kind, id, lock=True)
        return stored(kind, row)

    def create(self, kind: Kind, attributes: Attributes) -> Stored:
        return self._create_user(attributes) if kind is Kind.USER else self._create_group(attributes)

    def save(self, before: Stored, attributes: Attributes) -> Stored:
        """`before` as `lock` gave it."""
        if _canonical(attributes) == _canonical(before.attributes):
            return before
        row = self._locked.pop(before.id, None) or self._row(before.kind, before.id, lock=True)
        if row.version != before.version:
            raise RuntimeError("lock a resource before saving it: it changed in between")
        if before.kind is Kind.USER:
            values = self._save_user(row, before, attributes)
        else:
            values = self._save_group(row, attributes)
        changed = {name: value for name, value in values.items() if getattr(row, name) != value}
        changed |= {"document": _document(attributes), "version": before.version + 1, "modified_at": self.now}
        saving(before.kind, frozenset(changed)).run(self.connection, changed | {"key": row.pk})
        return Stored(before.kind, before.id, attributes, before.version + 1, before.created, self.now)

    def delete(self, kind: Kind, id: str) -> None:
        self._locked.pop(id, None)
        if kind is Kind.USER:
            self._delete_user(id)
        else:
            self._delete_group(id)

    def change_members(self, group_id: str, operations: Sequence[MemberOp]) -> Sequence[str]:
        group = self._locked.get(group_id) or self._row(Kind.GROUP, group_id, lock=True)
        moved = change(self.connection, self.directory, group.pk, net(operations), self.now)
        if moved:
            self._touch_groups([group.pk])
            self._record.note_members("joined", group.pk, moved.joined)
            self._record.note_members("left", group.pk, moved.left)
            for what, children in (("group_joined", moved.taken_in), ("group_left", moved.let_go)):
                for child in children:
                    self._record.note(what, group=group.pk, detail=str(child))
            self._persons.update(moved.joined, moved.left)
            self._groups.update(moved.taken_in, moved.let_go)
        return moved.unknown

    def warn(self, code: str, subject: str) -> None:
        clean = subject.encode(errors="replace").decode().replace("\0", "?")
        self._warnings[(code[:40], clean[:500])] += 1

    def finish(self) -> None:
        """Warnings, marks, and when the directory was last heard of (to the minute)."""
        for (code, subject), times in sorted(self._warnings.items()):
            into = insert_into(self.connection, warnings)
            row = {
                "directory_pk": self.directory, "code": code, "subject": subject, "count": times,
                "first_at": self.now, "last_at": self.now,
            }  # fmt: skip
            self.connection.execute(
                into.values(row).on_conflict_do_update(
                    index_elements=["directory_pk", "code", "subject"],
                    set_={"count": warnings.c.count + times, "last_at": self.now},
                )
            )
        mark_groups(self.connection, sorted(self._groups), self.now)
        mark(self.connection, self._persons, self.now)
        if self.heard is None or self.heard <= self.now - directories.HEARD_EVERY:
            directories.heard(self.connection, self.directory, self.now)

    # ---- users ----

    def _create_user(self, attributes: Attributes) -> Stored:
        new = profile(attributes)
        linked = link(self.connection, self.directory, new, self.now)
        values = _user_values(new, attributes) | {"person_pk": linked.person}
        created, pk = self._insert(Kind.USER, attributes, values)
        emails.write(self.connection, pk, [], emails.keys(attributes))
        self._record.note("created", person=linked.person, detail=new.user_name)
        if linked.conflict:
            self._record.note("conflict", person=linked.person, detail=new.user_name)
            self.warn("person_conflict", new.user_name)
        self._persons.add(linked.person)
        return created

    def _save_user(self, row: Any, before: Stored, attributes: Attributes) -> dict[str, Any]:
        old, new = profile(before.attributes), profile(attributes)
        if new.key != old.key:
            claim(self.connection, self.directory, new.key)
        what = "updated"
        if new.active != old.active:
            what = "enabled" if new.active else "disabled"
            self._record.note(what, person=row.person_pk)
        if new.user_name != old.user_name:
            what = "renamed"
            self._record.note(what, person=row.person_pk, detail=f"{old.user_name} -> {new.user_name}")
        if what == "updated":
            self._record.note(what, person=row.person_pk, detail=_differences(before.attributes, attributes))
        if new != old:
            if replace(new, active=old.active) != old:
                show(self.connection, row.person_pk, new)
            self._persons.add(row.person_pk)
        emails.write(self.connection, row.pk, emails.keys(before.attributes), emails.keys(attributes))
        return _user_values(new, attributes)

    def _delete_user(self, id: str) -> None:
        found = self._row(Kind.USER, id)
        inside = (
            select(groups.c.pk)
            .join(memberships, memberships.c.group_pk == groups.c.pk)
            .where(memberships.c.user_pk == found.pk)
            .order_by(groups.c.pk)
            .with_for_update(key_share=True, of=groups)
        )
        group_pks = list(self.connection.scalars(inside))  # before the user: the order of change_members
        row = self._row(Kind.USER, id, lock=True, deleting=True)
        gone = delete(memberships).where(memberships.c.user_pk == row.pk).returning(memberships.c.group_pk)
        group_pks = sorted(self.connection.scalars(gone))
        self._touch_groups(group_pks)
        self._record.note_gone(row.pk, group_pks)
        self._record.note("deleted", person=row.person_pk, detail=row.user_name)
        self.connection.execute(delete(users).where(users.c.pk == row.pk))
        self._persons.add(row.person_pk)

    # ---- groups ----

    def _create_group(self, attributes: Attributes) -> Stored:
        created, pk = self._insert(Kind.GROUP, attributes, _group_values(attributes))
        self._record.note("group_created", group=pk, detail=attributes["displayName"])
        return created

    def _save_group(self, row: Any, attributes: Attributes) -> dict[str, Any]:
        values = _group_values(attributes)
        if values["display_name"] != row.display_name:
            detail = f"{row.display_name} -> {values['display_name']}"
            self._record.note("group_renamed", group=row.pk, detail=detail)
            mapped = select(exists().where(mappings.c.group_pk == row.pk))
            if self.connection.scalar(mapped):  # it is named in their reasons
                self._groups.add(row.pk)
        else:
            self._record.note("group_updated", group=row.pk)
        return values

    def _delete_group(self, id: str) -> None:
        """The row stays, empty, for the mappings, holds and reasons that name it."""
        found = self._row(Kind.GROUP, id)
        around = select(nestings.c.group_pk).where(nestings.c.child_pk == found.pk)
        self.connection.execute(
            select(groups.c.pk)
            .where(or_(groups.c.pk.in_(around), groups.c.pk == found.pk))
            .order_by(groups.c.pk)
            .with_for_update()
        ).all()
        row = self._row(Kind.GROUP, id, lock=True)
        mark_groups(self.connection, [row.pk], self.now)  # those in nested groups, and so expandable still
        mark_members(self.connection, row.pk, self.now)
        self._record.note_dissolved(row.pk)
        self._record.note("group_deleted", group=row.pk, detail=row.display_name)
        parents = self.connection.scalars(
            delete(nestings).where(nestings.c.child_pk == row.pk).returning(nestings.c.group_pk)
        ).all()
        self._touch_groups(sorted(set(parents) - {row.pk}))
        self.connection.execute(delete(nestings).where(nestings.c.group_pk == row.pk))
        self.connection.execute(delete(memberships).where(memberships.c.group_pk == row.pk))
        values = {"deleted_at": self.now, "external_id": None, "document": "{}"}
        self.connection.execute(update(groups).where(groups.c.pk == row.pk).values(values))

    # ---- both ----

    @property
    def _record(self) -> Recorder:
        return Recorder(self.connection, self.directory, self.now, self.request_id[:64])

    def _row(self, kind: Kind, id: str, *, lock: bool = False, deleting: bool = False) -> Any:
        query = (DELETING if deleting else LOCKING if lock else READING)[kind]
        whose = {"directory": self.directory, "id": id}
        row = query.first(self.connection, whose) if is_id(id) else None
        if row is None:
            raise NotFound(id)
        return row

    def _insert(self, kind: Kind, attributes: Attributes, values: dict[str, Any]) -> tuple[Stored, int]:
        """The resource and its pk."""
        new = Stored(kind, str(uuid4()), attributes, 1, self.now, self.now)
        common = {
            "id": new.id, "directory_pk": self.directory, "document": _document(attributes),
            "version": new.version, "created_at": self.now, "modified_at": self.now,
        }  # fmt: skip
        return new, CREATE[kind].insert(self.connection, common | values)

    def _touch_groups(self, pks: Sequence[int]) -> None:
        for pk in pks:  # one by one: an UPDATE of many locks in no order
            (row,) = TOUCH.rows(self.connection, {"key": pk, "now": self.now})
            self._locked[row.id] = row


def _canonical(attributes: Attributes) -> bytes:
    """One spelling only; unlike ==, it tells True from 1."""
    return orjson.dumps(attributes, option=orjson.OPT_SORT_KEYS)


def _document(attributes: Attributes) -> str:
    """Raises scim's TooLarge: who reads, changes or searches it has to read the whole of it."""
    document = orjson.dumps(attributes)
    if len(document) > MAX_BYTES:
        raise TooLarge(f"a resource would be larger than {MAX_BYTES} bytes; remove some of its values first")
    return document.decode()


def _differences(before: Attributes, after: Attributes) -> str:
    names = sorted(before.keys() | after.keys())
    return ", ".join(name for name in names if before.get(name) != after.get(name))


def _user_values(seen: Profile, attributes: Attributes) -> dict[str, Any]:
    return {
        "user_name": seen.user_name,
        "folded": seen.key,
        "display_name": attributes.get("displayName") or "",
        "external_id": seen.external_id,
        "active": seen.active,
    }


def _group_values(attributes: Attributes) -> dict[str, Any]:
    name = as_key("displayName", attributes["displayName"])
    external_id = attributes.get("externalId")
    return {
        "display_name": name,
        "folded": folded(name),
        "external_id": None if external_id is None else as_key("externalId", external_id),
    }


def _port(store: DirectoryStore) -> Store:
    return store  # mypy checks here that the port is fulfilled

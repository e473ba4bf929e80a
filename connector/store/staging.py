"""Where is a directory's read kept until it is whole? Implements sync.pull.Staging on the tables."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, and_, delete, exists, func, select, update

from connector.store import first_run
from connector.store import pulls as rows
from connector.store.directory import Session
from connector.store.engine import reading, writing
from connector.store.pulled_gains import (
    MEMBERS,
    PEOPLE,
    START,
    UNMET,
    Position,
    gain_groups,
    gain_members,
    gain_people,
    tell_known,
)
from connector.store.pulled_losses import drop_groups, drop_members, drop_people
from connector.store.rows import chunks, insert_into, upsert
from connector.store.tables import groups, pulls, staged_groups, staged_members, staged_users, users
from sync.delta import Listed, doubt
from sync.pull import Progress, Tell
from sync.pull import Staging as Port
from sync.pulled import Entry, Page, People, PulledUser, Refresh

STAGED = (staged_members, staged_groups, staged_users)


@dataclass(slots=True)
class SqlStaging:
    """`fence` is called in each writing transaction and raises Fenced (`Lease.check_in`)."""

    engine: Engine
    directory: int
    fence: Callable[[Connection], None]
    declared: Collection[str] = ()  #: ids of the groups that the settings name
    request_id: str = ""  #: of this attempt, in the log and in the changes
    _generation: int = field(default=-1)

    def progress(self) -> Progress:
        with reading(self.engine) as connection:
            row = rows.row_of(connection, self.directory)
        if self._generation < 0:
            self._generation = row.generation
        return rows.progress_of(row)

    def wanted(self) -> Collection[str]:
        with reading(self.engine) as connection:
            return rows.mapped_ids(connection, self.directory) | set(self.declared)

    # ---- reading ----

    def begin(self, full: bool, now: datetime) -> None:
        with writing(self.engine) as connection:
            values = {"reading": "full" if full else "changes", "pages": 0, "tried_at": now, "began_at": now}
            self._move(connection, values | (rows.cursor_values(Refresh()) if full else {}))
            self._empty(connection)
            if rows.row_of(connection, self.directory).full_at is None:
                first_run.begin(connection, self.directory, now)

    def stage(self, page: Page, now: datetime) -> None:
        with writing(self.engine) as connection:
            pages = pulls.c.pages + 1
            self._move(connection, {**rows.cursor_values(page.next), "pages": pages, "tried_at": now})
            for id in page.anew:
                self._forget_members(connection, id)
            self._stage_groups(connection, page)
            self._stage_entries(connection, page.entries)
            self._stage_users(connection, page)
            session = self._session(connection, now)
            tell_known(session, page.users, page.disabled, page.gone)
            session.finish()

    def undescribed(self, limit: int) -> Sequence[str]:
        here = staged_members.c.directory_pk == self.directory
        described = exists().where(
            staged_users.c.directory_pk == self.directory, staged_users.c.id == staged_members.c.member_id
        )
        known = exists().where(
            users.c.directory_pk == self.directory, users.c.pulled_id == staged_members.c.member_id
        )
        query = (
            select(staged_members.c.member_id)
            .where(here, staged_members.c.kind == "user", staged_members.c.present, ~described, ~known)
            .distinct()
            .order_by(staged_members.c.member_id)
            .limit(limit)
        )
        with reading(self.engine) as connection:
            return list(connection.scalars(query))

    def unnamed(self, limit: int) -> Sequence[str]:
        named = exists().where(
            staged_users.c.directory_pk == self.directory, staged_users.c.id == users.c.pulled_id
        )
        query = (
            select(users.c.pulled_id)
            .where(users.c.directory_pk == self.directory, users.c.pulled_id.is_not(None), ~named)
            .order_by(users.c.pulled_id)
            .limit(limit)
        )
        with reading(self.engine) as connection:
            return list(connection.scalars(query))

    def stage_people(self, people: People, now: datetime) -> None:
        with writing(self.engine) as connection:
            self._move(connection, {"tried_at": now})
            staged = [_user_row(self.directory, user) for user in people.found]
            staged += [_bare_row(self.directory, id, "gone") for id in people.gone]
            upsert(connection, staged_users, staged)
            session = self._session(connection, now)
            tell_known(session, people.found, (), ())
            session.finish()

    # ---- into the mirror, and out of it ----

    def add(self, now: datetime, progress: Tell) -> None:
        for what, step, size in (
            ("groups", gain_groups, PEOPLE),
            ("people", gain_people, PEOPLE),
            ("memberships", gain_members, MEMBERS),
        ):
            after: Position | None = START
            done = 0
            while after is not None:  # small transactions: whoever pushes meanwhile needn't wait long
                with writing(self.engine) as connection:
                    self.fence(connection)
                    session = self._session(connection, now)
                    after = step(session, after)
                    session.finish()
                done += size
                if after is not None:
                    progress(f"{what} compared with the mirror", done, 0)

    def finish(self, now: datetime) -> tuple[str, ...]:
        with writing(self.engine) as connection:
            row = rows.row_of(connection, self.directory)
            full = row.reading == "full"
            doubts = {listed.group: why for listed in self._listed(connection) if (why := doubt(listed))}
            unmet, unread = self._unmet(connection), self._unread(connection)
            values: dict[str, Any] = {"reading": "", "pages": 0}
            if doubts or unmet:
                values |= rows.cursor_values(Refresh())
            else:  # the source itself reads an unread group again: that is no reason to begin anew
                values |= {"complete_at": now} | ({"full_at": row.began_at} if full else {})
                values |= {} if unread else {"failures": 0, "error": "", "not_before": None}
            self._move(connection, values)
            session = self._session(connection, now)
            drop_members(session, doubts.keys())
            drop_groups(session)
            drop_people(session)
            session.finish()
            self._empty(connection)
            if row.full_at is None and not doubts and not unmet:
                first_run.read(connection, self.directory, now)
        return (*doubts.values(), *unmet, *unread)

    # ---- when it isn't whole ----

    def restart(self, why: str, now: datetime) -> None:
        with writing(self.engine) as connection:
            self._move(connection, {**rows.cursor_values(Refresh()), "reading": "", "pages": 0, "error": why})
            self._empty(connection)

    def failed(self, why: str, again_at: datetime, now: datetime) -> None:
        with writing(self.engine) as connection:
            values = {
                "error": why, "failures": pulls.c.failures + 1, "not_before": again_at, "tried_at": now,
            }  # fmt: skip
            self._move(connection, values)

    # ---- below ----

    def _move(self, connection: Connection, values: dict[str, Any]) -> None:
        self.fence(connection)
        if self._generation < 0:
            self._generation = rows.row_of(connection, self.directory).generation
        self._generation = rows.move(connection, self.directory, self._generation, values)

    def _session(self, connection: Connection, now: datetime) -> Session:
        return Session(connection, self.directory, now, self.request_id)

    def _empty(self, connection: Connection) -> None:
        for table in STAGED:
            connection.execute(delete(table).where(table.c.directory_pk == self.directory))

    def _forget_members(self, connection: Connection, group: str) -> None:
        m, g = staged_members, staged_groups
        connection.execute(delete(m).where(m.c.directory_pk == self.directory, m.c.group_id == group))
        connection.execute(
            update(g)
            .where(g.c.directory_pk == self.directory, g.c.id == group)
            .values(whole=False, count=None, unread="")
        )

    def _stage_groups(self, connection: Connection, page: Page) -> None:
        said: dict[str, dict[str, Any]] = {}
        for group in page.groups:
            said.setdefault(group.id, {}).update(name=group.name, gone=False)
        for id in page.groups_gone:
            said.setdefault(id, {}).update(gone=True)
        for whole in page.whole:
            said.setdefault(whole.group, {}).update(whole=True, count=whole.count)
        for unread in page.unread:
            said.setdefault(unread.group, {}).update(unread=unread.why)
        for id, values in sorted(said.items()):
            statement = insert_into(connection, staged_groups).values(
                directory_pk=self.directory, id=id, **values
            )
            connection.execute(
                statement.on_conflict_do_update(index_elements=["directory_pk", "id"], set_=values)
            )

    def _stage_entries(self, connection: Connection, entries: Sequence[Entry]) -> None:
        for chunk in chunks(entries):
            staged = [
                {
                    "directory_pk": self.directory, "group_id": e.group, "member_id": e.member,
                    "kind": e.kind.value, "present": e.present,
                }
                for e in chunk
            ]  # fmt: skip
            upsert(connection, staged_members, staged)

    def _stage_users(self, connection: Connection, page: Page) -> None:
        """Only those who matter: members, and people whom the mirror knows."""
        staged = {user.id: _user_row(self.directory, user) for user in page.users}
        staged |= {id: _bare_row(self.directory, id, "disabled") for id in page.disabled}
        staged |= {id: _bare_row(self.directory, id, "gone") for id in page.gone}
        for chunk in chunks(staged):
            member = select(staged_members.c.member_id).where(
                staged_members.c.directory_pk == self.directory, staged_members.c.member_id.in_(chunk)
            )
            known = select(users.c.pulled_id).where(
                users.c.directory_pk == self.directory, users.c.pulled_id.in_(chunk)
            )
            matter = {*connection.scalars(member), *connection.scalars(known)}
            upsert(connection, staged_users, [staged[id] for id in chunk if id in matter])

    def _unmet(self, connection: Connection) -> tuple[str, ...]:
        """People who have no record, because another one has their name still."""
        query = select(staged_users.c.user_name).where(
            staged_users.c.directory_pk == self.directory, staged_users.c.state == UNMET
        )
        unmet = connection.scalars(query.order_by(staged_users.c.user_name)).all()
        return tuple(f"the user name {name} is that of another record yet" for name in unmet)

    def _unread(self, connection: Connection) -> tuple[str, ...]:
        """A group that the directory doesn't describe any more has the name by which it is known here."""
        g = staged_groups
        known = and_(groups.c.directory_pk == g.c.directory_pk, groups.c.pulled_id == g.c.id)
        query = (
            select(g.c.id, g.c.name, g.c.unread, groups.c.display_name)
            .outerjoin(groups, known)
            .where(g.c.directory_pk == self.directory, g.c.unread != "")
            .order_by(g.c.id)
        )
        return tuple(
            f"group {r.name or r.display_name or r.id}: {r.unread}" for r in connection.execute(query)
        )

    def _listed(self, connection: Connection) -> Sequence[Listed]:
        """The groups that the source calls whole."""
        g, m = staged_groups, staged_members
        query = (
            select(g.c.id, g.c.name, g.c["count"].label("said"), func.count(m.c.member_id).label("members"))
            .outerjoin(
                m,
                and_(m.c.directory_pk == g.c.directory_pk, m.c.group_id == g.c.id, m.c.present),
            )
            .where(g.c.directory_pk == self.directory, g.c.whole)
            .group_by(g.c.id, g.c.name, g.c["count"])
            .order_by(g.c.id)
        )
        return [Listed(r.id, r.name, True, r.members, r.said) for r in connection.execute(query)]


def _user_row(directory: int, user: PulledUser) -> dict[str, Any]:
    return {
        "directory_pk": directory, "id": user.id, "state": "present", "user_name": user.user_name,
        "display_name": user.display_name, "email": user.email, "active": user.active,
    }  # fmt: skip


def _bare_row(directory: int, id: str, state: str) -> dict[str, Any]:
    return {
        "directory_pk": directory, "id": id, "state": state, "user_name": "", "display_name": "", "email": "",
        "active": False,
    }  # fmt: skip


def _port(staging: SqlStaging) -> Port:
    return staging  # mypy checks here that the port is fulfilled

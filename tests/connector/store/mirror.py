"""How do store tests make directories, people and groups, and see what was written?"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Table, insert, select

from connector.store.directory import DirectoryStore
from connector.store.engine import reading, writing
from connector.store.tables import changes, directories, groups, marks, memberships, persons, users
from scim.store import Kind, MemberOp, MemberVerb, Stored
from tests.moments import at


@dataclass
class Clock:
    moment: datetime = field(default_factory=at)

    def __call__(self) -> datetime:
        return self.moment


@dataclass
class Mirror:
    """One directory, and short words for what a test does with it."""

    engine: Engine
    clock: Clock
    store: DirectoryStore

    def user(self, name: str, /, **attributes: Any) -> Stored:
        with self.store.writing() as writer:
            return writer.create(Kind.USER, {"userName": name} | attributes)

    def group(self, name: str, members: Collection[str] = ()) -> Stored:
        with self.store.writing() as writer:
            group = writer.create(Kind.GROUP, {"displayName": name})
            if members:
                writer.change_members(group.id, [MemberOp(MemberVerb.ADD, tuple(members))])
            return group

    def save(self, kind: Kind, id: str, /, **attributes: Any) -> Stored:
        with self.store.writing() as writer:
            before = writer.lock(kind, id)
            return writer.save(before, before.attributes | attributes)

    def change(self, group: str, *operations: tuple[MemberVerb, Collection[str]]) -> list[str]:
        with self.store.writing() as writer:
            return list(
                writer.change_members(group, [MemberOp(verb, tuple(ids)) for verb, ids in operations])
            )

    def delete(self, kind: Kind, id: str) -> None:
        with self.store.writing() as writer:
            writer.delete(kind, id)

    def get(self, kind: Kind, id: str) -> Stored:
        with self.store.reading() as reader:
            return reader.get(kind, id)

    def member_ids(self, group: str) -> list[str]:
        with self.store.reading() as reader:
            return [reference.id for reference in reader.members(group)]

    def since(self, group: str) -> dict[str, datetime]:
        with reading(self.engine) as connection:
            rows = connection.execute(
                select(users.c.id, memberships.c.since)
                .join(users, users.c.pk == memberships.c.user_pk)
                .join(groups, groups.c.pk == memberships.c.group_pk)
                .where(groups.c.id == group)
            )
            return {row.id: row.since for row in rows}

    def person(self, id: str) -> Any:
        """The row of the person whom a user of this directory is linked to."""
        with reading(self.engine) as connection:
            return connection.execute(
                select(persons).join(users, users.c.person_pk == persons.c.pk).where(users.c.id == id)
            ).one()

    def pk(self, group: str) -> int:
        with reading(self.engine) as connection:
            return int(connection.scalars(select(groups.c.pk).where(groups.c.id == group)).one())


def mirror(engine: Engine, name: str = "northmill", request_id: str = "req-1") -> Mirror:
    with writing(engine) as connection:
        pk = connection.execute(
            insert(directories).values(name=name, kind="scim", created_at=at()).returning(directories.c.pk)
        ).scalar_one()
    clock = Clock()
    return Mirror(
        engine, clock, DirectoryStore(engine, pk, clock, request_id, "https://connector.example/scim/v2")
    )


def rows(engine: Engine, table: Table) -> list[Any]:
    with reading(engine) as connection:
        return list(connection.execute(select(table).order_by(*table.primary_key)))


def marked_names(engine: Engine) -> set[str]:
    with reading(engine) as connection:
        names = select(persons.c.user_name).join(marks, marks.c.person_pk == persons.c.pk)
        return set(connection.scalars(names))


def forget_marks(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(marks.delete())


def history(engine: Engine) -> list[str]:
    return [row.what for row in rows(engine, changes)]

"""Which rows does a test of the ledger start from? A directory, its groups and people, written plainly."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Table, insert, select

from connector.store import standings as standing_rows
from connector.store.engine import reading, writing
from connector.store.fold import folded
from connector.store.leases import no_fence
from connector.store.ledger import SqlLedger
from connector.store.mirror import SqlMirror
from connector.store.tables import (
    directories,
    groups,
    mappings,
    memberships,
    nestings,
    persons,
    users,
)
from sync.model import (
    AccountId,
    GroupId,
    Held,
    MappingId,
    Origin,
    PersonId,
    ProductId,
    Reason,
    RunId,
    Standing,
    SubscriptionId,
)
from sync.ports import Intent
from tests.moments import START, at

PRINT, CENTRE = ProductId("anyprint"), ProductId("anyprint-centre")
BASES = {PRINT: (), CENTRE: (PRINT,)}
SUBSCRIPTION = SubscriptionId("s-1")


@dataclass(frozen=True, slots=True)
class World:
    engine: Engine

    @property
    def ledger(self) -> SqlLedger:
        return SqlLedger(self.engine, no_fence, BASES)

    @property
    def mirror(self) -> SqlMirror:
        return SqlMirror(self.engine, no_fence, lambda: at(0))

    def directory(self, name: str = "entra") -> int:
        return self._add(directories, name=name, kind="scim", created_at=START)

    def person(self, user_name: str, **values: Any) -> PersonId:
        given = {"user_name": user_name, "folded": folded(user_name), "epoch": START} | values
        return PersonId(self._add(persons, **given))

    def user(self, directory: int, person: PersonId, user_name: str, *, active: bool = True) -> int:
        return self._add(
            users,
            directory_pk=directory,
            id=f"u-{directory}-{user_name}"[:36],
            person_pk=person,
            user_name=user_name,
            folded=folded(user_name),
            external_id=f"x-{user_name}",
            active=active,
            document="{}",
            version=1,
            created_at=START,
            modified_at=START,
        )

    def people(self, directory: int, count: int, prefix: str = "p") -> list[PersonId]:
        """Each with a record in the directory."""
        found = []
        for n in range(count):
            person = self.person(f"{prefix}{n}")
            self.user(directory, person, f"{prefix}{n}")
            found.append(person)
        return found

    def group(self, directory: int, name: str) -> GroupId:
        return GroupId(
            self._add(
                groups,
                directory_pk=directory,
                id=f"g-{directory}-{name}",
                display_name=name,
                folded=folded(name),
                document="{}",
                version=1,
                created_at=START,
                modified_at=START,
            )
        )

    def join(self, group: GroupId, user: int, since: datetime = START) -> None:
        with writing(self.engine) as connection:
            connection.execute(insert(memberships).values(group_pk=group, user_pk=user, since=since))

    def join_all(self, group: GroupId, people: list[PersonId]) -> None:
        with writing(self.engine) as connection:
            query = select(users.c.pk).where(users.c.person_pk.in_(people))
            for pk in connection.scalars(query).all():
                connection.execute(insert(memberships).values(group_pk=group, user_pk=pk, since=START))

    def nest(self, parent: GroupId, child: GroupId) -> None:
        with writing(self.engine) as connection:
            connection.execute(insert(nestings).values(group_pk=parent, child_pk=child, since=START))

    def map(self, group: GroupId, product: ProductId, *, transitive: bool = False) -> MappingId:
        values = {"group_pk": group, "product": product, "priority": 100, "created_at": START}
        return MappingId(self._add(mappings, **values, transitive=transitive))

    def stand(self, *standings: Standing) -> None:
        with writing(self.engine) as connection:
            standing_rows.write(connection, standings)

    def standing(self, person: PersonId, product: ProductId = PRINT) -> Standing:
        with reading(self.engine) as connection:
            (found,) = standing_rows.read(connection, [person], product)
        return found

    def rows(self, table: Table) -> list[Any]:
        with reading(self.engine) as connection:
            return list(connection.execute(select(table).order_by(*table.primary_key)))

    def begin(self, minutes: float = 0) -> RunId:
        return self.ledger.begin("test", "changed", at(minutes))

    def _add(self, table: Table, **values: Any) -> int:
        with writing(self.engine) as connection:
            key: int = connection.execute(insert(table).values(**values).returning(table.c.pk)).scalar_one()
            return key


def held(person: PersonId, product: ProductId = PRINT, **values: Any) -> Standing:
    """Surely, and by the sync."""
    given = {"assigned_at": at(-600)} | values
    return replace(Standing(person, product, held=Held.YES, origin=Origin.MANAGED), **given)


def waits(person: PersonId, product: ProductId = PRINT, **values: Any) -> Standing:
    return replace(Standing(person, product, waiting=True, since=START, reasons=(reason(),)), **values)


def reason(mapping: int = 1, group: int = 1, priority: int = 100) -> Reason:
    return Reason(MappingId(mapping), GroupId(group), "LIC-AnyPrint", priority, START)


def intent(run: RunId, people: list[PersonId], kind: str = "assign", **values: Any) -> Intent:
    asked = tuple((person, AccountId(f"a{person}")) for person in people)
    made = Intent(run, kind, PRINT, SUBSCRIPTION, f"{kind}-{run}-{people[:1]}", '{"user_ids":[]}', asked)
    return replace(made, **values)

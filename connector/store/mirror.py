"""What did the directories write? sync.ports.Mirror; a fixed number of queries for each 500 people."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Engine, Select, and_, exists, func, select, union

from connector.store import marks
from connector.store import standings as ledger_rows
from connector.store.engine import reading, writing
from connector.store.rows import chunks
from connector.store.tables import (
    directories,
    groups,
    mappings,
    memberships,
    nestings,
    persons,
    standings,
    users,
)
from connector.store.unsettled import among as in_groups
from connector.store.unsettled import at_stake, unsettled
from sync.model import (
    AccountId,
    Facts,
    GroupId,
    Mapping,
    MappingId,
    Membership,
    Person,
    PersonId,
    ProductId,
    Record,
    Standing,
)
from sync.plan import Applicable
from sync.ports import Mark


@dataclass(frozen=True, slots=True)
class SqlMirror:
    """`fence` is called in each writing transaction and raises Fenced (`Lease.check_in`, `no_fence`)."""

    engine: Engine
    fence: Callable[[Connection], None]
    clock: Callable[[], datetime]  #: aware UTC

    def mappings(self) -> Sequence[Mapping]:
        with reading(self.engine) as connection:
            return read_mappings(connection)

    def nestings(self, roots: Collection[GroupId]) -> Sequence[tuple[GroupId, GroupId]]:
        with reading(self.engine) as connection:
            return read_nestings(connection, roots)

    def expand_marks(self, limit: int) -> bool:
        with writing(self.engine) as connection:
            self.fence(connection)
            return marks.expand_marks(connection, limit, self.clock())

    def marked(self, limit: int) -> Sequence[Mark]:
        with reading(self.engine) as connection:
            return marks.marked(connection, limit)

    def everyone(self, after: PersonId, limit: int) -> Sequence[PersonId]:
        """People with a live record, or with a license, a wait or a reason that is left from one."""
        lives = select(users.c.person_pk.label("pk")).where(users.c.person_pk > after)
        left = select(standings.c.person_pk.label("pk")).where(standings.c.person_pk > after, at_stake())
        heads = [q.distinct().order_by("pk").limit(limit).subquery() for q in (lives, left)]
        either = union(*(select(head.c.pk) for head in heads)).subquery()
        with reading(self.engine) as connection:
            rows = connection.scalars(select(either.c.pk).order_by(either.c.pk).limit(limit))
            return [PersonId(pk) for pk in rows]

    def unsettled(
        self,
        after: PersonId,
        applicable: Applicable,
        alone: Collection[ProductId],
        protected: Collection[str],
    ) -> tuple[Sequence[PersonId], PersonId | None]:
        with reading(self.engine) as connection:
            return unsettled(connection, after, applicable, alone, protected)

    def facts(self, people: Sequence[PersonId], groups: Collection[GroupId]) -> Sequence[Facts]:
        with reading(self.engine) as connection:
            return read_facts(connection, people, groups)


def read_mappings(connection: Connection) -> list[Mapping]:
    """All of them, by id; those of a deleted group too: its people have left it."""
    query = (
        select(mappings, groups.c.display_name, groups.c.deleted_at, directories.c.name)
        .join(groups, groups.c.pk == mappings.c.group_pk)
        .join(directories, directories.c.pk == groups.c.directory_pk)
        .order_by(mappings.c.pk)
    )
    return [
        Mapping(
            id=MappingId(row.pk),
            group=GroupId(row.group_pk),
            group_name=row.display_name,
            directory=row.name,
            product=ProductId(row.product),
            priority=row.priority,
            transitive=row.transitive,
            grace_hours=row.grace_hours,
            reserve=row.reserve,
            made_at=row.created_at,
            gone=row.deleted_at is not None,
        )
        for row in connection.execute(query)
    ]


def read_nestings(connection: Connection, roots: Collection[GroupId]) -> list[tuple[GroupId, GroupId]]:
    """(parent, child) edges reachable from the roots, level by level; a cycle ends the walk (R07)."""
    edges: list[tuple[GroupId, GroupId]] = []
    reached = set(roots)
    level = sorted(reached)
    while level:
        found = [
            (GroupId(parent), GroupId(child))
            for chunk in chunks(level)
            for parent, child in connection.execute(
                select(nestings.c.group_pk, nestings.c.child_pk)
                .where(nestings.c.group_pk.in_(chunk))
                .order_by(nestings.c.group_pk, nestings.c.child_pk)
            )
        ]
        edges.extend(found)
        level = sorted({child for _, child in found} - reached)
        reached.update(level)
    return edges


def read_facts(
    connection: Connection, people: Sequence[PersonId], among: Collection[GroupId] | None
) -> list[Facts]:
    """Of those of the people that exist, in the order asked. `among`: the groups that matter; None: all."""
    found: dict[PersonId, Facts] = {}
    for chunk in chunks(dict.fromkeys(people)):
        found.update(_facts_of(connection, chunk, None if among is None else frozenset(among)))
    return [found[person] for person in dict.fromkeys(people) if person in found]


def _facts_of(
    connection: Connection, people: list[PersonId], among: frozenset[GroupId] | None
) -> dict[PersonId, Facts]:
    member = _memberships(connection, people, among)
    stands: dict[PersonId, list[Standing]] = defaultdict(list)
    for standing in ledger_rows.read(connection, people):
        stands[standing.person].append(standing)
    return {
        id: Facts(person, member.get(id, ()), tuple(stands.get(id, ())))
        for id, person in read_people(connection, people).items()
    }


def read_people(connection: Connection, people: Sequence[PersonId]) -> dict[PersonId, Person]:
    """Those that exist of up to 500, with their live records, the oldest first; by id.

    An account that several people go by was made for none of them: what one needs no more may be another's
    (R02, R05).
    """
    found: dict[PersonId, Person] = {}
    for id, rows in groupby(connection.execute(_people(people)), lambda row: PersonId(row.pk)):
        records = list(rows)
        first = records[0]
        found[id] = Person(
            id=id,
            user_name=first.user_name,
            display_name=first.display_name,
            email=first.email,
            external_id=next((row.external_id for row in records if row.external_id), ""),
            account=None if first.account_id is None else AccountId(first.account_id),
            epoch=first.epoch,
            records=tuple(
                Record(row.directory, row.record_name, row.active)
                for row in records
                if row.directory is not None
            ),
            conflict=first.conflict,
            account_made=first.made_for_one,
            account_disabled=first.account_disabled,
        )
    return found


def _people(people: Sequence[PersonId]) -> Select[Any]:
    """A row for each live record, one for who has none."""
    other = persons.alias("other")
    shared = exists().where(other.c.account_id == persons.c.account_id, other.c.pk != persons.c.pk)
    return (
        select(
            persons.c.pk,
            persons.c.user_name,
            persons.c.display_name,
            persons.c.email,
            persons.c.account_id,
            and_(persons.c.account_made, ~shared).label("made_for_one"),
            persons.c.account_disabled,
            persons.c.conflict,
            persons.c.epoch,
            users.c.user_name.label("record_name"),
            users.c.active,
            users.c.external_id,
            directories.c.name.label("directory"),
        )
        .outerjoin(users, users.c.person_pk == persons.c.pk)
        .outerjoin(directories, directories.c.pk == users.c.directory_pk)
        .where(persons.c.pk.in_(people))
        .order_by(persons.c.pk, users.c.pk)
    )


def _memberships(
    connection: Connection, people: list[PersonId], among: frozenset[GroupId] | None
) -> dict[PersonId, tuple[Membership, ...]]:
    """Since the earliest of a person's records, where several of them are in the group."""
    query = (
        select(users.c.person_pk, memberships.c.group_pk, func.min(memberships.c.since).label("since"))
        .join(users, users.c.pk == memberships.c.user_pk)
        .where(users.c.person_pk.in_(people))
        .group_by(users.c.person_pk, memberships.c.group_pk)
        .order_by(users.c.person_pk, memberships.c.group_pk)
    )
    if among is not None and len(among) <= 1000:
        query = query.where(in_groups(among, connection.dialect.name))
    found: dict[PersonId, list[Membership]] = defaultdict(list)
    for pk, group, since in connection.execute(query):
        if among is None or group in among:
            found[PersonId(pk)].append(Membership(GroupId(group), since))
    return {person: tuple(member) for person, member in found.items()}


def descendants(edges: Iterable[tuple[GroupId, GroupId]], root: GroupId) -> frozenset[GroupId]:
    """The root and every group below it, cycles and all (R07)."""
    children: dict[GroupId, set[GroupId]] = defaultdict(set)
    for parent, child in edges:
        children[parent].add(child)
    reached, left = {root}, [root]
    while left:
        new = children[left.pop()] - reached
        reached |= new
        left.extend(new)
    return frozenset(reached)

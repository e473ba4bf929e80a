"""Whom must the next round look at?

Marks are written with the change, and taken off only if they didn't grow since. The order in a transaction
is always group marks, then marks, each ascending: so that no two can deadlock.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    bindparam,
    delete,
    exists,
    literal,
    select,
    tuple_,
    update,
)

from connector.store.nested import descendants
from connector.store.prepared import Prepared
from connector.store.rows import MANY, Insert, chunks, insert_for, insert_into, packed, within
from connector.store.tables import Key, Moment, group_marks, marks, memberships, persons, users
from sync.model import PersonId
from sync.ports import Mark


def mark(connection: Connection, people: Iterable[int], now: datetime) -> None:
    """Persons, by pk."""
    for chunk in chunks(sorted(set(people)), MANY):
        values = {"people": packed(connection.dialect.name, chunk), "first": _first(now), "now": now}
        marking = _marking_some if len(chunk) > 1 else _marking_one
        marking(connection.dialect.name).run(connection, values)


def mark_members(connection: Connection, group_pk: int, now: datetime) -> None:
    """All direct members of a group, in one statement: for when the memberships go in this transaction."""
    people = (
        select(users.c.person_pk)
        .join(memberships, memberships.c.user_pk == users.c.pk)
        .where(memberships.c.group_pk == group_pk)
        .distinct()
    )
    _mark(connection, people, users.c.person_pk, now)


def mark_directory(connection: Connection, directory: int, now: datetime) -> None:
    """Everybody of whom the directory has a record."""
    people = select(users.c.person_pk).where(users.c.directory_pk == directory).distinct()
    _mark(connection, people, users.c.person_pk, now)


def mark_groups(connection: Connection, group_pks: Collection[int], now: datetime) -> None:
    """Everybody in these groups and in those inside them, when the worker comes to it (`expand_marks`)."""
    if not group_pks:
        return
    inside = descendants(group_pks).subquery()
    into = insert_into(connection, group_marks)
    connection.execute(
        into.from_select(
            ["group_pk", "generation", "marked_at"],
            select(inside.c.pk, literal(_first(now), Key), literal(now, Moment))
            .where(inside.c.pk.is_not(None))
            .order_by(inside.c.pk),
        ).on_conflict_do_update(
            index_elements=["group_pk"], set_={"generation": group_marks.c.generation + 1, "after_pk": 0}
        )
    )


def expand_marks(connection: Connection, limit: int, now: datetime) -> bool:
    """Turn up to `limit` people of marked groups into marked people; True while there is more."""
    while limit > 0:
        group = connection.execute(
            select(group_marks)
            .order_by(group_marks.c.marked_at, group_marks.c.group_pk)
            .limit(1)
            .with_for_update()
        ).first()
        if group is None:
            return False
        people = connection.execute(
            select(memberships.c.user_pk, users.c.person_pk)
            .join(users, users.c.pk == memberships.c.user_pk)
            .where(memberships.c.group_pk == group.group_pk, memberships.c.user_pk > group.after_pk)
            .order_by(memberships.c.user_pk)
            .limit(limit)
        ).all()
        mark(connection, (person for _, person in people), now)
        here = group_marks.c.group_pk == group.group_pk
        if len(people) < limit:
            connection.execute(delete(group_marks).where(here))
        else:
            connection.execute(update(group_marks).where(here).values(after_pk=people[-1].user_pk))
        limit -= len(people)
    return bool(connection.scalar(select(exists(select(group_marks.c.group_pk)))))


def marked(connection: Connection, limit: int) -> Sequence[Mark]:
    """Persons who changed, oldest mark first."""
    rows = connection.execute(
        select(marks.c.person_pk, marks.c.generation)
        .order_by(marks.c.marked_at, marks.c.person_pk)
        .limit(limit)
    )
    return [Mark(PersonId(person), generation) for person, generation in rows]


def unmark(connection: Connection, answered: Iterable[Mark]) -> None:
    """Take off those that didn't grow since they were read."""
    for chunk in chunks(sorted(answered, key=lambda mark: mark.person)):
        pairs = [(mark.person, mark.generation) for mark in chunk]
        connection.execute(delete(marks).where(tuple_(marks.c.person_pk, marks.c.generation).in_(pairs)))


def _mark(connection: Connection, people: Select[tuple[int]], pk: ColumnElement[int], now: datetime) -> None:
    statement = _marking(connection.dialect.name, people, pk)
    connection.execute(statement, {"first": _first(now), "now": now})


# Built once: each write that changes something asks these.
@cache
def _marking_one(dialect: str) -> Prepared:
    fresh: dict[str, Any] = {
        "person_pk": bindparam("people"), "generation": bindparam("first"), "marked_at": bindparam("now"),
    }  # fmt: skip
    return Prepared(_growing(insert_for(dialect, marks).values(fresh)))


@cache
def _marking_some(dialect: str) -> Prepared:
    people = select(persons.c.pk).where(within(dialect, persons.c.pk, "people", many=True))
    return Prepared(_marking(dialect, people, persons.c.pk))


def _marking(dialect: str, people: Select[tuple[int]], pk: ColumnElement[int]) -> Insert:
    fresh = people.add_columns(bindparam("first", type_=Key), bindparam("now", type_=Moment)).order_by(pk)
    into = insert_for(dialect, marks)
    return _growing(into.from_select(["person_pk", "generation", "marked_at"], fresh))


def _growing(inserted: Insert) -> Insert:
    """A person marked already keeps the time, and so the turn."""
    return inserted.on_conflict_do_update(
        index_elements=["person_pk"], set_={"generation": marks.c.generation + 1}
    )


def _first(now: datetime) -> int:
    """A first generation that an earlier mark of the same person, taken off meanwhile, can't have had."""
    return int(now.timestamp() * 1_000_000)

"""What became of the removals that were announced? To come, done, or forgotten (R27)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, case, func, or_, select

from connector.store.tables import actions, intent_items, intents, persons, runs, standings


@dataclass(frozen=True, slots=True)
class Announced:
    """A removal that is to come, or is done: whoever is entitled again was never in danger."""

    run: int
    person: int
    user_name: str
    email: str
    product: str
    because: str
    at: datetime  #: when it goes, or went
    gone: bool
    at_once: bool  #: it went in the round that announced it


def announced(connection: Connection, after: int, last: int, person: int | None = None) -> list[Announced]:
    """Of the rounds after `after` up to `last`, as it is now; what was announced twice comes once, the last.

    A removal without grace is done by the round that announces it, so its standing says no more when it was
    due: the call to AnySoft says when it went.
    """
    went_at = (
        select(func.max(func.coalesce(intents.c.settled_at, intents.c.created_at)))
        .join(intent_items, intent_items.c.intent_pk == intents.c.pk)
        .where(intent_items.c.person_pk == actions.c.person_pk, intents.c.product == actions.c.product)
        .where(intents.c.kind == "unassign", intents.c.run_pk >= actions.c.run_pk)
        .correlate(actions)
        .scalar_subquery()
    )
    gone = standings.c.held == "no"
    same = and_(standings.c.person_pk == actions.c.person_pk, standings.c.product == actions.c.product)
    coming = and_(
        ~gone,
        standings.c.announced_at.is_not(None),
        standings.c.due_at.is_not(None),
        ~standings.c.kept,
    )
    query = (
        select(
            actions.c.run_pk,
            actions.c.person_pk,
            actions.c.product,
            actions.c.because,
            standings.c.due_at,
            persons.c.user_name,
            persons.c.email,
            runs.c.finished_at,
            gone.label("gone"),
            case((gone, went_at)).label("went_at"),
        )
        .join(runs, runs.c.pk == actions.c.run_pk)
        .join(standings, same)
        .join(persons, persons.c.pk == actions.c.person_pk)
        .where(actions.c.run_pk > after, actions.c.run_pk <= last, actions.c.action == "announce")
        .where(or_(gone, coming))
        .order_by(actions.c.run_pk, actions.c.seq)
    )
    if person is not None:
        query = query.where(actions.c.person_pk == person)
    latest = {}
    for row in connection.execute(query):
        at = row.went_at if row.gone else row.due_at
        if at is None:
            continue  # somebody else took it away, at AnySoft
        at_once = bool(row.gone and row.finished_at is not None and at <= row.finished_at)
        latest[row.person_pk, row.product] = Announced(
            row.run_pk,
            row.person_pk,
            row.user_name,
            row.email,
            row.product,
            row.because,
            at,
            row.gone,
            at_once,
        )
    return list(latest.values())


def products(rows: Sequence[Announced]) -> str:
    return ", ".join(row.product for row in rows)

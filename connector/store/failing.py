"""Who fails now, why, since when, and when are they tried again? (R11, R29)"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, literal_column, select

from connector.store import signals
from connector.store.tables import persons, standings
from sync.model import ProductId
from sync.plan import Failing

_SINCE = "failing_since"
#: as the partial index says it
_FAILS: ColumnElement[bool] = literal_column("(standings.failure <> '' OR standings.attempts > 0)")
#: the code of an account that is to be set (in)active, whose failure stands in no standing's name
ACCOUNT_UPDATE = "ACCOUNT_UPDATE"


@dataclass(frozen=True, slots=True)
class Cause:
    code: str
    people: int
    since: datetime | None  #: somebody fails so; None: since the last round
    next_try: datetime | None  #: the first of theirs
    someone: str  #: a user name of theirs


def failing(connection: Connection) -> Sequence[Failing]:
    """In the order of people and products."""
    query = (
        select(persons.c.user_name, standings.c.product, standings.c.failure, standings.c.look_at)
        .join(persons, persons.c.pk == standings.c.person_pk)
        .where(_FAILS)
        .order_by(standings.c.person_pk, standings.c.product)
    )
    return [
        Failing(row.user_name, ProductId(row.product), row.failure or ACCOUNT_UPDATE, row.look_at)
        for row in connection.execute(query)
    ]


def causes(connection: Connection) -> list[Cause]:
    """The most frequent first."""
    since = signals.get(connection, _SINCE) or {}
    query = (
        select(
            standings.c.failure,
            func.count(standings.c.person_pk.distinct()).label("people"),
            func.min(standings.c.look_at).label("next_try"),
            func.min(persons.c.user_name).label("someone"),
        )
        .join(persons, persons.c.pk == standings.c.person_pk)
        .where(_FAILS)
        .group_by(standings.c.failure)
    )
    found = []
    for row in connection.execute(query):
        code = row.failure or ACCOUNT_UPDATE
        begun = since.get(code)
        first = None if begun is None else datetime.fromisoformat(begun)
        found.append(Cause(code, row.people, first, row.next_try, row.someone))
    return sorted(found, key=lambda cause: (-cause.people, cause.code))


def note(connection: Connection, codes: Collection[str], now: datetime) -> None:
    """At a round's end: a cause that is there yet began when it was first seen."""
    before = signals.get(connection, _SINCE) or {}
    after = {code: before.get(code, now.isoformat()) for code in sorted(codes)}
    if after != before:
        signals.put(connection, _SINCE, after, now)

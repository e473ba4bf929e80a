"""Whose removals are only observed yet? Those of a first read, and all after a restore (R26).

A directory is observed from the beginning of its first whole read until a full round has looked at everyone
after it; everything is, from a restore until the next full round. What would go meanwhile is in one hold.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, select, update

from connector.store import audit, signals
from connector.store.tables import directories, holds, standings, state
from sync.model import HoldId, PersonId, ProductId
from sync.plan import FIRST_RUN, digest_of
from sync.ports import FirstRun

_PREFIX = "first_run:"
_ALL = f"{_PREFIX}all"


def begin(connection: Connection, directory: int, now: datetime) -> None:
    """The directory's first read begins: what it says outright counts at once, and is observed."""
    signals.put(connection, f"{_PREFIX}{directory}", {"whole": False}, now)


def read(connection: Connection, directory: int, now: datetime) -> None:
    """Its first read is whole: the next full round, which is asked for, ends the observing."""
    signals.put(connection, f"{_PREFIX}{directory}", {"whole": True}, now)
    signals.ask(connection, True, "first_read", now)


def after_restore(connection: Connection, by: str, now: datetime) -> int:
    """To be called once, in a restored database, before the first round: what was on its way out by then is
    held, what the next full round finds will be. Gives how many removals are held."""
    signals.put(connection, _ALL, {"whole": True}, now)
    signals.ask(connection, True, "restore", now)
    leaving = and_(
        standings.c.held != "no", standings.c.origin != "manual", standings.c.due_at.is_not(None),
        standings.c.hold.is_(None), ~standings.c.kept, ~standings.c.released,
    )  # fmt: skip
    rows = connection.execute(select(standings.c.person_pk, standings.c.product).where(leaving)).all()
    if rows:
        values = {"state": "open", "reason": FIRST_RUN, "product": "", "opened_at": now}
        statement = insert(holds).values(values).returning(holds.c.pk)
        id = open_hold(connection) or connection.scalars(statement).one()
        connection.execute(update(standings).where(leaving).values(hold=id, look_at=None))
        pairs = [(PersonId(person), ProductId(product)) for person, product in rows]
        detail = {"reason": FIRST_RUN, "removals": len(pairs), "digest": digest_of(pairs)}
        audit.append(connection, by, "hold.open", f"hold:{id}", detail, now)
    return len(rows)


def observing(connection: Connection) -> FirstRun:
    names = {row.name for row in connection.execute(select(state.c.name).where(_observes()))}
    if not names:
        return FirstRun()
    query = select(directories.c.pk, directories.c.name)
    found = [name for pk, name in connection.execute(query) if f"{_PREFIX}{pk}" in names]
    return FirstRun(_ALL in names, frozenset(found), open_hold(connection))


def whole(connection: Connection) -> tuple[str, ...]:
    """What a full round that begins now ends (`end`)."""
    query = select(state.c.name).where(_observes()).order_by(state.c.name)
    return tuple(name for name in connection.scalars(query) if signals.get(connection, name)["whole"])


def end(connection: Connection, what: Collection[str]) -> None:
    """`what`: as `whole` gave it before the round."""
    connection.execute(delete(state).where(state.c.name.in_(what)))


def open_hold(connection: Connection) -> HoldId | None:
    query = select(holds.c.pk).where(holds.c.state == "open", holds.c.reason == FIRST_RUN)
    found = connection.scalar(query.order_by(holds.c.pk).limit(1))
    return None if found is None else HoldId(found)


def _observes() -> ColumnElement[bool]:
    return state.c.name.startswith(_PREFIX, autoescape=True)

"""What is in the way of the rounds, since when, and when is it tried again? One row of `state` (R29)."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete

from connector.store import signals
from connector.store.tables import state

_NAME = "rounds_trouble"


@dataclass(frozen=True, slots=True)
class Trouble:
    since: datetime
    why: str
    again_at: datetime | None  #: when the worker tries again by itself


def note(connection: Connection, why: str, again_at: datetime | None, now: datetime) -> None:
    """It began with the first in a row."""
    before = read(connection)
    value = {
        "since": (before.since if before else now).isoformat(),
        "why": why[:500],
        "again_at": None if again_at is None else again_at.isoformat(),
    }
    signals.put(connection, _NAME, value, now)


def over(connection: Connection) -> None:
    connection.execute(delete(state).where(state.c.name == _NAME))


def read(connection: Connection) -> Trouble | None:
    value = signals.get(connection, _NAME)
    if value is None:
        return None
    again_at = value["again_at"]
    return Trouble(
        datetime.fromisoformat(value["since"]),
        value["why"],
        None if again_at is None else datetime.fromisoformat(again_at),
    )

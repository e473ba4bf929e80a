"""What is in the way of the rounds, since when, and when is it tried again? Rows of `state` (R29)."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete

from connector.store import audit, signals
from connector.store.tables import state

ROUNDS = "rounds_trouble"
#: AnySoft takes long to answer
SLOW = "anysoft_slow"
#: no call that changes something has succeeded since
CHANGES = "anysoft_changes"


@dataclass(frozen=True, slots=True)
class Trouble:
    since: datetime
    why: str
    again_at: datetime | None  #: when the worker tries again by itself
    outage: bool = False  #: AnySoft doesn't answer


def note(
    connection: Connection,
    why: str,
    again_at: datetime | None,
    now: datetime,
    name: str = ROUNDS,
    *,
    outage: bool = False,
) -> None:
    """It began with the first in a row. That rounds are in vain is in the audit log, too (L1)."""
    before = read(connection, name)
    if before is None and name == ROUNDS:
        audit.append(connection, "sync", "rounds.stopped", "", {"why": why[:200]}, now)
    value = {
        "since": (before.since if before else now).isoformat(),
        "why": why[:500],
        "again_at": None if again_at is None else again_at.isoformat(),
        "outage": outage,
    }
    signals.put(connection, name, value, now)


def over(connection: Connection, name: str = ROUNDS) -> None:
    connection.execute(delete(state).where(state.c.name == name))


def read(connection: Connection, name: str = ROUNDS) -> Trouble | None:
    value = signals.get(connection, name)
    if value is None:
        return None
    again_at = value["again_at"]
    return Trouble(
        datetime.fromisoformat(value["since"]),
        value["why"],
        None if again_at is None else datetime.fromisoformat(again_at),
        value.get("outage", False),
    )

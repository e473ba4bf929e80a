"""How does a command tell the worker to begin a round, and hear that it is over? By two rows of `state`."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from connector.store.rows import canonical, insert_into, upsert
from connector.store.tables import state

_ASKED = "round_asked"
_DONE = "round_done"


@dataclass(frozen=True, slots=True)
class Asked:
    """A round that somebody wants now."""

    number: int  #: grows with each request
    full: bool  #: everyone, not only those who changed
    cause: str  #: "cli:root"


def ask(connection: Connection, full: bool, cause: str, now: datetime) -> int:
    """Ask for a round; several who ask at once get one. Gives the number to wait for (`answered`)."""
    connection.execute(  # so that there is a row to lock
        insert_into(connection, state)
        .values(name=_ASKED, value=canonical({"number": 0, "full": False, "cause": ""}), at=now)
        .on_conflict_do_nothing()
    )
    before = json.loads(
        connection.scalars(select(state.c.value).where(state.c.name == _ASKED).with_for_update()).one()
    )
    still_open = before["number"] > _done_number(connection)
    number = int(before["number"]) + 1
    value = {"number": number, "full": full or (still_open and before["full"]), "cause": cause}
    put(connection, _ASKED, value, now)
    return number


def asked(connection: Connection) -> Asked | None:
    """The round that is still to be made."""
    value = get(connection, _ASKED)
    if value is None or value["number"] <= _done_number(connection):
        return None
    return Asked(value["number"], value["full"], value["cause"])


def answer(connection: Connection, number: int, run: int | None, now: datetime) -> None:
    """The round for everybody who asked up to `number` is over; `run` is its report, None if it failed."""
    put(connection, _DONE, {"number": number, "run": run}, now)


def answered(connection: Connection, number: int) -> tuple[bool, int | None]:
    """Whether the round is over, and its run."""
    value = get(connection, _DONE)
    return (True, value["run"]) if value and value["number"] >= number else (False, None)


def get(connection: Connection, name: str) -> Any:
    """The JSON value that `state` keeps under a name; None: nothing."""
    value = connection.scalar(select(state.c.value).where(state.c.name == name))
    return None if value is None else json.loads(value)


def put(connection: Connection, name: str, value: object, now: datetime) -> None:
    upsert(connection, state, [{"name": name, "value": canonical(value), "at": now}])


def _done_number(connection: Connection) -> int:
    value = get(connection, _DONE)
    return int(value["number"]) if value else 0

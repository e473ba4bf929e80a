"""How far is the round that is under way? One row of `state`; of no worth once its run is finished."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from connector.store import signals

_NAME = "round_progress"


@dataclass(frozen=True, slots=True)
class Progress:
    what: str  #: "assign anyprint"
    done: int
    of: int  #: 0: not known
    at: datetime

    def __str__(self) -> str:
        return f"{self.what}, {self.done:,} of {self.of:,}" if self.of else f"{self.what}, {self.done:,}"


def note(connection: Connection, what: str, done: int, of: int, now: datetime) -> None:
    signals.put(connection, _NAME, {"what": what, "done": done, "of": of, "at": now.isoformat()}, now)


def read(connection: Connection, since: datetime) -> Progress | None:
    """Of a run that began then; None: it hasn't come so far."""
    value = signals.get(connection, _NAME)
    if value is None or datetime.fromisoformat(value["at"]) < since:
        return None
    return Progress(value["what"], value["done"], value["of"], datetime.fromisoformat(value["at"]))

"""What can be told while AnySoft can't be asked, why can't it, and how old is it? (R16, R29)

| told | is |
| --- | --- |
| what the ledger knows, of people and queues | never asked of AnySoft; marked while something is in the way |
| what AnySoft sells and has sold | asked, else what it said last, marked |
"""

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import Connection, Engine

from connector.anysoft import gate
from connector.anysoft.client import HttpTenant
from connector.anysoft.last_said import Said
from connector.anysoft.licensing import CATALOG, ROLE
from connector.store import breakers, trouble
from connector.store.engine import reading
from sync.breaker import wait
from sync.model import Product, Subscription, Tenant
from sync.ports import Busy, Licensing, Transient, Unauthorized


@dataclass(frozen=True, slots=True)
class Known:
    products: tuple[Product, ...]
    subscriptions: tuple[Subscription, ...]
    as_of: datetime  #: when AnySoft said so
    note: str = ""  #: why it is no newer; "": nothing is in the way

    def marks(self) -> dict[str, object]:
        """For JSON."""
        return {"as_of": self.as_of, "note": self.note or None}

    def licensing(self) -> Licensing:
        """For a dry run, which reads what is sold and no more; the role is taken for granted."""
        return cast(Licensing, _Recalled(self))


@dataclass(frozen=True, slots=True)
class _Recalled:
    known: Known

    def tenant(self) -> Tenant:
        return Tenant("", "", (ROLE,))

    def products(self) -> tuple[Product, ...]:
        return self.known.products

    def subscriptions(self) -> tuple[Subscription, ...]:
        return self.known.subscriptions


def ask(anysoft: Licensing, engine: Engine, now: datetime) -> Known:
    """Asked now, else as it was said last. Raises Transient, Unauthorized: it never was."""
    try:
        return Known(tuple(anysoft.products()), tuple(anysoft.subscriptions()), now)
    except (Transient, Unauthorized) as error:
        return instead(anysoft, engine, error, now)


def instead(anysoft: Licensing, engine: Engine, error: Transient | Unauthorized, now: datetime) -> Known:
    """What it said last, to one whom it didn't answer. Raises the error: it never said anything."""
    said = _last_said(anysoft)
    if said is None:
        raise error
    return _marked(said, _unanswered(engine, error, now))


def recall(anysoft: Licensing, engine: Engine, now: datetime) -> Known:
    """Nobody is asked but the built-in tenant, of its products: enough for what the ledger tells."""
    with reading(engine) as connection:
        why = in_the_way(connection, now)
    if not isinstance(anysoft, HttpTenant):
        return Known(tuple(anysoft.products()), (), now, why)
    said = _last_said(anysoft)
    if said is None:
        return Known(tuple(CATALOG.values()), (), now, why)
    return _marked(said, why)


def in_the_way(connection: Connection, now: datetime) -> str:
    """Why nothing goes on now, and since when or until when, as one sentence; "": it goes on."""
    seen, stopped = breakers.read(connection), trouble.read(connection)
    if seen.opened_at is not None:
        since = seen.opened_at if stopped is None else min(seen.opened_at, stopped.since)
        return _unreachable(since, seen.why)
    changes = breakers.read(connection, breakers.CHANGES)
    if changes.is_open and stopped is not None and gate.ANSWERS in stopped.why:
        return gate.told(changes, breakers.CHANGES)
    if stopped is not None and stopped.outage:
        return _unreachable(stopped.since, stopped.why)
    if stopped is not None:
        return f"no round came to its end since {stopped.since:%Y-%m-%d %H:%M:%S} UTC ({stopped.why})"
    if wait(seen, now) is not None:
        return gate.told(seen)
    return gate.told(changes, breakers.CHANGES) if changes.is_open else ""


def waits(connection: Connection, now: datetime) -> str:
    """Until when AnySoft asked to be left alone (429), which is no failure; "": it didn't."""
    seen = breakers.read(connection)
    return "" if seen.is_open or wait(seen, now) is None else gate.told(seen)


def _unanswered(engine: Engine, error: Transient | Unauthorized, now: datetime) -> str:
    """As `in_the_way`, by one who has just met with it."""
    with reading(engine) as connection:
        why = in_the_way(connection, now)
    match error:
        case _ if why:
            return why
        case Transient() if not isinstance(error, Busy):
            return _unreachable(now, str(error))
        case _:
            return str(error)


def _marked(said: Said, why: str) -> Known:
    note = f"{why}; this is as of {said.at:%Y-%m-%d %H:%M:%S} UTC" if why else ""
    return Known(said.products, said.subscriptions, said.at, note)


def _last_said(anysoft: Licensing) -> Said | None:
    kept = anysoft.last_said if isinstance(anysoft, HttpTenant) else None
    return None if kept is None else kept.read()


def _unreachable(since: datetime, why: str) -> str:
    reason = why.removeprefix("AnySoft can't be reached: ")
    return f"AnySoft can't be reached since {since:%Y-%m-%d %H:%M:%S} UTC ({reason})"

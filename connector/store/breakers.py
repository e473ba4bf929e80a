"""How is a peer's breaker kept, for all processes alike? One row; sync.breaker has the rules (R29)."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, or_, select, update

from connector.store.rows import insert_into
from connector.store.tables import breaker as rows
from connector.store.tables import standings
from sync.breaker import Breaker
from sync.settle import OUTAGE

ANYSOFT = "anysoft"
#: its calls that change something
CHANGES = "anysoft changes"


def read(connection: Connection, peer: str = ANYSOFT) -> Breaker:
    row = connection.execute(select(rows).where(rows.c.peer == peer)).first()
    return Breaker() if row is None else Breaker(row.recent, row.opened_at, row.probe_at, row.why)


def change(
    connection: Connection, step: Callable[[Breaker], Breaker], now: datetime, peer: str = ANYSOFT
) -> tuple[Breaker, Breaker]:
    """(before, after). When it closes, the back-offs that the outage caused end in the same transaction."""
    connection.execute(insert_into(connection, rows).values(peer=peer).on_conflict_do_nothing())
    connection.execute(select(rows.c.peer).where(rows.c.peer == peer).with_for_update())
    before = read(connection, peer)
    after = step(before)
    if after != before:
        connection.execute(
            update(rows)
            .where(rows.c.peer == peer)
            .values(
                recent=after.recent, opened_at=after.opened_at, probe_at=after.not_before, why=after.why[:500]
            )
        )
    if before.is_open and not after.is_open:
        clear_back_offs(connection, now)
    return before, after


def clear_back_offs(connection: Connection, now: datetime) -> None:
    """Whoever failed for the outage is tried again at once."""
    waits = or_(standings.c.next_try > now, standings.c.look_at > now)
    connection.execute(
        update(standings)
        .where(standings.c.failure.in_(OUTAGE), waits)
        .values(next_try=now, look_at=now, attempts=0)
    )

"""Who is told that a license will go? The person, and the operators, once for each announcement (R27)."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, func, select

from connector.store import notices, signals
from connector.store.matter import Matter
from connector.store.tables import actions, persons, runs, standings

_CURSOR = "announced_run"
#: announcements of so long are one message to the operators
SLOT = timedelta(minutes=5)
ADDRESS = re.compile(r"[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


def new_matters(connection: Connection, now: datetime) -> Iterator[tuple[str, Matter]]:
    """(channel class, matter) of the rounds that ended since the last look; moves the cursor on."""
    cursor = signals.get(connection, _CURSOR)
    last = _last_finished(connection)
    if cursor is None:  # what was announced before there was a channel is past
        cursor = last
    found = _announced(connection, int(cursor), last) if last > int(cursor) else []
    for run, person in sorted({(row.run_pk, row.person_pk) for row in found}):
        mine = [row for row in found if (row.run_pk, row.person_pk) == (run, person)]
        if ADDRESS.fullmatch(mine[0].email):
            yield notices.PERSON, _to_person(run, person, mine)
    if found:
        yield notices.OPERATORS, _to_operators(connection, found, now)
    signals.put(connection, _CURSOR, last, now)


def _last_finished(connection: Connection) -> int:
    """Up to the first that is still under way."""
    under_way = connection.scalar(select(func.min(runs.c.pk)).where(runs.c.finished_at.is_(None)))
    if under_way is not None:
        return int(under_way) - 1
    return int(connection.scalar(select(func.max(runs.c.pk))) or 0)


def _announced(connection: Connection, after: int, last: int) -> Sequence[Any]:
    """Those that still stand: who is entitled again was never in danger."""
    same = and_(standings.c.person_pk == actions.c.person_pk, standings.c.product == actions.c.product)
    query = (
        select(
            actions.c.run_pk,
            actions.c.person_pk,
            actions.c.product,
            actions.c.because,
            standings.c.due_at,
            persons.c.user_name,
            persons.c.email,
        )
        .join(standings, same)
        .join(persons, persons.c.pk == actions.c.person_pk)
        .where(actions.c.run_pk > after, actions.c.run_pk <= last, actions.c.action == "announce")
        .where(standings.c.announced_at.is_not(None), standings.c.due_at.is_not(None))
        .order_by(actions.c.run_pk, actions.c.seq)
    )
    return connection.execute(query).all()


def _to_person(run: int, person: int, rows: Sequence[Any]) -> Matter:
    products = ", ".join(row.product for row in rows)
    due = min(row.due_at for row in rows)
    return Matter(
        key=f"removal:{run}:{person}",
        kind="removal",
        stage="announced",
        subject=f"You will lose {products}",
        body=f"Your license of {products} ends at {due:%Y-%m-%d %H:%M} UTC: {rows[0].because}.\n"
        "Finish what you are doing in it and sign out by then. If this is a mistake, ask your IT "
        "department to put you back into a group that gives it; nothing is lost until then.",
        address=rows[0].email,
        facts={"products": [row.product for row in rows], "due_at": due.isoformat()},
    )


def _to_operators(connection: Connection, rows: Sequence[Any], now: datetime) -> Matter:
    begins = datetime.fromtimestamp(
        now.timestamp() // SLOT.total_seconds() * SLOT.total_seconds(), now.tzinfo
    )
    key = f"removals:{begins:%Y-%m-%dT%H:%M}"
    new = [[row.user_name, row.product, row.due_at.isoformat(), row.because] for row in rows]
    before = next((n for n in notices.living(connection, "removals") if n.matter == key), None)
    earlier = before.facts["removals"] if before is not None else []
    assert isinstance(earlier, list), "as it was put"
    told = [*earlier, *new]
    lines = [f"{user} loses {product} at {due[:16]} UTC: {why}" for user, product, due, why in told]
    return Matter(
        key=key,
        kind="removals",
        stage="announced",
        subject=f"{len(told)} licenses will be removed",
        body="\n".join(lines[:200]) + ("" if len(lines) <= 200 else f"\n… and {len(lines) - 200} more"),
        link="/runs",
        facts={"removals": told},
        wait_until=begins + SLOT,
    )


def old_matters(connection: Connection, now: datetime) -> Iterator[tuple[str, Matter | str]]:
    """Who was told, or is to be, and keeps it all the same: entitled again, or the removal is rejected, or an
    add-on keeps the base (R10, R24). (channel, what to say, or a key to close)"""
    for n in notices.living(connection, "removal"):
        person, products = int(n.matter.rsplit(":", 1)[1]), n.facts["products"]
        assert isinstance(products, list), "as it was put"
        query = select(standings).where(standings.c.person_pk == person, standings.c.product.in_(products))
        rows = connection.execute(query).all()
        if any(row.announced_at is not None and not row.kept and row.held != "no" for row in rows):
            continue
        kept = [row.product for row in rows if row.held != "no"]
        if not kept:
            yield notices.PERSON, n.matter
            continue
        yield (
            notices.PERSON,
            Matter(
                key=n.matter,
                kind="removal",
                stage="kept",
                subject=f"You will lose {', '.join(map(str, products))}",
                body=f"You keep {', '.join(kept)}: nothing is taken away.",
                address=n.address,
                facts=n.facts,
                over=True,
            ),
        )
    for n in notices.living(connection, "removals"):
        if n.sent_revision == n.revision and n.sent_at is not None and now - n.sent_at > SLOT:
            yield notices.OPERATORS, n.matter

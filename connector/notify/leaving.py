"""Who is told that a license will go? The person, and the operators, once for each announcement (R27)."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from connector.notify.announced import Announced, announced, products
from connector.store import notices, signals
from connector.store.matter import Matter
from connector.store.tables import runs, standings
from sync.printable import printable

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
    found = announced(connection, int(cursor), last) if last > int(cursor) else []
    for run, person in sorted({(row.run, row.person) for row in found}):
        mine = [row for row in found if (row.run, row.person) == (run, person)]
        if ADDRESS.fullmatch(mine[0].email):
            yield notices.PERSON, _to_person(run, person, mine)
    if found:
        begins = datetime.fromtimestamp(
            now.timestamp() // SLOT.total_seconds() * SLOT.total_seconds(), now.tzinfo
        )
        key = f"removals:{begins:%Y-%m-%dT%H:%M}"
        before = next((n for n in notices.living(connection, "removals") if n.matter == key), None)
        after = _rounds(before)[0] if before is not None else int(cursor)
        yield notices.OPERATORS, _to_operators(connection, key, (after, last), begins + SLOT)
    signals.put(connection, _CURSOR, last, now)


def _last_finished(connection: Connection) -> int:
    """Up to the first that is still under way."""
    under_way = connection.scalar(select(func.min(runs.c.pk)).where(runs.c.finished_at.is_(None)))
    if under_way is not None:
        return int(under_way) - 1
    return int(connection.scalar(select(func.max(runs.c.pk))) or 0)


def _rounds(notice: notices.Notice) -> tuple[int, int]:
    """(after, up to): of the rounds whose announcements it gathers; one by an earlier version names none."""
    rounds = notice.facts.get("rounds", [0, 0])
    assert isinstance(rounds, list), "as it was put"
    return int(rounds[0]), int(rounds[1])


def _to_person(run: int, person: int, rows: Sequence[Announced]) -> Matter:
    gone, coming = [row for row in rows if row.gone], [row for row in rows if not row.gone]
    lines = [f"Your license of {row.product} ended at {_minute(row)} UTC: {_why(row)}." for row in gone]
    if coming:
        first = min(coming, key=lambda row: row.at)
        lines.append(
            f"Your license of {products(coming)} ends at {_minute(first)} UTC: {_why(coming[0])}.\n"
            "Finish what you are doing in it and sign out by then. If this is a mistake, ask your IT "
            "department to put you back into a group that gives it; nothing is lost until then."
        )
    else:
        lines.append("If this is a mistake, ask your IT department.")
    heads = ([f"You lost {products(gone)}"] if gone else []) + (
        [f"You will lose {products(coming)}"] if coming else []
    )
    return Matter(
        key=f"removal:{run}:{person}",
        kind="removal",
        stage="announced" if coming else "removed",
        subject="; ".join(heads),
        body="\n".join(lines),
        address=rows[0].email,
        facts={"products": [row.product for row in rows]},
        over=not coming,
        news=not coming,
    )


def _to_operators(
    connection: Connection, key: str, rounds: tuple[int, int], wait_until: datetime | None = None
) -> Matter:
    rows = announced(connection, *rounds)
    gone, coming = [row for row in rows if row.gone], [row for row in rows if not row.gone]
    heads = ([f"{len(gone)} licenses were removed"] if gone else []) + (
        [f"{len(coming)} licenses will be removed"] if coming else []
    )
    lines = [_line(row) for row in rows]
    return Matter(
        key=key,
        kind="removals",
        stage="announced",
        subject=", ".join(heads) or "No licenses will be removed",
        body="\n".join(lines[:200]) + ("" if len(lines) <= 200 else f"\n… and {len(lines) - 200} more"),
        link="/runs",
        facts={"removals": _listed(coming), "removed": _listed(gone), "rounds": list(rounds)},
        over=not rows,
        wait_until=wait_until,
    )


def _line(row: Announced) -> str:
    verb, at_once = ("lost" if row.gone else "loses"), (", at once" if row.at_once else "")
    return printable(f"{row.user_name} {verb} {row.product} at {_minute(row)} UTC{at_once}: {row.because}")


def _why(row: Announced) -> str:
    return printable(row.because)


def _minute(row: Announced) -> str:
    return f"{row.at:%Y-%m-%d %H:%M}"


def _listed(rows: Sequence[Announced]) -> list[list[str]]:
    return [[row.user_name, row.product, row.at.isoformat(), row.because] for row in rows]


def old_matters(connection: Connection, now: datetime) -> Iterator[tuple[str, Matter | str]]:
    """Who was told, or is to be, and keeps it all the same: entitled again, or the removal is rejected, or an
    add-on keeps the base (R10, R24). What the operators aren't told yet is told as it is now. (channel, what
    to say, or a key to close)"""
    for n in notices.living(connection, "removal"):
        run, person = map(int, n.matter.split(":")[1:])
        lost = n.facts["products"]
        assert isinstance(lost, list), "as it was put"
        query = select(standings).where(standings.c.person_pk == person, standings.c.product.in_(lost))
        rows = connection.execute(query).all()
        if any(row.announced_at is not None and not row.kept and row.held != "no" for row in rows):
            continue
        kept = [row.product for row in rows if row.held != "no"]
        if not kept:
            gone = announced(connection, run - 1, run, person) if n.sent_revision == 0 else []
            yield notices.PERSON, _to_person(run, person, gone) if gone else n.matter
            continue
        yield (
            notices.PERSON,
            Matter(
                key=n.matter,
                kind="removal",
                stage="kept",
                subject=f"You will lose {', '.join(map(str, lost))}",
                body=f"You keep {', '.join(kept)}: nothing is taken away.",
                address=n.address,
                facts=n.facts,
                over=True,
            ),
        )
    for key, n in {n.matter: n for n in notices.living(connection, "removals")}.items():
        if notices.to_send(connection, key):
            yield notices.OPERATORS, _to_operators(connection, key, _rounds(n))
        else:
            yield notices.OPERATORS, key

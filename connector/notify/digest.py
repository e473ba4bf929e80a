"""What does the day's digest say? Seats, who waits, what waits for a person, and what could not be sent."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from connector.besides import OF_DISABLED
from connector.shown import License
from connector.store import holds, notices, queue, requests, seen_directories, unclear
from connector.store.matter import Matter
from connector.store.tables import actions, runs, standings
from sync.model import Request


def due(connection: Connection, hour: int, now: datetime) -> bool:
    return now.hour >= hour and not notices.known(connection, _key(now))


def _key(now: datetime) -> str:
    return f"digest:{now:%Y-%m-%d}"


def matter(connection: Connection, licenses: Sequence[License], now: datetime) -> Matter:
    done = _done(connection, now - timedelta(days=1))
    waiting = queue.waiting(connection)
    prompts = requests.living(connection)
    held = [h for h in holds.list_holds(connection) if h.state == "open"]
    failures = connection.scalar(select(func.count()).where(standings.c.failure != "")) or 0
    by_hand = _by_hand(connection)
    directories = seen_directories.seen(connection, now)
    silent = [d.name for d in directories if d.state == "stale"]
    unread = [f"{d.name} ({d.error})" for d in directories if d.error]
    odd = unclear.unclear(connection)
    unsent = notices.failing(connection)
    lines = [
        f"The last 24 hours: {done.get('assign', 0)} assigned, {done.get('remove', 0)} removed, "
        f"{done.get('announce', 0)} announced.",
        *(
            f"{s.product}: {s.assigned} of {s.quantity} assigned, {waiting.get(s.product, 0)} wait"
            for s in licenses
            if s.subscription
        ),
        *([] if licenses else ["AnySoft can't be read now: no seats are shown."]),
        *(_asked(r) for r in prompts),
        *(f"Hold {h.id}: {h.product}, {len(h.removals)} people" for h in held),
        *([f"{failures} calls failed and are tried again"] if failures else []),
        *([f"{by_hand} disabled people hold licenses that were given by hand: `explain`"] if by_hand else []),
        *([f"Nothing was heard for days from: {', '.join(silent)}"] if silent else []),
        *([f"Not read in whole: {', '.join(unread)}"] if unread else []),
        *(each.said for each in odd[:20]),
        *([f"… and {len(odd) - 20} more: `doctor`"] if len(odd) > 20 else []),
        *([f"{len(unsent)} notices could not be sent: `doctor`"] if unsent else []),
    ]
    attention = len(held) + sum(r.state.value in ("open", "overdue") or r.uncovered > 0 for r in prompts)
    amiss = (
        (attention, "to decide"),
        (sum(waiting.values()), "waiting"),
        (failures, "failing"),
        (len(odd), "unclear people or groups"),
        (len(unsent), "notices not sent"),
    )
    said = [f"{count} {what}" for count, what in amiss if count]
    if behind := [d.name for d in directories if d.error or d.state == "stale"]:
        said.append(f"{', '.join(behind)} not current")
    said += [] if licenses else ["AnySoft can't be read"]
    return Matter(
        key=_key(now),
        kind="digest",
        stage="day",
        subject=f"AnySoft licenses, {now:%Y-%m-%d}: {', '.join(said) or 'all is well'}",
        body="\n".join(lines),
        link="/",
        facts={"done": done, "waiting": {str(p): n for p, n in waiting.items()}, "to_decide": attention},
        over=True,
        news=True,
    )


def _asked(r: Request) -> str:
    wanted = r.proposed if r.target is None else r.target
    beyond = f", {r.uncovered} missing beyond that" if r.uncovered else ""
    return f"Request {r.id}: {r.product}, {r.state.value}, from {r.quantity} seats to {wanted}{beyond}"


def _done(connection: Connection, since: datetime) -> dict[str, int]:
    query = (
        select(actions.c.action, func.count().label("how_many"))
        .join(runs, runs.c.pk == actions.c.run_pk)
        .where(runs.c.started_at >= since)
        .where((actions.c.outcome != "") | (actions.c.action == "announce"))
        .group_by(actions.c.action)
    )
    return {row.action: row.how_many for row in connection.execute(query)}


def _by_hand(connection: Connection) -> int:
    """R05: kept, and for a person to decide."""
    return connection.scalar(select(func.count()).select_from(standings).where(OF_DISABLED)) or 0

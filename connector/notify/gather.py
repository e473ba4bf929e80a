"""What is there to tell operators? Read anew each time: nothing that was missed is lost (R18, R24, R29)."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from connector import prompts
from connector.shown import HOLD_REASONS, License, prompt
from connector.store import breakers, holds, notices, requests, trouble
from connector.store.matter import Matter
from connector.store.tables import groups, persons, runs, standings
from connector.store.tables import holds as hold_rows
from sync import quantity
from sync.model import HoldId, Policy, Request, RequestId, RequestState
from sync.plan import FIRST_RUN
from sync.printable import printable

#: rounds may fail for so long before somebody is told
TROUBLE_AFTER = timedelta(minutes=5)
LISTED = 20

_STAGE = {
    RequestState.APPROVED: "decided",
    RequestState.SCHEDULED: "decided",
    RequestState.SUBMITTED: "decided",
    RequestState.PENDING: "decided",
}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a prompt is told with."""

    licenses: list[License]  #: empty: AnySoft can't be read now
    policy: Policy
    contact: str


# ---- prompts (R18) ----


def changed_prompts(connection: Connection, policy: Policy, now: datetime) -> list[Request]:
    """Requests of which there is something new to tell: living ones, and those that ended since."""
    told = {n.matter: n for n in notices.living(connection, "prompt")}
    living = requests.living(connection)
    gone = set(told) - {f"request:{r.id}" for r in living}
    ended = [requests.get(connection, RequestId(int(key.partition(":")[2]))) for key in sorted(gone)]
    bought = [r for r in requests.list_requests(connection, 20) if _alone(r) and not _told(connection, r)]
    return [
        r
        for r in {r.id: r for r in (*living, *ended, *bought)}.values()
        if (before := told.get(f"request:{r.id}")) is None
        or before.stage != _stage(r, policy, now)
        or dict(before.facts) != _facts(r)
    ]


def _alone(r: Request) -> bool:
    """Bought without a person: told, however quickly it went (R21)."""
    return r.decided_by == quantity.AUTOMATIC


def _told(connection: Connection, r: Request) -> bool:
    return notices.known(connection, f"request:{r.id}")


def prompt_matter(connection: Connection, r: Request, around: Surroundings, now: datetime) -> Matter:
    shown = prompt(r, around.licenses)
    license = next((each for each in around.licenses if each.product == r.product), None)
    price = license.price if license else None
    said = prompts.content(connection, r, price, shown.renews_on, around.policy, around.contact, now)
    words = prompts.lines(r, said, shown.charge_now, shown.next_bill, shown.renews_on)
    stage = _stage(r, around.policy, now)
    head = {
        "open": "seats are unused" if r.lowers else "seats are missing",
        "decided": f"{r.state.value} by {r.decided_by}",
        "short": f"{r.uncovered} missing beyond what is scheduled",
    }.get(stage, stage)
    body = [_decided(r), *(map(printable, words) if r.state.alive else [])]
    if r.state is RequestState.OPEN or r.uncovered:
        body.append(f"Decide: `request show {r.id}`, then approve, schedule or decline.")
    return Matter(
        key=f"request:{r.id}",
        kind="prompt",
        stage=stage,
        subject=f"{r.product}: {head} (request {r.id})",
        body="\n".join(line for line in body if line),
        link="/prompts",
        facts=_facts(r),
        over=not r.state.alive,
        news=_alone(r),
    )


def _stage(r: Request, policy: Policy, now: datetime) -> str:
    if r.state is RequestState.OPEN:
        due = quantity.reminders(r, now, policy)
        return f"reminder {due}" if due else "open"
    if r.uncovered:
        return "short"
    return _STAGE.get(r.state, r.state.value)


def _facts(r: Request) -> dict[str, object]:
    return {
        "request": r.id,
        "product": r.product,
        "state": r.state.value,
        "quantity": r.quantity,
        "waiting": r.waiting,
        "need": r.need,
        "proposed": r.proposed,
        "target": r.target,
        "decided_by": r.decided_by,
        "reason": r.reason,
    }


def _decided(r: Request) -> str:
    reason = f": {r.reason}" if r.reason else ""
    match r.state:
        case RequestState.OPEN:
            return r.reason
        case RequestState.DONE:
            return f"{r.product} has {r.target} seats now; who waited is served in order{reason}"
        case RequestState.OVERDUE:
            return f"AnySoft has not carried out the change to {r.target} within the hour{reason}"
        case state if state.alive:
            return f"{r.target} seats of {r.product}: {state.value}, decided by {r.decided_by}{reason}"
        case state:
            return f"The request for {r.product} is {state.value}{reason}"


# ---- holds (R24) ----


def hold_matters(connection: Connection, policy: Policy, now: datetime) -> Iterator[Matter]:
    open_ones = (
        select(
            hold_rows.c.pk,
            hold_rows.c.reason,
            hold_rows.c.product,
            hold_rows.c.opened_at,
            groups.c.display_name,
        )
        .outerjoin(groups, groups.c.pk == hold_rows.c.group_pk)
        .where(hold_rows.c.state == "open")
    )
    seen = set()
    for row in connection.execute(open_ones).all():
        seen.add(f"hold:{row.pk}")
        due = sum(row.opened_at + timedelta(days=days) <= now for days in policy.remind_days)
        here = standings.c.hold == row.pk
        count = connection.scalar(select(func.count()).select_from(standings).where(here)) or 0
        theirs = select(standings.c.person_pk).where(here)
        who = select(persons.c.user_name).where(persons.c.pk.in_(theirs)).order_by(persons.c.folded)
        names = connection.scalars(who.limit(LISTED)) if count else ()
        group = f" of {printable(row.display_name)}" if row.display_name else ""
        what = row.product or HOLD_REASONS[FIRST_RUN]
        more = "" if count <= LISTED else " and more"
        yield Matter(
            key=f"hold:{row.pk}",
            kind="hold",
            stage=f"reminder {due}" if due else "open",
            subject=f"{what}: removals{group} wait for a person (hold {row.pk})",
            body=f"{HOLD_REASONS.get(row.reason, row.reason)}{group}: {count} removals are held; nobody "
            f"loses anything until it is decided.\n{', '.join(map(printable, names))}{more}\n"
            f"Decide: `hold show {row.pk}`, then release or reject.",
            link=f"/holds/{row.pk}",
            facts={"hold": row.pk, "product": row.product, "reason": row.reason, "removals": count},
        )
    for told in {n.matter for n in notices.living(connection, "hold")} - seen:
        held = holds.get(connection, HoldId(int(told.partition(":")[2])))
        by = f" by {held.decided_by}" if held.decided_by else ""
        yield Matter(
            key=told,
            kind="hold",
            stage=held.state,
            subject=f"{held.product or HOLD_REASONS[FIRST_RUN]}: hold {held.id} is {held.state}",
            body=f"Hold {held.id} is {held.state}{by}.",
            link=f"/holds/{held.id}",
            facts={"hold": held.id, "product": held.product, "state": held.state},
            over=True,
        )


# ---- rounds that fail, AnySoft that doesn't answer (R29) ----


def trouble_matters(connection: Connection, now: datetime) -> Iterator[Matter]:
    """One when rounds have failed for a while, closed by the first that doesn't."""
    seen = trouble.read(connection)
    if seen is not None:
        if now - seen.since >= TROUBLE_AFTER:
            yield Matter(
                key=f"trouble:{int(seen.since.timestamp())}",
                kind="trouble",
                stage="open",
                subject="Rounds fail: licenses are not kept up to date",
                body=f"Since {seen.since:%Y-%m-%d %H:%M} UTC no round came to its end: {seen.why}\n"
                "Look: `doctor`, `report show`. Directories can go on writing, nothing is lost.",
                link="/runs",
                facts={"since": seen.since.isoformat()},
            )
        return
    for told in {n.matter for n in notices.living(connection, "trouble")}:
        yield Matter(
            key=told,
            kind="trouble",
            stage="recovered",
            subject="Rounds succeed again",
            body="The last round came to its end; what was missed is made up for.",
            link="/runs",
            over=True,
        )


def over_matters(connection: Connection, now: datetime) -> Iterator[Matter]:
    """The quantity of a product was lowered from outside below what is assigned (R22)."""
    latest = connection.scalar(
        select(runs.c.report).where(runs.c.finished_at.is_not(None)).order_by(runs.c.pk.desc()).limit(1)
    )
    over = json.loads(latest).get("over_allocated", []) if latest else []
    living = {n.matter for n in notices.living(connection, "over")}
    for row in over:
        key = next((k for k in living if k.startswith(f"over:{row['product']}:")), None)
        yield Matter(
            key=key or f"over:{row['product']}:{int(now.timestamp())}",
            kind="over",
            stage="open",
            subject=f"{row['product']}: more are assigned than bought",
            body=f"{row['assigned']} have {row['product']}, {row['quantity']} are bought: the quantity was "
            "lowered outside of the connector. Nobody gets it or loses it until there are seats for all.",
            link="/",
            facts=row,
        )
    there = {row["product"] for row in over}
    for key in sorted(k for k in living if k.split(":")[1] not in there):
        product = key.split(":")[1]
        yield Matter(
            key=key,
            kind="over",
            stage="over",
            subject=f"{product}: as many are bought as assigned again",
            body=f"{product} is no longer over-allocated.",
            link="/",
            over=True,
        )


def breaker_matters(connection: Connection, now: datetime) -> Iterator[Matter]:
    """One alert when it opens, one when it closes; so for the changes, where they alone fail."""
    seen = breakers.read(connection)
    changes = breakers.read(connection, breakers.CHANGES)
    if seen.opened_at is None and changes.opened_at is not None:
        seen = changes
    if seen.opened_at is not None:
        yield Matter(
            key=f"breaker:{int(seen.opened_at.timestamp())}",
            kind="breaker",
            stage="open",
            subject="AnySoft changes nothing: no changes are sent"
            if seen is changes
            else "AnySoft does not answer: calls are stopped",
            body=f"Half of the last calls failed, at {seen.opened_at:%Y-%m-%d %H:%M} UTC: {seen.why}. "
            "Only one probe a minute is sent until one succeeds.",
            link="/",
            facts={"opened_at": seen.opened_at.isoformat(), "why": seen.why},
        )
        return
    for told in {n.matter for n in notices.living(connection, "breaker")}:
        yield Matter(
            key=told,
            kind="breaker",
            stage="closed",
            subject="AnySoft answers again",
            body="A probe succeeded; what failed meanwhile is tried again at once.",
            link="/",
            over=True,
        )

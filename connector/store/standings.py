"""How is a Standing a row? The reasons and the lost groups are JSON, the rest are columns."""

import json
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, case, select

from connector.store import tallies
from connector.store.rows import CHUNK, canonical, chunks, insert_into, upsert
from connector.store.tables import standings
from sync.model import (
    GroupId,
    Held,
    HoldId,
    MappingId,
    Origin,
    PersonId,
    ProductId,
    Reason,
    RunId,
    Standing,
)


def to_row(standing: Standing) -> dict[str, Any]:
    """Raises ValueError for one that waits since no time: the queue couldn't order it (R14)."""
    if standing.waiting and standing.since is None:
        raise ValueError(f"person {standing.person} waits for {standing.product} since no time: set `since`")
    return {
        "person_pk": standing.person,
        "product": standing.product,
        "held": standing.held.value,
        "origin": standing.origin.value,
        "assigned_at": standing.assigned_at,
        "assigned_run": standing.assigned_run,
        "reasons": reasons_text(standing.reasons),
        "priority": standing.priority,
        "since": standing.since,
        "waiting": standing.waiting,
        "base_ready": standing.base_ready,
        "moved_to": standing.moved_to,
        "blocked": standing.blocked,
        "lost_at": standing.lost_at,
        "lost_groups": canonical(list(standing.lost_groups)),
        "lost_why": standing.lost_why,
        "announced_at": standing.announced_at,
        "due_at": standing.due_at,
        "hold": standing.hold,
        "released": standing.released,
        "kept": standing.kept,
        "failure": standing.failure,
        "attempts": standing.attempts,
        "next_try": standing.next_try,
        "look_at": standing.look_at,
    }


def of_row(row: Row[Any]) -> Standing:
    """From a row of `select(standings)`."""
    return Standing(
        person=PersonId(row.person_pk),
        product=ProductId(row.product),
        held=Held(row.held),
        origin=Origin(row.origin),
        assigned_at=row.assigned_at,
        assigned_run=None if row.assigned_run is None else RunId(row.assigned_run),
        reasons=reasons_of(row.reasons),
        priority=row.priority,
        since=row.since,
        waiting=row.waiting,
        base_ready=row.base_ready,
        moved_to=row.moved_to,
        blocked=row.blocked,
        lost_at=row.lost_at,
        lost_groups=tuple(GroupId(g) for g in json.loads(row.lost_groups)),
        lost_why=row.lost_why,
        announced_at=row.announced_at,
        due_at=row.due_at,
        hold=None if row.hold is None else HoldId(row.hold),
        released=row.released,
        kept=row.kept,
        failure=row.failure,
        attempts=row.attempts,
        next_try=row.next_try,
        look_at=row.look_at,
    )


def reasons_of(text: str) -> tuple[Reason, ...]:
    """From the column `reasons`."""
    return tuple(
        Reason(
            mapping=MappingId(r["mapping"]),
            group=GroupId(r["group"]),
            group_name=r["name"],
            priority=r["priority"],
            since=datetime.fromisoformat(r["since"]),
        )
        for r in json.loads(text)
    )


def reasons_text(reasons: Iterable[Reason]) -> str:
    """As the column `reasons` has them."""
    return canonical([_reason_to_json(r) for r in reasons])


def _reason_to_json(reason: Reason) -> dict[str, object]:
    return {
        "mapping": reason.mapping,
        "group": reason.group,
        "name": reason.group_name,
        "priority": reason.priority,
        "since": reason.since.astimezone(UTC).isoformat(),
    }


def read(
    connection: Connection,
    people: Collection[PersonId],
    product: ProductId | None = None,
    *,
    lock: bool = False,
) -> list[Standing]:
    """The standings of these people, all or of one product, in the order of person and product.

    `lock`: nobody else changes them until the transaction ends; for who writes back what follows from them.
    """
    found: list[Standing] = []
    for chunk in chunks(sorted(set(people))):
        query = select(standings).where(standings.c.person_pk.in_(chunk))
        if product is not None:
            query = query.where(standings.c.product == product)
        query = query.order_by(standings.c.person_pk, standings.c.product)
        rows = connection.execute(query.with_for_update() if lock else query)
        found.extend(of_row(row) for row in rows)
    return found


def write(connection: Connection, changed: Iterable[Standing]) -> None:
    """Insert or replace. The place to which an operator moved a waiting person stays while they wait:
    the round that writes here may have read them before that."""
    excluded = insert_into(connection, standings).excluded
    moved = case((and_(excluded.waiting, standings.c.waiting), standings.c.moved_to), else_=excluded.moved_to)
    in_order = sorted(changed, key=lambda s: (s.person, s.product))
    for chunk in chunks(in_order, CHUNK):
        pairs = {(s.person, s.product) for s in chunk}
        holders = tallies.holders_among(connection, {s.person for s in chunk}, {s.product for s in chunk})
        upsert(connection, standings, [to_row(s) for s in chunk], {"moved_to": moved})
        hold = {(s.person, s.product) for s in chunk if s.held is Held.YES}
        tallies.shift(connection, holders & pairs, hold)

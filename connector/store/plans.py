"""How is a plan stored? Standings, losses, holds, actions and marks, in one transaction."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, and_, bindparam, exists, func, insert, or_, select, update

from connector.store import audit, marks, standings
from connector.store.rows import chunks
from connector.store.tables import actions, holds, losses
from connector.store.tables import standings as rows
from sync.model import HoldId, PersonId, ProductId, RunId, Standing
from sync.plan import Action, HoldChange, Plan, digest_of
from sync.ports import Mark

Pair = tuple[PersonId, ProductId]


def store(
    connection: Connection, run: RunId, plan: Plan, answered: Sequence[Mark], actor: str, now: datetime
) -> None:
    """A person may have decided on a hold since the plan's people were read: what they decided wins."""
    known = _locked(connection, {s.hold for s in plan.changes} | {h.id for h in plan.holds})
    marks.unmark(connection, answered)
    standings.write(connection, [_obeying(s, known, now) for s in plan.changes])
    _lose(connection, plan)
    excuse(connection, plan.regained)
    for change in plan.holds:
        _hold(connection, change, known, actor, now)
    _heal(connection, actor, now)
    append(connection, run, plan.actions)


def append(connection: Connection, run: RunId, added: Sequence[Action]) -> None:
    """After the actions that the run has already."""
    if not added:
        return
    last = connection.scalar(select(func.max(actions.c.seq)).where(actions.c.run_pk == run)) or 0
    rows = [
        {
            "run_pk": run,
            "seq": seq,
            "action": action.verb.value,
            "person_pk": action.person,
            "user_name": action.user_name,
            "product": action.product,
            "because": action.because,
        }
        for seq, action in enumerate(added, last + 1)
    ]
    for chunk in chunks(rows):
        connection.execute(insert(actions), chunk)


def excuse(connection: Connection, pairs: Iterable[Pair]) -> None:
    """These losses count no more: they came back, or a person released or rejected them (R24)."""
    statement = update(losses).where(
        losses.c.person_pk == bindparam("person"), losses.c.product == bindparam("of"), ~losses.c.excused
    )
    for chunk in chunks(sorted(pairs)):
        connection.execute(
            statement.values(excused=True), [{"person": person, "of": product} for person, product in chunk]
        )


def _locked(connection: Connection, named: Collection[HoldId | None]) -> dict[HoldId, str]:
    """The state of each open hold and of those named; nobody decides on them until the transaction ends."""
    query = (
        select(holds.c.pk, holds.c.state)
        .where(or_(holds.c.state == "open", holds.c.pk.in_([id for id in named if id is not None])))
        .order_by(holds.c.pk)
        .with_for_update()
    )
    return {HoldId(pk): state for pk, state in connection.execute(query)}


def _obeying(standing: Standing, known: dict[HoldId, str], now: datetime) -> Standing:
    if standing.hold is None:
        return standing
    match known.get(standing.hold):
        case "open":
            return standing
        case "released":
            return replace(standing, hold=None, released=True, look_at=now)
        case "rejected":
            return replace(standing, hold=None, kept=True, look_at=None)
        case _:
            return replace(standing, hold=None, look_at=now)


def _lose(connection: Connection, plan: Plan) -> None:
    lost = [
        {"person_pk": loss.person, "product": loss.product, "group_pk": group, "lost_at": loss.lost_at}
        for loss in plan.losses
        for group in loss.groups or (None,)
    ]
    for chunk in chunks(lost):
        connection.execute(insert(losses), chunk)


def _hold(
    connection: Connection, change: HoldChange, known: dict[HoldId, str], actor: str, now: datetime
) -> None:
    id = change.id if change.id is not None and known.get(change.id) == "open" else None
    pairs = [*((person, change.product) for person in change.people), *change.addons]
    verb = "hold.extend"
    if id is None:
        verb = "hold.open"
        values = {"state": "open", "reason": change.reason, "product": change.product, "opened_at": now}
        statement = insert(holds).values(**values, group_pk=change.group).returning(holds.c.pk)
        id = HoldId(connection.scalars(statement).one())
    held = update(rows).where(rows.c.person_pk == bindparam("person"), rows.c.product == bindparam("of"))
    for chunk in chunks(sorted(pairs)):
        connection.execute(
            held.values(hold=id, look_at=None),
            [{"person": person, "of": product} for person, product in chunk],
        )
    detail = {
        "reason": change.reason,
        "product": change.product,
        "group": change.group,
        "removals": len(pairs),
        "digest": digest_of(pairs),
    }
    audit.append(connection, actor, verb, f"hold:{id}", detail, now)


def _heal(connection: Connection, actor: str, now: datetime) -> None:
    """If the members come back, the hold closes by itself."""
    empty = and_(holds.c.state == "open", ~exists(select(rows.c.hold).where(rows.c.hold == holds.c.pk)))
    healed = connection.scalars(
        update(holds).where(empty).values(state="healed", decided_at=now).returning(holds.c.pk)
    ).all()
    for id in sorted(healed):
        audit.append(connection, actor, "hold.heal", f"hold:{id}", {}, now)

"""Which removals wait for a person, and what did they decide? Bound to the exact set they saw (R24)."""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, tuple_, update

from connector.store import audit, signals
from connector.store.intents import look_at_bases
from connector.store.plans import Pair, excuse
from connector.store.rows import canonical, chunks
from connector.store.tables import groups, holds, persons, standings
from sync.model import GroupId, Hold, HoldId, PersonId, ProductId
from sync.plan import HeldRemoval, digest_of

_AHEAD = "removals_approved_ahead"


class Undecidable(Exception):
    """The hold isn't as it was shown, or is decided; nothing was changed. Its text says what to do."""

    def __init__(self, message: str, digest: str = "") -> None:
        super().__init__(message)
        self.digest = digest  #: of the set as it is now; "" when it is decided


@dataclass(frozen=True, slots=True)
class Removal:
    person: PersonId
    user_name: str
    product: ProductId


def list_holds(connection: Connection, limit: int = 200) -> list[Hold]:
    """Open ones first, the newest before the older."""
    query = _query().order_by(holds.c.state != "open", holds.c.pk.desc()).limit(limit)
    return [_hold(connection, row) for row in connection.execute(query)]


def get(connection: Connection, id: HoldId) -> Hold:
    """Raises LookupError."""
    return _hold(connection, _row(connection, id))


def removals(connection: Connection, id: HoldId) -> tuple[Removal, ...]:
    """As they are while it is open, as they were decided on afterwards; by user name. Raises LookupError."""
    return _removals(connection, _row(connection, id))


def held(connection: Connection, limit: int) -> tuple[int, list[HeldRemoval]]:
    """How many removals are on hold, and the first of them, by hold and user name."""
    on_hold = standings.c.hold.is_not(None)
    count = connection.scalar(select(func.count()).select_from(standings).where(on_hold)) or 0
    query = (
        select(persons.c.user_name, standings.c.product, holds.c.reason, groups.c.display_name)
        .join(persons, persons.c.pk == standings.c.person_pk)
        .join(holds, holds.c.pk == standings.c.hold)
        .outerjoin(groups, groups.c.pk == holds.c.group_pk)
        .where(on_hold)
        .order_by(holds.c.pk, persons.c.user_name, standings.c.product)
        .limit(limit)
    )
    rows = connection.execute(query) if limit and count else ()
    return count, [HeldRemoval(row[0], ProductId(row[1]), row[2], row[3] or "") for row in rows]


def release(connection: Connection, id: HoldId, digest: str, by: str, now: datetime) -> Hold:
    """They go at the next round, past every guard, and count no more. Of a rejected one those whom the
    rejection still keeps, and they are told anew. Raises LookupError, Undecidable."""
    before = _row(connection, id)
    pairs = _decide(connection, id, digest, "released", by, now)
    freed: dict[str, object] = {"released": True, "hold": None, "look_at": now}
    if before.state == "rejected":
        freed |= {"kept": False, "announced_at": None}
    for chunk in chunks(pairs):
        theirs = tuple_(standings.c.person_pk, standings.c.product).in_(chunk)
        connection.execute(update(standings).where(theirs).values(freed))
    look_at_bases(connection, {person for person, _ in pairs}, now)
    return get(connection, id)


def reject(connection: Connection, id: HoldId, by: str, now: datetime) -> Hold:
    """They keep it until they are entitled again or released. Raises LookupError, Undecidable."""
    _decide(connection, id, None, "rejected", by, now)
    kept = {"kept": True, "hold": None, "look_at": None}
    connection.execute(update(standings).where(standings.c.hold == id).values(kept))
    return get(connection, id)


def approve_ahead(
    connection: Connection, approved: Iterable[Collection[Pair]], by: str, now: datetime
) -> None:
    """Each of these sets is released as soon as one hold has all of it: a person saw them in a plan, and said
    yes to it (R26). What else the hold has stays held."""
    new = [{"removals": sorted(map(list, pairs)), "by": by, "at": now.isoformat()} for pairs in approved]
    if new:
        signals.put(connection, _AHEAD, [*_ahead(connection, now), *new], now)


def release_approved(connection: Connection, now: datetime) -> None:
    """To be called when a plan was stored."""
    waiting = _ahead(connection, now)
    if not waiting:
        return
    left = list(waiting)
    ids = connection.scalars(select(holds.c.pk).where(holds.c.state == "open").order_by(holds.c.pk)).all()
    for id in map(HoldId, ids):
        held = set(_held(connection, id))
        for each in waiting:
            approved = {(PersonId(pk), ProductId(product)) for pk, product in each["removals"]}
            if each in left and approved <= held:
                part = id if approved == held else _part(connection, id, approved, each["by"], now)
                release(connection, part, digest_of(approved), each["by"], now)
                held -= approved
                left.remove(each)
    if left != waiting:
        signals.put(connection, _AHEAD, left, now)


def _part(connection: Connection, id: HoldId, pairs: Collection[Pair], by: str, now: datetime) -> HoldId:
    """A hold of its own for some of an open one's removals, so that each is decided on as a whole."""
    row = _row(connection, id)
    values = {"state": "open", "reason": row.reason, "product": row.product, "opened_at": row.opened_at}
    statement = insert(holds).values(**values, group_pk=row.group_pk).returning(holds.c.pk)
    part = HoldId(connection.scalars(statement).one())
    moved = update(standings).where(
        standings.c.person_pk == bindparam("person"), standings.c.product == bindparam("of")
    )
    for chunk in chunks(sorted(pairs)):
        rows = [{"person": person, "of": product} for person, product in chunk]
        connection.execute(moved.values(hold=part), rows)
    detail = {"from": id, "removals": len(pairs), "digest": digest_of(pairs)}
    audit.append(connection, by, "hold.part", f"hold:{part}", detail, now)
    return part


def _ahead(connection: Connection, now: datetime) -> list[dict[str, Any]]:
    """A yes lasts for an hour: after that the hold waits for a person like any other."""
    known: list[dict[str, Any]] = signals.get(connection, _AHEAD) or []
    return [each for each in known if datetime.fromisoformat(each["at"]) > now - timedelta(hours=1)]


def _decide(
    connection: Connection, id: HoldId, digest: str | None, state: str, by: str, now: datetime
) -> list[Pair]:
    """Whom it is about. `digest`: of the set that was seen; None: whatever it is."""
    locked = connection.execute(select(holds.c.state).where(holds.c.pk == id).with_for_update()).first()
    row = _row(connection, id)
    again = row.state == "rejected" and state == "released"
    if locked is None or not (row.state == "open" or again):
        raise Undecidable(
            f"hold {id} is {row.state} already, since {row.decided_at}: nothing is left to decide"
        )
    pairs = _kept(connection, row) if again else _held(connection, id)
    if again and not pairs:
        raise Undecidable(
            f"hold {id} was rejected, and keeps nobody's license any more: they are entitled again, or "
            "theirs is gone; nothing is left to release"
        )
    current = row.digest if again else digest_of(pairs)
    if digest is not None and digest != current:
        raise Undecidable(
            f"hold {id} is not what you saw: it has {len(pairs)} removals, digest {current}; "
            f"look at it (`hold show {id}`), then release it with that digest",
            current,
        )
    connection.execute(
        update(holds)
        .where(holds.c.pk == id)
        .values(
            state=state,
            decided_at=now,
            decided_by=by,
            digest=digest_of(pairs),
            removals=canonical([[person, product] for person, product in pairs]),
        )
    )
    excuse(connection, pairs)
    detail = {"product": row.product, "group": row.group_pk, "removals": len(pairs), "digest": current}
    detail |= {"rejected_by": row.decided_by} if again else {}
    audit.append(connection, by, f"hold.{state}", f"hold:{id}", detail, now)
    return pairs


def _held(connection: Connection, id: HoldId) -> list[Pair]:
    held = select(standings.c.person_pk, standings.c.product).where(standings.c.hold == id)
    in_order = held.order_by(standings.c.person_pk, standings.c.product).with_for_update()
    return [(PersonId(pk), ProductId(product)) for pk, product in connection.execute(in_order)]


def _kept(connection: Connection, row: Row[Any]) -> list[Pair]:
    """Those of a rejected one whom it keeps yet: a loss after it was decided is of another hold."""
    decided = [(PersonId(pk), ProductId(product)) for pk, product in json.loads(row.removals)]
    found: list[Pair] = []
    for chunk in chunks(sorted(decided)):
        yet = select(standings.c.person_pk, standings.c.product).where(
            tuple_(standings.c.person_pk, standings.c.product).in_(chunk),
            standings.c.kept,
            standings.c.lost_at <= row.decided_at,
        )
        in_order = yet.order_by(standings.c.person_pk, standings.c.product).with_for_update()
        found += [(PersonId(pk), ProductId(product)) for pk, product in connection.execute(in_order)]
    return found


def _query() -> Any:
    return select(holds, groups.c.display_name).outerjoin(groups, groups.c.pk == holds.c.group_pk)


def _row(connection: Connection, id: HoldId) -> Row[Any]:
    row: Row[Any] | None = connection.execute(_query().where(holds.c.pk == id)).first()
    if row is None:
        raise LookupError(f"no hold {id}: see `hold list`")
    return row


def _hold(connection: Connection, row: Row[Any]) -> Hold:
    found = _removals(connection, row)
    return Hold(
        id=HoldId(row.pk),
        state=row.state,
        reason=row.reason,
        group=None if row.group_pk is None else GroupId(row.group_pk),
        group_name=row.display_name or "",
        product=ProductId(row.product),
        opened_at=row.opened_at,
        removals=tuple(dict.fromkeys((removal.person, removal.user_name) for removal in found)),
        digest=row.digest or digest_of((removal.person, removal.product) for removal in found),
        decided_at=row.decided_at,
        decided_by=row.decided_by,
    )


def _removals(connection: Connection, row: Row[Any]) -> tuple[Removal, ...]:
    if row.state == "open":
        held = select(standings.c.person_pk, standings.c.product).where(standings.c.hold == row.pk)
        pairs = [(PersonId(pk), ProductId(product)) for pk, product in connection.execute(held)]
    else:
        pairs = [(PersonId(pk), ProductId(product)) for pk, product in json.loads(row.removals)]
    names: dict[int, str] = {}
    for chunk in chunks(sorted({person for person, _ in pairs})):
        query = select(persons.c.pk, persons.c.user_name).where(persons.c.pk.in_(chunk))
        names.update((pk, name) for pk, name in connection.execute(query))
    found = (Removal(person, names.get(person, ""), product) for person, product in pairs)
    return tuple(sorted(found, key=lambda removal: (removal.user_name, removal.person, removal.product)))

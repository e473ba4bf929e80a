"""Which seats are asked for? Quantity requests as rows; sync.quantity has the rules (R18-R20).

A row changes only if it is still as it was when the change was worked out: an approval and a round can't
overwrite each other. The price that was approved stands in `state`, under the request's number.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, Select, String, cast, delete, insert, literal, or_, select, update
from sqlalchemy.exc import IntegrityError

from connector.points import reach
from connector.store import audit, signals
from connector.store.tables import intents, requests, state
from sync.model import Figures, Money, ProductId, Request, RequestId, RequestState, SubscriptionId

_PRICE = "request_price:"


class Changed(Exception):
    """The request isn't any more as it was shown."""

    def __init__(self, current: Request | None) -> None:
        super().__init__(
            f"request {current.id} of {current.product} changed meanwhile: look at it again"
            if current
            else "the request is gone: look at the list again"
        )
        self.current = current  #: as it is now


def rows() -> Select[Any]:
    """As `of_row` wants them."""
    named = literal(_PRICE) + cast(requests.c.pk, String)
    price = state.c.value.label("price")
    return select(requests, price).outerjoin_from(requests, state, state.c.name == named)


def living(connection: Connection) -> list[Request]:
    """One a product."""
    query = rows().where(requests.c.ended_at.is_(None)).order_by(requests.c.product)
    return [of_row(row) for row in connection.execute(query)]


def list_requests(connection: Connection, limit: int = 200) -> list[Request]:
    """Newest first, the living ones before the ended ones."""
    query = rows().order_by(requests.c.ended_at.is_not(None), requests.c.pk.desc()).limit(limit)
    return [of_row(row) for row in connection.execute(query)]


def get(connection: Connection, id: RequestId) -> Request:
    """Raises LookupError."""
    row = connection.execute(rows().where(requests.c.pk == id)).first()
    if row is None:
        raise LookupError(f"no request {id}: see `request list`")
    return of_row(row)


def last_ended(connection: Connection, product: ProductId) -> Request | None:
    """The one that ended last; but one for more that was withdrawn decided nothing: what was said before it
    still counts (R18)."""
    decided = or_(requests.c.state != RequestState.WITHDRAWN, requests.c.proposed < requests.c.quantity)
    query = rows().where(requests.c.product == product, requests.c.ended_at.is_not(None), decided)
    row = connection.execute(
        query.order_by(requests.c.ended_at.desc(), requests.c.pk.desc()).limit(1)
    ).first()
    return None if row is None else of_row(row)


def store(
    connection: Connection, before: Request | None, after: Request, actor: str, now: datetime
) -> Request:
    """As stored, with its id; audited when its state or its target changed. Raises Changed."""
    if after.id is None:
        stored = _insert(connection, after)
    else:
        _require(connection, after.id, before)
        connection.execute(update(requests).where(requests.c.pk == after.id).values(_to_row(after)))
        stored = after
    if stored.price != (before.price if before else None):
        _store_price(connection, stored, now)
    if after.state is not RequestState.SUBMITTED:
        _resolve(connection, stored, now)
    if before is None or (before.state, before.target) != (after.state, after.target):
        audit.append(
            connection, actor, f"request.{after.state}", f"request:{stored.id}", _seen(before, stored), now
        )
    if after.state is RequestState.APPROVED:
        reach("approval stored")
    return stored


def note_shown(connection: Connection, to: str, shown: Mapping[RequestId, Figures], now: datetime) -> None:
    """These figures are what this person saw last, of these requests; what ended needs no note any more."""
    seen = {str(id): [f.quantity, f.need, _as_text(f.price)] for id, f in shown.items()}
    notes = _notes(connection, to) | seen
    alive = {str(r.id) for r in living(connection)}
    kept = {id: figures for id, figures in notes.items() if id in alive}
    if kept != _notes(connection, to):
        signals.put(connection, _noted(to), kept, now)


def last_shown(connection: Connection, to: str, id: RequestId) -> Figures | None:
    """As this person saw them last; None: the request was not shown to them (R19), or not with its price."""
    match _notes(connection, to).get(str(id)):
        case [quantity, need, price]:
            return Figures(quantity, need, _of_text(price))
        case _:
            return None


def _notes(connection: Connection, to: str) -> dict[str, list[Any]]:
    return signals.get(connection, _noted(to)) or {}


def _noted(to: str) -> str:
    return f"requests_shown:{hashlib.sha256(to.encode()).hexdigest()[:32]}"


def _require(connection: Connection, id: RequestId, before: Request | None) -> None:
    connection.execute(select(requests.c.pk).where(requests.c.pk == id).with_for_update())
    row = connection.execute(rows().where(requests.c.pk == id)).first()
    current = None if row is None else of_row(row)
    if current is None or current != before:
        raise Changed(current)


def _insert(connection: Connection, after: Request) -> Request:
    try:
        with connection.begin_nested():
            statement = insert(requests).values(_to_row(after)).returning(requests.c.pk)
            return replace(after, id=RequestId(connection.scalars(statement).one()))
    except IntegrityError:
        current = next((r for r in living(connection) if r.product == after.product), None)
        if current is None:
            raise
        raise Changed(current) from None


def _store_price(connection: Connection, request: Request, now: datetime) -> None:
    name = f"{_PRICE}{request.id}"
    if request.price is None:
        connection.execute(delete(state).where(state.c.name == name))
    else:
        signals.put(connection, name, _as_text(request.price), now)


def _as_text(price: Money | None) -> str | None:
    return None if price is None else f"{price.amount:f} {price.currency}"


def _of_text(price: str | None) -> Money | None:
    amount, _, currency = (price or "").partition(" ")
    return Money(Decimal(amount), currency) if amount else None


def _resolve(connection: Connection, request: Request, now: datetime) -> None:
    """Read or answered: its calls are in doubt no more."""
    in_doubt = update(intents).where(intents.c.request_pk == request.id, intents.c.state == "unknown")
    values = {"state": "settled", "settled_at": now, "outcome": f"read:{request.state}"}
    connection.execute(in_doubt.values(values))


def _seen(before: Request | None, after: Request) -> dict[str, object]:
    """What was on the screen when it was decided (R19)."""
    shown = before or after
    return {
        "product": after.product,
        "quantity": shown.quantity,
        "waiting": shown.waiting,
        "need": shown.need,
        "proposed": shown.proposed,
        "target": after.target,
        "price": _as_text(after.price),
        "reason": after.reason,
    }


def _to_row(request: Request) -> dict[str, Any]:
    return {
        "product": request.product,
        "subscription_id": request.subscription,
        "state": request.state.value,
        "quantity": request.quantity,
        "waiting": request.waiting,
        "need": request.need,
        "proposed": request.proposed,
        "target": request.target,
        "opened_at": request.opened_at,
        "updated_at": request.updated_at,
        "expires_at": request.expires_at,
        "reminded_at": request.reminded_at,
        "decided_at": request.decided_at,
        "decided_by": request.decided_by,
        "reason": request.reason,
        "due_at": request.due_at,
        "submitted_at": request.submitted_at,
        "effective_by": request.effective_by,
        "ended_at": request.ended_at,
        "follows": request.follows,
    }


def of_row(row: Row[Any]) -> Request:
    return Request(
        id=RequestId(row.pk),
        product=ProductId(row.product),
        subscription=SubscriptionId(row.subscription_id),
        state=RequestState(row.state),
        quantity=row.quantity,
        waiting=row.waiting,
        need=row.need,
        proposed=row.proposed,
        opened_at=row.opened_at,
        updated_at=row.updated_at,
        target=row.target,
        price=_of_text(json.loads(row.price or "null")),
        expires_at=row.expires_at,
        reminded_at=row.reminded_at,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        reason=row.reason,
        due_at=row.due_at,
        submitted_at=row.submitted_at,
        effective_by=row.effective_by,
        ended_at=row.ended_at,
        follows=None if row.follows is None else RequestId(row.follows),
    )

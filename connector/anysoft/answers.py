"""Was this call made before, and what was the answer? Idempotency keys, kept for 24 hours."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection, delete, insert, select

from connector.anysoft.bodies import exact
from connector.anysoft.forms import key_mistakes
from connector.anysoft.wire import Json, rejected_json, rejected_of
from connector.store.tables import tenant_answers
from sync.ports import Rejected

KEPT = timedelta(hours=24)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """One writing call of the contract."""

    key: str  #: Idempotency-Key
    what: str  #: method and path
    body: Json
    status: int  #: of the answer when it succeeds

    @property
    def digest(self) -> str:
        return hashlib.sha256(f"{self.what}\n{exact(self.body)}".encode()).hexdigest()


def once(
    conn: Connection,
    call: Call,
    now: datetime,
    act: Callable[[], T],
    to_json: Callable[[T], Any],
    of_json: Callable[[object], T],
) -> T | Rejected:
    """The first answer to this key: by `act`, which changes nothing when it raises Rejected, or from memory.

    A refusal is an answer too: it is remembered, and returned so that the caller commits before raising it.
    Other arguments under the same key: idempotency_mismatch.
    """
    if mistakes := key_mistakes(call.key):
        return Rejected("invalid", "give an idempotency key of 1 to 100 characters", mistakes)
    conn.execute(delete(tenant_answers).where(tenant_answers.c.at <= now - KEPT))
    row = conn.execute(select(tenant_answers).where(tenant_answers.c.key == call.key)).one_or_none()
    if row is not None and row.request != call.digest:
        return Rejected(
            "idempotency_mismatch", "this key was used for another call within 24 hours; take a new key"
        )
    if row is not None:
        answer: object = json.loads(row.answer)
        return of_json(answer) if row.status < 300 else rejected_of(answer)
    outcome: T | Rejected
    try:
        outcome = act()
        status, kept = call.status, to_json(outcome)
    except Rejected as refusal:
        outcome = refusal
        kept = rejected_json(refusal)
        status = kept["status"]
    conn.execute(
        insert(tenant_answers).values(
            key=call.key, request=call.digest, status=status, answer=json.dumps(kept), at=now
        )
    )
    return outcome

"""How is one batch asked of AnySoft? Intent committed, call, outcome (architecture 1.5).

A whole batch refused twice is split in halves, down to one (R11). A lost answer is asked for again with the
same key and bytes, three times at most; after that the people are in doubt, and a later round asks anew. A
quantity is never asked for again: it is read (R20, buying.py).
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from sync.model import AccountId, Held, Person, Result, RunId, Standing, Status, Subscription
from sync.ports import Busy, Intent, Missing, Outcome, Ports, Rejected, Settled, Transient, Unauthorized
from sync.settle import after_assign, after_unassign, failed, in_doubt, not_sent, put_off

REPEATS = 3
Answer = TypeVar("Answer")


class Kind(StrEnum):
    ASSIGN = "assign"
    UNASSIGN = "unassign"


@dataclass(frozen=True, slots=True)
class Asked:
    person: Person
    account: AccountId
    standing: Standing  #: as stored before the intent


def ask(
    ports: Ports, run: RunId, kind: Kind, subscription: Subscription, batch: Sequence[Asked]
) -> list[Outcome]:
    """Up to 200 people of one product. Raises Unauthorized, Fenced; Busy: AnySoft is to be left alone."""
    outcomes = _once(ports, run, kind, subscription, batch)
    if outcomes is None:
        outcomes = _once(ports, run, kind, subscription, batch)
    if outcomes is not None:
        return outcomes
    middle = len(batch) // 2
    return [
        *ask(ports, run, kind, subscription, batch[:middle]),
        *ask(ports, run, kind, subscription, batch[middle:]),
    ]


def _once(
    ports: Ports, run: RunId, kind: Kind, subscription: Subscription, batch: Sequence[Asked]
) -> list[Outcome] | None:
    """None: refused as a whole, and it can be split."""
    accounts = [a.account for a in batch]
    key = ports.new_key()
    intent = Intent(
        run=run,
        kind=kind.value,
        product=subscription.product,
        subscription=subscription.id,
        key=key,
        body=json.dumps({"user_ids": accounts}, separators=(",", ":")),
        people=tuple((a.person.id, a.account) for a in batch),
    )
    ports.fence.check()
    id = ports.ledger.intend(intent, ports.clock())
    ports.at("intent committed")

    def send() -> Sequence[Result]:
        if kind is Kind.ASSIGN:
            return ports.licensing.assign(subscription.id, accounts, key)
        return ports.licensing.unassign(subscription.id, accounts, key)

    whole = None
    try:
        results, lost = repeat(ports, send)
        verdict = "answered"
        outcomes = _answered(run, kind, batch, results, lost, ports)
    except Busy as error:
        ports.ledger.settle(run, id, _put_off(batch, error, ports.clock()), "busy", ports.clock())
        raise
    except Transient as error:
        verdict = "unknown" if error.maybe_done else "not_sent"
        outcomes = _unanswered(batch, error, ports)
    except (Rejected, Missing) as error:
        code = error.code if isinstance(error, Rejected) else "not_found"
        verdict = f"rejected:{code}"
        if len(batch) > 1:
            whole = error
            outcomes = [Outcome(a.person.id, _as_before(a), code, a.standing) for a in batch]
        else:
            outcomes = [
                Outcome(a.person.id, _as_before(a), code, failed(a.standing, code.upper(), ports.clock()))
                for a in batch
            ]
    except Unauthorized:
        outcomes = [Outcome(a.person.id, _as_before(a), "unauthorized", a.standing) for a in batch]
        ports.ledger.settle(run, id, outcomes, "unauthorized", ports.clock())
        raise
    ports.at("answer read")
    ports.ledger.settle(run, id, outcomes, verdict, ports.clock())
    ports.at("outcome stored")
    return None if whole else outcomes


def repeat(ports: Ports, send: Callable[[], Answer]) -> tuple[Answer, bool]:
    """`until_answered`, under the lease's fence, until the worker is to end."""
    answer, lost = until_answered(send, ports.pause, ports.fence.check, ports.stopping)
    ports.at("request sent")
    return answer, lost


def once(ports: Ports, send: Callable[[], Answer]) -> Answer:
    """The call, sent once whatever comes of it: what costs money isn't repeated, keys or not (R20)."""
    ports.fence.check()
    answer = send()
    ports.at("request sent")
    return answer


def until_answered(
    send: Callable[[], Answer],
    pause: Callable[[float], None],
    check: Callable[[], None] = lambda: None,
    stopping: Callable[[], bool] = lambda: False,
) -> tuple[Answer, bool]:
    """The same call, up to three times while its answer was lost, which its key is for (the contract's
    idempotency).

    Gives the answer, and whether one was lost before it: then a tenant that ignores keys answers as if
    somebody else had done it. After a lost one nothing but an answer settles it: whatever else comes is
    raised as Transient, maybe done. `check` is called before each send.
    """
    lost = False
    for left in range(REPEATS - 1, -1, -1):
        check()
        try:
            return send(), lost
        except (Transient, Rejected, Missing, Unauthorized) as error:
            maybe_done = isinstance(error, Transient) and error.maybe_done
            if lost and not maybe_done:
                raise Transient(f"an answer was lost, then: {error}", maybe_done=True) from error
            if not left or not maybe_done or stopping():
                raise
            lost = True
            pause(0.2)
    raise AssertionError("unreachable")


def _answered(
    run: RunId, kind: Kind, batch: Sequence[Asked], results: Sequence[Result], lost: bool, ports: Ports
) -> list[Outcome]:
    """One result each, in the order asked; anything else leaves those people in doubt. `lost`: an answer to
    the same call was, so that `already_assigned` may be our own doing."""
    now = ports.clock()
    outcomes = []
    for n, asked in enumerate(batch):
        if n >= len(results) or results[n].account != asked.account:
            standing = in_doubt(asked.standing, "UNEXPECTED_ANSWER", now)
            outcomes.append(Outcome(asked.person.id, Settled.DOUBT, "unexpected_answer", standing))
            continue
        status = results[n].status
        if kind is Kind.ASSIGN:
            before = replace(asked.standing, held=Held.MAYBE) if lost else asked.standing
            standing = after_assign(before, status, run, now)
        else:
            standing = after_unassign(asked.standing, status, now)
        outcomes.append(Outcome(asked.person.id, _settled(standing), status.value, standing))
    return outcomes


def _unanswered(batch: Sequence[Asked], error: Transient, ports: Ports) -> list[Outcome]:
    now = ports.clock()
    if error.maybe_done:
        return [
            Outcome(a.person.id, Settled.DOUBT, "no_answer", in_doubt(a.standing, "NO_ANSWER", now))
            for a in batch
        ]
    return [
        Outcome(a.person.id, _as_before(a), "not_sent", not_sent(a.standing, "TRY_LATER", now)) for a in batch
    ]


def _put_off(batch: Sequence[Asked], error: Busy, now: datetime) -> list[Outcome]:
    """429 is no failure: everybody is where they were, and looked at again when the wait is over (R29)."""
    again = put_off(now, error.retry_after)
    return [Outcome(a.person.id, _as_before(a), "busy", replace(a.standing, look_at=again)) for a in batch]


def _settled(standing: Standing) -> Settled:
    match standing.held:
        case Held.YES:
            return Settled.HELD
        case Held.NO:
            return Settled.FREE
        case Held.MAYBE:
            return Settled.DOUBT


def _as_before(asked: Asked) -> Settled:
    return _settled(asked.standing)


def succeeded(outcome: Outcome) -> bool:
    return outcome.code in (Status.ASSIGNED, Status.ALREADY_ASSIGNED, Status.UNASSIGNED, Status.NOT_ASSIGNED)

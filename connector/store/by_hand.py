"""What does a command that gives or takes licenses leave in the ledger, before its call and after? (R08, R30)

As a round's calls do: an intent is committed before the call and settled after it, and who is in doubt
counts against the seats. A doubt is settled by the next round: it looks at who has the product.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from connector.store import intents, marks, standings
from connector.store.intents import Bases
from connector.store.observed import STALE
from sync.model import (
    AccountId,
    Held,
    IntentId,
    Origin,
    PersonId,
    ProductId,
    Standing,
    Status,
    Subscription,
    SubscriptionId,
)
from sync.ports import Intent, Outcome, Settled
from sync.settle import freed, in_doubt, settled

#: when a list of AnySoft's surely shows what a call did (T11)
SURE = STALE + timedelta(seconds=1)
_GIVEN = (Status.ASSIGNED, Status.ALREADY_ASSIGNED)
_TAKEN = (Status.UNASSIGNED, Status.NOT_ASSIGNED, Status.UNKNOWN_USER)


@dataclass(frozen=True, slots=True)
class Asked:
    """One call about people of one product."""

    kind: str  #: assign, unassign
    product: ProductId
    people: tuple[PersonId, ...]  #: whom a directory knows
    intent: IntentId | None  #: None: there is nobody of whom a doubt could be kept
    before: Mapping[PersonId, Standing]  #: of those whom the call may change


def ask(
    connection: Connection,
    kind: str,
    subscription: Subscription,
    people: Mapping[PersonId, AccountId],
    key: str,
    body: str,
    bases: Bases,
    by: str,
    now: datetime,
) -> Asked:
    """Right before the call, committed before it is sent."""
    product = subscription.product
    found = {s.person: s for s in standings.read(connection, sorted(people), product, lock=True)}
    stood = [found.get(person, Standing(person, product)) for person in sorted(people)]
    settles = Held.YES if kind == "assign" else Held.NO
    before = {s.person: s for s in stood if s.held is not settles}
    intent = None
    if before:
        standings.write(connection, [_doubted(s, kind, now) for s in before.values()])
        wish = Intent(
            run=None,
            kind=kind,
            product=product,
            subscription=subscription.id,
            key=key,
            body=body,
            people=tuple((person, people[person]) for person in before),
        )
        intent, _ = intents.begin(connection, wish, bases, now, by)
    return Asked(kind, product, tuple(people), intent, before)


def _doubted(s: Standing, kind: str, now: datetime) -> Standing:
    """What a person gives by hand is theirs from the first moment on: no round takes it back (R08)."""
    origin = Origin.MANUAL if kind == "assign" and s.held is Held.NO else s.origin
    return replace(s, held=Held.MAYBE, origin=origin, waiting=False, look_at=now + SURE)


def answered(
    connection: Connection, asked: Asked, statuses: Mapping[PersonId, Status], bases: Bases, now: datetime
) -> None:
    """Each of them as AnySoft says."""
    outcomes = []
    for s in _now(connection, asked):
        status = statuses[s.person]
        after = _given(s, status, now) if asked.kind == "assign" else _taken(s, status, now)
        outcomes.append(Outcome(s.person, _sure(after), status.value, after))
    _end(connection, asked, outcomes, "answered", bases, now)


def unanswered(connection: Connection, asked: Asked, code: str, bases: Bases, now: datetime) -> None:
    """They stay in doubt, are shown so, and are looked at when AnySoft's list surely tells."""
    outcomes = []
    for s in _now(connection, asked):
        doubt = replace(in_doubt(s, "NO_ANSWER", now), next_try=now + SURE, look_at=now + SURE)
        outcomes.append(Outcome(s.person, Settled.DOUBT, code, doubt))
    _end(connection, asked, outcomes, intents.UNKNOWN, bases, now)


def undone(connection: Connection, asked: Asked, code: str, bases: Bases, now: datetime) -> None:
    """The call surely had no effect: they stand as before."""
    outcomes = []
    for s in _now(connection, asked):
        was = asked.before[s.person]
        back = replace(
            s, held=was.held, origin=was.origin, waiting=was.waiting and s.since is not None, look_at=now
        )
        outcomes.append(Outcome(s.person, _sure(back), code, back))
    _end(connection, asked, outcomes, f"rejected:{code}", bases, now)


def _now(connection: Connection, asked: Asked) -> list[Standing]:
    """A round may have written them since."""
    return standings.read(connection, sorted(asked.before), asked.product, lock=True)


def _end(
    connection: Connection,
    asked: Asked,
    outcomes: Sequence[Outcome],
    verdict: str,
    bases: Bases,
    now: datetime,
) -> None:
    if asked.intent is not None:
        intents.end(connection, asked.intent, outcomes, verdict, bases, now)
        marks.mark(connection, [o.person for o in outcomes], now)


def _given(s: Standing, status: Status, now: datetime) -> Standing:
    """What was in doubt before was our own call, so it is managed; anything else is by hand (R08)."""
    if status not in _GIVEN:
        return replace(freed(s), look_at=now)
    ours = s.held is Held.MAYBE and s.origin is not Origin.MANUAL
    return replace(
        settled(s),
        held=Held.YES,
        origin=Origin.MANAGED if ours else Origin.MANUAL,
        assigned_at=now,
        waiting=False,
        moved_to=0,
    )


def _taken(s: Standing, status: Status, now: datetime) -> Standing:
    if status in _TAKEN:
        return freed(s)
    return replace(s, held=Held.YES, origin=s.origin if s.origin is not Origin.NONE else Origin.MANUAL)


def _sure(s: Standing) -> Settled:
    return {Held.YES: Settled.HELD, Held.NO: Settled.FREE, Held.MAYBE: Settled.DOUBT}[s.held]


def note(
    connection: Connection,
    kind: str,
    product: ProductId,
    people: Sequence[PersonId],
    key: str,
    outcome: str,
    by: str,
    now: datetime,
) -> None:
    """Something done to people by a command that needs no doubt: adopted, or their account made."""
    wish = Intent(
        run=None,
        kind=kind,
        product=product,
        subscription=SubscriptionId(""),
        key=key,
        body="",
        people=tuple((person, AccountId("")) for person in people),
    )
    id, _ = intents.begin(connection, wish, {}, now, by)
    intents.end(connection, id, (), outcome, {}, now)

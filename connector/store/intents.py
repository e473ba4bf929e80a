"""What was asked of AnySoft, and what came back? Written down before each call, settled after it (R29, R30).

An intent is open while its call runs, settled when its effect is sure, unknown while somebody is in doubt.
An item's status is empty while its call runs and UNKNOWN while in doubt; anything else is settled.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, exists, insert, or_, select, update

from connector.store import audit, marks, standings, tallies
from connector.store.rows import chunks
from connector.store.standings import reasons_of
from connector.store.tables import actions, intent_items, intents
from connector.store.tables import standings as rows
from sync.model import Held, IntentId, PersonId, ProductId, RunId, Standing
from sync.plan import Verb
from sync.ports import Intent, Outcome, Settled

#: product -> the products that it needs (R10)
Bases = Mapping[ProductId, tuple[ProductId, ...]]

UNKNOWN = "unknown"
_UNSETTLED = or_(intent_items.c.status == "", intent_items.c.status == UNKNOWN)
_VERBS = {"assign": (Verb.ASSIGN, Verb.CONFIRM), "unassign": (Verb.REMOVE,), "quantity": (Verb.QUANTITY,)}


def abandon(connection: Connection, runs: Collection[RunId], now: datetime) -> None:
    """These runs broke off: whoever was asked for is in doubt, and looked at again in the next round.

    A call about an account leaves no doubt: the account is looked up by its name before the next one (R05).
    """
    for chunk in chunks(sorted(runs)):
        theirs = and_(intents.c.run_pk.in_(chunk), intents.c.state == "open")
        people = (
            select(intent_items.c.person_pk)
            .join(intents, intents.c.pk == intent_items.c.intent_pk)
            .where(theirs)
        )
        marks.mark(connection, connection.scalars(people), now)
        asked = exists(
            select(intents.c.pk)
            .join(intent_items, intent_items.c.intent_pk == intents.c.pk)
            .where(theirs, intents.c.product == rows.c.product, intent_items.c.person_pk == rows.c.person_pk)
        )
        in_doubt = rows.c.person_pk.in_(people)
        connection.execute(update(rows).where(in_doubt, rows.c.held == "maybe", asked).values(look_at=now))
        account = intents.c.kind.like("account_%")
        connection.execute(
            update(intents).where(theirs, account).values(state="settled", settled_at=now, outcome="broken")
        )
        connection.execute(update(intents).where(theirs).values(state="unknown", outcome="broken"))


def intend(connection: Connection, intent: Intent, bases: Bases, actor: str, now: datetime) -> IntentId:
    """`begin`, with its entry in the audit log."""
    id, why = begin(connection, intent, bases, now)
    detail: dict[str, object] = {
        "intent": id,
        "run": intent.run,
        "key": intent.key,
        "product": intent.product,
        "subscription": intent.subscription,
    }
    people = [person for person, _ in intent.people]
    _note(connection, f"{intent.kind}.intent", people, detail | why | _quantity(intent), actor, now)
    return id


def begin(
    connection: Connection, intent: Intent, bases: Bases, now: datetime, actor: str = ""
) -> tuple[IntentId, dict[str, object]]:
    """With the mappings that are the reason. `actor`: whose command it is; "" is a round's.

    Raises LookupError if one of the people has no standing with the product: no doubt could be counted.
    """
    pk = connection.scalars(
        insert(intents)
        .values(
            run_pk=intent.run,
            kind=intent.kind,
            product=intent.product,
            subscription_id=intent.subscription,
            request_pk=intent.request,
            idempotency_key=intent.key,
            body=intent.body,
            actor=actor,
            state="open",
            created_at=now,
        )
        .returning(intents.c.pk)
    ).one()
    items = [
        {"intent_pk": pk, "person_pk": person, "account_id": account} for person, account in intent.people
    ]
    for chunk in chunks(items):
        connection.execute(insert(intent_items), chunk)
    why: dict[str, object] = {}
    if intent.kind in ("assign", "unassign"):
        why = _doubt(connection, [person for person, _ in intent.people], intent, bases)
    return IntentId(pk), why


def _quantity(intent: Intent) -> dict[str, object]:
    return {"request": intent.request, "body": intent.body} if intent.kind == "quantity" else {}


def _doubt(
    connection: Connection, people: Sequence[PersonId], intent: Intent, bases: Bases
) -> dict[str, object]:
    """They may hold it from now on, and it is no base any more. Gives the mappings that are the reason."""
    mappings: set[int] = set()
    for chunk in chunks(sorted(people)):
        them = and_(rows.c.product == intent.product, rows.c.person_pk.in_(chunk))
        asked = connection.execute(select(rows.c.person_pk, rows.c.reasons).where(them)).all()
        if missing := set(chunk) - {row.person_pk for row in asked}:
            raise LookupError(f"person {min(missing)} has no standing with {intent.product}: store one first")
        mappings.update(reason.mapping for row in asked for reason in reasons_of(row.reasons))
        doubt: dict[str, object] = {"held": Held.MAYBE.value}
        if intent.kind == "assign":
            doubt["waiting"] = False
        tallies.shift(connection, tallies.holders_among(connection, chunk, [intent.product]), ())
        connection.execute(update(rows).where(them).values(doubt))
        base_is(connection, chunk, intent.product, bases, ready=False)
    return {"mappings": sorted(mappings)}


def settle(
    connection: Connection,
    run: RunId,
    id: IntentId,
    outcomes: Sequence[Outcome],
    verdict: str,
    bases: Bases,
    actor: str,
    now: datetime,
) -> None:
    """`end`, told to the run's actions and to the audit log."""
    intent, people = end(connection, id, outcomes, verdict, bases, now)
    _tell_actions(connection, run, intent.kind, intent.product, people, outcomes, verdict)
    detail: dict[str, object] = {"intent": id, "run": run, "verdict": verdict, "product": intent.product}
    if outcomes:
        found = audit.subjects_of(connection, [o.person for o in outcomes])
        detail["codes"] = {found[o.person]: o.code for o in outcomes}
    _note(connection, f"{intent.kind}.outcome", people, detail, actor, now)


def end(
    connection: Connection,
    id: IntentId,
    outcomes: Sequence[Outcome],
    verdict: str,
    bases: Bases,
    now: datetime,
) -> tuple[Row[Any], list[PersonId]]:
    """Without outcomes (an account, a quantity) the verdict is everybody's. Gives it, and its people."""
    intent = connection.execute(select(intents).where(intents.c.pk == id)).one()
    query = select(intent_items.c.person_pk).where(intent_items.c.intent_pk == id)
    people = [PersonId(pk) for pk in connection.scalars(query)]
    codes = {o.person: o.code for o in outcomes} if outcomes else dict.fromkeys(people, verdict)
    doubted = {o.person for o in outcomes if o.settled is Settled.DOUBT}
    if verdict == UNKNOWN and not outcomes:
        doubted = set(people)
    _set_items(connection, id, {p: UNKNOWN if p in doubted else code for p, code in codes.items()})
    state = "unknown" if doubted or verdict == UNKNOWN else "settled"
    settled_at = None if state == "unknown" else now
    values = {"state": state, "settled_at": settled_at, "outcome": verdict[:60]}
    connection.execute(update(intents).where(intents.c.pk == id).values(values))

    sure = [person for person in codes if person not in doubted]
    clear(connection, sure, ProductId(intent.product), intent.kind, now, before=id)
    standings.write(connection, [o.standing for o in outcomes])
    follow(connection, [o.standing for o in outcomes], bases, now)
    return intent, people


def doubted_by_hand(connection: Connection) -> list[ProductId]:
    """Of which a command's call has no answer yet, or none for good: who has them is to be looked up."""
    asked = and_(intents.c.state != "settled", intents.c.actor != "", intents.c.product != "")
    return [ProductId(p) for p in connection.scalars(select(intents.c.product).where(asked).distinct())]


def clear(
    connection: Connection,
    people: Sequence[PersonId],
    product: ProductId,
    kind: str,
    now: datetime,
    before: IntentId | None = None,
) -> None:
    """What is sure now settles what was in doubt about the same people and product."""
    alike = ("assign", "unassign") if kind in ("assign", "unassign") else (kind,)
    older: ColumnElement[bool] = and_(
        intents.c.state != "settled", intents.c.product == product, intents.c.kind.in_(alike)
    )
    if before is not None:
        older = and_(older, intents.c.pk < before)
    for chunk in chunks(sorted(people)):
        theirs = select(intents.c.pk).where(older)
        touched = connection.scalars(
            update(intent_items)
            .where(intent_items.c.intent_pk.in_(theirs), intent_items.c.person_pk.in_(chunk), _UNSETTLED)
            .values(status="settled")
            .returning(intent_items.c.intent_pk)
        ).all()
        left = exists(
            select(intent_items.c.person_pk).where(intent_items.c.intent_pk == intents.c.pk, _UNSETTLED)
        )
        connection.execute(
            update(intents)
            .where(intents.c.pk.in_(sorted(set(touched))), ~left)
            .values(state="settled", settled_at=now)
        )


def follow(connection: Connection, changed: Sequence[Standing], bases: Bases, now: datetime) -> None:
    """A base came or went: its add-ons in the queue are ready or not, blocked ones decided again (R10)."""
    needed = {base for all_of in bases.values() for base in all_of}
    for product in sorted({s.product for s in changed} & needed):
        theirs = [s for s in changed if s.product == product]
        sure = sorted(s.person for s in theirs if s.held is Held.YES)
        base_is(connection, sure, product, bases, ready=True)
        base_is(connection, [s.person for s in theirs if s.held is not Held.YES], product, bases, ready=False)
        marks.mark(connection, sure, now)
    gone = {s.person for s in changed if s.held is Held.NO and bases.get(s.product)}
    look_at_bases(connection, gone, now)


def look_at_bases(connection: Connection, people: Collection[PersonId], now: datetime) -> None:
    """The add-on that kept their base went, or may go now: they needn't wait until it is looked at anyway."""
    for chunk in chunks(sorted(people)):
        kept = and_(rows.c.person_pk.in_(chunk), rows.c.blocked == "REQUIRED_BY_ADDON")
        connection.execute(update(rows).where(kept).values(look_at=now))


def base_is(
    connection: Connection, people: Sequence[PersonId], base: ProductId, bases: Bases, *, ready: bool
) -> None:
    """Of an add-on with several bases all must be surely held."""
    for addon in sorted(product for product, needs in bases.items() if base in needs):
        for chunk in chunks(sorted(people)):
            them = and_(rows.c.product == addon, rows.c.person_pk.in_(chunk), rows.c.base_ready != ready)
            if ready:
                other = rows.alias("other")
                for also in bases[addon]:
                    held = and_(other.c.person_pk == rows.c.person_pk, other.c.held == "yes")
                    them = and_(them, exists(select(other.c.product).where(held, other.c.product == also)))
            connection.execute(update(rows).where(them).values(base_ready=ready))


def _set_items(connection: Connection, id: IntentId, statuses: Mapping[PersonId, str]) -> None:
    statement = update(intent_items).where(
        intent_items.c.intent_pk == id, intent_items.c.person_pk == bindparam("person")
    )
    for chunk in chunks(sorted(statuses.items())):
        connection.execute(
            statement.values(status=bindparam("now")), [{"person": p, "now": s[:30]} for p, s in chunk]
        )


def _tell_actions(
    connection: Connection,
    run: RunId,
    kind: str,
    product: str,
    people: Sequence[PersonId],
    outcomes: Sequence[Outcome],
    verdict: str,
) -> None:
    """An account that isn't to be had is the outcome of the assignment for which it was wanted."""
    verbs = _VERBS.get(kind, (Verb.ASSIGN, Verb.CONFIRM, Verb.ACCOUNT))
    alike = or_(*(actions.c.action == verb.value for verb in verbs))
    of_run = and_(actions.c.run_pk == run, alike)
    if kind == "account_update":
        told = update(actions).where(of_run, actions.c.action == "account", actions.c.person_pk.in_(people))
        connection.execute(told.values(outcome=verdict[:40]))
    if kind == "quantity":
        told = update(actions).where(of_run, actions.c.product == product)
        connection.execute(told.values(outcome=verdict[:40]))
    told = update(actions).where(
        of_run, actions.c.person_pk == bindparam("person"), actions.c.product == bindparam("of")
    )
    for chunk in chunks(outcomes):
        connection.execute(
            told.values(outcome=bindparam("code")),
            [{"person": o.person, "of": o.standing.product, "code": o.code[:40]} for o in chunk],
        )


def _note(
    connection: Connection,
    action: str,
    people: Sequence[PersonId],
    detail: Mapping[str, object],
    actor: str,
    now: datetime,
) -> None:
    """One entry for the whole batch; it names its people by their salted hashes."""
    found = audit.subjects_of(connection, people)
    subject = found[people[0]] if len(people) == 1 else ""
    named = {"subjects": [found[person] for person in people]} if len(people) > 1 else {}
    audit.append(connection, actor, action, subject, {**detail, **named}, now)

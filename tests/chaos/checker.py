"""Did anything happen that must not? Judged from outside: by AnySoft's ledger, the directory's history and
the audit log.

Each function gives sentences, one for each violation; none: all is well.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, func, literal, select, union_all

from connector.store import audit
from connector.store.engine import reading
from connector.store.tables import intents, persons, requests, standings, tallies
from tests.chaos.history import History
from tests.chaos.office import NEEDS, Effect

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """What AnySoft says: its ledger, and how it stands now."""

    ledger: tuple[Effect, ...]
    sold: Mapping[str, Json]
    active: Mapping[str, bool]

    @classmethod
    def of(cls, dump: Json) -> "Seen":
        return cls(tuple(Effect(**each) for each in dump["ledger"]), dump["sold"], dump["active"])


def check(seen: Seen, bought: Mapping[str, int], history: History, engine: Engine) -> list[str]:
    """`bought`: the quantities at the beginning."""
    with reading(engine) as connection:
        return [
            *replay(seen.ledger, bought),
            *against_history(seen.ledger, history),
            *explained(seen.ledger, connection),
            *purchases(seen, bought, connection),
            *whole(connection),
        ]


def replay(ledger: Sequence[Effect], bought: Mapping[str, int]) -> Iterator[str]:
    """T01, T05, T10: at every moment, in the order in which it happened."""
    quantity = dict(bought)
    holders: dict[str, set[str]] = {product: set() for product in bought}
    for n, effect in enumerate(ledger):
        had = holders.get(effect.product, set())
        match effect.what:
            case "quantity":
                quantity[effect.product] = effect.number
            case "assign":
                if effect.user in had:
                    yield f"T10: effect {n} assigns {effect.product} to {effect.user} twice in a row"
                had.add(effect.user)
                if len(had) > quantity[effect.product]:
                    yield f"T01: effect {n}: {len(had)} of {quantity[effect.product]} {effect.product}"
                for base in NEEDS[effect.product]:
                    if effect.user not in holders[base]:
                        yield f"T05: effect {n} gives {effect.product} to {effect.user} without {base}"
            case "unassign":
                if effect.user not in had:
                    yield f"T10: effect {n} takes {effect.product} from {effect.user} twice in a row"
                had.discard(effect.user)
                for addon, needs in NEEDS.items():
                    if effect.product in needs and effect.user in holders.get(addon, set()):
                        yield f"T05: effect {n} takes {effect.product} from under {addon} of {effect.user}"
            case _:
                pass


def against_history(ledger: Sequence[Effect], history: History) -> Iterator[str]:
    """T06, T11: no license goes by our doing but for an entitlement that ended, and none comes and goes."""
    gave: Counter[tuple[str, str]] = Counter()
    took: Counter[tuple[str, str]] = Counter()
    lost: Counter[tuple[str, str]] = Counter()
    by_hand: set[tuple[str, str]] = set()
    for effect in ledger:
        pair = (effect.user, effect.product)
        match effect.what, effect.by:
            case "assign", "connector":
                gave[pair] += 1
            case "assign", _:
                by_hand.add(pair)
            case "unassign", "connector":
                took[pair] += 1
                if effect.user in history.stable:
                    yield f"T06: {effect.user} lost {effect.product}, and was entitled all the time"
                if pair in by_hand:
                    yield f"R08: {effect.product} of {effect.user} was given by hand, and taken away"
            case "unassign", _:
                lost[pair] += 1
                by_hand.discard(pair)
            case _:
                pass
    for pair, count in gave.items():
        if count > history.started[pair] + lost[pair]:
            yield f"T11: {pair} assigned {count} times, entitled {history.started[pair]} times"
    for pair, count in took.items():
        # a base that went takes the add-on along, also where somebody in the portal had taken the base
        if count > history.ended[pair] + sum(lost[(pair[0], base)] for base in NEEDS[pair[1]]):
            yield f"T06: {pair} unassigned {count} times, entitlement ended {history.ended[pair]} times"


_KINDS = {
    "assign": "assign", "unassign": "unassign", "account": "account_create", "active": "account_update",
    "asked": "quantity",
}  # fmt: skip


def explained(ledger: Sequence[Effect], connection: Connection) -> Iterator[str]:
    """T12, R30: each change has exactly one intent, audited before it, that names whom it concerns."""
    noted: dict[str, list[tuple[str, datetime]]] = {}
    for entry in audit.entries(connection):
        detail = json.loads(entry.detail)
        if entry.action.endswith(".intent"):
            noted.setdefault(detail["key"], []).append((entry.action.removesuffix(".intent"), entry.at))
    bodies = {
        row.idempotency_key: row.body
        for row in connection.execute(select(intents.c.idempotency_key, intents.c.body))
    }
    for n, effect in enumerate(ledger):
        if effect.by != "connector":
            continue
        found = noted.get(effect.key, [])
        if [kind for kind, _ in found] != [_KINDS[effect.what]]:
            yield f"T12: effect {n} ({effect.what} {effect.product} {effect.user}) has the intents {found}"
            continue
        if found[0][1].timestamp() > effect.at + 0.001:
            yield f"T12: effect {n} happened before its intent was written"
        named = effect.account if effect.what in ("assign", "unassign") else effect.user
        if named not in bodies.get(effect.key, ""):
            yield f"T12: effect {n} concerns {named}, its intent doesn't"


def purchases(seen: Seen, bought: Mapping[str, int], connection: Connection) -> Iterator[str]:
    """T03, T04: each change of quantity is one that a person approved, and each approval was bought once.

    A change that AnySoft drops is none: where its answer was lost too, the same may be asked for again. Where
    AnySoft had said yes, only another approval may (R20).
    """
    targets: dict[int, int] = {}
    accepted: set[str] = set()
    for entry in audit.entries(connection):
        if entry.action == "request.pending":
            accepted.add(entry.subject)
        if entry.action == "request.submitted" and entry.subject in accepted:
            yield f"T03: {entry.subject} was sent again though AnySoft had said yes"
        if entry.action == "request.approved" and entry.actor != "sync":
            targets[int(entry.subject.removeprefix("request:"))] = json.loads(entry.detail)["target"]
    of_key = {
        row.idempotency_key: row.request_pk
        for row in connection.execute(
            select(intents.c.idempotency_key, intents.c.request_pk).where(intents.c.kind == "quantity")
        )
    }
    sent: Counter[int] = Counter()
    pending: dict[str, int] = {}
    quantity = dict(bought)
    for effect in seen.ledger:
        if effect.what == "asked":
            request = of_key.get(effect.key)
            if request is None or targets.get(request) != effect.number:
                yield f"T04: {effect.number} {effect.product} asked for, no target of request {request}"
                continue
            sent[request] += 1
            if sent[request] > 1:
                yield f"T03: request {request} was bought {sent[request]} times"
            pending[effect.product] = request
        if effect.what == "dropped" and effect.product in pending:
            sent[pending.pop(effect.product)] -= 1
        if effect.what == "quantity":
            quantity[effect.product] = effect.number
    for product, sold in seen.sold.items():
        if sold["quantity"] != quantity[product]:
            yield f"T03: {product} has {sold['quantity']}, its ledger says {quantity[product]}"


@dataclass(frozen=True, slots=True)
class Approvals:
    """What became of them, by the audit log."""

    given: int  #: by a person
    back: int  #: to a person, because the figures had changed or nobody needed it any more (R19)
    refused: int  #: by AnySoft
    done: int


def approvals(connection: Connection) -> Approvals:
    came: Counter[str] = Counter()
    last: dict[str, str] = {}
    for entry in audit.entries(connection):
        kind, _, state = entry.action.partition(".")
        if kind != "request":
            continue
        decided = last.get(entry.subject, "open") != "open"
        came["given"] += state == "approved" and entry.actor != "sync"
        came["back"] += decided and state in ("open", "withdrawn")
        came[state] += 1
        last[entry.subject] = state
    return Approvals(came["given"], came["back"], came["refused"], came["done"])


def whole(connection: Connection) -> Iterator[str]:
    """T12, T26: the database and the audit log are whole, and the tallies what is counted."""
    if connection.dialect.name == "sqlite":
        for (said,) in connection.exec_driver_sql("PRAGMA integrity_check"):
            if said != "ok":
                yield f"T12: integrity_check: {said}"
    found = audit.verify(connection)
    if isinstance(found, audit.Broken):
        yield f"T26: {found.why}"
    each = union_all(
        select(tallies.c.product, tallies.c.surely.label("n")),
        select(standings.c.product, literal(-1)).where(standings.c.held == "yes"),
    ).subquery()  # in one statement: one moment, also while a worker writes
    beyond = func.sum(each.c.n)
    query = select(each.c.product, beyond).group_by(each.c.product).having(beyond != 0)
    for product, more in connection.execute(query):
        yield f"T12: the tally of {product} counts {more:+} beyond those who hold it"


def unfinished(seen: Seen, history: History, engine: Engine) -> list[str]:
    """T09: what isn't as it should be yet."""
    with reading(engine) as connection:
        return [*_licenses(seen, history, connection), *_open(connection)]


def _licenses(seen: Seen, history: History, connection: Connection) -> Iterator[str]:
    for product, sold in seen.sold.items():
        if sold["pending"]:
            yield f"a change of {product} is pending"
        users = set(sold["users"])
        ours, others = users & history.active.keys(), users - history.active.keys()
        wanting = history.wanting(product)
        for base in NEEDS[product]:
            wanting &= set(seen.sold[base]["users"])
        if extra := ours - history.wanting(product):
            yield f"{sorted(extra)} hold {product} and aren't entitled"
        seats = sold["quantity"] - len(others)
        if len(ours) < min(len(wanting), seats):
            yield f"{len(ours)} hold {product}, {len(wanting)} are entitled, {seats} seats are there"
        yield from _listed(product, history.wanting(product) - ours, connection)


def _listed(product: str, unserved: set[str], connection: Connection) -> Iterator[str]:
    """Whoever can't be served is listed with the reason (T02, R16)."""
    query = (
        select(persons.c.user_name)
        .join(standings, standings.c.person_pk == persons.c.pk)
        .where(standings.c.product == product)
        .where(standings.c.waiting | (standings.c.blocked != "") | (standings.c.failure != ""))
    )
    if missing := unserved - set(connection.scalars(query)):
        yield f"{sorted(missing)} lack {product}, and nobody is told why"


def _open(connection: Connection) -> Iterator[str]:
    doubts = connection.scalars(select(intents.c.pk).where(intents.c.state != "settled")).all()
    if doubts:
        yield f"intents {list(doubts)} aren't settled"
    maybe = connection.scalars(select(standings.c.person_pk).where(standings.c.held == "maybe")).all()
    if maybe:
        yield f"persons {sorted(set(maybe))} are in doubt"
    sent = connection.scalars(
        select(requests.c.pk).where(
            requests.c.state.in_(("approved", "scheduled", "submitted", "pending", "overdue"))
        )
    ).all()
    if sent:
        yield f"what was approved by requests {list(sent)} isn't there, nor refused"

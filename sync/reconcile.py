"""How does a round go? Read AnySoft, read the people it concerns, plan, store, carry out, report."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from sync import mapping
from sync.apply import carry_out
from sync.catalog import bases_first
from sync.decide import decide
from sync.draft import Draft, Supply, draft, waiter_of
from sync.entitle import entitle
from sync.guards import enough
from sync.model import (
    AccountId,
    Assigned,
    Decision,
    MappingId,
    PersonId,
    Policy,
    ProductId,
    RunId,
    Standing,
    Subscription,
    Waiter,
)
from sync.plan import Applicable, Plan
from sync.ports import Busy, Holding, Mark, Ports, Transient, Unauthorized
from sync.seats import seats_of
from sync.sold import Sold, read_sold

T = TypeVar("T")
CHUNK = 500  #: people read at once
NARROW = 200  #: accounts to which a list can be narrowed
SWEEP = 5_000  #: people of one round over the changed ones; the rest comes in the next


class Scope(StrEnum):
    CHANGED = "changed"  #: marked people, those whose time has come, heads of queues
    EVERYONE = "everyone"


@dataclass(frozen=True, slots=True)
class Round:
    """What a round came to; `report` renders it."""

    run: RunId | None  #: None: a dry run
    cause: str
    scope: Scope
    started_at: datetime
    finished_at: datetime
    plan: Plan
    sold: Sold | None
    trouble: tuple[str, ...] = ()  #: why it is incomplete
    channel: bool = True  #: whoever has to be told can be (R27)
    put_off: str = ""  #: AnySoft asked to be left alone (429): the rest is done later, no failure (R29)
    outage: bool = False  #: AnySoft didn't answer


def rehearse(ports: Ports, scope: Scope, policy: Policy, cause: str = "dry run") -> Round:
    """A dry run: the plan that a round would make now; nothing is written, nothing is sent (R28)."""
    started = ports.clock()
    sold = read_sold(ports.licensing)
    _, people = _concerned(ports, scope, started)
    plan = make_plan(ports, sold, people, policy, started)
    return Round(None, cause, scope, started, ports.clock(), plan, sold, channel=policy.channel)


def run_round(ports: Ports, cause: str, scope: Scope, policy: Policy) -> Round:
    """One round, whole. Raises Fenced when the lease was lost: the next settles what was intended."""
    started = ports.clock()
    while ports.mirror.expand_marks(SWEEP) and not ports.stopping():
        pass
    run = ports.ledger.begin(cause, scope.value, started)
    trouble: list[str] = []
    plan, sold, put_off, outage = Plan(), None, "", False
    try:
        sold = read_sold(ports.licensing)
        ports.at("AnySoft read")
        looked_at = sold.subscriptions.keys() if scope is Scope.EVERYONE else _to_look_at(ports, sold)
        trouble.extend(observe(ports, run, sold, looked_at, started))
        marks, people = _concerned(ports, scope, started)
        plan = make_plan(ports, sold, people, policy, started)
        ports.at("plan made")
        ports.ledger.store(run, plan, marks, started)
        ports.at("plan stored")
        trouble.extend(carry_out(ports, run, plan, sold, policy))
    except Busy as error:
        put_off, outage = "" if error.outage else str(error), error.outage
        trouble.extend([str(error)] if error.outage else ())
    except (Transient, Unauthorized) as error:
        outage = isinstance(error, Transient)
        trouble.append(str(error))
    why, ended = tuple(trouble), ports.clock()
    return Round(run, cause, scope, started, ended, plan, sold, why, policy.channel, put_off, outage)


def make_plan(
    ports: Ports, sold: Sold, people: Iterator[Sequence[PersonId]] | None, policy: Policy, now: datetime
) -> Plan:
    """`people`: None for everybody."""
    mappings = ports.mirror.mappings()
    transitive = [m.group for m in mappings if m.transitive]
    applicable = mapping.applicable(mappings, ports.mirror.nestings(transitive) if transitive else ())
    if people is None:
        people = _everyone(ports, sold, applicable, policy)
    read = _decide_all(ports, sold, people, applicable, policy, now)
    ports.at("directory read")
    losses = [loss for d in read.decisions for loss in d.losses]
    touched = {loss.product for loss in losses} | {p for d in read.decisions for p in d.regained}
    view = ports.ledger.guard_view(
        touched,
        {group for loss in losses for group in loss.groups},
        now - timedelta(hours=policy.guard.hours),
        lambda earlier: enough(earlier + len(losses), policy.guard),
    )
    supply, givers = _supply(ports, sold, read), mapping.givers(mappings)
    return draft(read, view, supply, sold.catalog, policy.guard, givers)


def _to_look_at(ports: Ports, sold: Sold) -> list[ProductId]:
    """Of which AnySoft counts fewer than we surely know: the count is old, or some were unassigned in the
    portal, whose seats the queue is to have (R15, T11); and those of a command whose answer was lost (R29).
    The list tells."""
    surely, doubted = ports.ledger.surely_held(), set(ports.ledger.doubted_by_hand())
    return [p for p, s in sold.subscriptions.items() if s.assigned < surely.get(p, 0) or p in doubted]


def observe(
    ports: Ports, run: RunId, sold: Sold, products: Collection[ProductId], started: datetime
) -> Iterator[str]:
    """Lay what AnySoft lists over what we believe: its portal is edited by hand, too (R08, R15). A list that
    breaks off frees nobody (R23); what we did in the last minute may not be in it yet (T11)."""
    settled_before = started - timedelta(seconds=60)
    for subscription in (sold.subscriptions[product] for product in products):
        left = ports.ledger.holding(subscription.product)
        try:
            strange = _strange(ports, subscription, left)
            for batch in _chunks(_described(ports, subscription, strange)):
                ports.ledger.observe(run, subscription.product, batch, started)
        except Busy:
            raise  # nothing more is to be asked now
        except Transient as error:
            yield f"the list of who has {subscription.product} broke off, nobody is freed by it: {error}"
            continue
        ports.ledger.unseen(run, subscription.product, left, settled_before, started)


def _strange(ports: Ports, subscription: Subscription, left: Holding) -> set[AccountId]:
    """Whom the list names and we don't know of; whom we know are taken out of `left`."""
    strange = set()
    for listed, account in enumerate(ports.licensing.assigned(subscription.id), 1):
        if listed % SWEEP == 0:
            ports.progress(f"holders of {subscription.product}", listed, subscription.assigned)
        if account in left.accounts:
            left.accounts.remove(account)
        else:
            strange.add(account)
    return strange


def _described(ports: Ports, subscription: Subscription, accounts: set[AccountId]) -> list[Assigned]:
    if not accounts:
        return []
    narrowed = sorted(accounts) if len(accounts) <= NARROW else ()
    return [
        each for each in ports.licensing.assignments(subscription.id, narrowed) if each.account in accounts
    ]


def _concerned(
    ports: Ports, scope: Scope, now: datetime
) -> tuple[tuple[Mark, ...], Iterator[Sequence[PersonId]] | None]:
    """Marks are read before the people are: what changes in between is marked again."""
    marks = tuple(ports.mirror.marked(SWEEP))
    if scope is Scope.EVERYONE:
        return marks, None
    due = ports.ledger.due(now, SWEEP)
    people = tuple(dict.fromkeys([*(m.person for m in marks), *due]))
    return marks, _chunks(people)


def _everyone(
    ports: Ports, sold: Sold, applicable: Applicable, policy: Policy
) -> Iterator[Sequence[PersonId]]:
    """Those of everyone of whom there may be something to say."""
    alone = frozenset(p for p in sold.catalog.subscribed if not sold.catalog.bases(p))
    after: PersonId | None = PersonId(0)
    while after is not None:
        people, after = ports.mirror.unsettled(after, applicable, alone, policy.protected)
        yield from _chunks(people)
        if after is not None:
            ports.progress("people", after, 0)


def _chunks(all_of_them: Sequence[T]) -> Iterator[Sequence[T]]:
    return (all_of_them[n : n + CHUNK] for n in range(0, len(all_of_them), CHUNK))


def _decide_all(
    ports: Ports,
    sold: Sold,
    people: Iterator[Sequence[PersonId]],
    applicable: Applicable,
    policy: Policy,
    now: datetime,
) -> Draft:
    by_id = {m.id: m for found in applicable.values() for m in found}
    decisions: list[Decision] = []
    before: dict[tuple[PersonId, ProductId], Standing] = {}
    for chunk in people:
        for facts in ports.mirror.facts(chunk, applicable.keys()):
            decision = decide(facts, entitle(facts, applicable), by_id, sold.catalog, now, policy)
            if _says_something(decision):
                decisions.append(decision)
                before.update({(s.person, s.product): s for s in facts.standings})
    return Draft(tuple(decisions), before)


def _says_something(d: Decision) -> bool:
    blocked = any(s.blocked for s in d.standings)
    acts = d.announce or d.remove or d.confirm or d.active is not None
    return bool(d.changed or d.losses or d.regained or acts or blocked)


def _supply(ports: Ports, sold: Sold, read: Draft) -> Supply:
    doubtful, surely = ports.ledger.doubtful(), ports.ledger.surely_held()
    seats = {
        p: seats_of(s, doubtful.get(p, 0), sold.catalog, surely.get(p, 0))
        for p, s in sold.subscriptions.items()
    }
    waiting = ports.ledger.waiting()
    queues: dict[ProductId, Sequence[Waiter]] = {}
    for product in bases_first(seats, sold.catalog):
        if not waiting.get(product, 0):
            continue
        bases = sold.catalog.bases(product)
        wanted = min(seats[product].free, waiting[product]) + 2 * len(read.decisions)
        line = list(ports.ledger.queue(product, wanted, ready=bool(bases))) if wanted else []
        heads = {w.person for base in bases for w in queues.get(base, ())}
        line.extend(_behind(ports, heads, product))
        queues[product] = sorted(line, key=lambda w: w.place)
    reserves: dict[ProductId, list[tuple[MappingId, int]]] = {}
    for m in ports.mirror.mappings():
        if m.reserve:
            reserves.setdefault(m.product, []).append((m.id, m.reserve))
    return Supply(
        subscriptions=sold.subscriptions,
        seats=seats,
        queues=queues,
        waiting=waiting,
        reserves={p: tuple(r) for p, r in reserves.items()},
    )


def _behind(ports: Ports, heads: Collection[PersonId], addon: ProductId) -> Iterator[Waiter]:
    """Who waits for the add-on because the base, whose queue they lead, waits (R10)."""
    for facts in ports.mirror.facts(sorted(heads), ()) if heads else ():
        for s in facts.standings:
            if s.product == addon and s.waiting and not s.base_ready:
                yield waiter_of(s, facts.person.user_name)

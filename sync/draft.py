"""Which plan follows from the decisions, the guards and the seats? Pure; the same for a dry run (R28)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sync.allocate import allocate, merged
from sync.catalog import bases_first
from sync.explain import LOST, Givers, blocked
from sync.guards import check
from sync.keeping import is_leaving
from sync.model import (
    Decision,
    GuardPolicy,
    Held,
    Loss,
    MappingId,
    PersonId,
    ProductId,
    Standing,
    Subscription,
    Waiter,
)
from sync.plan import Action, Blocked, Catalog, HoldChange, Plan, Shortage, Verb
from sync.ports import GuardView
from sync.seats import Seats, shortage_of

Pair = tuple[PersonId, ProductId]


@dataclass(frozen=True, slots=True)
class Supply:
    """What there is to give, and who stood in line before this round."""

    subscriptions: dict[ProductId, Subscription]
    seats: dict[ProductId, Seats]
    queues: dict[ProductId, Sequence[Waiter]]  #: stored heads, long enough for the free seats
    waiting: dict[ProductId, int]  #: stored counts
    reserves: dict[ProductId, tuple[tuple[MappingId, int], ...]]


@dataclass(frozen=True, slots=True)
class Draft:
    """What the round has read of the people that it concerns."""

    decisions: tuple[Decision, ...]
    before: dict[Pair, Standing]  #: as stored


def draft(
    read: Draft,
    view: GuardView,
    supply: Supply,
    catalog: Catalog,
    policy: GuardPolicy,
    givers: Givers | None = None,
) -> Plan:
    """`givers`: the groups that give each product."""
    losses = tuple(loss for d in read.decisions for loss in d.losses)
    regained = tuple((d.person.id, product) for d in read.decisions for product in d.regained)
    caught = check(view, losses, frozenset(regained), policy)
    holds = with_addons(caught, read.decisions, catalog, view.losses)
    held = {(p, h.product) for h in holds for p in h.people} | {pair for h in holds for pair in h.addons}
    held |= {(person, base) for person, product in held for base in catalog.bases(product)}
    changes = tuple(
        replace(s, announced_at=None) if s.product in d.announce and (s.person, s.product) in held else s
        for d in read.decisions
        for s in d.standings
        if s.product in d.changed
    )  # whom a hold catches before anything was said is told once it is released (R27)

    removals = [
        Action(Verb.REMOVE, product, d.person.id, d.person.user_name, because(d, product))
        for d in read.decisions
        for product in d.remove
        if (d.person.id, product) not in held
    ]
    removed = _count(a.product for a in removals)
    assigns, shortages = _give(read, supply, removed, catalog)
    order = {id: n for n, id in enumerate(bases_first(catalog.subscribed, catalog))}
    actions = [
        *(
            Action(Verb.ANNOUNCE, product, d.person.id, d.person.user_name, because(d, product))
            for d in read.decisions
            for product in d.announce
            if (d.person.id, product) not in held
        ),
        *sorted(removals, key=lambda a: -order.get(a.product, 0)),
        *_accounts(read.decisions, held),
        *(
            Action(Verb.CONFIRM, product, d.person.id, d.person.user_name, because(d, product))
            for d in read.decisions
            for product in sorted(d.confirm, key=lambda p: order.get(p, 0))
        ),
        *assigns,
    ]
    return Plan(
        changes=changes,
        losses=losses,
        regained=regained,
        holds=holds,
        actions=tuple(actions),
        shortages=shortages,
        blocked=tuple(_blocked(read.decisions, catalog, givers)),
        names={d.person.id: d.person.user_name for d in read.decisions if d.changed},
    )


def _accounts(decisions: Iterable[Decision], held: Collection[Pair]) -> Iterable[Action]:
    for d in decisions:
        if d.active is None or any((d.person.id, product) in held for product in d.remove):
            continue
        why = "set active again: enabled in the directory"
        if not d.active:
            why = "set inactive: disabled or deleted in every directory, no license left"
        yield Action(Verb.ACCOUNT, ProductId(""), d.person.id, d.person.user_name, why)


def because(decision: Decision, product: ProductId) -> str:
    """The reason in words: how it was lost, or else the groups that give it. An add-on that goes with its
    base may have groups that give it still."""
    standing = next(s for s in decision.standings if s.product == product)
    if standing.reasons and not standing.lost_why:
        return "member of " + ", ".join(sorted({r.group_name for r in standing.reasons}))
    return LOST.get(standing.lost_why, "not entitled")


def after_waiting(since: datetime) -> str:
    return f"a seat is free; waited since {since:%Y-%m-%d %H:%M:%S} UTC"


def with_addons(
    holds: Sequence[HoldChange], decisions: Iterable[Decision], catalog: Catalog, earlier: Iterable[Loss]
) -> tuple[HoldChange, ...]:
    """A held base keeps the add-ons that would go with it, in the same hold: one decision for both (R10).

    `earlier`: losses of other rounds, for the people of whom this one decides nothing.
    """
    if not holds:
        return ()
    decided = {d.person.id for d in decisions}
    going = {
        (s.person, s.product)
        for d in decisions
        for s in d.standings
        if s.held is not Held.NO and is_leaving(s) and s.hold is None and not s.released
    }
    going |= {
        (loss.person, loss.product)
        for loss in earlier
        if loss.held and loss.hold is None and loss.person not in decided
    }
    return tuple(
        replace(
            hold,
            addons=(
                *hold.addons,
                *(
                    (person, addon)
                    for person in hold.people
                    for addon in catalog.addons(hold.product)
                    if (person, addon) in going
                ),
            ),
        )
        for hold in holds
    )


def _give(
    read: Draft, supply: Supply, removed: dict[ProductId, int], catalog: Catalog
) -> tuple[list[Action], tuple[Shortage, ...]]:
    """Who gets the seats as they will be after the removals, base products first."""
    assigns: list[Action] = []
    shortages: list[Shortage] = []
    won: set[Pair] = set()
    by_person = {d.person.id: d for d in read.decisions}
    for id in bases_first(supply.subscriptions, catalog):
        subscription = supply.subscriptions[id]
        seats = supply.seats[id]
        free = seats.free if seats.metered else _after(seats, removed.get(id, 0))
        changes = _line_changes(read, id)
        line = [_ready(w, id, catalog, won) for w in merged(supply.queues.get(id, ()), changes)]
        winners = allocate(id, line, free, supply.reserves.get(id, ()))
        for waiter in winners:
            won.add((waiter.person, id))
            decision = by_person.get(waiter.person)
            why = because(decision, id) if decision else after_waiting(waiter.since)
            assigns.append(Action(Verb.ASSIGN, id, waiter.person, waiter.user_name, why))
        waiting = supply.waiting.get(id, 0) + _grown(read, id) - len(winners)
        usable = max(0, free - len(winners) - sum(n for _, n in supply.reserves.get(id, ())))
        shortages.append(shortage_of(subscription, seats, waiting, usable))
    return assigns, tuple(shortages)


def _after(seats: Seats, removed: int) -> int:
    return max(0, seats.quantity - seats.assigned - seats.doubtful + removed)


def _line_changes(read: Draft, product: ProductId) -> Mapping[PersonId, Waiter | None]:
    """Where the decided people stand in the queue from now on; None: not in it."""
    return {
        s.person: waiter_of(s, decision.person.user_name) if s.waiting else None
        for decision in read.decisions
        for s in decision.standings
        if s.product == product
    }


def _grown(read: Draft, product: ProductId) -> int:
    """How many more wait than before the decisions."""
    now = [s for d in read.decisions for s in d.standings if s.product == product]
    before = [read.before[pair] for s in now if (pair := (s.person, product)) in read.before]
    return sum(s.waiting for s in now) - sum(s.waiting for s in before)


def waiter_of(standing: Standing, user_name: str) -> Waiter:
    assert standing.since is not None, "whoever waits is entitled since some time"
    return Waiter(
        person=standing.person,
        user_name=user_name,
        moved_to=standing.moved_to,
        priority=standing.priority,
        since=standing.since,
        mappings=tuple(r.mapping for r in standing.reasons),
        base_ready=standing.base_ready,
    )


def _ready(waiter: Waiter, product: ProductId, catalog: Catalog, won: set[Pair]) -> Waiter:
    """Whose base is assigned in this very round counts as ready (R10)."""
    bases = catalog.bases(product)
    if not waiter.base_ready and bases and all((waiter.person, base) in won for base in bases):
        return replace(waiter, base_ready=True)
    return waiter


def _blocked(decisions: Iterable[Decision], catalog: Catalog, givers: Givers | None) -> Iterable[Blocked]:
    for decision in decisions:
        for s in decision.standings:
            if s.blocked and s.held is Held.NO:
                detail = blocked(s.blocked, s.product, catalog, givers)
                yield Blocked(s.person, decision.person.user_name, s.product, s.blocked, detail)


def _count(products: Iterable[ProductId]) -> dict[ProductId, int]:
    counts: dict[ProductId, int] = {}
    for product in products:
        counts[product] = counts.get(product, 0) + 1
    return counts

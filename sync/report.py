"""What did a round do, whom did it leave unserved, and why? (R16, R28)

A report is a value made of a round and of what the ledger says now. report_json.py stores and revives it,
report_text.py shows it. A dry run's report is one whose actions have no outcome.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

from sync.allocate import merged
from sync.beside import Beside
from sync.model import Mapping as GroupMapping
from sync.model import MappingId, PersonId, ProductId, Standing, Waiter
from sync.plan import Done, Plan, Verb
from sync.ports import Ledger
from sync.reconcile import Round
from sync.seats import seats_of

#: people listed of each queue, and of the holds, in what is stored; the counts count all
LISTED = 100
#: … in what is made to be read at once
ALL = 10_000_000
#: outcomes that did what was asked
DONE = frozenset(
    [
        "assigned",
        "already_assigned",
        "unassigned",
        "not_assigned",
        "created",
        "found",
        "updated",
        "accepted",
        "announced",
    ]
)
#: not done, and nobody's failure: back at their place in the queue (R15), or AnySoft asked to wait (R29)
NO_FAILURE = frozenset(["no_license_left", "busy"])


@dataclass(frozen=True, slots=True)
class Waits:
    user: str
    product: str
    position: int  #: 1 is next
    of: int
    since: datetime
    because: str


@dataclass(frozen=True, slots=True)
class Blocked:
    user: str
    product: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Held:
    """A removal that waits for a person (R24)."""

    user: str
    product: str
    reason: str  #: group_emptied, group_share, product_share, first_run
    group: str  #: "" for a product's


@dataclass(frozen=True, slots=True)
class Failed:
    user: str
    product: str
    action: str  #: "": not tried in this round, it failed before and is to be tried again
    code: str
    next_try: datetime | None = None


@dataclass(frozen=True, slots=True)
class Short:
    product: str
    waiting: int
    free: int
    need: int  #: seats missing beyond a pending change


@dataclass(frozen=True, slots=True)
class Over:
    """Over-allocated: the quantity was lowered from outside. Nobody gets it, nobody loses it (R22)."""

    product: str
    quantity: int
    assigned: int


@dataclass(frozen=True, slots=True)
class Seats:
    """A product's seats as the round left them."""

    product: str
    quantity: int
    assigned: int  #: as AnySoft counted them before the round, with what the round gave and took
    waiting: int
    pending: int | None  #: the quantity that AnySoft was asked for before the round; None: nothing pends
    metered: bool  #: not bounded by the quantity (R17)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A living quantity request (R18)."""

    id: int
    product: str
    state: str
    quantity: int
    proposed: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Report:
    run: int | None  #: None: a dry run
    cause: str
    scope: str
    started_at: datetime
    finished_at: datetime | None  #: None: under way, or broken off
    counts: Mapping[str, int]  #: of each action those that were done; in a dry run those to be done
    actions: tuple[Done, ...] = ()
    waiting: tuple[Waits, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    held: tuple[Held, ...] = ()
    failed: tuple[Failed, ...] = ()
    shortages: tuple[Short, ...] = ()
    requests: tuple[Prompt, ...] = ()
    incomplete: tuple[str, ...] = ()
    over_allocated: tuple[Over, ...] = ()
    seats: tuple[Seats, ...] = ()
    beside: Beside = field(default_factory=Beside)
    notes: tuple[str, ...] = ()  #: what is to be known of this round: AnySoft is back, or slow

    @property
    def complete(self) -> bool:
        """Whether everybody who waits, and every held removal, is listed."""
        counted = (self.counts.get("waiting", 0), self.counts.get("held", 0))
        return (len(self.waiting), len(self.held)) == counted

    @property
    def needs_a_person(self) -> bool:
        """Exit code 3 of `plan` and `sync --wait`: a hold or prompt is open, somebody waits or fails."""
        open_prompt = any(prompt.state in ("open", "overdue") for prompt in self.requests)
        return bool(
            self.held
            or open_prompt
            or self.counts.get("waiting")
            or self.counts.get("failed")
            or self.incomplete
            or self.over_allocated
        )


def compose(
    round: Round,
    ledger: Ledger,
    now: datetime,
    mappings: Sequence[GroupMapping] = (),
    listed: int = LISTED,
) -> Report:
    """Reads the queues' heads, the living requests, and what the run's actions came to. `listed`: how many
    of each queue, and of the held removals, are told by name."""
    plan = round.plan
    dry = round.run is None
    actions = _planned(plan) if round.run is None else tuple(ledger.outcomes(round.run))
    failed = _with_earlier(failures(actions), ledger)
    waiting = {s.product: s.waiting for s in plan.shortages} if dry else ledger.waiting()
    lines = {p: _line(ledger, plan, p, dry, listed) for p, count in waiting.items() if count}
    counted = Counter(a.action for a in actions if dry or did(a))
    on_hold, first = ledger.held(listed)
    coming = tuple(_held(plan, mappings)) if dry else ()  # else they are among the others by now
    held = (*(Held(h.user_name, h.product, h.reason, h.group_name) for h in first), *coming)
    seats = tuple(_seats(round, actions, waiting))
    return Report(
        run=round.run,
        cause=round.cause,
        scope=str(round.scope),
        started_at=round.started_at,
        finished_at=now,
        counts={
            **{str(verb): counted.get(verb, 0) for verb in Verb},
            "waiting": sum(waiting.values()),
            "blocked": len(plan.blocked),
            "held": on_hold + len(coming),
            "failed": len(failed),
            **_untold(counted.get(str(Verb.ANNOUNCE), 0), round),
            **_for_anysoft(round, seats, ledger),
        },
        actions=actions,
        waiting=tuple(_waiting(lines, waiting, plan, mappings)),
        blocked=tuple(Blocked(b.user_name, b.product, b.code, b.detail) for b in plan.blocked),
        held=held,
        failed=failed[: max(listed, len(failures(actions)))],
        shortages=tuple(_short(plan, waiting)),
        requests=tuple(
            Prompt(r.id or 0, r.product, str(r.state), r.quantity, r.target or r.proposed, r.waiting)
            for r in ledger.requests()
        ),
        incomplete=round.trouble,
        over_allocated=tuple(_over(round)),
        seats=seats,
    )


def completed(report: Report, ledger: Ledger, mappings: Sequence[GroupMapping]) -> Report:
    """With everybody who waits and every held removal, as they are now: of the newest round, whose report
    keeps the first of them only."""
    waiting = ledger.waiting()
    lines = {p: ledger.queue(p, count, ready=False) for p, count in waiting.items() if count}
    _, held = ledger.held(ALL)
    return replace(
        report,
        waiting=tuple(_waiting(lines, waiting, Plan(), mappings)),
        held=tuple(Held(h.user_name, h.product, h.reason, h.group_name) for h in held),
        counts={**report.counts, "waiting": sum(waiting.values()), "held": len(held)},
    )


def _short(plan: Plan, waiting: Mapping[ProductId, int]) -> Iterator[Short]:
    """As it is after the round: where an assignment failed, its seat went to the next who waited."""
    for s in plan.shortages:
        now = waiting.get(s.product, 0)
        need = max(0, s.need + now - s.waiting)
        if need:
            yield Short(s.product, now, s.free, need)


def _seats(round: Round, actions: Sequence[Done], waiting: Mapping[ProductId, int]) -> Iterator[Seats]:
    dry = round.run is None
    gave = Counter(a.product for a in actions if a.action == Verb.ASSIGN and (dry or a.outcome == "assigned"))
    took = Counter(
        a.product for a in actions if a.action == Verb.REMOVE and (dry or a.outcome == "unassigned")
    )
    for p, s in sorted(round.sold.subscriptions.items() if round.sold else ()):
        metered = round.sold is not None and seats_of(s, 0, round.sold.catalog).metered
        assigned = s.assigned + gave[p] - took[p]
        pending = None if s.pending is None else s.pending.quantity
        yield Seats(p, s.quantity, assigned, waiting.get(p, 0), pending, metered)


def _for_anysoft(round: Round, seats: Sequence[Seats], ledger: Ledger) -> dict[str, int]:
    """For how many of those who wait seats are free: a round that AnySoft ended gave them to nobody."""
    if not (round.outage or round.put_off):
        return {}
    doubtful = ledger.doubtful()
    free = (s.quantity - s.assigned - doubtful.get(ProductId(s.product), 0) for s in seats)
    served = sum(min(s.waiting, max(0, n)) for s, n in zip(seats, free, strict=True) if not s.metered)
    return {"for_anysoft": served} if served else {}


def _untold(announced: int, round: Round) -> dict[str, int]:
    """Without a channel the clock runs all the same, and the report says that nobody was told (R27)."""
    return {"untold": announced} if announced and not round.channel else {}


def _over(round: Round) -> Iterator[Over]:
    for product, s in sorted(round.sold.subscriptions.items() if round.sold else ()):
        if round.sold and seats_of(s, 0, round.sold.catalog).over_allocated:
            yield Over(product, s.quantity, s.assigned)


def _planned(plan: Plan) -> tuple[Done, ...]:
    return tuple(Done(str(a.verb), a.person, a.user_name, a.product, a.because, "") for a in plan.actions)


def did(action: Done) -> bool:
    """Whether it had the effect that was meant. An announcement is made by being planned."""
    gone = action.action == Verb.REMOVE and action.outcome == "unknown_user"  # no account, no license (R05)
    return action.outcome in DONE or gone or action.action == Verb.ANNOUNCE


def failures(actions: Iterable[Done]) -> tuple[Failed, ...]:
    """What was tried and had not the effect (R11); not what was never tried."""
    return tuple(
        Failed(a.user_name, a.product, a.action, a.outcome)
        for a in actions
        if a.outcome and a.outcome not in NO_FAILURE and not did(a)
    )


def _with_earlier(tried: tuple[Failed, ...], ledger: Ledger) -> tuple[Failed, ...]:
    """What failed in this round, then what failed before and isn't mended: nobody who fails goes untold."""
    fails = {(f.user_name, str(f.product)): f for f in ledger.failing()}
    now = [
        replace(t, next_try=found.next_try) if (found := fails.pop((t.user, t.product), None)) else t
        for t in tried
    ]
    return (*now, *(Failed(f.user_name, f.product, "", f.code.lower(), f.next_try) for f in fails.values()))


def _line(ledger: Ledger, plan: Plan, product: ProductId, dry: bool, listed: int) -> list[Waiter]:
    """The head of the queue; for a dry run as it would be afterwards."""
    if not dry:
        return list(ledger.queue(product, listed, ready=False))
    changes: dict[PersonId, Waiter | None] = {
        s.person: _waiter(s, plan.names.get(s.person, "")) for s in plan.changes if s.product == product
    }
    changes.update(
        {a.person: None for a in plan.actions if a.verb is Verb.ASSIGN and a.product == product and a.person}
    )
    stored_line = ledger.queue(product, listed + len(changes), ready=False)
    return list(islice(merged(stored_line, changes), listed))


def _waiter(s: Standing, user_name: str) -> Waiter | None:
    if not s.waiting or s.since is None:
        return None
    mappings = tuple(reason.mapping for reason in s.reasons)
    return Waiter(s.person, user_name, s.moved_to, s.priority, s.since, mappings, s.base_ready)


def _waiting(
    lines: Mapping[ProductId, Sequence[Waiter]],
    counts: Mapping[ProductId, int],
    plan: Plan,
    mappings: Sequence[GroupMapping],
) -> Iterator[Waits]:
    groups: dict[MappingId, str] = {m.id: m.group_name for m in mappings}
    groups.update({r.mapping: r.group_name for s in plan.changes for r in s.reasons})
    for product, line in sorted(lines.items()):
        for position, w in enumerate(line, 1):
            names = sorted({groups[m] for m in w.mappings if m in groups})
            because = f"member of {', '.join(names)}" if names else ""
            if not w.base_ready:
                because += "; its base license waits, too"
            yield Waits(w.user_name, product, position, counts[product], w.since, because)


def _held(plan: Plan, mappings: Sequence[GroupMapping]) -> Iterator[Held]:
    groups = {m.group: m.group_name for m in mappings}
    for change in plan.holds:
        group = "" if change.group is None else groups.get(change.group, f"group {change.group}")
        for person, product in (*((p, change.product) for p in change.people), *change.addons):
            yield Held(plan.names.get(person, f"person {person}"), product, change.reason, group)

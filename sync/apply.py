"""How is a plan carried out? Add-ons off, bases off, recount, doubts asked again, bases on, add-ons on (R09).

Nothing is remembered from the plan but who is concerned: what is asked for is what the ledger says at that
moment, and the seats are counted anew before each wave.
"""

from collections.abc import Iterator, Sequence

from sync.accounts import account_of, set_active
from sync.allocate import allocate
from sync.buying import see_to_requests
from sync.calls import Asked, Kind, ask, succeeded
from sync.catalog import bases_first
from sync.draft import after_waiting
from sync.model import Facts, Held, MappingId, Origin, PersonId, Policy, ProductId, RunId, Standing, Status
from sync.plan import Action, Plan, Verb
from sync.ports import Outcome, Ports
from sync.seats import seats_of
from sync.settle import OUTAGE
from sync.sold import Sold

WAVE = 1_000  #: seats given between two counts
BATCH = 200  #: people read at once
IN_VAIN = 20  #: waves in a row that may serve nobody


def carry_out(ports: Ports, run: RunId, plan: Plan, sold: Sold, policy: Policy) -> Iterator[str]:
    """Yields what went wrong for the round as a whole. Raises Transient, Unauthorized, Fenced."""
    order = bases_first(sold.subscriptions, sold.catalog)
    reserves = _reserves(ports)
    for product in reversed(order):
        _remove(ports, run, sold, product, _people(plan, Verb.REMOVE, product), policy)
    _set_active(ports, run, plan)
    for product in order:
        _confirm(ports, run, sold, product, _people(plan, Verb.CONFIRM, product), policy)
    planned = {(a.person, a.product) for a in plan.actions if a.verb is Verb.ASSIGN}
    for product in order:
        _assign(ports, run, sold, product, planned, reserves.get(product, ()), policy)
    if not ports.stopping():
        reserved = {p: sum(n for _, n in r) for p, r in reserves.items()}
        yield from see_to_requests(ports, run, sold, reserved, policy)


def _people(plan: Plan, verb: Verb, product: ProductId) -> tuple[PersonId, ...]:
    return tuple(a.person for a in plan.actions if a.verb is verb and a.product == product and a.person)


def _remove(
    ports: Ports, run: RunId, sold: Sold, product: ProductId, people: Sequence[PersonId], policy: Policy
) -> None:
    addons = sold.catalog.addons(product)
    for n in _batches(ports, len(people), policy, f"unassign {product}"):
        batch = []
        for facts in ports.mirror.facts(people[n : n + policy.batch], ()):
            standing = _standing(facts, product)
            if standing is None or not _to_remove(standing):
                continue
            if any(s.held is not Held.NO for s in facts.standings if s.product in addons):
                continue  # never a base from under an add-on, whatever its call came to (R09)
            if facts.person.account is not None:
                batch.append(Asked(facts.person, facts.person.account, standing))
        if batch:
            ask(ports, run, Kind.UNASSIGN, sold.subscriptions[product], batch)


def _set_active(ports: Ports, run: RunId, plan: Plan) -> None:
    """Accounts, after the removals and before the assignments (R05)."""
    people = [a.person for a in plan.actions if a.verb is Verb.ACCOUNT and a.person]
    for n in range(0, len(people), BATCH):
        for facts in ports.mirror.facts(people[n : n + BATCH], ()):
            if ports.stopping():
                return
            set_active(ports, run, facts)


def _to_remove(s: Standing) -> bool:
    return (
        s.held is not Held.NO
        and s.origin is not Origin.MANUAL
        and s.lost_at is not None
        and s.hold is None
        and not s.kept
    )


def _confirm(
    ports: Ports, run: RunId, sold: Sold, product: ProductId, people: Sequence[PersonId], policy: Policy
) -> None:
    for n in _batches(ports, len(people), policy, f"confirm {product}"):
        batch = []
        for facts in ports.mirror.facts(people[n : n + policy.batch], ()):
            standing = _standing(facts, product)
            if standing is None or standing.held is not Held.MAYBE or not _based(facts, product, sold):
                continue
            if asked := account_of(ports, run, facts.person, standing):
                batch.append(asked)
        for outcome in ask(ports, run, Kind.ASSIGN, sold.subscriptions[product], batch) if batch else ():
            _forget_unknown(ports, outcome)


def _forget_unknown(ports: Ports, outcome: Outcome) -> None:
    if outcome.code == Status.UNKNOWN_USER:
        ports.ledger.forget_account(outcome.person)


def _assign(
    ports: Ports,
    run: RunId,
    sold: Sold,
    product: ProductId,
    planned: set[tuple[PersonId | None, ProductId]],
    reserves: Sequence[tuple[MappingId, int]],
    policy: Policy,
) -> None:
    """Free seats to the head of the queue, wave by wave, until one or the other is used up."""
    subscription = sold.subscriptions[product]
    given = of = in_vain = 0
    while in_vain <= IN_VAIN and not ports.stopping() and (waiting := ports.ledger.waiting().get(product, 0)):
        counted = ports.licensing.subscription(subscription.id)
        doubtful, surely = ports.ledger.doubtful(), ports.ledger.surely_held()
        seats = seats_of(counted, doubtful.get(product, 0), sold.catalog, surely.get(product, 0))
        free = min(WAVE, seats.free)
        passed_over = sum(n for _, n in reserves) and WAVE
        line = ports.ledger.queue(product, free + passed_over, ready=True) if free else ()
        winners = [w.person for w in allocate(product, line, free, reserves)]
        if not winners:
            return
        of = max(of, given + min(waiting, seats.free))
        served, ran_out = _wave(ports, run, sold, product, winners, planned, policy, (given, of))
        if ran_out or not (served or _refused(ports, product, winners)):
            return
        in_vain = 0 if served else in_vain + 1
        given += len(winners)


def _wave(
    ports: Ports,
    run: RunId,
    sold: Sold,
    product: ProductId,
    winners: Sequence[PersonId],
    planned: set[tuple[PersonId | None, ProductId]],
    policy: Policy,
    so_far: tuple[int, int],
) -> tuple[bool, bool]:
    """Whether somebody was served, and whether AnySoft ran out of seats before us (R15)."""
    served = ran_out = False
    for n in _batches(ports, len(winners), policy, f"assign {product}", *so_far):
        batch = []
        for facts in ports.mirror.facts(winners[n : n + policy.batch], ()):
            standing = _standing(facts, product)
            if standing is None or not standing.waiting or not _based(facts, product, sold):
                continue
            if asked := account_of(ports, run, facts.person, standing):
                batch.append(asked)
        fresh = [a for a in batch if (a.person.id, product) not in planned]
        if fresh:
            ports.ledger.append(
                run,
                [
                    Action(Verb.ASSIGN, product, a.person.id, a.person.user_name, after_waiting(since))
                    for a in fresh
                    if (since := a.standing.since)
                ],
            )
        for outcome in ask(ports, run, Kind.ASSIGN, sold.subscriptions[product], batch) if batch else ():
            served = served or succeeded(outcome)
            ran_out = ran_out or outcome.code == Status.NO_LICENSE_LEFT
            _forget_unknown(ports, outcome)
    return served, ran_out


def _refused(ports: Ports, product: ProductId, winners: Sequence[PersonId]) -> bool:
    """Whether AnySoft refused somebody by themselves, which is nothing to the next in line (R11)."""
    now = (_standing(facts, product) for facts in ports.mirror.facts(winners[:BATCH], ()))
    return any(s is not None and s.failure and s.failure not in OUTAGE for s in now)


def _based(facts: Facts, product: ProductId, sold: Sold) -> bool:
    """What is only in doubt is no base (R29, L12)."""
    held = {s.product for s in facts.standings if s.held is Held.YES}
    return all(base in held for base in sold.catalog.bases(product))


def _standing(facts: Facts, product: ProductId) -> Standing | None:
    return next((s for s in facts.standings if s.product == product), None)


def _batches(
    ports: Ports, count: int, policy: Policy, what: str, before: int = 0, of: int = 0
) -> Iterator[int]:
    """Offsets of batches; stops between two when the worker is to end (T30). Tells how many of all, `of`, are
    done, `before` of them in earlier waves."""
    for n in range(0, count, policy.batch):
        if ports.stopping():
            return
        ports.progress(what, before + n, of or count)
        yield n
    if count:
        ports.progress(what, before + count, of or count)


def _reserves(ports: Ports) -> dict[ProductId, tuple[tuple[MappingId, int], ...]]:
    found: dict[ProductId, tuple[tuple[MappingId, int], ...]] = {}
    for m in ports.mirror.mappings():
        if m.reserve:
            found[m.product] = (*found.get(m.product, ()), (m.id, m.reserve))
    return found

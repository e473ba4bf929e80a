"""What holds in every world? Properties of decide and allocate over random ones (hypothesis)."""

import random
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from sync.allocate import allocate, merged
from sync.decide import decide
from sync.entitle import entitle
from sync.mapping import applicable
from sync.model import (
    Decision,
    Facts,
    GroupId,
    Held,
    HoldId,
    MappingId,
    Membership,
    Origin,
    Person,
    PersonId,
    Policy,
    ProductId,
    RunId,
    Standing,
    Status,
    Waiter,
)
from sync.settle import after_assign, freed
from tests.moments import START, at
from tests.sync.world import (
    ANNA,
    CATALOG,
    CENTRE,
    GIVES,
    GRACE,
    MAPPINGS,
    PRINT,
    RELEASE,
    SETTLED,
    holds,
    judge,
    person,
    reason,
)

NOW = at(3_000)
PRODUCTS = (PRINT, CENTRE, RELEASE)
POLICY = Policy(protected=frozenset({"vip@example.com"}))
moments = st.integers(0, 3_100).map(at)
maybe = st.none() | moments


@st.composite
def standings(draw: st.DrawFn, product: ProductId) -> Standing:
    """Any that the ledger might hold, sensible or not quite: half a crash, an operator's word, a doubt."""
    groups = draw(st.lists(st.sampled_from(sorted(g for g in GIVES if GIVES[g] == product)), unique=True))
    lost = draw(st.booleans())
    return Standing(
        ANNA,
        product,
        held=draw(st.sampled_from(Held)),
        origin=draw(st.sampled_from(Origin)),
        reasons=tuple(reason(g) for g in groups),
        since=draw(maybe),
        waiting=draw(st.booleans()),
        base_ready=draw(st.booleans()),
        moved_to=draw(st.integers(-2, 0)),
        blocked=draw(st.sampled_from(["", "MISSING_BASE", "DISABLED", "REQUIRED_BY_ADDON"])),
        lost_at=draw(moments) if lost else None,
        lost_groups=tuple(groups) if lost else (),
        lost_why=draw(st.sampled_from(["left", "disabled", "deleted", "unmapped", "base"])) if lost else "",
        announced_at=draw(maybe) if lost else None,
        due_at=draw(moments) if lost else None,
        hold=draw(st.none() | st.just(HoldId(1))) if lost else None,
        released=draw(st.booleans()),
        kept=draw(st.booleans()) if lost else False,
        failure=draw(st.sampled_from(["", "NO_ANSWER"])),
        next_try=draw(maybe),
        look_at=draw(maybe),
    )


@st.composite
def people(draw: st.DrawFn) -> Person:
    return person(
        records=draw(st.lists(st.booleans(), max_size=2)),
        conflict=draw(st.integers(0, 9)) == 0,
        user_name=draw(st.sampled_from(["anna@example.com"] * 9 + ["vip@example.com"])),
        epoch=draw(moments),
    )


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    groups = draw(st.lists(st.sampled_from(sorted(GIVES)), unique=True))
    members = tuple(Membership(group, draw(moments)) for group in groups)
    known = draw(st.lists(st.sampled_from(PRODUCTS), unique=True))
    return Facts(draw(people()), members, tuple(draw(standings(product)) for product in known))


def decided(known: Facts, now: datetime = NOW) -> Decision:
    entitled = entitle(known, applicable(MAPPINGS, ()))
    return decide(known, entitled, {m.id: m for m in MAPPINGS}, CATALOG, now, POLICY)


@given(facts())
def test_deciding_again_changes_nothing(known: Facts) -> None:
    """R03: idempotent; what is still to do is still to do."""
    first = decided(known)
    again = decided(replace(known, standings=first.standings))
    assert again.changed == again.losses == again.regained == again.announce == ()  # type: ignore[comparison-overlap]
    assert (again.standings, again.remove, again.confirm) == (first.standings, first.remove, first.confirm)


@given(facts(), st.randoms(use_true_random=False))
def test_the_order_of_what_is_read_does_not_matter(known: Facts, order: random.Random) -> None:
    """R14"""
    members = order.sample(known.memberships, len(known.memberships))
    rows = order.sample(known.standings, len(known.standings))
    assert decided(Facts(known.person, tuple(members), tuple(rows))) == decided(known)


@given(facts())
def test_never_a_base_from_under_an_add_on(known: Facts) -> None:
    """R09, L12: whatever is held, or may be, goes before its base, or its base stays."""
    decision = decided(known)
    after = {s.product: s for s in decision.standings}
    for n, product in enumerate(decision.remove):
        for addon in CATALOG.addons(product):
            if addon in after and after[addon].held is not Held.NO:
                assert addon in decision.remove[:n]


@given(facts())
def test_what_was_assigned_by_hand_is_untouched(known: Facts) -> None:
    """R08"""
    decision = decided(known)
    for s in known.standings:
        if s.held is Held.YES and s.origin in (Origin.MANUAL, Origin.NONE):
            assert s.product not in decision.remove
            after = next(x for x in decision.standings if x.product == s.product)
            assert (after.held, after.origin, after.assigned_at) == (s.held, s.origin, s.assigned_at)


@given(facts())
def test_only_what_is_lost_due_and_held_by_nobody_is_removed(known: Facts) -> None:
    """R24, R27, R08"""
    decision = decided(known)
    after = {s.product: s for s in decision.standings}
    for product in decision.remove:
        s = after[product]
        assert s.held is not Held.NO
        assert s.hold is None
        assert not s.kept
        assert s.due_at is not None
        assert s.due_at <= NOW
        assert known.person.user_name != "vip@example.com"


@given(facts())
def test_who_is_entitled_and_has_the_base_loses_nothing(known: Facts) -> None:
    """T06"""
    decision = decided(known)
    entitled = entitle(known, applicable(MAPPINGS, ()))
    if not known.person.enabled or known.person.conflict:
        return
    for product in decision.remove:
        if product in entitled:
            assert set(CATALOG.bases(product)) & set(decision.remove), "only with its base"


@given(facts())
def test_whoever_waits_is_entitled_since_a_time_and_ready_only_on_a_sure_base(known: Facts) -> None:
    """R10, R14, R29"""
    decision = decided(known)
    after = {s.product: s for s in decision.standings}
    for s in decision.standings:
        if s.waiting:
            assert s.held is Held.NO
            assert s.reasons
            assert s.since is not None
            assert not s.blocked
            if s.base_ready:
                assert all(after[base].held is Held.YES for base in CATALOG.bases(s.product))
        if s.product in decision.confirm:
            assert all(after[base].held is Held.YES for base in CATALOG.bases(s.product))


@given(facts())
def test_what_must_happen_later_is_looked_at_later(known: Facts) -> None:
    """Level, not edge: nothing waits for an event that may never come."""
    decision = decided(known)
    for s in decision.standings:
        going = s.held is not Held.NO and s.due_at is not None and not s.kept and s.hold is None
        base_held = any(
            b.product in CATALOG.bases(s.product) and b.hold is not None for b in decision.standings
        )
        if going and not base_held:
            assert s.look_at is not None
        if s.product in decision.remove or s.product in decision.confirm:
            assert s.look_at is not None


# ---- the course of a year ----

JOIN, LEAVE, DISABLE, ENABLE = "join", "leave", "disable", "enable"
events = st.lists(
    st.tuples(
        st.sampled_from([JOIN, LEAVE, JOIN, LEAVE, DISABLE, ENABLE]),
        st.sampled_from(sorted(GIVES)),
        st.integers(1, 2_000),  #: minutes until the next
        st.sampled_from(["done", "done", "no answer"]),
    ),
    max_size=30,
)


@settings(deadline=None)
@given(events)
def test_a_year_of_one_person(course: list[tuple[str, GroupId, int, str]]) -> None:
    """L12, R05, R27: at AnySoft never an add-on without its base; due as R27 says."""
    has: set[ProductId] = set()
    groups: set[GroupId] = set()
    active, now = True, START
    rows: tuple[Standing, ...] = ()
    for what, group, pause, answer in course:
        active = {DISABLE: False, ENABLE: True}.get(what, active)
        groups = groups | {group} if what == JOIN else groups - {group} if what == LEAVE else groups
        ends = now + timedelta(minutes=pause)
        while now < ends:
            decision = judge(sorted(groups), *rows, now=now, who=person(records=(active,)), since=now)
            rows = carried_out(decision, has, now, answer)
            assert all(PRINT in has for addon in (CENTRE, RELEASE) if addon in has)
            looks = [s.look_at for s in rows if s.look_at is not None and s.look_at > now]
            now = min([ends, *looks])
        answer = "done"
    settled = judge(sorted(groups), *rows, now=now + timedelta(days=9), who=person(records=(active,)))
    rows = carried_out(settled, has, now + timedelta(days=9), "done")
    for _ in range(4):
        later = now + timedelta(days=12)
        rows = carried_out(
            judge(sorted(groups), *rows, now=later, who=person(records=(active,))), has, later, "done"
        )
        now = later
    given_by = {GIVES[group] for group in groups} if active else set()
    should = given_by if PRINT in given_by else set()
    assert has == should, "it converges"


def carried_out(decision: Decision, has: set[ProductId], now: datetime, answer: str) -> tuple[Standing, ...]:
    """As AnySoft would: removals, then confirmations, then seats, of which there are enough."""
    rows = {s.product: s for s in decision.standings}
    for product in decision.remove:
        s = rows[product]
        assert not any(addon in has for addon in CATALOG.addons(product)), "L12"
        with_base = any(b in rows and rows[b].due_at is not None for b in CATALOG.bases(product))
        if s.lost_why == "left" and not with_base:
            assert s.announced_at is not None
            assert now >= s.announced_at + timedelta(minutes=GRACE)
            assert s.lost_at is not None
            assert now >= s.lost_at + timedelta(minutes=SETTLED)
        has.discard(product)
        rows[product] = freed(s) if answer == "done" else doubt(s, now)
        if answer != "done":
            break
    for product in [p for p in PRODUCTS if p in rows]:
        s = rows[product]
        ready = all(b in rows and rows[b].held is Held.YES for b in CATALOG.bases(product))
        if not ready or not (product in decision.confirm or s.waiting):
            continue
        assert all(base in has for base in CATALOG.bases(product)), "L12"
        has.add(product)
        given = after_assign(s, Status.ASSIGNED, RunId(1), now)
        rows[product] = given if answer == "done" else doubt(s, now)
    return tuple(rows.values())


def doubt(s: Standing, now: datetime) -> Standing:
    again = now + timedelta(minutes=5)
    return replace(s, held=Held.MAYBE, waiting=False, failure="NO_ANSWER", next_try=again, look_at=again)


# ---- the queue ----


@st.composite
def queues(draw: st.DrawFn) -> list[Waiter]:
    ids = draw(st.lists(st.integers(1, 99), unique=True, max_size=20))
    return [
        Waiter(
            PersonId(id),
            "",
            draw(st.integers(-1, 0)),
            draw(st.integers(1, 3)),
            draw(st.integers(0, 3).map(at)),
            tuple(draw(st.lists(st.integers(1, 3).map(MappingId), unique=True))),
            draw(st.booleans()),
        )
        for id in ids
    ]


reserved = st.lists(
    st.tuples(st.integers(1, 3).map(MappingId), st.integers(0, 5)), unique_by=lambda r: r[0], max_size=3
)


@given(queues(), st.integers(-1, 25), reserved, st.randoms(use_true_random=False))
def test_allocation(
    line: list[Waiter], free: int, reserves: list[tuple[MappingId, int]], order: random.Random
) -> None:
    """R12, R14: never more than free; the order holds; shuffling changes nothing; nobody is served from
    another's reserve; and no seat that somebody may have stays empty."""
    stored = sorted(line, key=lambda w: w.place)
    won = allocate(PRINT, stored, free, reserves)
    assert len(won) <= max(0, free)
    assert list(won) == [w for w in stored if w in won]
    assert all(w.base_ready for w in won)

    shuffled = order.sample(line, len(line))
    cut = order.randint(0, len(shuffled))
    first = sorted(shuffled[:cut], key=lambda w: w.place)
    again = merged(first, {w.person: w for w in shuffled[cut:]})
    assert allocate(PRINT, again, free, order.sample(reserves, len(reserves))) == won

    kept = min(max(0, free), sum(n for _, n in reserves))
    strangers = [w for w in won if not set(w.mappings) & {m for m, n in reserves if n}]
    assert len(strangers) <= max(0, free) - kept
    waiting = [w for w in stored if w.base_ready and w not in won]
    if len(won) < free and not reserves:
        assert waiting == []
    for m, n in reserves[:1]:
        if len(reserves) == 1 and free - len(won) > 0:
            assert not any(m in w.mappings for w in waiting), f"{n} seats are theirs"


@given(queues(), st.integers(0, 25))
def test_nobody_loses_a_license_to_somebody_in_the_queue(line: list[Waiter], free: int) -> None:
    """R14: one seat more serves the same people, and at most one more."""
    stored = sorted(line, key=lambda w: w.place)
    fewer, more = allocate(PRINT, stored, free, ()), allocate(PRINT, stored, free + 1, ())
    assert more[: len(fewer)] == fewer
    assert len(more) - len(fewer) <= 1


def test_the_worlds_have_removals_to_speak_of() -> None:
    """A property over worlds in which nothing happens would prove nothing."""
    due = holds(PRINT, lost_at=at(0), lost_why="left", due_at=at(9), announced_at=at(1), look_at=at(9))
    assert judge([], due, now=NOW).remove == (PRINT,)

"""What follows for a product that the person isn't losing: wanted, kept, blocked, by hand (R01-R08, R10)."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from sync.model import Held, HoldId, Origin, Policy, State
from sync.plan import Catalog
from tests.moments import at
from tests.sync.world import (
    CENTRE,
    CENTRES,
    OTHER_STAFF,
    PRINT,
    PRODUCTS,
    RELEASE,
    RELEASES,
    STAFF,
    after,
    holds,
    judge,
    mapping,
    of,
    person,
    reason,
    waits,
)

ONLY_CENTRE = Catalog(PRODUCTS, frozenset({CENTRE}))
PROTECTED = Policy(protected=frozenset({"p1@example.com"}))


# ---- wanted and not held ----


def test_who_is_entitled_and_lacks_it_waits_with_their_reasons() -> None:
    """R01, R14"""
    s = of(judge([STAFF, OTHER_STAFF], since=at(-5)))
    assert (s.state, s.waiting, s.since) == (State.WAITING, True, at(-5))
    assert s.reasons == (reason(STAFF, at(-5)), reason(OTHER_STAFF, at(-5)))


def test_the_priority_is_that_of_the_best_reason() -> None:
    """R14"""
    mappings = (mapping(STAFF, priority=50), mapping(OTHER_STAFF, priority=7))
    assert of(judge([STAFF, OTHER_STAFF], mappings=mappings)).priority == 7


def test_nothing_is_said_of_who_is_entitled_to_nothing() -> None:
    decision = judge([])
    assert decision.standings == ()
    assert decision.changed == ()


def test_a_resent_membership_changes_nothing() -> None:
    """R03"""
    first = judge([STAFF])
    assert first.changed == (PRINT,)
    again = judge([STAFF], *first.standings, now=at(9))
    assert again.changed == ()
    assert again.standings == first.standings


def test_a_further_group_that_gives_it_changes_the_reasons_only() -> None:
    """R01: no call"""
    decision = judge([STAFF, OTHER_STAFF], holds(PRINT, STAFF))
    assert of(decision) == holds(PRINT, STAFF, OTHER_STAFF)
    assert not decision.losses
    assert not decision.remove
    assert not decision.confirm


def test_leaving_one_of_two_groups_keeps_it() -> None:
    """R01"""
    decision = judge([OTHER_STAFF], holds(PRINT, STAFF, OTHER_STAFF))
    assert of(decision) == holds(PRINT, OTHER_STAFF)
    assert not decision.losses


def test_what_was_not_bought_is_blocked() -> None:
    """R16"""
    s = of(judge([STAFF], catalog=ONLY_CENTRE))
    assert (s.state, s.blocked, s.waiting) == (State.BLOCKED, "NOT_SUBSCRIBED", False)


@pytest.mark.parametrize(
    ("says", "failure", "next_try", "waiting", "look_at"),
    [
        ("backing off: not in the queue until then", "INACTIVE", at(5), False, at(5)),
        ("the time has come: at the old place", "INACTIVE", at(0), True, None),
        ("no next try: only a person can mend it", "INACTIVE", None, False, None),
    ],
)
def test_failures(
    says: str, failure: str, next_try: datetime | None, waiting: bool, look_at: datetime | None
) -> None:
    """R11: retried with back-off, and listed; a failure is never remembered as done."""
    s = of(judge([STAFF], waits(PRINT, STAFF, since=at(-9), failure=failure, next_try=next_try, attempts=3)))
    assert (s.waiting, s.look_at, s.failure, s.attempts) == (waiting, look_at, failure, 3), says
    assert s.state is State.FAILED
    assert s.since == at(-9)


# ---- the queue place: since when entitled without a break (R14) ----

GONE = {"reasons": (), "waiting": False}


@pytest.mark.parametrize(
    ("says", "stored", "now", "member_since", "since"),
    [
        ("the stored place stays", {}, 30, -60, at(0)),
        ("a gap inside the settle window is no break", GONE | {"lost_at": at(10)}, 25, 20, at(0)),
        ("a longer gap is one: since the new membership", GONE | {"lost_at": at(10)}, 30, 26, at(26)),
        ("a membership older than the gap gives no older place", GONE | {"lost_at": at(10)}, 30, -60, at(30)),
        ("with no place of old, since the membership", GONE | {"since": None}, 30, 20, at(20)),
    ],
)
def test_since(
    says: str, stored: dict[str, object], now: float, member_since: float, since: datetime
) -> None:
    """R14"""
    before = replace(waits(PRINT, STAFF), **stored)  # type: ignore[arg-type]
    assert of(judge([STAFF], before, now=at(now), since=at(member_since))).since == since, says


def test_an_operators_move_lasts_while_they_wait_and_ends_with_a_break() -> None:
    """R14"""
    moved = waits(PRINT, STAFF, moved_to=-1)
    assert of(judge([STAFF], moved, now=at(9))).moved_to == -1
    gone = of(judge([], moved))
    assert of(judge([STAFF], gone, now=at(10))).moved_to == -1
    assert of(judge([STAFF], gone, now=at(60))).moved_to == 0


def test_a_move_is_used_up_by_the_license() -> None:
    """R14: it precedes all once, not whenever the person waits again."""
    assert of(judge([STAFF], holds(PRINT, STAFF, moved_to=-1))).moved_to == 0


def test_a_person_re_created_under_the_same_name_has_no_old_place() -> None:
    """R02"""
    anew = person(epoch=at(50))
    s = of(judge([STAFF], waits(PRINT, STAFF, moved_to=-1), who=anew, now=at(55), since=at(51)))
    assert (s.since, s.moved_to) == (at(51), 0)
    assert of(judge([STAFF], who=anew, now=at(55), since=at(0))).since == at(50)


def test_a_removal_that_is_due_is_dropped_if_the_re_created_person_is_entitled() -> None:
    """R02"""
    going = judge([], holds(PRINT, STAFF), who=person(records=()))
    assert going.remove == (PRINT,)
    decision = judge([STAFF], *going.standings, who=person(epoch=at(2)), now=at(3), since=at(2))
    assert (decision.remove, decision.regained) == ((), (PRINT,))
    assert of(decision).state is State.ASSIGNED


# ---- disabled, deleted, protected, in conflict, without a license ----


def test_a_disabled_person_gets_nothing_and_is_told_why() -> None:
    """R05, R16"""
    s = of(judge([STAFF], who=person(records=(False,))))
    assert (s.state, s.blocked, s.waiting, s.reasons) == (State.BLOCKED, "DISABLED", False, ())


def test_one_active_record_of_two_directories_is_enough() -> None:
    """R06: entitlements are united."""
    assert of(judge([STAFF], who=person(records=(False, True)))).state is State.WAITING


def test_who_is_disabled_leaves_the_queue_and_comes_back_at_the_end_of_it() -> None:
    """R05, R14: what a disabled person waits isn't counted."""
    out = of(judge([STAFF], waits(PRINT, STAFF, failure="X", attempts=2), who=person(records=(False,))))
    assert (out.waiting, out.failure, out.attempts, out.lost_at) == (False, "", 0, at(0))
    assert of(judge([STAFF], out, now=at(60))).since == at(60)
    assert of(judge([STAFF], out, now=at(15))).since == at(0)


def test_who_was_disabled_from_the_start_is_entitled_since_they_are_enabled() -> None:
    """R14"""
    never = of(judge([STAFF], who=person(records=(False,)), since=at(-999)))
    assert of(judge([STAFF], never, now=at(60), since=at(-999))).since == at(60)


def test_leaving_the_queue_is_no_loss_of_a_license() -> None:
    """R24 counts licenses."""
    decision = judge([], waits(PRINT, STAFF))
    assert not decision.losses
    assert (of(decision).state, of(decision).look_at) == (State.NONE, None)


def test_who_is_in_conflict_is_blocked() -> None:
    """R06, R16"""
    assert of(judge([STAFF], who=person(conflict=True))).blocked == "CONFLICT"


@pytest.mark.parametrize(
    ("says", "groups", "stored"),
    [
        ("kept though no group gives it", [], holds(PRINT, STAFF)),
        ("kept though disabled long ago", [], holds(PRINT, lost_at=at(-99), due_at=at(-9), lost_why="left")),
        ("kept in doubt, not even asked again", [STAFF], holds(PRINT, STAFF, held=Held.MAYBE)),
        ("kept by hand", [], holds(PRINT, origin=Origin.MANUAL)),
    ],
)
def test_protected_people_are_never_touched(says: str, groups: list[int], stored: object) -> None:
    """R08"""
    who = person(records=(False,), user_name="P1@Example.com")
    decision = judge(groups, stored, who=who, policy=PROTECTED, now=at(9999))  # type: ignore[arg-type]
    touched = [*decision.remove, *decision.announce, *decision.losses, *decision.confirm]
    assert touched == [], says
    assert of(decision).held is not Held.NO
    assert of(decision).state is State.ASSIGNED


def test_protected_people_are_given_nothing() -> None:
    """R08"""
    decision = judge([STAFF], policy=PROTECTED)
    assert (of(decision).blocked, of(decision).waiting) == ("PROTECTED", False)


# ---- by hand (R08) ----


@pytest.mark.parametrize("records", [(True,), (False,), ()])
def test_a_manual_license_is_never_removed(records: tuple[bool, ...]) -> None:
    """R08, R05: a disabled person's needs a person."""
    manual = holds(PRINT, STAFF, origin=Origin.MANUAL)
    first = judge([], manual, who=person(records=records))
    later = judge([], *first.standings, who=person(records=records), now=at(99_999))
    for decision in (first, later):
        assert not (decision.remove)
        assert not (decision.announce)
        assert not (decision.losses)
        assert (of(decision).held, of(decision).origin) == (Held.YES, Origin.MANUAL)
        assert of(decision).reasons == ()
        assert of(decision).look_at is None
        assert of(decision).blocked == ("" if records == (True,) else "DISABLED")


def test_a_manual_license_of_an_entitled_person_stays_manual_and_says_for_which_groups() -> None:
    """R08"""
    s = of(judge([STAFF], holds(PRINT, origin=Origin.MANUAL)))
    assert (s.origin, s.reasons, s.state) == (Origin.MANUAL, (reason(STAFF),), State.ASSIGNED)


def test_an_adopted_license_without_an_entitlement_is_a_new_loss() -> None:
    """R08: adopt makes manual ones managed."""
    manual = of(judge([], holds(PRINT, STAFF, origin=Origin.MANUAL)))
    decision = judge([], replace(manual, origin=Origin.MANAGED), now=at(99))
    assert [(x.lost_at, x.groups) for x in decision.losses] == [(at(99), ())]
    assert not decision.remove


# ---- held in doubt (R29) ----


@pytest.mark.parametrize("origin", [Origin.MANAGED, Origin.NONE, Origin.MANUAL])
def test_what_is_held_in_doubt_and_wanted_is_asked_again(origin: Origin) -> None:
    """R29, architecture 1.5"""
    decision = judge([STAFF], holds(PRINT, STAFF, held=Held.MAYBE, origin=origin))
    assert decision.confirm == (PRINT,)
    assert of(decision).look_at == at(0), "until it is done: a crash before the call is healed"
    assert judge([STAFF], *decision.standings, now=at(3)).confirm == (PRINT,)


def test_a_doubt_backs_off() -> None:
    """R29"""
    doubt = holds(PRINT, STAFF, held=Held.MAYBE, failure="NO_ANSWER", next_try=at(5))
    decision = judge([STAFF], doubt)
    assert (decision.confirm, of(decision).look_at) == ((), at(5))
    assert judge([STAFF], *decision.standings, now=at(5)).confirm == (PRINT,)


def test_a_doubt_about_what_was_never_bought_is_not_asked() -> None:
    decision = judge([STAFF], holds(PRINT, STAFF, held=Held.MAYBE), catalog=ONLY_CENTRE)
    assert (decision.confirm, of(decision).blocked) == ((), "NOT_SUBSCRIBED")


def test_a_doubt_about_an_add_on_waits_until_its_base_is_sure() -> None:
    """R29: in doubt is no base."""
    both = [holds(x, held=Held.MAYBE, next_try=at(7)) for x in (PRINT, CENTRE)]
    both[1] = replace(both[1], next_try=None)
    decision = judge([STAFF, CENTRES], *both)
    assert (decision.confirm, of(decision, CENTRE).look_at) == ((), at(7))
    sure = after(decision, held=Held.YES, next_try=None, look_at=None)
    assert judge([STAFF, CENTRES], *sure, now=at(7)).confirm == (CENTRE,)


def test_without_a_time_the_add_ons_doubt_is_looked_at_soon() -> None:
    decision = judge([STAFF, CENTRES], *(holds(x, held=Held.MAYBE) for x in (PRINT, CENTRE)))
    assert decision.confirm == (PRINT,)
    assert of(decision, CENTRE).look_at == at(0) + timedelta(seconds=5)


def test_whoever_surely_holds_it_has_no_failure_any_more() -> None:
    s = of(
        judge([STAFF], holds(PRINT, STAFF, failure="NO_ANSWER", attempts=4, next_try=at(5), look_at=at(5)))
    )
    assert s == holds(PRINT, STAFF)


# ---- add-on and base (R10) ----


@pytest.mark.parametrize(
    ("says", "base", "groups", "state", "ready"),
    [
        ("the base is held: it may come", holds(PRINT, STAFF), [STAFF, CENTRES], State.WAITING, True),
        ("the base is held by hand", holds(PRINT, origin=Origin.MANUAL), [CENTRES], State.WAITING, True),
        ("no base by any reason: blocked", None, [CENTRES], State.BLOCKED, True),
        ("the base waits: both wait", None, [STAFF, CENTRES], State.WAITING, False),
        (
            "the base is in doubt: both wait",
            holds(PRINT, STAFF, held=Held.MAYBE),
            [STAFF, CENTRES],
            State.WAITING,
            False,
        ),
        (
            "the base is about to go: blocked",
            of(judge([], holds(PRINT, STAFF))),
            [CENTRES],
            State.BLOCKED,
            True,
        ),
        (
            "the base stays by a person's word",
            replace(of(judge([], holds(PRINT, STAFF))), kept=True),
            [CENTRES],
            State.WAITING,
            True,
        ),
        (
            "the base failed: blocked until it is tried again",
            waits(PRINT, STAFF, failure="INACTIVE", next_try=at(9)),
            [STAFF, CENTRES],
            State.BLOCKED,
            True,
        ),
    ],
)
def test_an_add_on_needs_its_base(
    says: str, base: object, groups: list[int], state: State, ready: bool
) -> None:
    """R10"""
    stored = [base] if base else []
    s = of(judge(groups, *stored), CENTRE)  # type: ignore[arg-type]
    assert (s.state, s.base_ready, s.waiting) == (state, ready, state is State.WAITING), says
    assert s.blocked == ("MISSING_BASE" if state is State.BLOCKED else ""), says
    assert s.since == at(0), "it is entitled all the time"


def test_an_add_on_whose_base_was_not_bought_is_blocked() -> None:
    """R10, R18: no request for an add-on that nobody could use."""
    assert of(judge([STAFF, CENTRES], catalog=ONLY_CENTRE), CENTRE).blocked == "MISSING_BASE"


def test_when_the_base_comes_the_add_on_is_not_blocked_any_more() -> None:
    """R10: by hand or by a group"""
    blocked = judge([CENTRES])
    decision = judge([CENTRES], *blocked.standings, holds(PRINT, origin=Origin.MANUAL), now=at(5))
    assert of(decision, CENTRE).waiting
    assert of(decision, CENTRE).base_ready


def test_products_do_not_depend_on_each_other() -> None:
    """R11"""
    failed = waits(CENTRE, CENTRES, failure="INACTIVE", next_try=at(9))
    decision = judge([STAFF, CENTRES, RELEASES], holds(PRINT, STAFF), failed)
    assert of(decision, CENTRE).failure == "INACTIVE"
    assert of(decision, RELEASE).waiting


def test_a_loss_in_a_hold_is_forgotten_when_the_person_is_entitled_again() -> None:
    """R24: the hold closes by itself. R27: the next loss is announced anew."""
    lost = replace(of(judge([], holds(PRINT, STAFF))), hold=HoldId(4), announced_at=at(1), released=True)
    decision = judge([STAFF], lost, now=at(3))
    assert decision.regained == (PRINT,)
    assert of(decision) == holds(PRINT, STAFF)

"""How a managed license goes (R04, R05, R09, R10, R24, R27)."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from sync.model import Decision, GroupId, Held, HoldId, Loss, Mapping, Origin, Person, Policy, Standing, State
from tests.moments import at
from tests.sync.world import (
    ANNA,
    CENTRE,
    CENTRES,
    GRACE,
    MAPPINGS,
    OTHER_STAFF,
    POLICY,
    PRINT,
    RELEASE,
    RELEASES,
    SETTLED,
    STAFF,
    after,
    holds,
    judge,
    mapping,
    of,
    person,
    waits,
)

DISABLED, DELETED = person(records=(False,)), person(records=())
DUE = SETTLED + GRACE


def days_on(
    groups: list[GroupId], *standings: Standing, times: list[float], who: Person | None = None
) -> Decision:
    """Decide at each of the times (minutes), each on what was stored before."""
    decision = judge(groups, *standings, now=at(times[0]), who=who)
    for time in times[1:]:
        decision = judge(groups, *decision.standings, now=at(time), who=who)
    return decision


# ---- the course of a loss ----


def test_a_loss_is_counted_at_once_and_announces_nothing_yet() -> None:
    """R24, R04"""
    decision = judge([], holds(PRINT, STAFF, OTHER_STAFF))
    assert decision.losses == (Loss(ANNA, PRINT, (STAFF, OTHER_STAFF), at(0)),)
    assert not decision.announce
    assert not decision.remove
    s = of(decision)
    assert (s.state, s.lost_why, s.lost_groups, s.reasons) == (
        State.REMOVING,
        "left",
        (STAFF, OTHER_STAFF),
        (),
    )
    assert (s.announced_at, s.due_at, s.look_at) == (None, at(DUE), at(SETTLED))


@pytest.mark.parametrize(
    ("times", "announced", "removed"),
    [
        ([0, SETTLED - 1], False, False),
        ([0, SETTLED], True, False),
        ([0, SETTLED, SETTLED + 1], False, False),
        ([0, SETTLED, DUE - 1], False, False),
        ([0, SETTLED, DUE], False, True),
        ([0, SETTLED, DUE, DUE + 5], False, True),
        ([0, 500], True, False),
        ([0, 500, DUE], False, False),
        ([0, 500, 500 + GRACE], False, True),
    ],
)
def test_announced_after_the_settle_window_and_removed_after_the_grace(
    times: list[float], announced: bool, removed: bool
) -> None:
    """R27: due at the later of loss + settle window and announcement + grace."""
    decision = days_on([], holds(PRINT, STAFF), times=times)
    assert (decision.announce == (PRINT,), decision.remove == (PRINT,)) == (announced, removed)
    assert not decision.losses, "counted once"


def test_what_is_due_stays_due_until_it_is_done() -> None:
    """A crash before the call is healed by the next round."""
    s = of(days_on([], holds(PRINT, STAFF), times=[0, SETTLED, DUE, DUE + 5]))
    assert s.look_at == at(DUE)


def test_a_move_inside_the_settle_window_costs_nothing_and_announces_nothing() -> None:
    """R04"""
    lost = judge([], holds(PRINT, STAFF))
    found = judge([OTHER_STAFF], *lost.standings, now=at(3))
    assert found.regained == (PRINT,)
    assert not (found.announce)
    assert not (found.remove)
    assert not (found.losses)
    assert of(found) == holds(PRINT, OTHER_STAFF)


def test_entitled_again_before_the_end_is_forgotten_and_the_next_loss_is_announced_anew() -> None:
    """R27"""
    announced = days_on([], holds(PRINT, STAFF), times=[0, SETTLED])
    back = judge([STAFF], *announced.standings, now=at(100))
    assert back.regained == (PRINT,)
    again = days_on([], *back.standings, times=[200, 200 + SETTLED])
    assert again.announce == (PRINT,)
    assert of(again).due_at == at(200 + DUE)


@pytest.mark.parametrize(
    ("says", "mappings", "groups", "hours"),
    [
        ("the policy's", {}, [STAFF], 24),
        ("a mapping's own", {STAFF: 2}, [STAFF], 2),
        ("none at all", {STAFF: 0}, [STAFF], 0),
        ("the longest of several counts", {STAFF: 2, OTHER_STAFF: 50}, [STAFF, OTHER_STAFF], 50),
        ("the policy's is one of them", {STAFF: 2}, [STAFF, OTHER_STAFF], 24),
        ("another group's doesn't count", {STAFF: 2, OTHER_STAFF: 50}, [STAFF], 2),
    ],
)
def test_grace(says: str, mappings: dict[GroupId, int], groups: list[GroupId], hours: int) -> None:
    """R27"""
    own = tuple(replace(m, grace_hours=mappings.get(m.group)) for m in MAPPINGS)
    lost = judge([], holds(PRINT, *groups), mappings=own)
    told = judge([], *lost.standings, now=at(SETTLED), mappings=own)
    assert of(told).due_at == at(SETTLED + 60 * hours), says


def test_a_deleted_mappings_people_lose_by_the_ordinary_grace() -> None:
    """R26"""
    decision = judge([STAFF], holds(PRINT, STAFF), mappings=(mapping(OTHER_STAFF),))
    assert (of(decision).lost_why, of(decision).due_at) == ("unmapped", at(DUE))
    assert decision.losses == (Loss(ANNA, PRINT, (STAFF,), at(0), member=True),)
    later = judge([STAFF], *decision.standings, now=at(1), mappings=(mapping(OTHER_STAFF),))
    assert of(later).lost_why == "unmapped"


# ---- disabled and deleted people (R05) ----


@pytest.mark.parametrize(
    ("who", "why", "groups"), [(DISABLED, "disabled", [STAFF]), (DELETED, "deleted", [])]
)
def test_who_is_gone_does_not_wait_for_the_settle_window(
    who: Person, why: str, groups: list[GroupId]
) -> None:
    """R04, R05: at the next round"""
    decision = judge(groups, holds(PRINT, STAFF), who=who)
    assert (decision.remove, decision.announce, of(decision).lost_why) == ((PRINT,), (PRINT,), why)
    assert decision.losses == (Loss(ANNA, PRINT, (STAFF,), at(0), member=why == "disabled"),)


def test_enabled_again_within_the_grace_nothing_happened() -> None:
    """R05"""
    patient = Policy(grace_disabled_hours=2)
    off = judge([STAFF], holds(PRINT, STAFF), who=DISABLED, policy=patient)
    assert not off.remove
    assert of(off).due_at == at(120)
    on = judge([STAFF], *off.standings, now=at(10), policy=patient)
    assert of(on) == holds(PRINT, STAFF)
    due = judge([STAFF], *off.standings, now=at(120), who=DISABLED, policy=patient)
    assert due.remove == (PRINT,)


def test_a_leaver_who_is_disabled_meanwhile_goes_at_once() -> None:
    """R04: disabled people don't wait."""
    for stored in (judge([], holds(PRINT, STAFF)), days_on([], holds(PRINT, STAFF), times=[0, SETTLED])):
        decision = judge([], *stored.standings, now=at(20), who=DISABLED)
        assert (decision.remove, of(decision).lost_why) == ((PRINT,), "disabled")
        assert not decision.losses, "the same loss"


def test_a_leaver_who_was_disabled_and_is_enabled_has_a_leavers_time() -> None:
    """R27: nothing is brought forward."""
    patient = Policy(grace_disabled_hours=2)
    off = judge([], holds(PRINT, STAFF), who=DISABLED, policy=patient)
    on = judge([], *off.standings, now=at(5), policy=patient)
    assert (of(on).lost_why, of(on).due_at) == ("left", at(GRACE))


def test_an_announced_time_does_not_move_with_the_settings() -> None:
    """R27: told before losing."""
    told = days_on([], holds(PRINT, STAFF), times=[0, SETTLED])
    hasty = judge([], *told.standings, now=at(60), policy=Policy(grace_leaver_hours=0))
    assert (hasty.remove, of(hasty).due_at) == ((), at(DUE))


# ---- holds (R24) ----

LOST = days_on([], holds(PRINT, STAFF), times=[0, SETTLED])


@pytest.mark.parametrize(
    ("says", "change", "removed", "state", "look_at"),
    [
        ("held: never removed", {"hold": HoldId(1)}, False, State.HELD, None),
        ("kept by a person: assigned", {"kept": True}, False, State.ASSIGNED, None),
        ("released: goes", {"released": True}, True, State.REMOVING, at(DUE)),
        (
            "failed: backs off",
            {"failure": "NO_ANSWER", "next_try": at(DUE + 20)},
            False,
            State.FAILED,
            at(DUE + 20),
        ),
        ("in doubt: asked again", {"held": Held.MAYBE}, True, State.REMOVING, at(DUE)),
        ("gone already", {"held": Held.NO}, False, State.NONE, None),
    ],
)
def test_what_is_due(
    says: str, change: dict[str, Any], removed: bool, state: State, look_at: datetime | None
) -> None:
    """R24, R29"""
    decision = judge([], *after(LOST, **change), now=at(DUE + 5))
    assert (decision.remove == (PRINT,)) == removed, says
    assert (of(decision).state, of(decision).look_at) == (state, look_at), says


def test_a_held_loss_is_announced_only_after_its_release_and_the_grace_runs_from_then() -> None:
    """R24, R27"""
    held = after(judge([], holds(PRINT, STAFF)), hold=HoldId(1))
    still = judge([], *held, now=at(500))
    assert not still.announce
    freed = judge([], *after(still, hold=None, released=True), now=at(600))
    assert freed.announce == (PRINT,)
    assert (of(freed).due_at, of(freed).released) == (at(600 + GRACE), True)


def test_who_is_kept_and_then_entitled_again_and_lost_again_is_a_new_loss() -> None:
    """R24: kept until they are entitled again."""
    back = judge([STAFF], *after(LOST, kept=True), now=at(100))
    assert (back.regained, of(back).kept) == ((PRINT,), False)
    assert len(judge([], *back.standings, now=at(200)).losses) == 1


def test_what_is_done_leaves_no_trace_but_when_it_was_lost() -> None:
    """R14: for the gap of `since`; a license assigned anew is a new matter."""
    gone = of(judge([], *after(LOST, held=Held.NO, hold=HoldId(1), kept=True), now=at(DUE + 1)))
    assert (gone.origin, gone.hold, gone.kept, gone.due_at, gone.announced_at) == (
        Origin.NONE,
        None,
        False,
        None,
        None,
    )
    assert gone.lost_at == at(0)
    again = judge([STAFF], gone, now=at(DUE + 60), since=at(DUE + 50))
    assert (again.regained, of(again).since, of(again).lost_at) == ((PRINT,), at(DUE + 50), None)


def test_a_license_of_ours_in_doubt_is_taken_back_like_a_sure_one() -> None:
    """R29: the call may have been carried out."""
    decision = judge([], waits(PRINT, STAFF, held=Held.MAYBE, waiting=False), who=DISABLED)
    assert (decision.remove, of(decision).origin) == ((PRINT,), Origin.MANAGED)


# ---- base and add-on (R09, R10, L12) ----

BOTH = (holds(PRINT, STAFF), holds(CENTRE, CENTRES))


def test_when_the_bases_reasons_end_its_add_on_goes_before_it_with_its_due_time() -> None:
    """R10, R09"""
    lost = judge([CENTRES], *BOTH)
    assert of(lost, CENTRE).lost_why == "base"
    assert {(x.product, x.base) for x in lost.losses} == {(PRINT, None), (CENTRE, PRINT)}
    told = judge([CENTRES], *lost.standings, now=at(SETTLED))
    assert set(told.announce) == {PRINT, CENTRE}
    assert of(told, CENTRE).due_at == of(told).due_at == at(DUE)
    assert judge([CENTRES], *told.standings, now=at(DUE - 1)).remove == ()
    due = judge([CENTRES], *told.standings, now=at(DUE))
    assert due.remove == (CENTRE, PRINT)
    gone = tuple(replace(s, held=Held.NO, origin=Origin.NONE) for s in due.standings)
    assert of(judge([CENTRES], *gone, now=at(DUE)), CENTRE).blocked == "MISSING_BASE"


def test_two_add_ons_go_before_the_base() -> None:
    """R09"""
    decision = judge([CENTRES], *BOTH, holds(RELEASE, RELEASES), who=DELETED)
    assert decision.remove == (RELEASE, CENTRE, PRINT)


def test_when_the_base_is_found_again_so_is_the_add_on() -> None:
    """R10, R27"""
    lost = judge([CENTRES], *BOTH)
    found = judge([STAFF, CENTRES], *lost.standings, now=at(3))
    assert found.regained == (PRINT, CENTRE)
    assert found.standings == BOTH


def test_losing_only_the_add_on_does_not_touch_the_base() -> None:
    """R10"""
    decision = days_on([STAFF], *BOTH, times=[0, SETTLED, DUE])
    assert decision.remove == (CENTRE,)
    assert of(decision) == BOTH[0]


@pytest.mark.parametrize(
    ("says", "change", "again_in"),
    [
        ("by hand", {"origin": Origin.MANUAL}, 15),
        ("held by a guard", {"hold": HoldId(7)}, 15),
        ("kept by a person", {"kept": True}, 15),
        ("failing, tried again sooner", {"failure": "NO_ANSWER", "next_try": at(DUE + 9)}, 9),
    ],
)
def test_an_add_on_that_stays_keeps_the_base(says: str, change: dict[str, Any], again_in: int) -> None:
    """R10: REQUIRED_BY_ADDON, shown"""
    told = days_on([], *BOTH, times=[0, SETTLED])
    decision = judge([], *after(told, CENTRE, **change), now=at(DUE))
    assert decision.remove == (), says
    s = of(decision)
    assert (s.blocked, s.look_at, s.state) == ("REQUIRED_BY_ADDON", at(DUE + again_in), State.REMOVING), says
    again = judge([], *decision.standings, now=at(DUE))
    assert again.changed == ()


def test_a_kept_base_is_looked_at_again_and_goes_when_the_add_on_is_gone() -> None:
    """R10"""
    told = days_on([], *BOTH, times=[0, SETTLED])
    kept = judge([], *after(told, CENTRE, origin=Origin.MANUAL), now=at(DUE))
    still = judge([], *kept.standings, now=at(DUE + 5))
    assert (still.remove, of(still).look_at) == ((), at(DUE + 15)), "not put off by looking at it"
    again = judge([], *still.standings, now=at(DUE + 15))
    assert (again.remove, of(again).look_at) == ((), at(DUE + 30))
    gone = judge([], *after(again, CENTRE, held=Held.NO), now=at(DUE + 30))
    assert (gone.remove, of(gone).blocked) == ((PRINT,), "")


def test_an_add_on_that_only_anysoft_knows_of_keeps_the_base_until_it_is_time_to_ask_again() -> None:
    """R10: AnySoft answered required_by_addon."""
    refused = after(LOST, blocked="REQUIRED_BY_ADDON", look_at=at(DUE + 15))
    assert judge([], *refused, now=at(DUE + 14)).remove == ()
    assert judge([], *refused, now=at(DUE + 15)).remove == (PRINT,)


def test_an_add_on_that_would_go_with_the_base_stays_where_the_base_stays() -> None:
    """T06: entitled to it, and its base is there."""
    manual = holds(RELEASE, origin=Origin.MANUAL)
    decision = days_on([CENTRES], *BOTH, manual, times=[0, SETTLED, DUE])
    assert decision.remove == ()
    assert of(decision).blocked == "REQUIRED_BY_ADDON"
    assert of(decision, CENTRE).look_at == at(DUE + 15)
    assert judge([CENTRES], *decision.standings, now=at(DUE)).changed == ()


def test_a_base_that_backs_off_keeps_the_add_on_that_goes_because_of_it() -> None:
    """T06"""
    told = days_on([CENTRES], *BOTH, times=[0, SETTLED])
    decision = judge([CENTRES], *after(told, failure="NO_ANSWER", next_try=at(DUE + 9)), now=at(DUE))
    assert decision.remove == ()
    assert of(decision, CENTRE).look_at == at(DUE + 9)


def test_a_bases_hold_is_its_add_ons_hold() -> None:
    """R10: in its hold"""
    lost = judge([CENTRES], *BOTH)
    held = judge([CENTRES], *after(lost, hold=HoldId(5)), now=at(DUE))
    assert of(held, CENTRE).hold == HoldId(5)
    assert held.remove == ()
    assert not held.announce
    assert (of(held, CENTRE).state, of(held, CENTRE).look_at) == (State.HELD, None)


def test_an_add_on_of_its_own_loss_goes_no_later_than_its_base() -> None:
    """R10: with its due time"""
    patient: tuple[Mapping, ...] = tuple(
        replace(m, grace_hours=99) if m.product == CENTRE else m for m in MAPPINGS
    )
    lost = judge([], *BOTH, mappings=patient)
    assert of(lost, CENTRE).lost_why == "left"
    assert of(lost, CENTRE).due_at == at(DUE)
    told = judge([], *lost.standings, now=at(SETTLED), mappings=patient)
    assert judge([], *told.standings, now=at(DUE), mappings=patient).remove == (CENTRE, PRINT)


def test_an_add_on_left_after_its_base_was_announced_is_announced_at_once_with_the_bases_time() -> None:
    """R10, R27: and with its own time again, if the base comes back."""
    told = days_on([CENTRES], *BOTH, times=[0, SETTLED])
    back = judge([CENTRES], *after(told, CENTRE, lost_at=None, due_at=None, announced_at=None), now=at(16))
    left = judge([], *back.standings, now=at(60))
    assert (left.announce, of(left, CENTRE).due_at) == ((CENTRE,), at(DUE))
    assert judge([], *left.standings, now=at(DUE)).remove == (CENTRE, PRINT)
    found = judge([STAFF], *left.standings, now=at(70))
    assert (of(found, CENTRE).due_at, of(found, CENTRE).announced_at) == (at(60 + GRACE), at(60))


def test_a_held_base_does_not_hurry_an_add_on_of_its_own_loss() -> None:
    """R24, R27"""
    lost = judge([], *BOTH)
    held = after(lost, hold=HoldId(5))
    later = judge([], *held, now=at(DUE - 1))
    assert of(later, CENTRE).hold is None
    assert of(later, CENTRE).due_at == at(DUE - 1 + GRACE)


def test_an_add_on_that_went_with_its_base_and_is_then_left_too_is_a_loss_of_its_own() -> None:
    """R10: the base comes back, the add-on's group doesn't."""
    lost = judge([CENTRES], *BOTH)
    left = judge([STAFF], *lost.standings, now=at(5))
    assert left.regained == (PRINT,)
    assert left.losses == (Loss(ANNA, CENTRE, (CENTRES,), at(5)),)
    assert (of(left, CENTRE).lost_why, of(left, CENTRE).due_at) == ("left", at(5 + DUE))


def test_an_add_on_of_its_own_loss_that_is_wanted_again_goes_with_its_base() -> None:
    """R10"""
    lost = judge([], *BOTH)
    back = judge([CENTRES], *lost.standings, now=at(5))
    assert not back.losses
    assert back.regained == ()
    assert of(back, CENTRE).lost_why == "base"
    assert of(back, CENTRE).due_at == at(DUE)


def test_a_kept_base_is_a_base_so_its_add_on_stays() -> None:
    """R24: these people keep the license."""
    lost = judge([CENTRES], *BOTH)
    decision = judge([CENTRES], *after(lost, kept=True), now=at(DUE))
    assert (decision.remove, of(decision, CENTRE).state) == ((), State.ASSIGNED)


def test_a_manual_add_on_is_not_lost_with_its_base() -> None:
    """R08"""
    decision = judge([CENTRES], BOTH[0], holds(CENTRE, CENTRES, origin=Origin.MANUAL))
    assert [x.product for x in decision.losses] == [PRINT]
    assert of(decision, CENTRE).origin is Origin.MANUAL


def test_the_policy_of_these_tests_is_the_default() -> None:
    assert (POLICY.settle_seconds, POLICY.grace_leaver_hours) == (SETTLED * 60, GRACE / 60)

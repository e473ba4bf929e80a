"""How a managed license goes (R04, R05, R09, R10, R24, R27)."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from sync.model import GroupId, Held, HoldId, Loss, Origin, Person, Policy, State
from tests.moments import at
from tests.sync.days import days_on
from tests.sync.world import (
    ANNA,
    GRACE,
    MAPPINGS,
    OTHER_STAFF,
    POLICY,
    PRINT,
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


# ---- the course of a loss ----


def test_a_loss_is_counted_at_once_and_announces_nothing_yet() -> None:
    """R24, R04"""
    decision = judge([], holds(PRINT, STAFF, OTHER_STAFF))
    assert decision.losses == (Loss(ANNA, PRINT, (STAFF, OTHER_STAFF), at(0), directories=("d0",)),)
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
    assert not lost.announce
    assert of(lost).announced_at is None
    assert not lost.remove
    found = judge([OTHER_STAFF], *lost.standings, now=at(3))
    assert found.regained == (PRINT,)
    assert not found.announce
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
    assert decision.losses == (Loss(ANNA, PRINT, (STAFF,), at(0), member=True, directories=("d0",)),)
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
    known_by = () if why == "deleted" else ("d0",)
    expected = Loss(ANNA, PRINT, (STAFF,), at(0), member=why == "disabled", directories=known_by)
    assert decision.losses == (expected,)


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


def test_the_policy_of_these_tests_is_the_default() -> None:
    assert (POLICY.settle_seconds, POLICY.grace_leaver_hours) == (SETTLED * 60, GRACE / 60)

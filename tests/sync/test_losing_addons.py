"""How a base and its add-ons go: add-ons first, never a base alone (R09, R10, R24)."""

from dataclasses import replace
from typing import Any

import pytest

from sync.model import Held, HoldId, Loss, Mapping, Origin, State
from tests.moments import at
from tests.sync.days import days_on
from tests.sync.world import (
    ANNA,
    CENTRE,
    CENTRES,
    GRACE,
    MAPPINGS,
    PRINT,
    RELEASE,
    RELEASES,
    SETTLED,
    STAFF,
    after,
    holds,
    judge,
    of,
    person,
)

DISABLED, DELETED = person(records=(False,)), person(records=())
DUE = SETTLED + GRACE

LOST = days_on([], holds(PRINT, STAFF), times=[0, SETTLED])
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
    """R10, R27: it is announced anew, for what was announced did not happen."""
    told = days_on([], *BOTH, times=[0, SETTLED])
    kept = judge([], *after(told, CENTRE, origin=Origin.MANUAL), now=at(DUE))
    still = judge([], *kept.standings, now=at(DUE + 5))
    assert (still.remove, of(still).look_at) == ((), at(DUE + 15)), "not put off by looking at it"
    again = judge([], *still.standings, now=at(DUE + 15))
    assert (again.remove, of(again).look_at) == ((), at(DUE + 30))
    gone = judge([], *after(again, CENTRE, held=Held.NO), now=at(DUE + 30))
    assert (gone.announce, gone.remove, of(gone).blocked) == ((PRINT,), (), "")
    assert judge([], *gone.standings, now=at(DUE + 30 + GRACE)).remove == (PRINT,)


@pytest.mark.parametrize("change", [{"origin": Origin.MANUAL}, {"hold": HoldId(7)}, {"kept": True}])
def test_nobody_is_told_of_a_removal_that_an_add_on_keeps_from_happening(change: dict[str, Any]) -> None:
    """R27, R10"""
    lost = judge([], *BOTH)
    settled = judge([], *after(lost, CENTRE, **change), now=at(SETTLED))
    assert PRINT not in settled.announce
    assert (of(settled).announced_at, of(settled).blocked) == (None, "REQUIRED_BY_ADDON")
    later = judge([], *settled.standings, now=at(DUE + GRACE))
    assert (PRINT in later.announce, later.remove, of(later).blocked) == (False, (), "REQUIRED_BY_ADDON")
    told = days_on([], *BOTH, times=[0, SETTLED])
    assert of(judge([], *after(told, CENTRE, **change), now=at(SETTLED + 1))).announced_at is None


def test_an_add_on_left_later_is_not_hurried_by_a_base_that_another_add_on_keeps() -> None:
    """R27: the base isn't going"""
    manual = holds(RELEASE, origin=Origin.MANUAL)
    kept = days_on([CENTRES], *BOTH, manual, times=[0, SETTLED, DUE])
    assert not kept.announce
    left = judge([], *kept.standings, now=at(DUE + GRACE))
    assert (left.remove, of(left, CENTRE).due_at) == ((), at(DUE + GRACE + SETTLED + GRACE))


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
    assert left.losses == (Loss(ANNA, CENTRE, (CENTRES,), at(5), directories=("d0",)),)
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

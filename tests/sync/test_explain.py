"""R16: everyone can be told why; one state, the first that applies, and its reason in words."""

import json
from dataclasses import replace
from typing import Any

import pytest

from sync.explain import Givers, HeldBy, as_json, blocked, explain
from sync.model import Held, HoldId, Origin, Standing
from tests.moments import at
from tests.sync.world import (
    CATALOG,
    CENTRE,
    CENTRES,
    OTHER_STAFF,
    PRINT,
    SCAN,
    SETTLED,
    STAFF,
    holds,
    judge,
    of,
    person,
    waits,
)

LOST = of(judge([], holds(PRINT, STAFF)))
TOLD = of(judge([], LOST, now=at(SETTLED)))
HOLD = HeldBy("group_emptied", "LIC-AnyPrint", PRINT)


def told(standing: Standing, **more: Any) -> tuple[str, str]:
    (state,) = explain(person(), [standing], {standing.product: (2, 9)}, CATALOG, **more)
    return state.state, state.reason


@pytest.mark.parametrize(
    ("standing", "state", "reason"),
    [
        (holds(PRINT, STAFF, OTHER_STAFF), "assigned", "assigned by round 1: member of G10, G11"),
        (holds(PRINT, STAFF, assigned_run=None), "assigned", "assigned: member of G10"),
        (holds(PRINT, origin=Origin.MANUAL), "assigned", "assigned by hand"),
        (holds(PRINT, STAFF, origin=Origin.MANUAL), "assigned", "assigned by hand; member of G10"),
        (
            holds(PRINT, origin=Origin.MANUAL, blocked="DISABLED"),
            "assigned",
            "assigned by hand, disabled in the directory: needs a person",
        ),
        (holds(PRINT, assigned_run=None), "assigned", "assigned: entitled by no group"),
        (
            replace(LOST, kept=True),
            "assigned",
            "in no group that gives it any more, but kept: a person rejected the removal",
        ),
        (
            LOST,
            "removing",
            "in no group that gives it any more; goes at 2027-03-02T09:15:00Z (not announced yet)",
        ),
        (TOLD, "removing", "in no group that gives it any more; goes at 2027-03-02T09:15:00Z (announced)"),
        (
            replace(TOLD, lost_why="disabled", blocked="REQUIRED_BY_ADDON"),
            "removing",
            "disabled in the directory; not removed while AnySoft knows of an add-on that stays",
        ),
        (
            replace(TOLD, lost_why="?"),
            "removing",
            "not entitled any more; goes at 2027-03-02T09:15:00Z (announced)",
        ),
        (
            replace(LOST, hold=HoldId(4)),
            "held",
            "in no group that gives it any more, but the removal is held: `hold show 4`",
        ),
        (waits(PRINT, STAFF), "waiting", "member of G10; a seat is missing"),
        (waits(SCAN, STAFF), "waiting", "member of G10; AnySoft's answer is waited for"),
        (waits(CENTRE, CENTRES, base_ready=False), "waiting", "member of G20; waits for AnyPrint, too"),
        (
            waits(CENTRE, CENTRES, waiting=False, blocked="MISSING_BASE"),
            "blocked",
            "needs AnyPrint first: add the person to a group that gives it",
        ),
        (
            waits(PRINT, STAFF, failure="ACCOUNT_INACTIVE", next_try=at(5)),
            "failed",
            "the account at AnySoft is inactive: set it active there; tried again",
        ),
        (waits(PRINT, STAFF, failure="ODD"), "failed", "ODD; a person must mend it"),
        (waits(PRINT, waiting=False), "none", "no group gives it"),
    ],
)
def test_the_state_and_its_reason(standing: Standing, state: str, reason: str) -> None:
    """R16"""
    assert told(standing) == (state, reason)


def test_r16_of_several_states_the_first_applies() -> None:
    """failed, held, removing, assigned, waiting, blocked, none"""
    all_at_once = replace(
        LOST, failure="NO_ANSWER", hold=HoldId(4), held=Held.YES, waiting=True, blocked="MISSING_BASE"
    )
    states = []
    for cure in (
        {},
        {"failure": ""},
        {"hold": None},
        {"lost_at": None},
        {"held": Held.NO},
        {"waiting": False},
        {"blocked": ""},
    ):
        all_at_once = replace(all_at_once, **cure)
        states.append(all_at_once.state.value)
    assert states == ["failed", "held", "removing", "assigned", "waiting", "blocked", "none"]


@pytest.mark.parametrize(
    ("addon", "why"),
    [
        ({"kept": True, "lost_at": at()}, "a person rejected its removal"),
        ({"hold": HoldId(4), "lost_at": at()}, "its removal is held: `hold show 4`"),
        ({"origin": Origin.MANUAL}, "given by hand"),
        ({"failure": "NO_ANSWER"}, "AnySoft's answer was lost"),
    ],
)
def test_r10_what_keeps_a_base_is_named_with_its_reason(addon: dict[str, Any], why: str) -> None:
    """R16"""
    base = replace(TOLD, blocked="REQUIRED_BY_ADDON")
    [said, _] = explain(person(), [base, replace(holds(CENTRE), **addon)], {}, CATALOG)
    assert said.reason == (
        f"in no group that gives it any more; not removed while AnyPrint Centre stays ({why})"
    )


@pytest.mark.parametrize(
    ("givers", "said"),
    [
        ({PRINT: ["Staff"], CENTRE: ["Centres"]}, "add the person to Staff"),
        ({PRINT: ["Guests", "Staff"]}, "add the person to Guests or Staff"),
        ({PRINT: list("abcdefg")}, "add the person to a or b or c or d or e or 2 more"),
        ({CENTRE: ["Centres"]}, "no group gives anyprint: `mapping add` lets one"),
        (None, "add the person to a group that gives it"),
    ],
)
def test_r10_a_missing_base_names_the_groups_that_would_give_it(givers: Givers | None, said: str) -> None:
    lacks = waits(CENTRE, CENTRES, waiting=False, blocked="MISSING_BASE")
    assert told(lacks, givers=givers) == ("blocked", f"needs AnyPrint first: {said}")


@pytest.mark.parametrize(
    ("hold", "where"), [(HOLD, "LIC-AnyPrint"), (replace(HOLD, group_name=""), "anyprint")]
)
def test_a_held_removal_names_its_guard(hold: HeldBy, where: str) -> None:
    """R16: held (by which guard)"""
    _, reason = told(replace(LOST, hold=HoldId(4)), holds={HoldId(4): hold})
    assert reason.endswith(f"group_emptied of {where}, a person must release or reject it: `hold show 4`")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("NOT_SUBSCRIBED", "license add"),
        ("DISABLED", "enable the person"),
        ("CONFLICT", "rename or delete"),
        ("PROTECTED", "protected list"),
        ("SOMETHING_NEW", "SOMETHING_NEW"),
    ],
)
def test_each_code_says_what_to_do(code: str, said: str) -> None:
    assert said in blocked(code, PRINT, CATALOG)


def test_a_base_that_the_catalog_does_not_know_is_called_a_base() -> None:
    assert "its base license" in blocked("MISSING_BASE", PRINT, CATALOG)


def test_who_is_in_conflict_and_has_nothing_is_told_so() -> None:
    """R06"""
    (state,) = explain(person(conflict=True), [waits(PRINT, waiting=False)], {}, CATALOG)
    assert state.reason == "two records claim this person: rename or delete one of them"


@pytest.mark.parametrize(
    ("standing", "since"),
    [
        (holds(PRINT, STAFF, assigned_at=at(7)), "2027-03-01T09:07:00Z"),
        (replace(LOST, lost_at=at(3)), "2027-03-01T09:03:00Z"),
        (waits(PRINT, STAFF, since=at(2)), "2027-03-01T09:02:00Z"),
        (waits(PRINT, waiting=False, blocked="DISABLED", lost_at=at(4)), "2027-03-01T09:04:00Z"),
        (holds(PRINT, assigned_at=None), None),
    ],
)
def test_since_when(standing: Standing, since: str | None) -> None:
    (state,) = explain(person(), [standing], {}, CATALOG)
    assert state.since == since


def test_the_json_has_the_fields_that_scripts_rely_on() -> None:
    """outside.md; bases come first"""
    who = person(records=(True, False))
    states = explain(
        who,
        [waits(CENTRE, CENTRES, base_ready=False), waits(PRINT, STAFF, next_try=at(5))],
        {PRINT: (2, 9), CENTRE: (1, 3)},
        CATALOG,
    )
    said = json.loads(json.dumps(as_json(who, states)))
    assert said["user"] == "p1@example.com"
    assert said["directories"] == [
        {"directory": "d0", "user_name": "p1@example.com", "active": True},
        {"directory": "d1", "user_name": "p1@example.com", "active": False},
    ]
    assert said["conflict"] is False
    assert [p["product"] for p in said["products"]] == ["anyprint", "anyprint-centre"]
    assert said["products"][0] == {
        "product": "anyprint",
        "state": "waiting",
        "reason": "member of G10; a seat is missing",
        "since": "2027-03-01T09:00:00Z",
        "groups": ["G10"],
        "position": 2,
        "of": 9,
        "next_try": "2027-03-01T09:05:00Z",
    }


def test_only_who_waits_has_a_position() -> None:
    (state,) = explain(person(), [holds(PRINT, STAFF)], {PRINT: (2, 9)}, CATALOG)
    assert (state.position, state.of) == (None, None)

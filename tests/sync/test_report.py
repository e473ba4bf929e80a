"""R16, R28: what a round did, and whom it left unserved."""

import json
import re
from dataclasses import replace
from html import escape

import pytest

from connector.report_html import as_html
from sync.beside import Beside, ByHand, LeftOut, Namesake, Skipped
from sync.model import GroupId, PersonId
from sync.plan import Done, HoldChange, Plan
from sync.ports import Busy
from sync.reconcile import Round, Scope, rehearse
from sync.report import (
    LISTED,
    Blocked,
    Failed,
    Held,
    Prompt,
    Report,
    Seats,
    Short,
    Waits,
    completed,
    compose,
    did,
    failures,
)
from sync.report_csv import as_csv
from sync.report_json import as_json, revive, stored
from sync.report_sections import alarms, sections
from sync.report_text import as_text
from tests.company import CENTRE, PRINT, SCAN, Company
from tests.faulty import Faulty
from tests.moments import START, at


def done(action: str, user: str, outcome: str = "", because: str = "member of Staff") -> Done:
    return Done(action, PersonId(1), user, PRINT, because, outcome)


FULL = Report(
    run=12,
    cause="changes",
    scope="changed",
    started_at=START,
    finished_at=at(1),
    counts={"assign": 1, "remove": 0, "waiting": 40, "blocked": 1, "held": 1, "failed": 1},
    actions=(done("assign", "anna", "assigned"), done("remove", "ben", "no_answer")),
    waiting=(Waits("cleo", PRINT, 1, 40, at(-90), "member of Staff"),),
    blocked=(Blocked("dora", CENTRE, "MISSING_BASE", "needs AnyPrint first"),),
    held=(Held("emil", PRINT, "group_emptied", "Sales"),),
    failed=(Failed("ben", PRINT, "remove", "no_answer"),),
    shortages=(Short(PRINT, 40, 0, 40),),
    requests=(Prompt(3, PRINT, "open", 20, 60, 40),),
    incomplete=("AnySoft answered 500",),
    seats=(Seats(PRINT, 20, 20, 40, 60, False), Seats(SCAN, 1, 9, 0, None, True)),
    beside=Beside(
        left_out=(LeftOut("entra", "Top", PRINT, 12),),
        namesakes=(Namesake(4, "entra", "Staff", "g-9", True),),
        by_hand=(ByHand("gus", PRINT),),
        by_hand_count=3,
        skipped=(Skipped("entra", "unknown_path", "nickName", 4, "2027-03-01T08:59:00Z"),),
        skipped_count=1,
        calls={"assign": 2, "subscriptions": 1},
    ),
)


# ---- JSON ----


def test_the_json_has_the_fields_that_scripts_rely_on() -> None:
    """outside.md"""
    said = json.loads(json.dumps(as_json(FULL)))
    assert said["run"] == 12
    assert (said["cause"], said["scope"]) == ("changes", "changed")
    assert (said["started_at"], said["finished_at"]) == ("2027-03-01T09:00:00Z", "2027-03-01T09:01:00Z")
    assert said["counts"]["assign"] == 1
    assert said["actions"][0] == {
        "action": "assign",
        "user": "anna",
        "product": "anyprint",
        "because": "member of Staff",
        "outcome": "assigned",
    }
    assert said["waiting"][0]["since"] == "2027-03-01T07:30:00Z"
    assert said["incomplete"] == ["AnySoft answered 500"]
    assert {"waiting", "blocked", "held", "failed", "shortages", "requests"} <= said.keys()


def test_what_is_stored_comes_back_whole() -> None:
    kept = json.loads(json.dumps(stored(FULL)))
    assert "actions" not in kept, "they have a table of their own"
    assert revive(12, "changes", "changed", START, at(1), kept, FULL.actions) == FULL


def test_a_round_that_broke_off_says_so() -> None:
    broken = revive(13, "changes", "changed", START, None, {}, FULL.actions)
    assert "broke off" in broken.incomplete[0]
    assert as_json(broken)["finished_at"] is None
    assert broken.actions == FULL.actions


@pytest.mark.parametrize(
    ("says", "change", "needs"),
    [
        ("nothing to do", {}, False),
        ("a hold", {"held": FULL.held}, True),
        ("somebody waits", {"counts": {"waiting": 1}}, True),
        ("an incomplete read", {"incomplete": ("x",)}, True),
        ("an open prompt", {"requests": FULL.requests}, True),
        ("an overdue change", {"requests": (replace(FULL.requests[0], state="overdue"),)}, True),
        ("a change that takes its hour", {"requests": (replace(FULL.requests[0], state="pending"),)}, False),
    ],
)
def test_whether_something_needs_a_person(says: str, change: dict[str, object], needs: bool) -> None:
    """outside.md: exit code 3"""
    quiet = Report(1, "x", "changed", START, START, {})
    assert replace(quiet, **change).needs_a_person == needs, says  # type: ignore[arg-type]


# ---- text ----


def test_the_text_tells_all_of_it() -> None:
    text = as_text(FULL)
    for said in (
        "Round 12 (changes, changed), 2027-03-01 09:00 UTC, took 60.0 s: "
        "1 assign, 1 blocked of those looked at; in all 40 waiting, 1 held, 1 failed",
        "Blocked, of those that this round looked at (1)",
        "INCOMPLETE: AnySoft answered 500",
        "Assignments (1)\n  anna  anyprint  member of Staff  assigned\n",
        "1 of 40  cleo  anyprint  member of Staff  since 2027-03-01 07:30 UTC",
        "40 wait, 0 free, 40 missing",
        "request 3  anyprint  20 to 60  open: `request show 3`",
        "dora  anyprint-centre  MISSING_BASE  needs AnyPrint first",
        "emil  anyprint  group_emptied  Sales",
        "ben  anyprint  remove  no_answer",
        "anyprint  20 bought  20 assigned  0 free          40 wait  60 pending",
        "anyscan   1 bought   9 assigned   never runs out  0 wait",
        "LEFT OUT: 12 people of groups inside Top (entra) don't get anyprint: the mapping isn't transitive",
        "NAMESAKE: group g-9 of entra is called Staff, as that of mapping 4, which was deleted: it gives",
        "Given by hand to people who are disabled: a person decides (1 of 3)",
        "entra  unknown_path  nickName  4×  2027-03-01T08:59:00Z",
        "subscriptions  1",
        "Waiting for a seat (1 of 40)",
        "Not everybody is listed here. All of them: `report show 12 --format csv`",
    ):
        assert said in text


def test_r16_a_full_round_counts_everybody_blocked() -> None:
    text = as_text(replace(FULL, scope="everyone"))
    assert ": 1 assign; in all 40 waiting, 1 blocked, 1 held, 1 failed\n" in text
    assert "\nBlocked (1)\n" in text


@pytest.mark.parametrize("outage", [True, False])
def test_r16_r29_who_only_waits_for_anysoft_is_not_said_to_wait_for_a_seat(
    company: Company, outage: bool
) -> None:
    def silent(name: str, args: object) -> None:
        if name == "create_account":
            raise Busy("AnySoft is to be left alone", retry_after=20, outage=outage)

    company.buy(PRINT, 10)
    company.map(company.group("Staff", company.hire(*(f"user{n:02}@x.example" for n in range(14)))), PRINT)
    company.wrap = lambda real: Faulty(real, (), [], silent).licensing()
    round = company.round()
    assert (round.outage, bool(round.put_off)) == (outage, not outage)
    report = compose(round, company.ports().ledger, company.now)
    assert "in all 14 waiting (10 for AnySoft, not for a seat)" in as_text(report).splitlines()[0]
    assert "seats are free for 10 of them, who wait until AnySoft answers" in as_text(report)
    company.wrap = lambda real: real
    company.go(seconds=21)
    served = compose(company.round(Scope.EVERYONE), company.ports().ledger, company.now)
    assert as_text(served).splitlines()[0].endswith("in all 4 waiting")


def test_an_empty_round_has_one_line() -> None:
    quiet = Report(1, "schedule", "everyone", START, START, {"assign": 0})
    assert as_text(quiet) == "Round 1 (schedule, everyone), 2027-03-01 09:00 UTC, took 0.0 s: nothing to do\n"


def test_a_dry_run_says_that_nothing_was_changed() -> None:
    """R28"""
    text = as_text(replace(FULL, run=None))
    assert text.startswith("Dry run, nothing was changed (")
    assert "To be done: assign (1)" in text


def test_a_hostile_name_moves_no_cursor_and_forges_no_line() -> None:
    """T27"""
    evil = "x\x1b[2J\nRound 99\u202e\r"
    text = as_text(replace(FULL, actions=(done("assign", evil, "assigned"),), incomplete=(evil,)))
    assert not any(c in text for c in "\x1b\r\u202e")
    assert len(text.splitlines()) == len(as_text(replace(FULL, actions=FULL.actions[:1])).splitlines())


# ---- HTML ----


def test_the_page_tells_what_the_text_tells_and_needs_nothing_from_elsewhere() -> None:
    page = as_html(FULL)
    for section in sections(FULL):
        assert escape(section.heading) in page
        for row in section.rows:
            assert "".join(f"<td>{escape(cell)}</td>" for cell in row) in page
    assert all(escape(alarm) in page for alarm in alarms(FULL))
    assert not re.search(r"<script|src=|href=|url\(|@import|https?:", page)


def test_a_hostile_name_is_no_markup() -> None:
    """T27"""
    evil = "<img src=x onerror=alert(1)>\x1b\u202e"
    page = as_html(replace(FULL, actions=(done("assign", evil, "assigned"),), incomplete=(evil,)))
    assert not any(c in page for c in "\x1b\u202e")
    assert "<img" not in page


# ---- of real rounds ----


def company_with_a_queue(company: Company) -> Company:
    """Two seats for four people; the add-on is wanted by one of them and by one without AnyPrint."""
    company.buy(PRINT, 2)
    company.buy(CENTRE, 5)
    ids = company.hire("anna", "ben", "cleo", "dora", "emil")
    company.map(company.group("Staff", ids[:4]), PRINT)
    company.map(company.group("Centre", [ids[3], ids[4]]), CENTRE)
    return company


def test_a_rounds_report_tells_who_got_it_who_waits_and_who_is_blocked(company: Company) -> None:
    """R16, R18"""
    company_with_a_queue(company)
    ports = company.ports()
    round = company.round()
    said = compose(round, ports.ledger, company.now)
    assert [(a.user_name, a.outcome) for a in said.actions] == [("anna", "assigned"), ("ben", "assigned")]
    assert (said.counts["assign"], said.counts["waiting"], said.counts["blocked"]) == (2, 3, 1)
    assert [(w.user, w.product, w.position, w.of, w.because) for w in said.waiting] == [
        ("cleo", PRINT, 1, 2, "member of Staff"),
        ("dora", PRINT, 2, 2, "member of Staff"),
        ("dora", CENTRE, 1, 1, "member of Centre; its base license waits, too"),
    ]
    assert [(b.user, b.code) for b in said.blocked] == [("emil", "MISSING_BASE")]
    assert [(r.product, r.state, r.quantity, r.proposed) for r in said.requests] == [(PRINT, "open", 2, 4)]
    assert said.needs_a_person
    assert stored(said)["counts"] == said.counts


def test_everybody_who_waits_is_told_of_the_newest_round(company: Company) -> None:
    """R16: the stored report keeps the first of a queue only."""
    company.buy(PRINT, 1)
    company.map(company.group("Staff", company.hire(*(f"p{n:03}" for n in range(LISTED + 31)))), PRINT)
    ports = company.ports()
    said = compose(company.round(), ports.ledger, company.now, ports.mirror.mappings())
    assert (len(said.waiting), said.counts["waiting"], said.complete) == (LISTED, LISTED + 30, False)
    assert as_json(said)["complete"] is False
    whole = completed(said, ports.ledger, ports.mirror.mappings())
    assert [(w.user, w.position) for w in whole.waiting] == [(f"p{n:03}", n) for n in range(1, LISTED + 31)]
    assert whole.complete
    assert whole.waiting[:LISTED] == said.waiting
    assert as_csv(whole).count("\r\nwaiting,") == LISTED + 30


def test_the_seats_are_told_as_the_round_left_them(company: Company) -> None:
    company_with_a_queue(company)
    ports = company.ports()
    said = compose(company.round(), ports.ledger, company.now)
    assert [(s.product, s.quantity, s.assigned, s.waiting) for s in said.seats] == [
        (PRINT, 2, 2, 2),
        (CENTRE, 5, 0, 1),
    ]
    assert company.sold(PRINT).assigned == 2


def test_later_reports_name_the_groups_by_the_mappings(company: Company) -> None:
    company_with_a_queue(company).round()
    ports = company.ports()
    later = company.round()
    named = compose(later, ports.ledger, company.now, ports.mirror.mappings()).waiting[0]
    assert (named.user, named.because) == ("cleo", "member of Staff")
    assert compose(later, ports.ledger, company.now).waiting[0].because == ""


def test_a_dry_runs_report_tells_who_would_wait(company: Company) -> None:
    """R28: the plan that `plan` prints is the plan that `sync` would apply."""
    company_with_a_queue(company)
    ports = company.ports()
    while ports.mirror.expand_marks(100):
        pass
    dry = compose(rehearse(ports, Scope.EVERYONE, company.policy), ports.ledger, company.now)
    wet = compose(company.round(), ports.ledger, company.now)
    assert dry.run is None
    assert [(a.action, a.user_name) for a in dry.actions] == [(a.action, a.user_name) for a in wet.actions]
    assert {a.outcome for a in dry.actions} == {""}
    assert (dry.waiting, dry.blocked) == (wet.waiting, wet.blocked)
    assert dry.counts["assign"] == wet.counts["assign"] == 2
    assert [(s.product, s.need) for s in dry.shortages] == [(PRINT, 2)]


def test_what_failed_is_told_and_what_is_merely_back_in_line_is_not() -> None:
    """R11, R15"""
    actions = [
        done("assign", "anna", "no_license_left"),
        done("assign", "ben", "inactive_user"),
        done("remove", "cleo", "unknown_user"),
        done("assign", "dora", "unknown_user"),
        done("assign", "emil", ""),
        done("announce", "fred", ""),
        done("confirm", "gus", "already_assigned"),
    ]
    assert [(f.user, f.code) for f in failures(actions)] == [
        ("ben", "inactive_user"),
        ("dora", "unknown_user"),
    ]
    assert [a.user_name for a in actions if did(a)] == ["cleo", "fred", "gus"]


def test_a_held_removal_is_told_with_its_group_and_its_add_ons(company: Company) -> None:
    """R24, R10"""
    company_with_a_queue(company)
    ports = company.ports()
    mapping = company.ports().mirror.mappings()[0]
    change = HoldChange(None, "group_emptied", mapping.group, PRINT, (PersonId(1),), ((PersonId(1), CENTRE),))
    other = HoldChange(None, "product_share", None, PRINT, (PersonId(9),))
    unmapped = HoldChange(None, "group_share", GroupId(77), PRINT, (PersonId(9),))
    plan = Plan(holds=(change, other, unmapped), names={PersonId(1): "anna"})
    dry = Round(None, "x", Scope.CHANGED, START, START, plan, None)
    held = compose(dry, ports.ledger, company.now, ports.mirror.mappings()).held
    assert held == (
        Held("anna", PRINT, "group_emptied", "Staff"),
        Held("anna", CENTRE, "group_emptied", "Staff"),
        Held("person 9", PRINT, "product_share", ""),
        Held("person 9", PRINT, "group_share", "group 77"),
    )


def test_r27_nobody_was_told_of_what_went_at_once_either(company: Company) -> None:
    """A disabled person has no grace: there is nothing to come."""
    company.buy(PRINT, 8)
    ids = company.hire(*(f"p{n}@x.example" for n in range(8)))
    group = company.group("LIC", ids)
    company.map(group, PRINT)
    company.round()
    company.leave(group, ids[0])
    company.round()
    company.go(minutes=16)
    company.settle(channel=False)
    company.set_active(ids[1], False)
    for id, words in (
        (None, "2 removals, 1 made at once in this round and 1 to come"),
        (ids[2], "1 removal, made at once in this round"),
    ):
        if id is not None:
            company.set_active(id, False)
        report = compose(company.round(), company.ports().ledger, company.now)
        assert f"NOBODY WAS TOLD of {words}: no mail" in as_text(report)

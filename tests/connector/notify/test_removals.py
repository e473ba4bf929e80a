"""Is what people hear of a removal so when they hear it: to come, gone at once, or forgotten (R27)?

A real company, a real mail server and webhook on loopback; on SQLite and on PostgreSQL.
"""

from sync.model import Held
from tests.company import PRINT, SCAN
from tests.connector.notify.office import Office, leaver

DAN, CID = "dan@northmill.example", "cid@northmill.example"
DANS, CIDS = "dan.d@northmill.example", "cid.c@northmill.example"


def team(office: Office, grace_hours: int = 24) -> tuple[str, str, str]:
    """The group that gives anyprint, and dan and cid, who have it."""
    company = office.company
    company.buy(PRINT, 20)
    dan, cid = office.hire(DAN, DANS), office.hire(CID, CIDS)
    others = company.hire(*(f"p{n}@northmill.example" for n in range(10)))
    group = company.group("LIC-AnyPrint", [dan, cid, *others])
    company.map(group, PRINT, grace_hours=grace_hours)
    company.round()
    return group, dan, cid


def lose(office: Office, group: str, *ids: str) -> None:
    office.company.leave(group, *ids)
    office.company.round()
    office.company.go(minutes=16)
    office.company.round()
    office.tell()


def later(office: Office, minutes: int = 6, looks: int = 3) -> None:
    """The five minutes over which the operators' message gathers, and more."""
    for _ in range(looks):
        office.company.go(minutes=minutes)
        office.tell()


def bodies(office: Office, address: str) -> list[str]:
    return [m.get_content() for m in office.box.to(address)]


def test_r27_that_a_disabled_person_lost_it_at_once_is_told_and_when(office: Office) -> None:
    _, dan, _ = team(office)
    office.company.set_active(dan, False)
    office.company.round()
    assert office.company.held(DAN, PRINT) is Held.NO
    office.tell()
    later(office)
    [to_dan] = bodies(office, DANS)
    assert "Your license of anyprint ended at 2027-03-01 09:00 UTC: " in to_dan
    assert office.subjects(DANS) == ["You lost anyprint"]
    assert office.subjects() == ["1 licenses were removed"]
    [said] = office.hook.said
    assert f"{DAN} lost anyprint at 2027-03-01 09:00 UTC, at once: " in said["text"]
    assert said["facts"]["removals"] == []
    assert [row[:2] for row in said["facts"]["removed"]] == [[DAN, "anyprint"]]


def test_r27_that_a_deleted_person_lost_it_at_once_is_told(office: Office) -> None:
    _, dan, _ = team(office)
    office.company.delete(dan)
    office.company.round()
    office.tell()
    later(office)
    [said] = office.hook.said
    assert f"{DAN} lost anyprint at 2027-03-01 09:00 UTC, at once: " in said["text"]


def test_r27_of_a_mapping_without_grace_what_went_is_told_beside_what_will_go(office: Office) -> None:
    company = office.company
    group, dan, _ = team(office, grace_hours=0)
    company.buy(SCAN, 20)
    company.map(group, SCAN)
    company.round()
    lose(office, group, dan)
    assert (company.held(DAN, PRINT), company.held(DAN, SCAN)) == (Held.NO, Held.YES)
    later(office)
    assert office.subjects(DANS) == ["You lost anyprint; You will lose anyscan"]
    [to_dan] = bodies(office, DANS)
    assert "Your license of anyprint ended at 2027-03-01 09:16 UTC" in to_dan
    assert "Your license of anyscan ends at 2027-03-02 09:16 UTC" in to_dan
    assert office.subjects() == ["1 licenses were removed, 1 licenses will be removed"]
    [text] = [said["text"] for said in office.hook.said]
    assert f"{DAN} lost anyprint at 2027-03-01 09:16 UTC, at once" in text
    assert f"{DAN} loses anyscan at 2027-03-02 09:16 UTC" in text


def test_r27_what_went_at_once_is_told_once_though_the_post_failed_before(office: Office) -> None:
    _, dan, _ = team(office)
    office.hook.status, office.box.refuse = 500, True
    office.company.set_active(dan, False)
    office.company.round()
    office.tell()
    later(office)
    assert len(office.failing()) == 3
    office.hook.status, office.box.refuse = 200, False
    later(office)
    assert (office.subjects(), office.subjects(DANS)) == (["1 licenses were removed"], ["You lost anyprint"])
    assert "lost anyprint" in office.hook.said[-1]["text"]
    told = len(office.hook.got)
    later(office)
    assert (len(office.hook.got), office.failing()) == (told, [])


def test_r27_a_loss_that_is_forgotten_before_the_operators_hear_of_it_is_not_told(office: Office) -> None:
    group, dan, cid = team(office)
    lose(office, group, dan, cid)
    office.company.go(seconds=4)
    office.company.join(group, cid)
    office.company.round()
    office.tell()
    later(office)
    [said] = office.hook.said
    assert "dan@" in said["text"]
    assert "cid@" not in said["text"]
    assert said["subject"] == "1 licenses will be removed"
    assert office.subjects() == ["1 licenses will be removed"]


def test_r27_nobody_hears_of_a_loss_of_which_nothing_is_left(office: Office) -> None:
    group, _, cid = team(office)
    lose(office, group, cid)
    office.company.join(group, cid)
    office.company.round()
    office.tell()
    later(office)
    assert (office.subjects(), office.hook.got) == ([], [])
    lose(office, group, cid)
    later(office)
    assert office.subjects() == ["1 licenses will be removed"]
    assert len(office.hook.got) == 1


def test_r27_announced_by_several_rounds_within_five_minutes_is_one_message(office: Office) -> None:
    group, dan, cid = team(office)
    lose(office, group, dan)
    office.company.set_active(cid, False)
    office.company.round()
    office.tell()
    later(office)
    assert office.subjects() == ["1 licenses were removed, 1 licenses will be removed"]
    assert [said["revision"] for said in office.hook.said] == [2]


def test_r27_a_message_that_comes_after_the_removal_says_that_it_is_done(office: Office) -> None:
    office.hook.status, office.box.refuse = 500, True
    leaver(office)
    later(office)
    office.company.go(hours=24)
    office.company.round()
    assert office.company.held("zoe@northmill.example", PRINT) is Held.NO
    office.hook.status, office.box.refuse = 200, False
    office.tell()
    later(office, minutes=300)
    assert office.subjects("zoe.n@northmill.example") == ["You lost anyprint"]
    assert office.subjects()[0] == "1 licenses were removed"
    assert "zoe@northmill.example lost anyprint at 2027-03-02 " in office.hook.said[-1]["text"]
    assert "at once" not in office.hook.said[-1]["text"]

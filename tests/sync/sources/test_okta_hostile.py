"""T25: answers of Okta that are odd, but whole: they are taken for what they are, and poison nothing."""

import json
from datetime import timedelta
from typing import Any

import pytest

from sync.pulled import Incomplete
from tests.standins.answers import Answer, Fault
from tests.standins.okta import Okta
from tests.standins.okta_org import text_of
from tests.sync.sources.okta_faults import GROUPS, each, edited
from tests.sync.sources.okta_world import Reader, first, read

FAR = ["9999-12-31T23:59:59.999Z", "0001-01-01T00:00:00.000Z", "2099-01-01T00:00:00.000Z"]


@pytest.fixture
def group(okta: Okta) -> str:
    return okta.org.group("LIC-AnyPrint", okta.org.hire(*(f"user{n}@northmill.example" for n in range(6))))


@pytest.mark.parametrize("far", FAR)
@pytest.mark.parametrize("field", ["lastUpdated", "lastMembershipUpdated"])
def test_a_time_far_off_hides_no_later_change(
    okta: Okta, reader: Reader, group: str, far: str, field: str
) -> None:
    """A watermark that jumped to 9999 would see nothing ever again."""
    okta.org.go(3600)
    source = reader.source()
    okta.faults = [Fault(GROUPS, each(**{field: far}), times=1)]
    cursor = first(source, group).active
    okta.org.go(600)
    newcomer = okta.org.hire("zoe@northmill.example")[0]
    okta.org.join(group, newcomer)
    okta.org.go(600)
    assert newcomer in read(source, cursor, group).members[group]


@pytest.mark.parametrize("far", FAR)
def test_a_person_changed_far_off_hides_no_later_suspension(
    okta: Okta, reader: Reader, group: str, far: str
) -> None:
    okta.org.go(3600)
    source = reader.source()
    cursor = first(source, group).active
    okta.faults = [Fault(r"GET /api/v1/users\?", each(lastUpdated=far), times=1)]
    okta.org.go(600)
    okta.org.hire("somebody@northmill.example")
    cursor = read(source, cursor, group).active
    okta.org.go(600)
    who = okta.org.teams[group].members[0]
    okta.org.status(who, "SUSPENDED")
    assert read(source, cursor, group).people[who] is False


@pytest.mark.parametrize("off", [-3, 3])
def test_a_clock_of_okta_that_is_days_off_is_not_relied_on(
    okta: Okta, reader: Reader, group: str, off: int
) -> None:
    wrong = (okta.org.now + timedelta(days=off)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    okta.faults = [Fault("GET", lambda given: given.with_header("Date", wrong))]
    source = reader.source()
    cursor = first(source, group).active
    okta.org.go(600)
    newcomer = okta.org.hire("zoe@northmill.example")[0]
    okta.org.join(group, newcomer)
    assert newcomer in read(source, cursor, group).members[group]


def doubled(given: Answer) -> Answer:
    return edited(lambda found: [one for one in found for _ in range(3)])(given)


def turned(given: Answer) -> Answer:
    return edited(lambda found: list(reversed(found)))(given)


@pytest.mark.parametrize("spoil", [doubled, turned], ids=["doubled", "disordered"])
@pytest.mark.parametrize("page", [2, 200])
def test_doubled_and_disordered_entries_are_one_each(
    okta: Okta, reader: Reader, group: str, spoil: Any, page: int
) -> None:
    okta.page, okta.faults = page, [Fault("GET", spoil)]
    seen = first(reader.source(), group)
    assert seen.members[group] == set(okta.org.teams[group].members)
    assert seen.whole == {group}


def test_one_person_of_the_org_in_an_unknown_state_stops_nobody_else(
    okta: Okta, reader: Reader, group: str
) -> None:
    okta.org.go(3600)
    source = reader.source()
    cursor = first(source, group).active
    okta.org.go(600)
    stranger, who = okta.org.hire("new@northmill.example", status="HIBERNATING")[0], okta.org.teams[group]
    okta.org.status(who.members[0], "SUSPENDED")
    assert read(source, cursor, group).people == {who.members[0]: False}
    assert stranger not in who.members


def test_somebody_who_leaves_between_the_count_and_the_list_is_no_fault(
    okta: Okta, reader: Reader, group: str
) -> None:
    gone = okta.org.teams[group].members[0]

    def leaves(given: Answer) -> Answer:
        okta.org.leave(group, gone)
        return given

    okta.faults = [Fault(GROUPS, leaves, times=1)]
    seen = first(reader.source(), group)
    assert seen.whole == {group}
    assert gone not in seen.members[group]


def test_r23_where_okta_does_not_count_no_list_is_whole(okta: Okta, reader: Reader, group: str) -> None:
    """Not even two that agree: a list that is cut short is cut short each time."""
    okta.stats = False
    seen = first(reader.source(), group)
    assert seen.whole == set()
    assert "doesn't say how many members" in seen.unread[group]
    assert seen.members[group] == set(okta.org.teams[group].members), "who is listed is in it"
    okta.stats = True
    assert read(reader.source(), seen.active, group).whole == {group}, "the next read takes it up"


def test_a_group_that_can_not_be_read_is_taken_up_by_the_next_read(
    okta: Okta, reader: Reader, group: str
) -> None:
    other = okta.org.group("LIC-AnyScan", okta.org.teams[group].members)
    okta.org.go(3600)
    okta.faults = [Fault(f"/{group}/users", lambda given: Answer(404, b"<html>"))]
    source = reader.source()
    seen = first(source, group, other)
    assert seen.whole == {other}, "one bad group doesn't stop the others"
    assert set(seen.unread) == {group}
    okta.faults = []
    okta.org.go(600)
    healed = read(source, seen.active, group, other)
    assert healed.members == {group: set(okta.org.teams[group].members)}


@pytest.mark.parametrize("odd", ["6", -1, True, None, [], 6.0])
def test_r23_a_count_that_is_no_number_is_none(okta: Okta, reader: Reader, group: str, odd: object) -> None:
    okta.faults = [Fault(GROUPS, each(_embedded={"stats": {"usersCount": odd}}))]
    assert first(reader.source(), group).whole == set()


def test_a_count_that_came_at_the_second_asking_is_one(okta: Okta, reader: Reader, group: str) -> None:
    okta.faults = [Fault(GROUPS, each(_embedded=None), times=1)]
    assert first(reader.source(), group).whole == {group}


def test_an_answer_about_somebody_else_is_refused(okta: Okta, reader: Reader, group: str) -> None:
    ids = okta.org.teams[group].members
    profile = {"login": "x", "name": "x"}
    both = {"id": "another", "status": "ACTIVE", "profile": profile}
    okta.faults = [Fault("GET", lambda given: Answer(200, json.dumps(both).encode()))]
    with pytest.raises(Incomplete, match="another person"):
        reader.source().people([ids[0]])
    with pytest.raises(Incomplete, match="another group"):
        reader.source().find_groups(["00gMine"])


def test_the_stand_in_writes_times_as_okta_does(okta: Okta) -> None:
    assert text_of(okta.org.now) == "2027-03-01T08:00:00.000Z"

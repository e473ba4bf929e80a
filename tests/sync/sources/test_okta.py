"""What does a read of Okta give? Against a stateful stand-in, page by page."""

import pytest

from sync.pulled import Active, Expired, PulledUser, Refresh, Resume
from tests.standins.okta import Okta
from tests.sync.sources.okta_world import Reader, first, read


@pytest.fixture
def staff(okta: Okta) -> list[str]:
    return okta.org.hire(*(f"user{n:02}.north@northmill.example" for n in range(7)))


def calls(okta: Okta) -> int:
    return len(okta.lines())


def test_a_full_read_gives_each_group_that_is_asked_for_with_its_members_over_pages(
    okta: Okta, reader: Reader, staff: list[str]
) -> None:
    okta.page = 2
    prints, other = okta.org.group("LIC-AnyPrint", staff[:5]), okta.org.group("Everyone", staff)
    scans = okta.org.group("LIC-AnyScan", staff[4:])
    seen = first(reader.source(), prints, scans)
    assert seen.members == {prints: set(staff[:5]), scans: set(staff[4:])}
    assert seen.whole == {prints, scans}
    assert seen.names == {prints: "LIC-AnyPrint", scans: "LIC-AnyScan"}
    assert not [line for line in okta.lines() if f"/{other}/users" in line]


def test_a_person_is_as_their_profile_says(okta: Okta, reader: Reader) -> None:
    (ada,) = okta.org.hire("ada.berg@northmill.example")
    found = reader.source().people([ada])
    name = "ada.berg@northmill.example"
    assert found.found == (PulledUser(ada, name, "Ada Berg", name, True),)


@pytest.mark.parametrize(
    ("status", "active"),
    [
        ("ACTIVE", True), ("PASSWORD_EXPIRED", True), ("LOCKED_OUT", True), ("RECOVERY", True),
        ("PROVISIONED", False), ("STAGED", False), ("SUSPENDED", False), ("DEPROVISIONED", False),
    ],
)  # fmt: skip
def test_whose_status_works(okta: Okta, reader: Reader, status: str, active: bool) -> None:
    (ada,) = okta.org.hire("ada@northmill.example", status=status)
    group = okta.org.group("LIC-AnyPrint", [ada])
    seen = first(reader.source(), group)
    assert seen.members == {group: {ada}}, "suspended people keep their groups"
    assert seen.people == {ada: active}


def test_provisioned_people_count_where_the_setting_says_so(okta: Okta, reader: Reader) -> None:
    reader.provisioned = True
    (ada,) = okta.org.hire("ada@northmill.example", status="PROVISIONED")
    assert first(reader.source(), okta.org.group("G", [ada])).people == {ada: True}


def test_nothing_changed_costs_two_calls(okta: Okta, reader: Reader, staff: list[str]) -> None:
    groups = [okta.org.group(f"G{n}", staff) for n in range(20)]
    okta.org.go(600)
    source = reader.source()
    cursor = first(source, *groups).active
    okta.org.go(300)
    before = calls(okta)
    seen = read(source, cursor, *groups)
    assert calls(okta) - before == 2
    assert seen.members == {}


def test_a_changed_group_is_read_anew_and_the_others_are_not(
    okta: Okta, reader: Reader, staff: list[str]
) -> None:
    prints, scans = okta.org.group("Print", staff[:2]), okta.org.group("Scan", staff)
    okta.org.go(600)
    source = reader.source()
    cursor = first(source, prints, scans).active
    okta.org.go(600)
    okta.org.join(prints, staff[3])
    okta.org.leave(prints, staff[0])
    seen = read(source, cursor, prints, scans)
    assert seen.members == {prints: {staff[1], staff[3]}}
    assert seen.whole == {prints}


def test_a_group_that_was_read_right_after_a_change_is_read_once_more_and_then_left_alone(
    okta: Okta, reader: Reader, staff: list[str]
) -> None:
    """Okta's member lists may lag behind lastMembershipUpdated."""
    group = okta.org.group("Print", staff)
    source = reader.source()
    cursor = first(source, group).active
    okta.org.go(400)
    second = read(source, cursor, group)
    assert second.members == {group: set(staff)}
    okta.org.go(400)
    assert read(source, second.active, group).members == {}


def test_a_change_in_the_same_second_as_the_read_is_not_missed(
    okta: Okta, reader: Reader, staff: list[str]
) -> None:
    group = okta.org.group("Print", staff[:1])
    source = reader.source()
    cursor = first(source, group).active
    okta.org.join(group, staff[1])
    okta.org.go(1)
    assert read(source, cursor, group).members == {group: set(staff[:2])}


def test_somebody_who_is_suspended_is_seen_though_no_group_changed(
    okta: Okta, reader: Reader, staff: list[str]
) -> None:
    group = okta.org.group("Print", staff)
    okta.org.go(600)
    source = reader.source()
    cursor = first(source, group).active
    okta.org.go(600)
    okta.org.status(staff[2], "SUSPENDED")
    seen = read(source, cursor, group)
    assert seen.members == {}
    assert seen.people[staff[2]] is False


def test_a_status_that_moved_no_time_is_seen_by_the_full_read(
    okta: Okta, reader: Reader, staff: list[str]
) -> None:
    group = okta.org.group("Print", staff)
    okta.org.go(600)
    source = reader.source()
    cursor = first(source, group).active
    okta.org.go(600)
    okta.org.status(staff[2], "SUSPENDED", touch=False)
    assert staff[2] not in read(source, cursor, group).people
    assert first(source, group).people[staff[2]] is False


def test_a_group_that_is_new_among_those_asked_for_is_read_as_a_whole(
    okta: Okta, reader: Reader, staff: list[str]
) -> None:
    prints, scans = okta.org.group("Print", staff[:2]), okta.org.group("Scan", staff[2:])
    okta.org.go(600)
    source = reader.source()
    cursor = first(source, prints).active
    okta.org.go(600)
    seen = read(source, cursor, prints, scans)
    assert seen.members == {scans: set(staff[2:])}
    assert seen.names[scans] == "Scan"


def test_a_renamed_group_is_told_and_not_read(okta: Okta, reader: Reader, staff: list[str]) -> None:
    group = okta.org.group("Print", staff)
    okta.org.go(600)
    source = reader.source()
    cursor = first(source, group).active
    okta.org.go(600)
    okta.org.rename(group, "AnyPrint")
    seen = read(source, cursor, group)
    assert seen.names == {group: "AnyPrint"}
    assert seen.members == {}


def test_a_deleted_group_is_gone_by_the_complete_list_and_by_its_id(
    okta: Okta, reader: Reader, staff: list[str]
) -> None:
    prints, scans = okta.org.group("Print", staff), okta.org.group("Scan", staff)
    okta.org.go(600)
    source = reader.source()
    cursor = first(source, prints, scans).active
    okta.org.drop(scans)
    okta.org.go(600)
    changes = read(source, cursor, prints, scans)
    assert changes.gone == set(), "a list of changes names nobody who is gone"
    full = first(source, prints, scans)
    assert full.gone == {scans}
    before = calls(okta)
    okta.org.go(600)
    again = read(source, full.active, prints, scans)
    assert calls(okta) - before == 2, "what is gone isn't asked for again and again"
    assert again.gone == set()


def test_people_who_are_gone_are_told_from_those_who_are_deactivated(
    okta: Okta, reader: Reader, staff: list[str]
) -> None:
    okta.org.status(staff[0], "DEPROVISIONED")
    okta.org.delete(staff[1])
    found = reader.source().people(staff[:3])
    assert found.gone == (staff[1],)
    assert {user.id: user.active for user in found.found} == {staff[0]: False, staff[2]: True}


def test_groups_are_found_by_name_and_by_id(okta: Okta, reader: Reader) -> None:
    one, two = okta.org.group("LIC Print & Scan"), okta.org.group("LIC Print & Scan", type="APP_GROUP")
    okta.org.group("LIC Print & Scan Release")
    three = okta.org.group("Other")
    source = reader.source()
    assert {g.id for g in source.find_groups(["LIC Print & Scan"])} == {one, two}
    assert [g.name for g in source.find_groups([three, three])] == ["Other"]
    assert source.find_groups(["lic print & scan", "00g000000000000other"]) == []


def test_t12_a_source_that_is_begun_anew_goes_on_at_the_next_page(
    okta: Okta, reader: Reader, staff: list[str]
) -> None:
    okta.page = 2
    group = okta.org.group("Print", staff)
    cursor: Refresh | Resume | Active = Refresh()
    members: set[str] = set()
    for _ in range(20):
        page = reader.source().read(cursor, [group])
        members |= {entry.member for entry in page.entries}
        cursor = page.next
        if page.complete:
            break
    assert members == set(staff)
    listed = [line for line in okta.lines() if f"/{group}/users" in line]
    assert len(listed) == len(set(listed)) == 4, "no page is read twice"


@pytest.mark.parametrize(
    "state", ["", "{}", "[]", '{"version":1}', '{"version":1,"org":"https://other.example"}']
)
def test_a_cursor_that_is_not_ours_expires(okta: Okta, reader: Reader, state: str) -> None:
    group = okta.org.group("Print")
    for cursor in (Active(state), Resume(state)):
        with pytest.raises(Expired):
            reader.source().read(cursor, [group])


def test_a_cursor_is_of_no_use_with_another_org(okta: Okta, reader: Reader) -> None:
    group = okta.org.group("Print")
    cursor = first(reader.source(), group).active
    with Okta(org=okta.org, tls=okta.tls) as other:
        reader.okta = other
        with pytest.raises(Expired):
            reader.source().read(cursor, [group])

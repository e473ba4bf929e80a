"""How much of Okta's limits is used, and what happens when they are reached? By the stand-in's own counts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from sync.ports import Transient
from sync.sources.http import Answer
from sync.sources.okta_api import PATIENCE
from sync.sources.okta_rate import LONGEST_WINDOW, Rate, limits, wait_after_429
from tests.standins.answers import Fault
from tests.standins.okta import Bucket, Okta, error
from tests.sync.sources.okta_faults import MEMBERS, limited
from tests.sync.sources.okta_world import Reader, first

NOW = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)


def told(status: int = 200, date: datetime | None = NOW, **headers: str) -> Answer:
    sent = {f"X-Rate-Limit-{name}": value for name, value in headers.items()}
    if date is not None:
        sent["Date"] = format_datetime(date, usegmt=True)
    return Answer(status, sent, b"")


def reset(seconds: float, begin: datetime = NOW) -> str:
    return str(int((begin + timedelta(seconds=seconds)).timestamp()))


@pytest.mark.parametrize("limit", [2, 7, 20, 100])
def test_never_more_than_half_of_a_limit_is_used(okta: Okta, reader: Reader, limit: int) -> None:
    okta.page, okta.buckets["group"] = 1, Bucket(limit)
    people = okta.org.hire(*(f"user{n:03}@northmill.example" for n in range(60)))
    group = okta.org.group("LIC-AnyPrint", people)
    assert first(reader.source(), group).members[group] == set(people)
    assert okta.buckets["group"].peak <= limit // 2
    assert not [wait for wait in reader.waits if wait > 61]


def test_each_endpoint_has_its_own_limit(okta: Okta, reader: Reader) -> None:
    okta.buckets["group"] = Bucket(2)
    group = okta.org.group("LIC-AnyPrint")
    source = reader.source()
    first(source, group)
    for _ in range(20):
        source.find_groups(["a name with spaces"])
    assert reader.waits == []


def test_what_others_leave_is_not_used_up_to_the_last_call(okta: Okta, reader: Reader) -> None:
    okta.buckets["group"] = Bucket(100, used=89, reset=okta.org.now + timedelta(seconds=40))
    okta.page = 1
    group = okta.org.group("Print", okta.org.hire(*(f"user{n}@northmill.example" for n in range(5))))
    assert first(reader.source(), group).whole == {group}
    assert reader.waits == [41.0], "a tenth was left after the first call"


@pytest.mark.parametrize("theirs", [-7200, 0, 7200], ids=["behind", "right", "ahead"])
def test_the_end_of_the_minute_is_compared_with_oktas_own_date(theirs: int) -> None:
    """Their clock, or ours, may be two hours off."""
    there = NOW + timedelta(seconds=theirs)
    given = told(429, there, Limit="600", Remaining="0", Reset=reset(12, there))
    assert wait_after_429(given, 0, NOW) == 13


def test_without_a_date_our_clock_has_to_do() -> None:
    given = told(429, None, Limit="600", Remaining="0", Reset=reset(12))
    assert wait_after_429(given, 0, NOW) == 13


def test_too_many_at_the_same_time_backs_off_whatever_the_reset_says() -> None:
    given = told(429, Limit="0", Remaining="0", Reset=reset(3000))
    assert [wait_after_429(given, n, NOW) for n in range(4)] == [1, 2, 4, 8]


@pytest.mark.parametrize(
    ("limit", "left", "end"),
    [("", "", ""), ("many", "0", "1"), ("600", "-1", "1"), ("600", "0", "soon"), ("9" * 40, "0", "1")],
)
def test_t25_headers_without_sense_are_none(limit: str, left: str, end: str) -> None:
    assert limits(told(Limit=limit, Remaining=left, Reset=end), NOW) is None


@pytest.mark.parametrize("end", ["0", "99999999999999"])
def test_t25_a_reset_far_off_is_cut(end: str) -> None:
    found = limits(told(Limit="600", Remaining="0", Reset=end), NOW)
    assert found is not None
    assert 0 <= found.ends_in <= LONGEST_WINDOW


def test_a_new_minute_begins_a_new_count() -> None:
    rate = Rate()
    for n in range(3):
        rate.note("e", told(Limit="8", Remaining=str(8 - n), Reset=reset(60)), 0.0, NOW)
    assert rate.wait("e", 0.0) == 0
    rate.note("e", told(Limit="8", Remaining="7", Reset=reset(120)), 61.0, NOW)
    assert rate.wait("e", 61.0) == 0
    for _ in range(3):
        rate.note("e", told(Limit="8", Remaining="4", Reset=reset(120)), 62.0, NOW)
    assert rate.wait("e", 62.0) > 0
    assert rate.wait("other", 62.0) == 0


def test_a_429_is_waited_for_and_the_read_goes_on(okta: Okta, reader: Reader) -> None:
    group = okta.org.group("Print", okta.org.hire("ada@northmill.example"))
    end = str(int((okta.org.now + timedelta(seconds=20)).timestamp()))
    okta.faults = [Fault(MEMBERS, limited(Limit="600", Remaining="0", Reset=end), times=1)]
    assert first(reader.source(), group).whole == {group}
    assert reader.waits == [21.0]


@pytest.mark.parametrize("headers", [{"Remaining": "0"}, {"Limit": "0", "Remaining": "0"}])
def test_r29_patience_has_an_end(okta: Okta, reader: Reader, headers: dict[str, str]) -> None:
    group = okta.org.group("Print")
    okta.faults = [Fault(MEMBERS, limited(**headers))]
    with pytest.raises(Transient, match="429") as busy:
        first(reader.source(), group)
    assert busy.value.retry_after is not None
    assert sum(reader.waits) <= PATIENCE


def test_an_outage_is_tried_three_times(okta: Okta, reader: Reader) -> None:
    down = error(503, "E0000009", "down")
    okta.faults = [Fault("GET", lambda given: replace(down, headers=given.headers))]
    with pytest.raises(Transient, match="503 \\(request req3\\)"):
        first(reader.source(), okta.org.group("Print"))
    assert reader.waits == [1.0, 2.0]

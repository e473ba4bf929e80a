"""T07, T25: Okta fails or lies; nobody is removed by it, the report says why, and it recovers by itself."""

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from sync.model import State
from tests.company import PRINT, SCAN
from tests.standins.okta import Okta
from tests.standins.tls import Authority
from tests.sync.sources.northmill import Northmill
from tests.sync.sources.okta_faults import CASES, Case

STAFF = [f"user{n}@northmill.example" for n in range(5)]
CANARY = "00canarySSWSthatNobodyElseMayEverSee000000"


@pytest.fixture
def other(tls: Authority) -> Iterator[Okta]:
    """A host that isn't Okta."""
    with Okta(tls=tls.server) as server:
        yield server


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_t07_t25_a_fault_removes_nobody_is_reported_and_heals(
    northmill: Northmill, other: Okta, case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    company, okta, org = northmill.company, northmill.okta, northmill.okta.org
    okta.page, okta.api_token = 2, CANARY
    company.buy(PRINT, 10)
    company.buy(SCAN, 10)
    for n in range(3):
        org.group(f"Z{n}")  # so that the list of groups has more than one page
    scans = northmill.team("LIC-AnyScan", STAFF, SCAN)
    prints = northmill.team("LIC-AnyPrint", STAFF, PRINT)
    company.round()
    northmill.go(minutes=10)
    leaver, zoe = next(iter(org.accounts)), org.hire("zoe@northmill.example")[0]
    for group in (prints, scans):
        org.leave(group, leaver)
        org.join(group, zoe)
    northmill.go(minutes=10)

    okta.faults, northmill.reader.timeout = case.make(okta, other), case.timeout
    caplog.set_level("DEBUG")
    with capture_logs() as logged:
        done = northmill.pull(full=case.full)
    assert not done.whole
    assert case.why in done.why
    assert northmill.seen().error == done.why
    assert northmill.members(prints) >= set(STAFF)
    assert northmill.members(scans) >= set(STAFF)
    company.round()
    assert company.state(STAFF[0], PRINT) is State.ASSIGNED
    assert other.seen == []
    assert CANARY not in f"{logged}{caplog.text}{done}"

    okta.faults, northmill.reader.timeout = [], 5.0
    northmill.go(hours=1, minutes=1)  # nobody waits longer
    assert northmill.pull().whole
    assert northmill.seen().error == ""
    expected = {*STAFF[1:], "zoe@northmill.example"}
    assert northmill.members(prints) == northmill.members(scans) == expected
    company.round()
    assert company.state(STAFF[0], PRINT) is State.REMOVING


def test_there_are_at_least_twenty_cases() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 20

"""T07, T25: Okta fails or lies; nobody is removed by it, the report says why, and it recovers by itself."""

import shutil
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from structlog.testing import capture_logs

from connector.rounds import unread
from connector.store.engine import connect
from sync.model import State
from tests.company import PRINT, SCAN, Company
from tests.standins.okta import Okta
from tests.standins.okta_org import Org
from tests.standins.tls import Authority
from tests.sync.sources.canary import spilled
from tests.sync.sources.northmill import Northmill
from tests.sync.sources.okta_faults import CASES, Case
from tests.sync.sources.okta_world import app_there

STAFF = [f"user{n}@northmill.example" for n in range(5)]
CANARY = "00canarySSWSthatNobodyElseMayEverSee000000"


@dataclass(slots=True)
class Begun:
    """What all cases begin with: two groups, read and licensed; then one of them left, and Zoe came."""

    okta: Okta
    other: Okta  #: a host that isn't Okta
    bundle: Path
    org: Org
    database: Path
    now: datetime
    scans: str = ""
    prints: str = ""

    def copy(self, folder: Path) -> Iterator[Northmill]:
        shutil.copyfile(self.database, folder / "connector.db")
        engine = connect(f"sqlite:///{folder / 'connector.db'}")
        self.okta.org, self.okta.faults, self.other.seen = deepcopy(self.org), [], []
        for bucket in self.okta.buckets.values():
            bucket.used, bucket.reset = 0, None  # the clock went back: else no minute would ever end
        company = Company(engine, now=self.now)
        company._keys = count(1000)  # those before were used
        yield Northmill(company, self.okta, self.bundle)
        engine.dispose()


@pytest.fixture(scope="module")
def begun(tls: Authority, tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Begun]:
    database = tmp_path_factory.mktemp("begun") / "connector.db"
    shutil.copyfile(sqlite_template, database)
    engine = connect(f"sqlite:///{database}")
    with Okta(tls=tls.server, page=2, api_token=CANARY) as okta, Okta(tls=tls.server) as other:
        northmill = Northmill(Company(engine), okta, tls.bundle)
        company, org = northmill.company, okta.org
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
        engine.dispose()
        yield Begun(okta, other, tls.bundle, org, database, company.now, scans, prints)


@pytest.fixture
def northmill(begun: Begun, tmp_path: Path) -> Iterator[Northmill]:
    yield from begun.copy(tmp_path)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_t07_t25_a_fault_removes_nobody_is_reported_and_heals(
    begun: Begun, northmill: Northmill, case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    company, okta, other = northmill.company, begun.okta, begun.other
    prints, scans = begun.prints, begun.scans
    okta.faults, northmill.reader.timeout = case.make(okta, other), case.timeout
    okta.app, okta.seen = app_there(), []
    if case.app:
        northmill.reader.as_app()
    caplog.set_level("WARNING", "urllib3")  # as connector.log has it
    caplog.set_level("DEBUG")
    with capture_logs() as logged:
        done = northmill.pull(full=case.full)
    assert not done.whole
    assert case.why in done.why
    assert northmill.seen().error == done.why
    assert case.why in "".join(unread(company.engine)), "as the report has it"
    assert northmill.members(prints) >= set(STAFF)
    assert northmill.members(scans) >= set(STAFF)
    company.round()
    assert company.state(STAFF[0], PRINT) is State.ASSIGNED
    assert other.seen == []
    forms = [parse_qs(seen.body.decode()) for seen in okta.seen if seen.line.startswith("POST")]
    secrets = {CANARY, *okta.app.tokens, *(form["client_assertion"][0] for form in forms)}
    assert spilled(company.engine, f"{logged}{caplog.text}{done}", secrets) == []

    okta.faults, northmill.reader.timeout = [], 5.0
    northmill.go(hours=1, minutes=1)  # nobody is made to wait longer
    assert northmill.pull().whole
    assert northmill.seen().error == ""
    expected = {*STAFF[1:], "zoe@northmill.example"}
    assert northmill.members(prints) == northmill.members(scans) == expected
    company.round()
    assert company.state(STAFF[0], PRINT) is State.REMOVING


def test_there_are_at_least_forty_cases() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 40

"""T07, T25: whatever Graph answers, nobody is removed by it, the operator reads why, and it heals."""

import copy
import logging
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count
from pathlib import Path

import pytest

from connector.rounds import unread
from connector.store.engine import connect
from connector.store.leases import no_fence
from connector.store.staging import SqlStaging
from sync.model import State
from sync.ports import Fenced
from sync.pull import Pulled
from tests.company import PRINT, Company
from tests.standins.answers import Answer, Fault
from tests.standins.graph import Entra
from tests.standins.graph_tenant import EntraTenant
from tests.standins.tls import Authority
from tests.sync.sources.canary import spilled
from tests.sync.sources.entra.faults import (
    CHANGES,
    GROUPS,
    PAGE,
    SPOILED,
    USERS,
    Case,
    edit,
    endless,
    graph_error,
    put,
    status,
)
from tests.sync.sources.entra.world import EntraCompany

STAFF = [f"person-{n}" for n in range(8)]


@dataclass(frozen=True, slots=True)
class Template:
    """Eight people with a license, read: what each test gets a copy of."""

    entra: Entra
    tenant: EntraTenant
    file: Path
    now: datetime
    group: str


@pytest.fixture(scope="module")
def template(
    tls: Authority, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Template]:
    file = tmp_path_factory.mktemp("staffed") / "template.db"
    shutil.copyfile(sqlite_template, file)
    with Entra(tls.server) as entra:
        engine = connect(f"sqlite:///{file}")
        world = EntraCompany(Company(engine), entra, tls.bundle)
        world.company.buy(PRINT, 50)
        group = world.team("LIC-AnyPrint", STAFF, PRINT)
        world.company.round()
        assert len(world.company.holders(PRINT)) == 8
        world.restart()
        engine.dispose()
        yield Template(entra, copy.deepcopy(entra.tenant), file, world.company.now, group)


@pytest.fixture
def staffed(template: Template, tls: Authority, tmp_path: Path) -> Iterator[EntraCompany]:
    """The template's, read in pages of two, by a process that has just begun."""
    shutil.copyfile(template.file, tmp_path / "staffed.db")
    entra = template.entra
    entra.tenant, entra.page = copy.deepcopy(template.tenant), 2
    entra.faults, entra.seen, entra.tokens = [], [], set()
    engine = connect(f"sqlite:///{tmp_path / 'staffed.db'}")
    world = EntraCompany(
        Company(engine, now=template.now, _keys=count(1000)), entra, tls.bundle, {template.group}
    )
    world.go(minutes=10)
    yield world
    world.restart()
    engine.dispose()


def held(world: EntraCompany) -> set[str]:
    world.company.round()
    return {name.partition("@")[0] for name in world.company.holders(PRINT)}


def until_whole(world: EntraCompany) -> Pulled:
    for _ in range(4):
        world.go(hours=1, minutes=1)
        done = world.pull()
        if done.whole:
            return done
    raise AssertionError(f"it doesn't heal: {done}")


@pytest.fixture(scope="module")
def other(tls: Authority) -> Iterator[Entra]:
    """A host that isn't Graph's, and would answer."""
    with Entra(tls.server) as server:
        yield server


@pytest.mark.parametrize("case", SPOILED, ids=lambda case: case.name)
def test_t07_t25_a_spoiled_read_removes_nobody_and_heals(
    staffed: EntraCompany, other: Entra, case: Case, caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """And no secret of ours goes anywhere (T23, T24): a log, a report, the database, another host."""
    caplog.set_level(logging.WARNING, "urllib3")  # as connector.log has it
    caplog.set_level(logging.DEBUG)
    staffed.entra.faults.append(case.fault(staffed.entra, other.url))
    done = staffed.pull(full=case.full)
    assert not done.whole
    assert case.why in done.why
    assert case.why in staffed.seen().error
    assert case.why in "".join(unread(staffed.company.engine)), "as the report has it"
    said = f"{done}{''.join(capsys.readouterr())}{caplog.text}"
    assert spilled(staffed.company.engine, said, {staffed.entra.secret, *staffed.entra.tokens}) == []
    assert other.seen == []
    assert held(staffed) == set(STAFF)
    assert staffed.company.line(PRINT) == []
    assert {staffed.company.state(f"{name}@northmill.example", PRINT) for name in STAFF} == {State.ASSIGNED}
    staffed.entra.faults.clear()
    (zoe,) = staffed.entra.tenant.hire("zoe")
    staffed.entra.tenant.join(next(iter(staffed.entra.tenant.teams)), zoe)
    assert until_whole(staffed).whole
    assert staffed.seen().error == ""
    staffed.go(minutes=5)  # she joined in the middle of a read, perhaps after her group's page
    assert staffed.pull().whole
    assert held(staffed) == {*STAFF, "zoe"}


def test_there_are_at_least_forty_cases() -> None:
    assert len({case.name for case in SPOILED}) == len(SPOILED) >= 40


@pytest.mark.parametrize(
    "lost",
    [
        status(410),
        graph_error(400, "syncStateNotFound"),
        graph_error(404, "SyncStateNotFound"),
        graph_error(400, "resyncRequired"),
    ],
    ids=["410", "400 syncStateNotFound", "404 SyncStateNotFound", "resyncRequired"],
)
def test_t07_an_expired_cursor_becomes_a_full_read_at_once(staffed: EntraCompany, lost: type[Answer]) -> None:
    staffed.entra.faults.append(Fault(CHANGES, lost, times=1))
    staffed.entra.tenant.leave(next(iter(staffed.entra.tenant.teams)), staffed.id("person-3"))
    done = staffed.pull()
    assert done.whole
    assert done.full
    assert len(staffed.members(next(iter(staffed.entra.tenant.teams)))) == 7


def test_t07_a_full_read_that_expires_in_the_middle_goes_on_later(staffed: EntraCompany) -> None:
    staffed.entra.faults.append(Fault(PAGE, status(410), times=2))
    done = staffed.pull(full=True)
    assert not done.whole
    assert held(staffed) == set(STAFF)
    assert until_whole(staffed).full


def test_a_user_list_that_lacks_everybody_is_checked_person_by_person(staffed: EntraCompany) -> None:
    """Absent from the users' list is not gone: each is asked for by id."""
    staffed.entra.faults.append(Fault(USERS, put(value=[])))
    assert staffed.pull(full=True).whole
    assert held(staffed) == set(STAFF)
    assert staffed.members(next(iter(staffed.entra.tenant.teams))) == set(STAFF)
    assert staffed.company.open_holds() == []


def test_r24_people_said_to_be_gone_one_by_one_are_held(staffed: EntraCompany) -> None:
    """A lie that looks like a mass deletion waits for a person."""
    staffed.entra.faults.append(Fault(USERS, put(value=[])))
    staffed.entra.faults.append(Fault("^BATCH .*/users/", status(404)))
    assert staffed.pull(full=True).whole
    assert held(staffed) == set(STAFF)
    assert [hold.reason for hold in staffed.company.open_holds()] == ["group_emptied"]


def test_r23_additions_go_on_while_a_read_is_incomplete(staffed: EntraCompany) -> None:
    group = next(iter(staffed.entra.tenant.teams))
    (zoe,) = staffed.entra.tenant.hire("zoe")
    staffed.entra.tenant.teams[group].members = {zoe: "user", **staffed.entra.tenant.teams[group].members}
    staffed.entra.tenant.people = {zoe: staffed.entra.tenant.people[zoe], **staffed.entra.tenant.people}
    staffed.entra.faults.append(Fault(f"{USERS}.*skiptoken", status(500)))
    assert not staffed.pull(full=True).whole
    assert held(staffed) == {*STAFF, "zoe"}


def test_r23_whoever_left_stays_until_the_read_is_whole(staffed: EntraCompany) -> None:
    group = next(iter(staffed.entra.tenant.teams))
    staffed.entra.tenant.leave(group, staffed.id("person-3"))
    staffed.entra.faults.append(Fault(USERS, status(500)))
    assert not staffed.pull(full=True).whole
    assert staffed.members(group) == set(STAFF)
    staffed.entra.faults.clear()
    assert until_whole(staffed).whole
    assert staffed.members(group) == set(STAFF) - {"person-3"}


def test_t13_who_goes_on_from_an_old_cursor_writes_nothing(staffed: EntraCompany) -> None:
    """Compare and swap: two processes saw the same cursor, one of them has moved it."""
    first, second = (SqlStaging(staffed.company.engine, staffed.pk, no_fence) for _ in range(2))
    seen = [first.progress(), second.progress()]
    assert seen[0] == seen[1]
    first.begin(True, staffed.company.now)
    with pytest.raises(Fenced):
        second.failed("too late", staffed.company.now, staffed.company.now)
    assert staffed.seen().error == ""


def test_r23_what_is_said_outright_counts_when_its_page_is_committed(staffed: EntraCompany) -> None:
    staffed.entra.tenant.change(staffed.id("person-3"), enabled=False)
    staffed.entra.tenant.delete(staffed.id("person-4"), purged=True)
    staffed.entra.tenant.hire("somebody-else")
    staffed.entra.faults.append(Fault(f"{USERS}.*skiptoken", status(500)))
    assert not staffed.pull().whole
    assert held(staffed) == set(STAFF) - {"person-3", "person-4"}


def test_doubled_and_disordered_pages_end_the_same(staffed: EntraCompany) -> None:
    """The last word on a membership counts; an initial page may say that somebody was removed."""
    group, three = next(iter(staffed.entra.tenant.teams)), staffed.id("person-3")

    def disorder(told: dict[str, object]) -> None:
        entry = {"@odata.type": "#microsoft.graph.user", "id": three}
        gone = {**entry, "@removed": {"reason": "deleted"}}
        item = {"id": group, "displayName": "LIC-AnyPrint"}
        told["value"] = [
            {**item, "members@delta": [gone, gone]},
            *told["value"],  # type: ignore[misc]
            *told["value"],
            {"id": "9d1d2c3b-0000-4000-8000-000000000001", "displayName": "not asked for"},
            {**item, "members@delta": [gone, entry]},
        ]

    staffed.entra.faults.append(Fault(GROUPS, edit(disorder)))
    assert staffed.pull(full=True).whole
    assert staffed.members(group) == set(STAFF)


def test_throttling_is_waited_out_when_it_is_short(staffed: EntraCompany) -> None:
    staffed.entra.faults.append(Fault(PAGE, status(429, ("Retry-After", "7")), times=1))
    staffed.entra.faults.append(Fault("^BATCH", status(429, ("Retry-After", "3")), times=1))
    assert staffed.pull(full=True).whole
    assert staffed.pauses == [7.0, 3.0]


def test_a_budget_nearly_used_up_is_left_to_others(staffed: EntraCompany) -> None:
    staffed.entra.faults.append(
        Fault(GROUPS, lambda a: a.with_header("x-ms-throttle-limit-percentage", "0.9"), times=2)
    )
    assert staffed.pull(full=True).whole
    assert staffed.pauses == [1.0, 1.0]
    sent = [seen for seen in staffed.entra.seen if "/v1.0/" in seen.line]
    assert {seen.headers["x-ms-throttle-priority"] for seen in sent} == {"Low"}
    assert len({seen.headers["client-request-id"] for seen in sent}) == len(sent)


def test_a_long_wait_is_kept_for_the_schedule(staffed: EntraCompany) -> None:
    staffed.entra.faults.append(Fault(CHANGES, status(429, ("Retry-After", "900"))))
    assert not staffed.pull().whole
    seen = staffed.seen()
    assert seen.not_before is not None
    assert (seen.not_before - staffed.company.now).total_seconds() == 900


def test_a_wait_of_a_year_is_an_hour(staffed: EntraCompany) -> None:
    staffed.entra.faults.append(Fault(CHANGES, status(503, ("Retry-After", "31536000"))))
    assert not staffed.pull().whole
    seen = staffed.seen()
    assert seen.not_before is not None
    assert (seen.not_before - staffed.company.now).total_seconds() == 3600


def test_a_token_that_ends_in_the_middle_is_renewed(staffed: EntraCompany) -> None:
    staffed.entra.faults.append(Fault(PAGE, lambda a: _forget(staffed, a), times=1))
    assert staffed.pull(full=True).whole
    assert len(staffed.entra.lines("oauth2/v2.0/token")) == 2


def _forget(world: EntraCompany, given: Answer) -> Answer:
    world.entra.tokens.clear()
    return graph_error(401, "InvalidAuthenticationToken")(given)


def test_t23_t24_no_secret_in_the_database_or_the_log(
    staffed: EntraCompany, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """When all goes well, too."""
    caplog.set_level(logging.WARNING, "urllib3")
    caplog.set_level(logging.DEBUG)  # other tests of this process may have set up logging
    assert staffed.pull(full=True).whole
    said = "".join(capsys.readouterr()) + caplog.text
    assert "graph answered" in said
    secrets = {staffed.entra.secret, *staffed.entra.tokens}
    assert spilled(staffed.company.engine, said, secrets) == []


def test_one_bad_group_does_not_stop_the_others_and_is_read_anew(staffed: EntraCompany) -> None:
    """Left out of its own list, though it is there: its members stay, and are read by the next read."""
    tenant = staffed.entra.tenant
    bad, (zoe,) = next(iter(tenant.teams)), tenant.hire("zoe")
    good = staffed.team("LIC-Other", STAFF[:3])
    tenant.leave(good, staffed.id("person-1"))
    tenant.leave(bad, staffed.id("person-5"))
    tenant.join(bad, zoe)
    leave_out = edit(lambda told: told.update(value=[i for i in told["value"] if i["id"] != bad]))
    staffed.entra.faults.append(Fault(GROUPS, leave_out))
    done = staffed.pull(full=True)
    assert not done.whole
    assert done.why.count("LIC-AnyPrint: it was left out") == 1
    assert (staffed.members(good), staffed.members(bad)) == ({"person-0", "person-2"}, set(STAFF))
    staffed.entra.faults.clear()
    staffed.go(minutes=5)
    healed = staffed.pull()
    assert (healed.whole, healed.full) == (True, False)
    assert staffed.members(bad) == {*STAFF, "zoe"} - {"person-5"}
    assert staffed.pull().whole, "its query and that of the others become one"
    asked = len(staffed.entra.seen)
    assert staffed.pull().whole
    assert len(staffed.entra.seen) - asked == 2


@pytest.mark.parametrize("of", ["g-other", ""], ids=["others", "ours"])
def test_t25_a_list_without_an_end_is_left(staffed: EntraCompany, of: str) -> None:
    source = replace(staffed.source(), most_pages=20)
    ghosts: list[dict[str, object]] = [
        {"id": of or next(iter(staffed.entra.tenant.teams)), "displayName": "x"}
    ]
    staffed.entra.faults.append(Fault(GROUPS, endless(ghosts)(staffed.entra)))
    staffed._source = source
    done = staffed.pull(full=True)
    assert "don't come to an end" in done.why
    assert len(staffed.entra.lines("groups/delta")) == 20

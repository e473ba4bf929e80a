"""From a group in Okta to a license: stand-in, pull, mirror, round, AnySoft."""

from sync.model import State
from tests.company import CENTRE, PRINT
from tests.sync.sources.northmill import Northmill


def logins(n: int) -> list[str]:
    return [f"user{i:02}.north@northmill.example" for i in range(n)]


def test_a_change_of_membership_arrives_with_the_next_pull(northmill: Northmill) -> None:
    company, org = northmill.company, northmill.okta.org
    company.buy(PRINT, 10)
    group = northmill.team("LIC-AnyPrint", logins(4), PRINT)
    company.round()
    assert company.holders(PRINT) == set(logins(4))
    northmill.go(minutes=10)
    org.join(group, *org.hire("zoe@northmill.example"))
    org.leave(group, next(a.id for a in org.accounts.values() if a.login == logins(1)[0]))
    assert northmill.pull().whole
    company.round()
    assert company.holders(PRINT) == {*logins(4), "zoe@northmill.example"}
    assert company.state(logins(1)[0], PRINT) is State.REMOVING


def test_r05_somebody_suspended_loses_the_license_and_gets_it_back(northmill: Northmill) -> None:
    """They keep their groups, and no group changes by it."""
    company, org = northmill.company, northmill.okta.org
    company.buy(PRINT, 10)
    group = northmill.team("LIC-AnyPrint", logins(4), PRINT)
    company.round()
    who = next(a.id for a in org.accounts.values() if a.login == logins(1)[0])
    northmill.go(minutes=10)
    org.status(who, "SUSPENDED")
    assert northmill.pull().whole
    company.round()
    assert company.holders(PRINT) == set(logins(4)) - {logins(1)[0]}
    assert northmill.members(group) == set(logins(4)), "memberships stay stored"
    northmill.go(minutes=10)
    org.status(who, "ACTIVE")
    assert northmill.pull().whole
    company.round()
    assert company.holders(PRINT) == set(logins(4))


def test_a_deactivated_and_a_deleted_person_lose_it(northmill: Northmill) -> None:
    company, org = northmill.company, northmill.okta.org
    company.buy(PRINT, 10)
    northmill.team("LIC-AnyPrint", logins(4), PRINT)
    company.round()
    first, second = (next(a.id for a in org.accounts.values() if a.login == name) for name in logins(2))
    northmill.go(minutes=10)
    org.status(first, "DEPROVISIONED")
    org.delete(second)
    assert northmill.pull(full=True).whole
    company.round()
    assert company.holders(PRINT) == set(logins(4)[2:])


def test_a_suspension_that_moved_no_time_is_seen_by_the_daily_full_read(northmill: Northmill) -> None:
    company, org = northmill.company, northmill.okta.org
    company.buy(PRINT, 10)
    northmill.team("LIC-AnyPrint", logins(4), PRINT)
    company.round()
    northmill.go(minutes=10)
    org.status(next(iter(org.accounts)), "SUSPENDED", touch=False)
    assert northmill.pull().whole
    northmill.go(hours=24)
    done = northmill.pull()
    assert done.whole
    assert done.full
    company.round()
    assert company.holders(PRINT) == set(logins(4)[1:])


def test_r02_a_renamed_person_and_a_renamed_group_cost_no_call(northmill: Northmill) -> None:
    company, org = northmill.company, northmill.okta.org
    company.buy(PRINT, 10)
    group = northmill.team("LIC-AnyPrint", logins(3), PRINT)
    company.round()
    northmill.go(minutes=10)
    org.login(next(iter(org.accounts)), "ada.married@northmill.example")
    org.rename(group, "Print for all")
    assert northmill.pull().whole
    assert "ada.married@northmill.example" in northmill.members(group)
    assert not company.rehearse().actions


def test_a_deleted_group_takes_its_licenses_the_guarded_way(northmill: Northmill) -> None:
    """R24: three or more to none is held for a person."""
    company, org = northmill.company, northmill.okta.org
    company.buy(PRINT, 10)
    group = northmill.team("LIC-AnyPrint", logins(4), PRINT)
    company.round()
    northmill.go(minutes=10)
    org.drop(group)
    assert northmill.pull(full=True).whole
    company.round()
    assert company.holders(PRINT) == set(logins(4))
    (hold,) = company.open_holds()
    assert len(hold.removals) == 4


def test_r10_base_and_add_on_by_two_groups(northmill: Northmill) -> None:
    company = northmill.company
    company.buy(PRINT, 10)
    company.buy(CENTRE, 2)
    northmill.team("LIC-AnyPrint", logins(4), PRINT)
    northmill.team("LIC-Centre", logins(3), CENTRE)
    company.round()
    assert len(company.holders(CENTRE)) == 2
    assert company.line(CENTRE) == [logins(3)[2]]

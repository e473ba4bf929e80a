"""From a group in Entra ID to a license: stand-in, pull, mirror, round, AnySoft."""

import pytest
from sqlalchemy import Engine, select

from connector.store.engine import reading
from connector.store.tables import users
from scim.store import Kind, MemberOp, MemberVerb
from sync.model import State
from sync.ports import Transient
from tests.company import PRINT, Company
from tests.standins.graph import Entra
from tests.standins.tls import Authority
from tests.sync.sources.entra.world import EntraCompany

THREE = ["ada", "bo", "cy"]


def holders(world: EntraCompany) -> set[str]:
    return {name.partition("@")[0] for name in world.company.holders(PRINT)}


def licensed(world: EntraCompany, *names: str) -> str:
    """A group of these people, read, mapped, and everybody assigned."""
    world.company.buy(PRINT, 50)
    group = world.team("LIC-AnyPrint", names or THREE, PRINT)
    world.company.round()
    assert holders(world) == set(names or THREE)
    return group


def test_a_change_of_membership_arrives_with_the_next_pull(company: EntraCompany) -> None:
    group, tenant = licensed(company), company.entra.tenant
    company.go(minutes=5)
    tenant.join(group, *tenant.hire("zoe"))
    tenant.leave(group, company.id("bo"))
    done = company.pull()
    assert done.whole
    assert not done.full
    company.company.round()
    assert holders(company) == {*THREE, "zoe"}
    assert company.company.state("bo@northmill.example", PRINT) is State.REMOVING


def test_an_unchanged_poll_costs_two_calls_for_up_to_50_groups(company: EntraCompany) -> None:
    for n in range(51):
        company.team(f"team-{n}", ["ada"])
    assert company.pull().whole
    company.go(minutes=5)
    before = len(company.entra.seen)
    assert company.pull().whole
    assert [line.partition("?")[0] for line in company.entra.lines()[before:]] == [
        "GET /v1.0/groups/delta",
        "GET /v1.0/groups/delta",
        "GET /v1.0/users/delta",
    ]


def calls(world: EntraCompany) -> int:
    """Of a poll that finds nothing new."""
    world.go(minutes=5)
    before = len(world.entra.seen)
    assert world.pull().whole
    return len(world.entra.seen) - before


def test_an_unchanged_poll_costs_two_calls_however_deep_the_groups_are_nested(company: EntraCompany) -> None:
    tenant, outer = company.entra.tenant, company.team("LIC-AnyPrint", ["ada"])
    for n in range(9):
        inner = tenant.team(f"inner-{n}", tenant.hire(f"deep-{n}"))
        tenant.join(outer, inner)
        outer = inner
    assert company.pull().whole
    assert calls(company) > 2, "the ten are one from now on"
    assert calls(company) == 2
    company.go(hours=24)
    assert company.pull().full
    assert company.pull().whole
    assert calls(company) == 2


def test_t12_what_changes_while_cursors_become_one_is_not_lost(company: EntraCompany) -> None:
    tenant = company.entra.tenant
    groups = []
    for n in range(4):
        groups.append(company.team(f"team-{n}", ["ada", "bo", f"own-{n}"]))
        company.go(minutes=5)
        tenant.leave(groups[0], *([company.id(f"own-{n - 1}")] if n == 1 else []))
        assert company.pull().whole

    def dies(point: str) -> None:
        if point == "page read":
            raise KeyboardInterrupt

    tenant.leave(groups[2], company.id("own-2"))
    tenant.join(groups[1], *tenant.hire("zoe"))
    company.go(minutes=5)
    with pytest.raises(KeyboardInterrupt):
        company.pull(at=dies)
    company.restart()
    tenant.leave(groups[1], company.id("bo"))
    assert company.pull().whole
    assert [company.members(group) for group in groups] == [
        {"ada", "bo"}, {"ada", "own-1", "zoe"}, {"ada", "bo"}, {"ada", "bo", "own-3"},
    ]  # fmt: skip
    assert calls(company) == 2
    tenant.leave(groups[3], company.id("own-3"))
    assert calls(company) == 2
    assert company.members(groups[3]) == {"ada", "bo"}


def test_r05_disabled_at_once_and_enabled_again(company: EntraCompany) -> None:
    group = licensed(company)
    company.entra.tenant.change(company.id("bo"), enabled=False)
    company.go(minutes=5)
    assert company.pull().whole
    company.company.round()
    assert holders(company) == {"ada", "cy"}
    assert company.members(group) == set(THREE), "memberships stay stored"
    company.entra.tenant.change(company.id("bo"), enabled=True)
    company.go(minutes=5)
    assert company.pull().whole
    company.company.round()
    assert holders(company) == set(THREE)


def test_r16_who_is_disabled_or_soft_deleted_is_blocked_for_that_from_the_same_round_on(
    company: EntraCompany,
) -> None:
    group, tenant = licensed(company), company.entra.tenant
    tenant.change(company.id("bo"), enabled=False)
    tenant.delete(company.id("cy"))
    company.go(minutes=5)
    assert company.pull().whole
    company.company.round()
    for name in ("bo", "cy"):
        standing = company.company.standing(f"{name}@northmill.example", PRINT)
        assert (standing.state, standing.blocked) == (State.BLOCKED, "DISABLED")
    tenant.leave(group, company.id("bo"))
    company.go(minutes=5)
    assert company.pull().whole
    company.company.round()
    assert company.company.state("bo@northmill.example", PRINT) is State.NONE, "no group gives it"


def test_a_soft_deleted_person_loses_it_and_gets_it_back_when_restored(company: EntraCompany) -> None:
    """No group's delta tells it, only the users'."""
    licensed(company)
    bo = company.id("bo")
    company.entra.tenant.delete(bo)
    company.go(minutes=5)
    assert company.pull().whole
    company.company.round()
    assert holders(company) == {"ada", "cy"}
    company.entra.tenant.restore(bo)
    company.go(minutes=5)
    assert company.pull().whole
    company.company.round()
    assert holders(company) == set(THREE)


def test_a_purged_person_is_gone(company: EntraCompany) -> None:
    group = licensed(company)
    company.entra.tenant.delete(company.id("bo"), purged=True)
    company.go(minutes=5)
    assert company.pull().whole
    company.company.round()
    assert holders(company) == {"ada", "cy"}
    assert company.members(group) == {"ada", "cy"}


def test_somebody_purged_unseen_is_found_out_by_the_daily_full_read(company: EntraCompany) -> None:
    licensed(company)
    tenant, bo = company.entra.tenant, company.id("bo")
    tenant.delete(bo, purged=True)
    tenant.events = [event for event in tenant.events if event.id != bo and event.member != bo]
    company.go(minutes=5)
    assert company.pull().whole
    company.company.round()
    assert holders(company) == set(THREE)
    company.go(hours=24)
    done = company.pull()
    assert done.whole
    assert done.full
    company.company.round()
    assert holders(company) == {"ada", "cy"}


def test_r07_groups_nested_in_a_circle_are_read_once_each(company: EntraCompany) -> None:
    company.company.buy(PRINT, 50)
    tenant = company.entra.tenant
    inner = [tenant.team(f"inner-{n}", tenant.hire(f"deep-{n}")) for n in range(12)]
    for outer, inside in zip(inner, [*inner[1:], inner[0]], strict=True):
        tenant.join(outer, inside)
    group = company.team("LIC-AnyPrint", ["ada"])
    tenant.join(group, inner[0], group)
    assert company.pull().whole
    company.company.map("LIC-AnyPrint", PRINT, transitive=True)
    company.company.round()
    assert holders(company) == {"ada", *(f"deep-{n}" for n in range(12))}
    deep = inner[11]
    company.go(minutes=5)
    tenant.join(deep, *tenant.hire("zoe"))
    tenant.join(deep, tenant.team("new-inside", tenant.hire("newcomer")))
    assert company.pull().whole
    company.company.round()
    assert {"zoe", "newcomer"} <= holders(company)


def test_a_group_of_devices_and_people(company: EntraCompany) -> None:
    group = company.team("LIC-AnyPrint", THREE)
    company.entra.tenant.join(group, "6b1c1d9e-0000-4000-8000-00000000dead")
    assert company.pull().whole, "what is no user is counted, and given nothing"
    assert company.members(group) == set(THREE)


def test_r02_renames_cost_no_license_call_even_when_names_are_swapped(company: EntraCompany) -> None:
    group = licensed(company)
    before = company.company.sold(PRINT).assigned
    tenant = company.entra.tenant
    ada, bo = company.id("ada"), company.id("bo")
    tenant.rename(group, "LIC-Print")
    tenant.change(ada, upn="bo@northmill.example")
    tenant.change(bo, upn="ada@northmill.example")
    company.go(minutes=5)
    assert company.pull().whole
    plan = company.company.rehearse()
    assert plan.actions == ()
    assert company.company.sold(PRINT).assigned == before
    with reading(company.company.engine) as connection:
        rows = connection.execute(select(users.c.pulled_id, users.c.user_name))
        names = {row.pulled_id: row.user_name for row in rows}
    assert (names[ada], names[bo]) == ("bo@northmill.example", "ada@northmill.example")


def test_r02_a_person_created_anew_under_the_same_name(company: EntraCompany) -> None:
    group, tenant = licensed(company), company.entra.tenant
    old = company.id("bo")
    tenant.delete(old)
    tenant.people[old].upn = f"{old}bo@northmill.example"  # as Entra mangles it
    (new,) = tenant.hire("bo-again")
    tenant.change(new, upn="bo@northmill.example")
    tenant.join(group, new)
    company.go(minutes=5)
    assert company.pull().whole
    company.company.round()
    assert holders(company) == set(THREE)
    assert company.members(group) == set(THREE)


def test_a_deleted_group_takes_what_it_gave_and_gives_it_when_restored(company: EntraCompany) -> None:
    group, tenant = licensed(company), company.entra.tenant
    tenant.disband(group)
    company.go(minutes=5)
    assert company.pull().whole
    assert company.members(group) == set()
    tenant.bring_back(group)
    company.go(minutes=5)
    assert company.pull().whole
    company.company.round()
    assert company.members(group) == set(THREE)
    assert company.company.state("ada@northmill.example", PRINT) is State.ASSIGNED


@pytest.mark.parametrize("full", [False, True], ids=["seen by a poll", "seen by a full read"])
def test_r07_a_nested_group_that_was_deleted_gives_again_when_it_is_restored(
    company: EntraCompany, full: bool
) -> None:
    """The delta of the group that it is in doesn't say that it is in it again."""
    tenant = company.entra.tenant
    inner = tenant.team("inner", tenant.hire("deep"))
    group = company.team("LIC-AnyPrint", THREE)
    tenant.join(group, inner)
    assert company.pull().whole
    company.company.buy(PRINT, 50)
    company.company.map("LIC-AnyPrint", PRINT, transitive=True)
    company.company.round()
    assert holders(company) == {*THREE, "deep"}
    tenant.disband(inner)
    company.go(minutes=5)
    assert company.pull(full=full).whole
    company.company.round()
    assert company.company.state("deep@northmill.example", PRINT) is State.REMOVING
    tenant.bring_back(inner)
    company.go(minutes=5)
    done = company.pull()
    assert (done.whole, done.full) == (True, True)
    company.company.round()
    assert company.company.state("deep@northmill.example", PRINT) is State.ASSIGNED
    company.go(minutes=5)
    assert not company.pull().full, "once"


def test_a_group_deleted_before_a_full_read_is_asked_for_by_id(company: EntraCompany) -> None:
    group = licensed(company)
    company.entra.tenant.disband(group)
    company.go(minutes=5)
    assert company.pull(full=True).whole
    assert company.members(group) == set()


def test_a_group_mapped_later_is_read_as_a_whole(company: EntraCompany) -> None:
    licensed(company)
    late = company.team("LIC-Late", ["dan", "ada"])
    company.go(minutes=5)
    done = company.pull()
    assert (done.whole, done.full) == (True, False)
    assert company.members(late) == {"dan", "ada"}


def test_people_in_none_of_the_groups_are_not_stored(company: EntraCompany) -> None:
    company.entra.tenant.hire(*(f"other-{n}" for n in range(20)))
    licensed(company)
    with reading(company.company.engine) as connection:
        assert len(connection.scalars(select(users.c.pk)).all()) == 3


def test_r02_what_was_pushed_is_met_and_keeps_its_names(engine: Engine, entra: Entra, tls: Authority) -> None:
    """By externalId = object id, people else once by folded userName; stored once."""
    world = EntraCompany(Company(engine), entra, tls.bundle)
    tenant = entra.tenant
    ada, bo = tenant.hire("ada", "bo")
    group = tenant.team("LIC-AnyPrint", [ada, bo])
    with world.company.directory().writing() as writer:
        first = writer.create(
            Kind.USER, {"userName": "ada.by.push@northmill.example", "externalId": ada, "title": "Dr"}
        )
        second = writer.create(Kind.USER, {"userName": "BO@northmill.example", "externalId": "bo-nickname"})
        team = writer.create(Kind.GROUP, {"displayName": "LIC-AnyPrint", "externalId": group})
        writer.change_members(team.id, [MemberOp(MemberVerb.ADD, (first.id,))])
    world.company.map("LIC-AnyPrint", PRINT)
    world.company.buy(PRINT, 5)
    assert world.pull().whole
    with reading(engine) as connection:
        rows = connection.execute(select(users.c.id, users.c.pulled_id, users.c.user_name)).all()
    assert {(row.id, row.pulled_id) for row in rows} == {(first.id, ada), (second.id, bo)}
    assert {row.user_name for row in rows} == {"ada.by.push@northmill.example", "BO@northmill.example"}
    world.company.round()
    assert len(world.company.holders(PRINT)) == 2
    tenant.change(bo, enabled=False)
    world.go(minutes=5)
    assert world.pull().whole
    world.company.round()
    assert world.company.holders(PRINT) == {"ada.by.push@northmill.example"}
    world.restart()


def test_r26_what_a_first_read_would_remove_is_one_hold(company: EntraCompany) -> None:
    tenant = company.entra.tenant
    (ada,) = tenant.hire("ada")
    group = tenant.team("LIC-AnyPrint", [ada])
    with company.company.directory().writing() as writer:
        made = writer.create(Kind.USER, {"userName": "pushed@northmill.example"})
        team = writer.create(Kind.GROUP, {"displayName": "LIC-AnyPrint", "externalId": group})
        writer.change_members(team.id, [MemberOp(MemberVerb.ADD, (made.id,))])
    company.company.buy(PRINT, 5)
    company.company.map("LIC-AnyPrint", PRINT)
    company.company.round()
    assert company.pull().whole
    assert company.members(group) == {"ada"}
    company.company.round()
    [hold] = company.company.open_holds()
    assert (hold.reason, [name for _, name in hold.removals]) == ("first_run", ["pushed@northmill.example"])
    assert len(company.company.holders(PRINT)) == 2, "additions never wait"
    tenant.change(ada, enabled=False)
    company.go(hours=48)
    assert company.pull().whole
    company.company.round()
    assert company.company.holders(PRINT) == {"pushed@northmill.example"}, "it was a first run only once"


def test_r26_what_is_said_outright_in_a_first_read_is_held_too(company: EntraCompany) -> None:
    tenant = company.entra.tenant
    (ada,) = tenant.hire("ada")
    group = tenant.team("LIC-AnyPrint", [ada])
    with company.company.directory().writing() as writer:
        name = next(p.upn for p in tenant.people.values() if p.id == ada)
        made = writer.create(Kind.USER, {"userName": name, "externalId": ada})
        team = writer.create(Kind.GROUP, {"displayName": "LIC-AnyPrint", "externalId": group})
        writer.change_members(team.id, [MemberOp(MemberVerb.ADD, (made.id,))])
    company.company.buy(PRINT, 5)
    company.company.map("LIC-AnyPrint", PRINT)
    company.company.round()
    tenant.change(ada, enabled=False)

    def breaks_off(point: str) -> None:
        if point == "pull added":
            raise Transient("the connection was cut")

    assert not company.pull(at=breaks_off).whole
    company.company.round()
    [hold] = company.company.open_holds()
    assert (hold.reason, company.company.holders(PRINT)) == ("first_run", {name})

"""Does a whole company come through? Reduced in `make test`, in full in `make long`."""

import time

import pytest
from sqlalchemy import Engine, func, select

from connector.store.engine import reading
from connector.store.tables import memberships, nestings, staged_members, users
from tests.company import PRINT, Company
from tests.standins.graph import Entra
from tests.standins.tls import Authority
from tests.sync.sources.entra.world import EntraCompany


def populate(world: EntraCompany, people: int, teams: int) -> dict[str, set[str]]:
    """Groups of various sizes, every fifth nested in the one before; a group of everybody. Gives who is in
    each, nested ones included."""
    tenant = world.entra.tenant
    staff = tenant.hire(*(f"p{n:05}" for n in range(people)))
    names = [f"p{n:05}" for n in range(people)]
    inside: dict[str, set[str]] = {}
    for n in range(teams - 1):
        chosen = range(n, people, n + 2)
        group = tenant.team(f"team-{n:02}", [staff[i] for i in chosen])
        inside[group] = {names[i] for i in chosen}
        if n % 5 == 4:
            outer = list(inside)[-2]
            tenant.join(outer, group)
            inside[outer] |= inside[group]
    everyone = tenant.team("everyone", staff)
    inside[everyone] = set(names)
    world.read |= inside.keys()
    return inside


def run_through(world: EntraCompany, people: int, teams: int) -> None:
    world.entra.page = max(50, people // 20)
    inside = populate(world, people, teams)
    everyone = list(inside)[-1]
    assert world.pull().whole
    engine = world.company.engine
    with reading(engine) as connection:
        assert connection.scalar(select(func.count()).select_from(users)) == people
        assert connection.scalar(select(func.count()).select_from(nestings)) == (teams - 1) // 5
        direct = sum(
            len([k for k in team.members.values() if k == "user"])
            for team in world.entra.tenant.teams.values()
        )
        assert connection.scalar(select(func.count()).select_from(memberships)) == direct
        assert connection.scalar(select(func.count()).select_from(staged_members)) == 0
    world.company.buy(PRINT, people)
    world.company.map("team-03", PRINT, transitive=True)
    world.company.round()
    held = {name.partition("@")[0] for name in world.company.holders(PRINT)}
    assert held == inside[list(inside)[3]]
    world.go(minutes=5)
    before, spent = len(world.entra.seen), time.process_time()
    assert world.pull().whole
    spent = time.process_time() - spent
    calls = len(world.entra.seen) - before
    assert calls <= 2 + -(-teams // 50)
    world.go(minutes=5)
    world.entra.tenant.leave(everyone, world.id("p00007"))
    world.entra.tenant.join(everyone, *world.entra.tenant.hire("zoe"))
    assert world.pull().whole
    assert world.members(everyone) == {*(f"p{n:05}" for n in range(people) if n != 7), "zoe"}
    print(
        f"{people} people, {teams} groups: an unchanged poll is {calls} calls, {spent * 1000:.0f} ms of CPU"
    )


def test_120_people_in_12_groups_on_both_databases(engine: Engine, entra: Entra, tls: Authority) -> None:
    world = EntraCompany(Company(engine), entra, tls.bundle)
    run_through(world, 120, 12)
    world.restart()


@pytest.mark.long
def test_5000_people_in_50_groups(engine: Engine, entra: Entra, tls: Authority) -> None:
    world = EntraCompany(Company(engine), entra, tls.bundle)
    run_through(world, 5000, 50)
    world.restart()

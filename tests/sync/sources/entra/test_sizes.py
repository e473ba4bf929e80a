"""Does a whole company come through? Reduced in `make test`, in full in `make long`."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from connector.store.engine import reading
from connector.store.tables import memberships, nestings, staged_members, users
from tests.company import PRINT, Company
from tests.connector.processes import environment
from tests.standins.graph import CLIENT, TENANT, Entra
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


READ = """
import resource, sys, time
from datetime import timedelta
from connector import wiring
from connector.store.engine import connect
from connector.store.leases import no_fence
from connector.store.pulls import declared
from connector.store.staging import SqlStaging
from sync.pull import Pull, pull
from sync.sources.graph import Graph
from sync.sources.graph_api import Api
from sync.sources.graph_auth import ClientSecret, SignIn
from sync.sources.http import Caller
database, url, bundle, secret, tenant, client, *groups = sys.argv[1:]
engine = connect(database)
pk = declared(engine, "entra", "entra", wiring.clock())
sign_in = SignIn(ClientSecret(secret), tenant, client, url, url, bundle)
source = Graph(Api(Caller(url, "Graph", bundle), sign_in, wiring.clock, time.sleep))
staging = SqlStaging(engine, pk, no_fence, groups)
day = timedelta(days=1)
for attempt in range(2):
    spent = time.process_time()
    done = pull(Pull(source, staging, wiring.clock, day, day))
    spent = round(time.process_time() - spent, 3)
    print(done.whole, done.pages, spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.long
def test_100000_people_and_a_group_of_50000_in_flat_memory(
    sqlite_url: str, entra: Entra, tls: Authority, tmp_path: Path
) -> None:
    """Under 300 MB, and an unchanged poll costs under 100 ms of CPU."""
    tenant = entra.tenant
    staff = tenant.hire(*(f"p{n:06}" for n in range(100_000)))
    groups = [tenant.team("half", staff[:50_000])]
    groups += [tenant.team(f"team-{n}", staff[n * 2000 : n * 2000 + 2000]) for n in range(49)]
    entra.page = 1000
    (tmp_path / "read.py").write_text(READ)
    done = subprocess.run(
        [sys.executable, tmp_path / "read.py", sqlite_url, entra.url, str(tls.bundle), entra.secret, TENANT,
         CLIENT, *groups],
        env=environment(), capture_output=True, text=True, timeout=3000, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    first, second = (line.split() for line in done.stdout.splitlines() if line.startswith(("True", "False")))
    print(f"100,000 people: {first[1]} pages, {first[2]} s of CPU, {first[3]} MB")
    print(f"an unchanged poll: {second[2]} s of CPU")
    assert (first[0], second[0]) == ("True", "True")
    assert int(first[3]) < 300
    assert float(second[2]) < 0.1

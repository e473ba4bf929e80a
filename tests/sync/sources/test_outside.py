"""As the guides say, from outside: a company is read, mapped and licensed; a change arrives in time."""

import time

import pytest

from tests.connector.processes import started, until
from tests.sync.sources.outside import Elsewhere, MakeOutside

#: seconds that a change may take beyond the interval and its jitter: a read, a round
ROUND = 15


def nested(elsewhere: Elsewhere, people: list[str], teams: int) -> list[str]:
    """LIC-AnyPrint holds a tenth of the people, and divisions; those hold teams of the rest. One team of
    people who get nothing. Gives the deepest team, and one whom it holds."""
    top = elsewhere.team("LIC-AnyPrint", people[: len(people) // 10])
    rest, leaves = people[len(people) // 10 :], teams - 2 - teams // 8
    divisions = [elsewhere.team(f"division-{n}") for n in range(teams // 8)]
    elsewhere.join(top, *divisions)
    deepest = ""
    for n in range(leaves):
        deepest = elsewhere.team(f"team-{n:02}", rest[n::leaves])
        elsewhere.join(divisions[n % len(divisions)], deepest)
    elsewhere.team("others", people[:3])
    return [deepest, rest[leaves - 1]]


def flat(elsewhere: Elsewhere, people: list[str], teams: int) -> list[str]:
    """LIC-AnyPrint holds everybody; Okta's groups aren't nested. The other teams are read beside it."""
    top = elsewhere.team("LIC-AnyPrint", people)
    for n in range(teams - 1):
        elsewhere.team(f"team-{n:02}", people[n::teams])
    return [top, people[-1]]


@pytest.mark.long
@pytest.mark.parametrize("kind", ["entra", "okta"])
def test_5000_people_in_50_groups_are_read_mapped_and_licensed_and_a_change_arrives_in_time(
    make: MakeOutside, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    people, teams, interval = 5000, 50, 30
    outside = make(kind)
    elsewhere = outside.elsewhere
    names = [f"p{n:05}" for n in range(people)]
    staff = elsewhere.hire(names)
    team, leaver = (nested if kind == "entra" else flat)(elsewhere, staff, teams)
    also = "others" if kind == "entra" else ",".join(f"team-{n:02}" for n in range(teams - 1))
    outside.declare(f"{interval}s", "--groups", also)
    assert "False" not in outside.call("directory", "check", outside.name)
    transitive = ("--transitive",) if kind == "entra" else ()
    outside.licensed("LIC-AnyPrint", people + 1, *transitive)

    begun = time.monotonic()
    report = outside.sync()
    took = time.monotonic() - begun
    assert report["counts"]["assign"] == people
    assert report["incomplete"] == []
    assert outside.holders() == set(names)
    seen = outside.listed()
    assert (seen["state"], seen["users"], seen["groups"]) == ("fresh", people, teams)

    with started(outside.folder, "worker", **outside.env) as worker:
        until(lambda: outside.pulls("next_at"), 60, worker.tell)
        elsewhere.join(team, *elsewhere.hire(["zoe"]))
        elsewhere.leave(team, leaver)
        begun = time.monotonic()
        until(lambda: "zoe" in outside.holders(), interval * 1.1 + ROUND, worker.tell)
        arrived = time.monotonic() - begun
        assert worker.stop() < 10
    assert outside.state(names[staff.index(leaver)]) == "removing"
    assert outside.holders() == {*names, "zoe"}, "nobody else lost anything"
    with capsys.disabled():
        print(
            f"\n{kind}: {people} people in {teams} groups read, mapped and licensed in {took:.1f} s; "
            f"a change arrived after {arrived:.1f} s (interval {interval} s)"
        )

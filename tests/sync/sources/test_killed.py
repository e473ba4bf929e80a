"""T12, T13: does a read survive kill -9 at any page, and do two workers never read one directory at once?"""

import shutil
import time
from itertools import count

import pytest

from tests.connector.processes import started, until
from tests.sync.sources.outside import Elsewhere, MakeOutside, Outside

pytestmark = pytest.mark.long
STAFF = ("ada", "bo", "cy")


@pytest.mark.parametrize("point", ["page read", "cursor saved", "pull added", "pull finished"])
@pytest.mark.parametrize("kind", ["entra", "okta"])
def test_t12_kill_9_at_every_page_loses_nothing(
    make: MakeOutside, kind: str, point: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Read or stored, to the last page: until a read lives to its end."""
    begun = make(kind)
    begun.elsewhere.be_slow(0)
    begun.elsewhere.team("LIC-AnyPrint", begun.elsewhere.hire(STAFF))
    begun.declare()
    begun.licensed("LIC-AnyPrint", 10)
    resumed: list[int] = []  #: requests after the first, second … page was stored
    for nth in count(1):
        outside = Outside(begun.folder.with_name(f"{begun.folder.name}-{nth}"), begun.elsewhere, begun.tls)
        shutil.copytree(begun.folder, outside.folder)
        asked = len(outside.elsewhere.seen())
        env = outside.env | {"CONNECTOR_TEST_KILL_AT": f"{point}:{nth}"}
        with started(outside.folder, "sync", "--directory", kind, "--wait", **env) as killed:
            code = killed.process.wait(120)
        assert "canary" not in killed.tell()
        asked = len(outside.elsewhere.seen()) - asked
        if code != -9:
            break
        outside.end_leases()
        before = len(outside.elsewhere.seen())
        assert outside.sync()["incomplete"] == []
        assert outside.holders() == set(STAFF)
        resumed.append(len(outside.elsewhere.seen()) - before)
    with capsys.disabled():
        print(f"\n{kind}, {point}: killed {len(resumed)} times")
    assert len(resumed) >= (1 if point.startswith("pull") else 4), "there were so many pages"
    if point == "cursor saved":
        assert resumed[:-1] == [asked - n for n in range(1, len(resumed))], "it went on where it was"


@pytest.mark.parametrize("kind", ["entra", "okta"])
def test_t13_workers_and_a_command_never_read_at_once_and_one_goes_on_where_another_died(
    make: MakeOutside, kind: str
) -> None:
    outside = make(kind)
    elsewhere = outside.elsewhere
    names = [f"p{n:02}" for n in range(12)]
    team = elsewhere.team("LIC-AnyPrint", elsewhere.hire(names))
    outside.declare("10s")
    outside.licensed("LIC-AnyPrint", 20)
    elsewhere.be_slow(0.2)
    env = outside.env | {"CONNECTOR_TEST_KILL_AT": "cursor saved:4"}
    with started(outside.folder, "worker", **env) as first:
        until(lambda: first.process.poll() is not None, 60, first.tell)
    asked = len(elsewhere.seen())
    assert asked >= 4
    with started(outside.folder, "worker", **outside.env) as a, started(
        outside.folder, "worker", **outside.env
    ) as b:  # fmt: skip
        until(lambda: outside.holders() == set(names), 90, lambda: a.tell() + b.tell())
        assert not elsewhere.is_first(elsewhere.seen()[asked]), "not from the beginning"
        outside.sync()
        elsewhere.join(team, *elsewhere.hire(["zoe"]))
        until(lambda: "zoe" in outside.holders(), 60, lambda: a.tell() + b.tell())
        outside.sync()
        time.sleep(15)
        for worker in (a, b):
            assert worker.stop() < 10
    reads = _reads(elsewhere)
    assert len(reads) >= 5
    assert len({token for token, _, _ in reads}) >= 4, "two workers, the one that died, and a command"
    overlaps = [
        (one, two) for one in reads for two in reads if one[0] != two[0] and one[1] < two[1] <= one[2]
    ]
    assert overlaps == []


def _reads(elsewhere: Elsewhere) -> list[tuple[str, int, int]]:
    """Each read's token, and which requests were its first and its last."""
    open_by: dict[str, tuple[int, int]] = {}
    found: list[tuple[str, int, int]] = []
    for at, seen in enumerate(elsewhere.seen()):
        token = seen.headers["authorization"]
        if token in open_by and not elsewhere.is_first(seen):
            open_by[token] = (open_by[token][0], at)
            continue
        if token in open_by:
            found.append((token, *open_by[token]))
        open_by[token] = (at, at)
    return [*found, *((token, *ends) for token, ends in open_by.items())]

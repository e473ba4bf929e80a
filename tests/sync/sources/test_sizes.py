"""Is a directory of 100,000 people read in flat memory, and does nothing new cost nearly nothing?"""

import subprocess
import sys
import time

import psutil
import pytest

from tests.connector.processes import environment, started
from tests.sync.sources.outside import MakeOutside, Outside

PEOPLE, HALF, TEAMS = 100_000, 50_000, 49
#: as the worker does it, in a process that does nothing else
POLL = """
import sys, time
from threading import Event
from connector import log, pulling, sources
from connector.settings import Overrides, load
from connector.store.engine import connect
log.setup()
settings = load(Overrides())
engine = connect(settings.database)
puller = pulling.Puller(settings, engine, "poll", Event())
puller.directories = sources.declared(settings, engine)
for _ in range(4):
    spent = time.process_time()
    done = puller.pull(sys.argv[1])
    print(done.whole, done.full, time.process_time() - spent)
"""


@pytest.mark.long
@pytest.mark.parametrize("kind", ["entra", "okta"])
def test_100000_people_and_a_group_of_50000(
    make: MakeOutside, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    outside = make(kind)
    elsewhere = outside.elsewhere
    staff = elsewhere.hire(f"p{n:06}" for n in range(PEOPLE))
    elsewhere.team("half", staff[:HALF])
    for n in range(TEAMS):
        elsewhere.team(f"team-{n:02}", staff[n * 2000 : n * 2000 + 2000])
    elsewhere.be_large()
    outside.declare("24h", "--groups", ",".join(["half", *(f"team-{n:02}" for n in range(TEAMS))]))

    begun, progress, peak = time.monotonic(), set(), 0
    with started(outside.folder, "worker", **outside.env) as worker:
        process = psutil.Process(worker.process.pid)
        while not outside.ask("SELECT 1 FROM pulls WHERE complete_at IS NOT NULL"):
            assert time.monotonic() - begun < 2400, worker.tell()
            peak = max(peak, process.memory_info().rss)
            progress.add(outside.pulls("pages"))
            time.sleep(0.2)
        took, peak = time.monotonic() - begun, max(peak, _peak(worker.process.pid))
        spent = sum(process.cpu_times()[:2])
        said = [line for line in worker.err if "so_far" in line]
        assert len(said) >= took // 60, ("the log says how far it is", worker.tell())
        worker.stop()
    seen = outside.listed()
    assert (seen["users"], seen["groups"], seen["error"]) == (TEAMS * 2000, TEAMS + 1, None)

    polls, calls = _polls(outside)
    with capsys.disabled():
        print(
            f"\n{kind}: {PEOPLE} people, a group of {HALF} and {TEAMS} of 2000: first read in {took:.0f} s, "
            f"{spent:.0f} s of the worker's CPU, {peak / 2**20:.0f} MB at most; progress was seen at "
            f"{len(progress)} pages; an unchanged poll: {calls} calls, "
            f"{' '.join(f'{1000 * poll:.0f}' for poll in polls)} ms of CPU"
        )
    assert len(progress) > 10
    assert peak < 300 * 2**20
    assert calls <= 2 + 1
    assert min(polls[1:]) < 0.1


def _peak(pid: int) -> int:
    """Bytes, as the kernel has kept them."""
    with open(f"/proc/{pid}/status") as file:
        line = next(line for line in file if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def _polls(outside: Outside) -> tuple[list[float], int]:
    """Seconds of CPU of each poll, the first with the sign-in; and calls of the last one."""
    before = len(outside.elsewhere.seen())
    done = subprocess.run(
        [sys.executable, "-c", POLL, outside.name], cwd=outside.folder, env=environment(**outside.env),
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = [line.split() for line in done.stdout.splitlines() if line.startswith("True")]
    assert [line[:2] for line in told] == [["True", "False"]] * 4
    return [float(line[2]) for line in told], -(-(len(outside.elsewhere.seen()) - before) // 4)

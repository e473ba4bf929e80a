"""Does one worker work at a time, and is a dead or paused one replaced? (T13)"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Barrier, Thread

import pytest
from sqlalchemy import Engine, select, update

from connector.store.engine import reading, writing
from connector.store.leases import (
    Heartbeat,
    Lease,
    acquire,
    database_now,
    holds_now,
    release,
    renew,
)
from connector.store.tables import leases
from sync.ports import Fenced

_WORKER = """
import os, sys, time
from connector.store.engine import connect
from connector.store.leases import acquire, release

url, witness, owner, rounds = sys.argv[1:]
engine = connect(url)
done = overlaps = 0
while done < int(rounds):
    lease = acquire(engine, "worker", owner, 5)
    if lease is None:
        time.sleep(0.005)
        continue
    try:
        os.close(os.open(witness, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        overlaps += 1
    else:
        time.sleep(0.01)
        os.unlink(witness)
    done += 1
    release(engine, lease)
    time.sleep(0.005)
print(overlaps)
"""

_SLEEPER = """
import sys
from connector.store.engine import connect, writing
from connector.store.leases import Heartbeat, acquire
from sync.ports import Fenced

engine = connect(sys.argv[1])
lease = acquire(engine, "worker", "sleeper", 0.5)
with Heartbeat(engine, lease) as beat:
    beat.check()
    print("has it", flush=True)
    sys.stdin.readline()
    try:
        beat.check()
        print("sends", flush=True)
    except Fenced:
        print("fenced before the send", flush=True)
    try:
        with writing(engine) as connection:
            lease.check_in(connection)
        print("writes", flush=True)
    except Fenced:
        print("fenced in the transaction", flush=True)
"""


def had(engine: Engine, owner: str, seconds: float = 15) -> Lease:
    lease = acquire(engine, "worker", owner, seconds)
    assert lease is not None
    return lease


def test_another_waits_until_it_is_released(engine: Engine) -> None:
    first = had(engine, "a")
    assert acquire(engine, "worker", "b", 15) is None
    assert acquire(engine, "pull:entra", "b", 15) is not None
    assert holds_now(engine, first)
    release(engine, first)
    assert not holds_now(engine, first)
    assert had(engine, "b").fence == first.fence + 1


def test_one_who_died_is_replaced_when_the_time_is_over(engine: Engine) -> None:
    first = had(engine, "a", 0.3)
    began = time.monotonic()
    while acquire(engine, "worker", "b", 15) is None:
        assert time.monotonic() - began < 5
        time.sleep(0.02)
    assert time.monotonic() - began > 0.2
    assert not renew(engine, first)
    assert not holds_now(engine, first)


def test_renewed_it_lasts(engine: Engine) -> None:
    lease = had(engine, "a", 0.6)
    for _ in range(6):
        time.sleep(0.2)
        assert renew(engine, lease)
        assert acquire(engine, "worker", "b", 0.6) is None


def test_the_fence_grows_each_time(engine: Engine) -> None:
    fences = []
    for owner in ("a", "a", "b", "a"):
        lease = had(engine, owner)
        fences.append(lease.fence)
        if owner != "a" or len(fences) == 2:
            release(engine, lease)
    assert fences == sorted(set(fences))


def test_an_earlier_holder_writes_and_releases_nothing(engine: Engine) -> None:
    first = had(engine, "a", 15)
    second = had(engine, "a", 15)
    with pytest.raises(Fenced), writing(engine) as connection:
        first.check_in(connection)
    release(engine, first)
    assert holds_now(engine, second)
    with writing(engine) as connection:
        second.check_in(connection)


def test_one_that_ends_absurdly_late_is_over(engine: Engine) -> None:
    """The clock was two hours ahead when it was had, and was set right."""
    had(engine, "a", 15)
    with writing(engine) as connection:
        ahead = database_now(connection) + 7_200_000_000
        connection.execute(update(leases).values(expires_at=ahead))
    assert acquire(engine, "worker", "b", 15) is not None


def test_the_databases_clock_is_in_microseconds(engine: Engine) -> None:
    with reading(engine) as connection:
        now = connection.scalar(select(database_now(connection)))
    assert now is not None
    assert abs(now / 1_000_000 - time.time()) < 5


def test_the_heartbeat_keeps_it_and_gives_it_back(engine: Engine) -> None:
    lease = had(engine, "a", 0.6)
    with Heartbeat(engine, lease) as beat:
        time.sleep(1.5)
        beat.check()
        assert acquire(engine, "worker", "b", 0.6) is None
        assert not beat.lost.is_set()
    assert acquire(engine, "worker", "b", 0.6) is not None


def test_the_heartbeat_tells_when_it_is_lost(engine: Engine) -> None:
    with Heartbeat(engine, had(engine, "a", 0.3)) as beat:
        taken = had(engine, "a", 30)
        assert beat.lost.wait(5)
        with pytest.raises(Fenced):
            beat.check()
    assert holds_now(engine, taken)


def test_of_many_who_want_it_at_once_one_has_it(engine: Engine) -> None:
    barrier = Barrier(12)
    got: list[Lease | None] = []

    def take(owner: str) -> None:
        barrier.wait()
        got.append(acquire(engine, "worker", owner, 30))

    threads = [Thread(target=take, args=(f"t{n}",)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 12
    assert len([lease for lease in got if lease]) == 1


def test_four_processes_never_overlap(database_url: str, tmp_path: Path) -> None:
    witness = str(tmp_path / "working")
    started = [
        subprocess.Popen(
            [sys.executable, "-c", _WORKER, database_url, witness, f"p{n}", "15"],
            stdout=subprocess.PIPE, text=True,
        )
        for n in range(4)
    ]  # fmt: skip
    overlaps = [int(process.communicate(timeout=120)[0]) for process in started]
    assert overlaps == [0, 0, 0, 0]


def test_a_stopped_worker_notices_by_its_fence(engine: Engine, database_url: str) -> None:
    """SIGSTOP for longer than the lease, then SIGCONT."""
    with subprocess.Popen(
        [sys.executable, "-c", _SLEEPER, database_url],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as sleeper:  # fmt: skip
        assert sleeper.stdout is not None
        assert sleeper.stdin is not None
        assert sleeper.stdout.readline() == "has it\n"
        assert acquire(engine, "worker", "b", 30) is None
        os.kill(sleeper.pid, signal.SIGSTOP)
        time.sleep(1)
        other = had(engine, "b", 30)
        os.kill(sleeper.pid, signal.SIGCONT)
        said, _ = sleeper.communicate("go on\n", timeout=30)
    assert said.splitlines() == ["fenced before the send", "fenced in the transaction"]
    assert holds_now(engine, other)

"""What is measured from outside, of real processes with the default settings?

`python -m benchmarks.engine.processes MEASURE URL FOLDER PEOPLE` ends with the figures as JSON.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from statistics import median

import psutil
from sqlalchemy import Engine, func, select

from benchmarks.engine import mapped
from benchmarks.engine.inside import JOINING, Figures
from benchmarks.engine.place import holds
from benchmarks.engine.world import NEWCOMERS, PRODUCTS, TOKEN, group_id, user_id
from benchmarks.scim.servers import HOST, Server, connector
from connector.store.engine import connect, reading
from connector.store.tables import runs

_CHANGES = 15
_IDLE_SECONDS = 60.0
_PATIENCE = 120.0
_PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
assert JOINING + _CHANGES < NEWCOMERS


def latency(url: str, folder: Path, people: int) -> Figures:
    """From the PATCH's answer to the assignment at AnySoft; then a minute in which nothing happens."""
    engine = connect(url)
    with connector(url, folder) as web, worker(url, folder) as working:
        _first_round(engine)
        took = []
        for n in range(_CHANGES):
            time.sleep(1.0 + n / _CHANGES)  # the worker looks once a second: at another moment each time
            took.append(_assigned_after(engine, web, people + JOINING + 1 + n))
        time.sleep(3.0)
        before, at = _seconds(working.pid), time.monotonic()
        time.sleep(_IDLE_SECONDS)
        idle = (_seconds(working.pid) - before) / (time.monotonic() - at)
    engine.dispose()
    return {"median_s": median(took), "most_s": max(took), "idle_percent": idle * 100}


@contextmanager
def worker(url: str, folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """`anysoft-connector worker`; killed at the end, if it hasn't been before."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("CONNECTOR_")}
    where = {
        "CONNECTOR_DATABASE_URL": url, "CONNECTOR_DATA_DIR": str(folder), "CONNECTOR_SECRET_KEY": "b" * 40,
    }  # fmt: skip
    with (folder / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "connector", "worker"], env={**clean, **where}, cwd=folder,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)


def _first_round(engine: Engine) -> None:
    """Until the worker has made the round that it owes when it takes the lease."""
    query = select(func.count()).select_from(runs).where(runs.c.pk > 1, runs.c.finished_at.is_not(None))
    with reading(engine) as connection:
        before = connection.scalar(query) or 0
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        with reading(engine) as connection:
            if (connection.scalar(query) or 0) > before:
                return
        time.sleep(0.1)
    raise RuntimeError("the worker made no round")


def _assigned_after(engine: Engine, web: Server, number: int) -> float:
    """Seconds from the answer on."""
    operation = {"op": "Add", "path": "members", "value": [{"value": user_id(number)}]}
    body = json.dumps({"schemas": [_PATCH], "Operations": [operation]})
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/scim+json"}
    with closing(HTTPConnection(HOST, web.port, timeout=30)) as connection:
        connection.request("PATCH", f"{web.base}/Groups/{group_id(PRODUCTS[0])}", body, headers)
        answer = connection.getresponse()
        said = answer.read()
    if answer.status not in (200, 204):
        raise RuntimeError(f"PATCH: {answer.status} {said!r}")
    answered = time.monotonic()
    while not holds(engine, number, PRODUCTS[0]):
        if time.monotonic() - answered > _PATIENCE:
            raise RuntimeError(f"person {number} got no license")
        time.sleep(0.01)
    return time.monotonic() - answered


def _seconds(pid: int) -> float:
    """Of processor time; to the nanosecond on Linux (clock_getcpuclockid(3))."""
    if sys.platform == "linux":
        return time.clock_gettime(~pid << 3 | 2)
    else:
        times = psutil.Process(pid).cpu_times()
        return float(times.user + times.system)


MEASURES: dict[str, Callable[[str, Path, int], Figures]] = {
    "latency": latency,
    "mapped": lambda url, folder, people: mapped.measure(url, folder, people, worker),
}


if __name__ == "__main__":
    name, url, folder, people = sys.argv[1:]
    print(json.dumps(MEASURES[name](url, Path(folder), int(people))))

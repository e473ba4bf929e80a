"""What happens when a large group is mapped at once, and the worker is killed in the middle?"""

import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, func, select

from benchmarks.engine.spent import peak_mb
from benchmarks.engine.world import PRODUCTS
from connector.store import progress
from connector.store.engine import connect, reading
from connector.store.tables import intents, standings, tenant_assignments

#: of the people: when so many are served, the worker is killed
_KILL_AT = 0.3
_PATIENCE = 1_200.0
_PRODUCT = PRODUCTS[0]

Worker = Callable[[str, Path], AbstractContextManager["subprocess.Popen[bytes]"]]


def measure(url: str, folder: Path, people: int, worker: Worker) -> dict[str, float]:
    """Planned and stored by `mapping add`, carried out by a worker that is killed, and by another."""
    engine = connect(url)
    began = datetime.now(UTC)
    planned_s, planned_cpu_s = _plan(url, folder, people)
    peak = peak_mb(resource.RUSAGE_CHILDREN)
    seen: set[str] = set()
    at = time.monotonic()
    with worker(url, folder) as first:
        killed_at = _wait(engine, int(people * _KILL_AT), began, seen, first)
        first.kill()
        first.wait()
    killed = time.monotonic()
    stopped_with = _served(engine)
    with worker(url, folder) as second:
        _wait(engine, stopped_with + 1, began, seen, second)
        resumed = time.monotonic()
        _wait(engine, people, began, seen, second)
        until = time.monotonic() + _PATIENCE
        while not _over(engine, people) and time.monotonic() < until:
            time.sleep(0.2)
        done = time.monotonic()
    if not _over(engine, people):
        raise RuntimeError("somebody isn't settled")
    if not any(what.startswith("assign") for what in seen):
        raise RuntimeError(f"no progress was told but of {seen}")
    engine.dispose()
    return {
        "planned_s": planned_s, "planned_cpu_s": planned_cpu_s, "planned_mb": peak,
        "killed_with": killed_at, "killed_after_s": killed - at, "resumed_s": resumed - killed,
        "all_s": done - at, "steps_told": len(seen),
    }  # fmt: skip


def _plan(url: str, folder: Path, people: int) -> tuple[float, float]:
    """Seconds of wall and of processor time that the command took; what it says must be right."""
    environment = {**os.environ, "CONNECTOR_DATABASE_URL": url, "CONNECTOR_DATA_DIR": str(folder)}
    before, at = os.times(), time.monotonic()
    said = subprocess.run(
        [sys.executable, "-m", "connector", "mapping", "add", "--directory", "bench",
         "--group", f"LIC-{_PRODUCT}", "--product", _PRODUCT, "--yes"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    took, after = time.monotonic() - at, os.times()
    if said.returncode or not re.search(rf"get {_PRODUCT}: {people} ", said.stderr):
        raise RuntimeError(f"mapping add: {said.returncode} {said.stderr}")
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return took, spent


def _wait(
    engine: Engine, served: int, began: datetime, seen: set[str], process: "subprocess.Popen[bytes]"
) -> int:
    """Until at least so many have the license; collects what is told of the progress."""
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        with reading(engine) as connection:
            far = progress.read(connection, began)
        if far is not None:
            seen.add(str(far))
        if (now := _served(engine)) >= served:
            return now
        if process.poll() is not None:
            raise RuntimeError(f"the worker ended with {process.returncode}")
        time.sleep(0.2)
    raise RuntimeError(f"{_served(engine)} of {served} after {_PATIENCE} s")


def _served(engine: Engine) -> int:
    with reading(engine) as connection:
        return connection.scalar(select(func.count()).select_from(tenant_assignments)) or 0


def _over(engine: Engine, people: int) -> bool:
    """AnySoft and we agree on each, and nothing is in doubt."""
    with reading(engine) as connection:
        surely = connection.scalar(
            select(func.count())
            .select_from(standings)
            .where(standings.c.held == "yes", standings.c.product == _PRODUCT)
        )
        open_ = connection.scalar(
            select(func.count()).select_from(intents).where(intents.c.settled_at.is_(None))
        )
    return surely == people == _served(engine) and not open_

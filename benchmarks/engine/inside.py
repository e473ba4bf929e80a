"""What is measured inside one process? Each measure in one of its own: its processor time and memory are its.

`python -m benchmarks.engine.inside MEASURE URL FOLDER PEOPLE` prints the figures as JSON, on the last line.
"""

import io
import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from statistics import fmean, median

import structlog

from benchmarks.engine import floors
from benchmarks.engine.place import Place, opened
from benchmarks.engine.spent import Watch, cpu, peak_mb
from benchmarks.engine.world import NEWCOMERS, PRODUCTS, World
from connector.cli.root import main as command
from connector.store.engine import connect
from scim.store import MemberVerb
from sync.reconcile import Scope

Figures = dict[str, float]
#: who join while a change is measured; the rest of the newcomers is for other measures
JOINING = 21
_EXPLAINED = 30


def change(url: str, folder: Path, people: int) -> Figures:
    """One membership: the PATCH's transaction, and the round over whom it concerns."""
    found: Figures = {}
    with opened(url, folder) as place:
        place.round()
        for verb, name in ((MemberVerb.ADD, "join"), (MemberVerb.REMOVE, "leave")):
            _change(place, people + 1, verb)  # what is built at first use
            steps = [_change(place, people + n, verb) for n in range(2, JOINING + 1)]
            found |= {
                f"{name}_cpu_ms": fmean(step[0] for step in steps),
                f"{name}_wall_ms": median(step[1] for step in steps),
                f"{name}_calls": max(step[2] for step in steps),
                f"{name}_calls_least": min(step[2] for step in steps),
            }
    return found


def _change(place: Place, number: int, verb: MemberVerb) -> tuple[float, float, int]:
    """Milliseconds of processor and of wall time, calls to AnySoft."""
    place.ports()
    before, watch = place.calls.total(), Watch()
    place.change(number, PRODUCTS[0], verb)
    place.round()
    spent, took = watch.lap()
    if verb is MemberVerb.ADD and not place.has(number, PRODUCTS[0]):
        raise RuntimeError(f"person {number} joined and has no license")
    return spent * 1000, took * 1000, place.calls.total() - before


def full(url: str, folder: Path, people: int) -> Figures:
    """A full round that finds nothing to do."""
    with opened(url, folder) as place:
        place.ports()
        took = [_full(place) for _ in range(3 if people <= 100_000 else 1)]
        writes = [
            name for name in place.calls if name in ("assign", "unassign", "create_account", "set_active")
        ]
        if writes:
            raise RuntimeError(f"a round that should find nothing to do called {writes}")
    return {"cpu_s": median(t[0] for t in took), "wall_s": median(t[1] for t in took), "peak_mb": peak_mb()}


def _full(place: Place) -> tuple[float, float]:
    watch = Watch()
    place.round(Scope.EVERYONE)
    return watch.lap()


def floor_sql(url: str, folder: Path, people: int) -> Figures:
    return _floor(url, people, floors.by_sql)


def floor_sets(url: str, folder: Path, people: int) -> Figures:
    return _floor(url, people, floors.by_sets)


def _floor(url: str, people: int, difference: Callable[..., int]) -> Figures:
    engine, took = connect(url), []
    for _ in range(3 if people <= 100_000 else 1):
        watch = Watch()
        found = difference(engine)
        took.append(watch.lap())
        if found:
            raise RuntimeError(f"the world isn't settled: {found} differ")
    engine.dispose()
    return {"cpu_s": median(t[0] for t in took), "wall_s": median(t[1] for t in took), "peak_mb": peak_mb()}


def explain(url: str, folder: Path, people: int) -> Figures:
    """`explain USER`, the whole command: in a process that has begun already, and with Python's start."""
    world, took, spent = World(people), [], []
    for n in range(_EXPLAINED + 1):
        user = world.user_name(1 + n * (people - 1) // _EXPLAINED)
        said, at, used = io.StringIO(), time.perf_counter(), cpu()
        with redirect_stdout(said):
            code = command(["explain", user])
        took.append((time.perf_counter() - at) * 1000)
        spent.append((cpu() - used) * 1000)
        if code or "anyprint-centre" not in said.getvalue():
            raise RuntimeError(f"explain {user}: {said.getvalue()}")
    at = time.perf_counter()
    last = world.user_name(people)
    subprocess.run(
        [sys.executable, "-m", "connector", "explain", last], check=True, stdout=subprocess.DEVNULL
    )
    whole = (time.perf_counter() - at) * 1000
    return {
        "wall_ms": median(took[1:]), "least_ms": min(took[1:]), "most_ms": max(took[1:]),
        "cpu_ms": fmean(spent[1:]), "process_ms": whole,
    }  # fmt: skip


MEASURES: dict[str, Callable[[str, Path, int], Figures]] = {
    "change": change, "full": full, "floor_sql": floor_sql, "floor_sets": floor_sets, "explain": explain,
}  # fmt: skip
assert JOINING < NEWCOMERS


def main(name: str, url: str, folder: str, people: str) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    print(json.dumps(MEASURES[name](url, Path(folder), int(people))))


if __name__ == "__main__":
    main(*sys.argv[1:])

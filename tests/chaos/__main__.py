"""Which chaos is run? `python -m tests.chaos storm|directed|bugs` prints its counts; 1: a violation.

| | |
| --- | --- |
| storm | kills at random and at named points; SQLite and PostgreSQL, idempotency keys honored and ignored |
| directed | each named point with each kind of call, and each aimed scene; the same four combinations |
| bugs | each seeded bug, in a copy of the tree |
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfile

from connector import points
from tests import sown
from tests.chaos import aimed, bugs, directed, laborer
from tests.chaos.plant import RATE, Plant, World, draw, plant
from tests.chaos.storm import Tally, storm
from tests.databases import Postgres, migrated_sqlite, postgres

COMBINATIONS = [(database, keys) for database in ("sqlite", "postgresql") for keys in (True, False)]
KILLS_A_WORLD = 25


class Bench:
    """Fresh plants, on both databases."""

    def __init__(self, folder: Path, server: Postgres | None) -> None:
        self._folder = folder
        self._server = server
        self._template = migrated_sqlite(folder / "template.db")
        self._context = laborer.context()

    @contextmanager
    def plant(self, database: str, world: World) -> Iterator[Plant]:
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        if database == "sqlite":
            copyfile(self._template, folder / "connector.db")
            with plant(
                world, f"sqlite:///{folder / 'connector.db'}", folder / "data", self._context
            ) as built:
                yield built
            return
        assert self._server is not None
        with self._server.database() as url, plant(world, url, folder / "data", self._context) as built:
            yield built


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("what", choices=["storm", "directed", "bugs", "scene"])
    parser.add_argument("scenes", nargs="*")
    parser.add_argument("--kills", type=int, default=520, help="over the four combinations together")
    parser.add_argument("--seconds", type=float, default=1200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--parallel", type=int, default=4)
    given = parser.parse_args(arguments)
    os.environ.setdefault(points.CLOCK, f"{time.time():.3f} {RATE}")
    if given.what == "bugs":
        return _bugs(given.parallel)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        if given.what == "scene":
            return _scenes(Bench(Path(folder), None), given.scenes)
        with postgres() as server:
            bench = Bench(Path(folder), server)
            run = _storms if given.what == "storm" else _directed
            return run(bench, given)


def _storms(bench: Bench, given: argparse.Namespace) -> int:
    began = time.monotonic()
    with ThreadPoolExecutor(given.parallel) as pool:
        tallies = list(pool.map(lambda c: _combination(bench, c[0], c[1], given, began), COMBINATIONS))
    print(
        "database    keys     kills  at points  calls  faults  effects  bought  slowest s  late  violations"
    )
    for (database, keys), t in zip(COMBINATIONS, tallies, strict=True):
        print(
            f"{database:<11} {_said(keys):<8} {t.kills:>5}  {t.at_points.total():>9}  {t.calls:>5}"
            f"  {t.faults:>6}  {t.effects:>7}  {t.bought:>6}  {t.slowest:>9.1f}  {t.late:>4}"
            f"  {len(t.violations):>10}"
        )
    hit = sum((tally.at_points for tally in tallies), start=type(tallies[0].at_points)())
    kills, calls, faults = (sum(getattr(t, name) for t in tallies) for name in ("kills", "calls", "faults"))
    took = time.monotonic() - began
    print(f"{kills} kills, {calls} calls, {faults} faults, {took:.0f} s, seeds from {given.seed}")
    print("at points: " + ", ".join(f"{point} {count}" for point, count in sorted(hit.items())))
    wrong = [each for tally in tallies for each in tally.violations]
    for each in wrong:
        print(f"VIOLATION {each}")
    return 1 if wrong else 0


def _combination(bench: Bench, database: str, keys: bool, given: argparse.Namespace, began: float) -> Tally:
    tally, seed, wanted = Tally(), given.seed, -(-given.kills // len(COMBINATIONS))
    while tally.kills < wanted and time.monotonic() - began < given.seconds:
        with bench.plant(database, draw(seed, keys)) as built:
            storm(built, min(KILLS_A_WORLD, wanted - tally.kills), tally)
        so_far = f"{tally.kills} kills, {len(tally.violations)} violations"
        print(f"{database}, keys {_said(keys)}, seed {seed}: {so_far}", file=sys.stderr, flush=True)
        seed += 1
    return tally


def _progress(database: str, keys: bool, what: str, wrong: Sequence[str]) -> None:
    came = "; ".join(wrong) or "passes"
    print(f"{database}, keys {_said(keys)}: {what}: {came}", file=sys.stderr, flush=True)


def _said(keys: bool) -> str:
    return "honored" if keys else "ignored"


def _directed(bench: Bench, given: argparse.Namespace) -> int:
    def run(combination: tuple[str, bool]) -> list[tuple[str, tuple[str, ...]]]:
        database, keys = combination
        found: list[tuple[str, tuple[str, ...]]] = []
        with bench.plant(database, directed.world(keys)) as built:
            for trial in directed.trials(built, directed.every()):
                found.append((f"{trial.kind} × {trial.point}", trial.wrong))
                _progress(database, keys, *found[-1])
        for name, scene in aimed.SCENES.items():
            with bench.plant(database, aimed.world(keys)) as built:
                found.append((name, tuple(scene(built))))
            _progress(database, keys, *found[-1])
        return found

    with ThreadPoolExecutor(given.parallel) as pool:
        results = list(pool.map(run, COMBINATIONS))
    bad = 0
    for (database, keys), found in zip(COMBINATIONS, results, strict=True):
        wrong = [(name, each) for name, each in found if each]
        bad += len(wrong)
        print(f"{database}, keys {_said(keys)}: {len(found) - len(wrong)} of {len(found)} pass")
        for name, each in wrong:
            print(f"VIOLATION {name}: {'; '.join(each)}")
    return 1 if bad else 0


def _scenes(bench: Bench, names: Sequence[str]) -> int:
    """What a bug is hunted with: the first scene that finds something ends it."""
    for name in names:
        world = directed.world(False) if name == "killed" else aimed.world()
        with bench.plant("sqlite", world) as built:
            wrong = aimed.killed(built) if name == "killed" else aimed.SCENES[name](built)
        if wrong:
            print(f"{name}: {wrong[0][:150]}")
            return 1
    return 0


def _bugs(parallel: int) -> int:
    with ThreadPoolExecutor(parallel) as pool:
        results = list(pool.map(_hunt_loudly, bugs.BUGS))
    for bug, found in zip(bugs.BUGS, results, strict=True):
        print(f"{'caught' if found else 'MISSED'}  {bug.name}  ({found})")
    caught = sum(bool(found) for found in results)
    print(f"{caught} of {len(results)} seeded bugs are caught")
    return 0 if caught == len(results) else 1


def _hunt_loudly(bug: bugs.Bug) -> str:
    found = _hunt(bug)
    print(f"{'caught' if found else 'MISSED'}  {bug.name}", file=sys.stderr, flush=True)
    return found


def _hunt(bug: bugs.Bug) -> str:
    """What found it; "" when nothing did."""
    with sown.copy(bug.sown) as tree:
        done = sown.run(tree, ["tests.chaos", "scene", *bug.scenes], 600)
    if done.returncode and not done.stdout.strip():  # that is no finding, but a hunt that broke down
        raise RuntimeError(f"{bug.name}: {done.stderr[-2000:]}")
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())

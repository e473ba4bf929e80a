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
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from shutil import copyfile

from connector import points
from tests import sown
from tests.chaos import aimed, bugs, directed, laborer
from tests.chaos.plant import PATIENCE_SECONDS, RATE, Plant, World, draw, plant
from tests.chaos.storm import Tally, storm
from tests.databases import Postgres, migrated_sqlite, postgres

COMBINATIONS = [(database, keys) for database in ("sqlite", "postgresql") for keys in (True, False)]
KILLS_A_WORLD = 25
#: chaos seconds: what a hunt waits for in vain is a bug's doing, for without one the same scenes come to rest
HUNT_PATIENCE = "250"


class Bench:
    """Fresh plants, on both databases."""

    def __init__(self, folder: Path, server: Postgres | None, patience: float) -> None:
        self._folder = folder
        self._patience = patience
        self._server = server
        self._template = migrated_sqlite(folder / "template.db")
        self._context = laborer.context()

    @contextmanager
    def plant(self, database: str, world: World) -> Iterator[Plant]:
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        if database == "sqlite":
            copyfile(self._template, folder / "connector.db")
            with self._built(world, f"sqlite:///{folder / 'connector.db'}", folder) as built:
                yield built
            return
        assert self._server is not None
        with self._server.database() as url, self._built(world, url, folder) as built:
            yield built

    def _built(self, world: World, url: str, folder: Path) -> AbstractContextManager[Plant]:
        return plant(world, url, folder / "data", self._context, self._patience)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("what", choices=["storm", "directed", "bugs", "scene"])
    parser.add_argument("names", nargs="*", help="words of what is run; none: all (scene: whole names)")
    parser.add_argument("--kills", type=int, default=520, help="over the four combinations together")
    parser.add_argument("--seconds", type=float, default=1200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--parallel", type=int, default=4)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], help="only there")
    parser.add_argument("--keys", choices=["honored", "ignored"], help="only with idempotency keys so")
    parser.add_argument("--patience", type=float, default=PATIENCE_SECONDS, help="chaos seconds")
    given = parser.parse_intermixed_args(arguments)  # names and options in any order
    os.environ.setdefault(points.CLOCK, f"{time.time():.3f} {RATE}")
    if given.what == "bugs":
        return _bugs(given.parallel, given.names)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        if given.what == "scene":
            return _scenes(Bench(Path(folder), None, given.patience), given.names)
        with postgres() as server:
            bench = Bench(Path(folder), server, given.patience)
            run = _storms if given.what == "storm" else _directed
            return run(bench, given)


def _chosen(given: argparse.Namespace) -> list[tuple[str, bool]]:
    return [
        (database, keys)
        for database, keys in COMBINATIONS
        if given.database in (None, database) and given.keys in (None, _said(keys))
    ]


def _storms(bench: Bench, given: argparse.Namespace) -> int:
    began = time.monotonic()
    chosen = _chosen(given)
    with ThreadPoolExecutor(given.parallel) as pool:
        tallies = list(pool.map(lambda c: _combination(bench, c[0], c[1], given, began), chosen))
    print(
        "database    keys     worlds  kills  at points  calls  faults  effects  approved  given back"
        "  refused  bought  slowest s  late  violations"
    )
    for (database, keys), t in zip(chosen, tallies, strict=True):
        print(
            f"{database:<11} {_said(keys):<8} {t.worlds:>6}  {t.kills:>5}  {t.at_points.total():>9}"
            f"  {t.calls:>5}  {t.faults:>6}  {t.effects:>7}  {t.approved:>8}  {t.given_back:>10}"
            f"  {t.refused:>7}  {t.bought:>6}  {t.slowest:>9.1f}  {t.late:>4}  {len(t.violations):>10}"
        )
    hit = sum((tally.at_points for tally in tallies), start=type(tallies[0].at_points)())
    kills, calls, faults = (sum(getattr(t, name) for t in tallies) for name in ("kills", "calls", "faults"))
    took = time.monotonic() - began
    share = f"{faults} faults ({faults / max(1, calls):.0%})"
    print(f"{kills} kills, {calls} calls, {share}, {took:.0f} s, seeds from {given.seed}")
    print("at points: " + ", ".join(f"{point} {count}" for point, count in sorted(hit.items())))
    wrong = [each for tally in tallies for each in tally.violations]
    for each in wrong:
        print(f"VIOLATION {each}")
    return 1 if wrong else 0


def _combination(bench: Bench, database: str, keys: bool, given: argparse.Namespace, began: float) -> Tally:
    tally, seed, wanted = Tally(), given.seed, -(-given.kills // len(_chosen(given)))
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
    def wanted(what: str) -> bool:
        return not given.names or any(name in what for name in given.names)

    pairs = [pair for pair in directed.every() if wanted(" × ".join(pair))]
    scenes = {name: scene for name, scene in aimed.SCENES.items() if wanted(name)}

    def run(combination: tuple[str, bool]) -> list[tuple[str, tuple[str, ...]]]:
        database, keys = combination
        found: list[tuple[str, tuple[str, ...]]] = []
        with bench.plant(database, directed.world(keys)) as built:
            for trial in directed.trials(built, pairs):
                found.append((f"{trial.kind} × {trial.point}", trial.wrong))
                _progress(database, keys, *found[-1])
        for name, scene in scenes.items():
            with bench.plant(database, aimed.world(keys)) as built:
                found.append((name, tuple(scene(built))))
            _progress(database, keys, *found[-1])
        return found

    chosen = _chosen(given)
    with ThreadPoolExecutor(given.parallel) as pool:
        results = list(pool.map(run, chosen))
    bad = 0
    for (database, keys), found in zip(chosen, results, strict=True):
        wrong = [(name, each) for name, each in found if each]
        bad += len(wrong)
        print(f"{database}, keys {_said(keys)}: {len(found) - len(wrong)} of {len(found)} pass")
        for name, each in wrong:
            print(f"VIOLATION {name}: {'; '.join(each)}")
    return 1 if bad else 0


def _scenes(bench: Bench, names: Sequence[str]) -> int:
    """What bugs are hunted with."""
    bad = 0
    for name in names:
        world = directed.world(False) if name == "killed" else aimed.world()
        with bench.plant("sqlite", world) as built:
            wrong = aimed.killed(built) if name == "killed" else aimed.SCENES[name](built)
        bad += bool(wrong)
        print(*(f"{name}: {each}" for each in wrong), sep="\n")
    return 1 if bad else 0


def _bugs(parallel: int, words: Sequence[str]) -> int:
    """Beside them the tree as it is: where that shows something, a bug that is found was none."""
    chosen = [bug for bug in bugs.BUGS if not words or any(word in bug.name for word in words)]
    scenes = sorted({bug.scene for bug in chosen})
    with ThreadPoolExecutor(parallel) as pool:
        without = pool.submit(_hunt, (), scenes)
        caught = sum(pool.map(_caught, chosen))
        wrong = without.result()
    print(f"{caught} of {len(chosen)} seeded bugs are caught")
    print(f"without a bug {len(scenes)} scenes show {'; '.join(wrong) or 'nothing'}")
    return 1 if wrong or caught < len(chosen) else 0


def _caught(bug: bugs.Bug) -> bool:
    began = time.monotonic()
    wrong = _hunt(bug.sown, [bug.scene])
    found = next((each for each in wrong if each.startswith(f"{bug.scene}: {bug.finds}")), "")
    took = f"{time.monotonic() - began:.0f} s"
    said = found or f"{bug.scene} shows {wrong or 'nothing'}, not {bug.finds}"
    print(f"{'caught' if found else 'MISSED'}  {bug.name} ({took}): {said[:200]}", flush=True)
    return bool(found)


def _hunt(sow: Sequence[sown.Replacement], scenes: Sequence[str]) -> list[str]:
    """What these scenes show in a copy of the tree. Raises RuntimeError where the hunt broke down."""
    with sown.copy(sow) as tree:
        done = sown.run(tree, ["tests.chaos", "scene", *scenes, "--patience", HUNT_PATIENCE], 600)
    wrong = done.stdout.strip().splitlines()
    if bool(done.returncode) != bool(wrong):
        raise RuntimeError(f"{', '.join(scenes)}: {done.stderr[-2000:]}")
    return wrong


if __name__ == "__main__":
    sys.exit(main())

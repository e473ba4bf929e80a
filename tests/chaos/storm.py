"""What happens in a storm? Faults, churn, purchases, strangers, and the worker killed again and again."""

import random
import time
from collections import Counter
from dataclasses import dataclass, field

from connector.store.engine import reading
from tests.chaos.checker import whole
from tests.chaos.plant import CONVERGE_SECONDS, DUE_SECONDS, POINTS, RATE, Plant, until

CENTRE, PRINT = "anyprint-centre", "anyprint"
FAULTS = 0.3


@dataclass(slots=True)
class Tally:
    kills: int = 0
    at_points: "Counter[str]" = field(default_factory=Counter)
    calls: int = 0
    faults: int = 0
    effects: int = 0
    bought: int = 0
    slowest: float = 0.0  #: convergence, by the chaos clock
    late: int = 0  #: convergences that took longer than T09 says
    violations: list[str] = field(default_factory=list)


def storm(plant: Plant, kills: int, tally: Tally) -> None:
    """One world: calm, a storm with so many kills, calm again; judged at the end of it."""
    rng = random.Random(plant.world.seed)
    populate(plant)
    at_home = plant.start()
    _, left = plant.converge()
    plant.stop(at_home)
    if left:
        tally.violations += [f"seed {plant.world.seed}: before the storm: {left}; {plant.tail()[-600:]}"]
        return
    plant.steer("weather", rate=FAULTS)
    before = plant.kills
    while plant.kills - before < kills:
        _life(plant, rng, tally)
    _calm(plant, tally)
    seen = plant.steer("seen")
    tally.kills += plant.kills - before
    tally.calls += int(seen["calls"])
    tally.faults += int(seen.get("faults", 0))


def populate(plant: Plant) -> None:
    stable = [f"stable{n}@northmill.example" for n in range(5)]
    others = [f"user{n}@northmill.example" for n in range(30)]
    plant.hire(*stable, *others)
    plant.join(PRINT, *stable)
    plant.join(CENTRE, *stable[:2])
    plant.history.stable = set(stable)


def _life(plant: Plant, rng: random.Random, tally: Tally) -> None:
    """One worker, from its start to its end."""
    point = rng.choice(POINTS) if rng.random() < 0.5 else ""
    calls = plant.calls()
    worker = plant.start(f"{point}:{rng.randint(1, 3)}" if point else "")
    try:
        for _ in range(rng.randint(3, 10)):
            churn(plant, rng)
        if rng.random() < 0.6:
            plant.approve()
        until(lambda: plant.calls() > calls or not worker.is_alive(), 10)
        stay = rng.uniform(0, 0.6) if not point else 5
        end = time.monotonic() + stay
        while worker.is_alive() and time.monotonic() < end:
            if rng.random() < 0.2:
                churn(plant, rng)
            time.sleep(0.05)
    finally:
        alive = plant.kill(worker)
    if point and not alive:
        tally.at_points[point] += 1
    tally.violations += [f"seed {plant.world.seed}: {each}" for each in whole_now(plant)]


def whole_now(plant: Plant) -> list[str]:
    with reading(plant.engine) as connection:
        return list(whole(connection))


def churn(plant: Plant, rng: random.Random) -> None:
    """One thing that somebody does."""
    people = [name for name in plant.history.active if name not in plant.history.stable]
    name, product = rng.choice(people), rng.choice((PRINT, PRINT, CENTRE))
    match rng.randrange(10):
        case 0 | 1 | 2 | 3 | 4:
            plant.join(product, *rng.sample(people, 2))
        case 5 | 6:
            plant.leave(product, name)
        case 7:
            plant.set_active(name, not plant.history.active[name])
        case 8:
            plant.approve()
        case _ if not plant.world.lax:
            plant.steer("stranger")
        case _:
            plant.join(product, *rng.sample(people, 3))


def _calm(plant: Plant, tally: Tally) -> None:
    """The churn ends, what was lost falls due, the faults stop: then all must become as it should be."""
    worker = plant.start()
    try:
        time.sleep(DUE_SECONDS / RATE)
        plant.steer("weather", rate=0.0)
        took, left = plant.converge()
    finally:
        if worker.is_alive():
            plant.stop(worker)
    tally.slowest = max(tally.slowest, took)
    tally.late += took > CONVERGE_SECONDS
    found = [*(f"T09: not after {took:.0f} s: {each}" for each in left), *plant.violations()]
    seen = plant.seen()
    tally.effects += len(seen.ledger)
    tally.bought += sum(effect.what == "asked" for effect in seen.ledger)
    tally.violations += [f"seed {plant.world.seed}: {each}" for each in found]

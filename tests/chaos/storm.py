"""What happens in a storm? Faults, churn, purchases, strangers, and the worker killed again and again."""

import random
import time
from collections import Counter
from dataclasses import dataclass, field

from connector.store.engine import reading
from tests.chaos.checker import approvals, whole
from tests.chaos.plant import CONVERGE_SECONDS, DUE_SECONDS, POINTS, RATE, Plant, until

CENTRE, PRINT = "anyprint-centre", "anyprint"
#: of the calls of a storm, so that it is 30 % of all, of the calm at its end too
FAULTS = 0.36
#: of the lives; a point that isn't reached in time is a kill at random
AIMED = 0.8
AIMED_SECONDS = 8.0


@dataclass(slots=True)
class Tally:
    kills: int = 0
    at_points: "Counter[str]" = field(default_factory=Counter)
    calls: int = 0
    faults: int = 0
    effects: int = 0
    approved: int = 0
    given_back: int = 0
    refused: int = 0  #: by AnySoft, of what was approved
    bought: int = 0
    worlds: int = 0
    slowest: float = 0.0  #: convergence, by the chaos clock
    late: int = 0  #: convergences that took longer than T09 says
    violations: list[str] = field(default_factory=list)


def storm(plant: Plant, kills: int, tally: Tally) -> None:
    """One world: a storm with so many kills, from the first load on, then calm; judged at the end of it."""
    rng = random.Random(plant.world.seed)
    plant.steer("weather", rate=FAULTS)
    populate(plant)
    before = plant.kills
    while plant.kills - before < kills:
        _life(plant, rng, tally)
    _calm(plant, tally)
    seen = plant.steer("seen")
    tally.worlds += 1
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
    point = rng.choice(POINTS) if rng.random() < AIMED else ""
    calls = plant.calls()
    worker = plant.start(f"{point}:{rng.choice((1, 1, 1, 2, 3))}" if point else "")
    try:
        for _ in range(rng.randint(3, 8)):
            churn(plant, rng)
        until(lambda: plant.calls() > calls or not worker.is_alive(), 10)
        end = time.monotonic() + (AIMED_SECONDS if point else rng.uniform(0, 6))
        while worker.is_alive() and time.monotonic() < end:
            if rng.random() < 0.08:
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
    match rng.randrange(12):
        case 0 | 1 | 2 | 3:
            plant.join(product, *rng.sample(people, 2))
        case 4 | 5:
            plant.leave(product, name)
        case 6:
            plant.set_active(name, not plant.history.active[name])
        case 7 | 8:
            hired = f"user{len(people)}@northmill.example"
            plant.hire(hired)
            plant.join(PRINT, hired)
        case 9 | 10:
            plant.approve()
        case _ if not plant.world.lax:
            plant.steer("stranger")
        case _:
            plant.join(CENTRE, *rng.sample(people, 3))


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
    bought = sum(effect.what == "quantity" for effect in seen.ledger)
    with reading(plant.engine) as connection:
        came = approvals(connection)
    if not left and not came.given - came.back - came.refused == came.done == bought:
        found.append(f"T03: {bought} bought, {came}")
    tally.effects += len(seen.ledger)
    tally.approved += came.given
    tally.given_back += came.back
    tally.refused += came.refused
    tally.bought += bought
    tally.violations += [f"seed {plant.world.seed}: {each}" for each in found]

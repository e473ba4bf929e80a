"""What if the worker dies exactly there? Each named point with each kind of call, on one company (T12)."""

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from connector import points
from connector.store import requests
from connector.store.engine import connect, reading
from tests.chaos.plant import POINTS, Plant, World, approve, until

PRINT, CENTRE, RELEASE = "anyprint", "anyprint-centre", "anyprint-release"
BOUGHT = {PRINT: 80, CENTRE: 80, RELEASE: 1}
#: points that only a purchase passes
BUYING = ("quantity accepted", "approval stored")
KINDS = ("account_create", "assign", "quantity", "unassign")


@dataclass(frozen=True, slots=True)
class Trial:
    kind: str
    point: str
    wrong: tuple[str, ...]


def world(keys: bool) -> World:
    return World(seed=1, keys=keys, bought=BOUGHT, lax=True, change_seconds=(1, 3))


def trials(plant: Plant, chosen: Iterable[tuple[str, str]]) -> Iterator[Trial]:
    """`chosen`: (kind, point)."""
    staff = [f"staff{n}@northmill.example" for n in range(24)]
    plant.hire(*staff)
    plant.join(PRINT, *staff)
    _reach_rest(plant)
    for n, (kind, point) in enumerate(chosen):
        trigger = _TRIGGERS[kind](plant, n)
        died = _approve_and_die(plant) if point == "approval stored" else _work_and_die(plant, point, trigger)
        left = _reach_rest(plant)
        yield Trial(
            kind, point, (*([] if died else ["the point wasn't reached"]), *left, *plant.violations())
        )


def every() -> Iterator[tuple[str, str]]:
    for kind in KINDS:
        for point in (*POINTS, "approval stored"):
            if point not in BUYING or kind == "quantity":
                yield kind, point


def _work_and_die(plant: Plant, point: str, trigger: Callable[[], None]) -> bool:
    trigger()
    worker = plant.start(point)
    until(lambda: not worker.is_alive(), 30)
    plant.kill(worker)
    return worker.exitcode == -signal.SIGKILL


def _approve_and_die(plant: Plant) -> bool:
    """The process of the person who approves dies, before its transaction is committed."""
    environment = {**plant.environment, points.KILL_AT: "approval stored"}
    process = plant.context.Process(target=_approve, args=(plant.url, environment), daemon=True)
    process.start()
    process.join(15)
    died = process.exitcode == -signal.SIGKILL
    plant.approve()
    return died


def _approve(url: str, environment: dict[str, str]) -> None:
    os.environ.update(environment)
    engine = connect(url)
    with reading(engine) as connection:
        asked = requests.living(connection)
    approve(engine, asked[0], points.clock())


def _reach_rest(plant: Plant) -> list[str]:
    plant.free_lease()
    worker = plant.start()
    try:
        return plant.late()
    finally:
        plant.stop(worker)


# ---- what there is to do ----


def _account_create(plant: Plant, n: int) -> Callable[[], None]:
    plant.hire(f"new{n}@northmill.example")
    return lambda: plant.join(PRINT, f"new{n}@northmill.example")


def _assign(plant: Plant, n: int) -> Callable[[], None]:
    """Their account is known by the base that they have."""
    return lambda: plant.join(CENTRE, _holder(plant, lacks=CENTRE))


def _unassign(plant: Plant, n: int) -> Callable[[], None]:
    return lambda: plant.set_active(_holder(plant), False)


def _quantity(plant: Plant, n: int) -> Callable[[], None]:
    """One more than there are seats; the request is open, and approved when the worker that dies starts."""
    has = plant.history.members.get(RELEASE, set())
    short = [name for name in sorted(plant.history.wanting(PRINT)) if name not in has]
    sold = plant.seen().sold[RELEASE]
    plant.join(RELEASE, *short[: sold["quantity"] - len(sold["users"]) + 1])
    plant.free_lease()
    worker = plant.start()
    opened = until(lambda: bool(plant.requests()), 60)
    time.sleep(0.3)
    plant.stop(worker)
    assert opened, f"no request was opened: {plant.tail()}"

    def approve_it() -> None:
        assert plant.approve(), f"nothing to approve: {plant.requests()}"

    return approve_it


def _holder(plant: Plant, lacks: str = "") -> str:
    inside = plant.history.members.get(lacks, set())
    return next(name for name in sorted(plant.history.wanting(PRINT)) if name not in inside)


_TRIGGERS: dict[str, Callable[[Plant, int], Callable[[], None]]] = {
    "account_create": _account_create,
    "assign": _assign,
    "quantity": _quantity,
    "unassign": _unassign,
}

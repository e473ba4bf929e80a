"""Which faults find in one round what a hundred random kills miss? Each scene has a company of its own."""

from collections.abc import Callable

from connector.store import trouble
from connector.store.engine import reading
from tests.chaos import directed
from tests.chaos.faults import Fault
from tests.chaos.plant import TIMEOUT_SECONDS, Plant, World, until

PRINT, CENTRE = "anyprint", "anyprint-centre"
Scene = Callable[[Plant], list[str]]
LOST_3 = [Fault.AFTER] * 3
CUT_3 = [Fault.CUT_BEFORE] * 3


def world(keys: bool = False) -> World:
    """Lax, so that nothing but the connector itself keeps T01 and T05."""
    return World(seed=1, keys=keys, bought={PRINT: 4, CENTRE: 4}, lax=True, change_seconds=(1, 3))


def lost_answers(plant: Plant) -> list[str]:
    """Assigned, but no answer ever said so; then they leave."""
    plant.hire("ada", "bob")
    plant.steer("script", assign=LOST_3, account_create=[Fault.CUT_AFTER])
    return _act(plant, lambda: plant.join(PRINT, "ada", "bob"), lambda: plant.leave(PRINT, "ada"))


def lost_unassignment(plant: Plant) -> list[str]:
    _act(plant, lambda: plant.hire("ada"), lambda: plant.join(PRINT, "ada"))
    plant.steer("script", unassign=LOST_3)
    return _act(plant, lambda: plant.set_active("ada", False), lambda: plant.set_active("ada", True))


def one_lost(plant: Plant) -> list[str]:
    """The repeated call is answered: keys ignored, the tenant says that they have it already."""
    plant.hire("ada")
    plant.steer("script", assign=[Fault.AFTER])
    return _act(plant, lambda: plant.join(PRINT, "ada"), lambda: plant.leave(PRINT, "ada"))


def doubtful_seats(plant: Plant) -> list[str]:
    """Four seats that four perhaps have, which no count shows; two more wait for one. Ten failures would open
    the breaker of changes, and then nothing is assigned, right or wrong."""
    plant.hire("a", "b", "c", "d", "e", "f")
    plant.steer("script", assign=CUT_3 * 2)

    def join_more() -> None:
        until(lambda: plant.in_doubt() == 4, 30)
        plant.join(PRINT, "e", "f")

    return _act(plant, lambda: plant.join(PRINT, "a", "b", "c", "d"), join_more, settle=False)


def old_counts(plant: Plant) -> list[str]:
    """What AnySoft counts and lists is up to a minute old, for a minute."""
    plant.hire("a", "b", "c", "d", "e", "f")

    def join_three() -> None:
        plant.steer("script", read=[Fault.OLDEST] * 120)
        plant.join(PRINT, "b", "c", "d")

    def join_more() -> None:
        until(lambda: len(plant.seen().sold[PRINT]["users"]) == 4, 30)
        plant.join(PRINT, "e", "f")

    return _act(plant, lambda: plant.join(PRINT, "a"), join_three, join_more, settle=False)


def old_lists(plant: Plant) -> list[str]:
    """A full round sees lists without whom it just gave a license; and then they leave."""
    plant.hire("a", "b", "c")

    def join_and_look() -> None:
        plant.steer("script", read=[Fault.OLDEST] * 60)
        plant.join(PRINT, "b", "c")
        until(lambda: len(plant.seen().sold[PRINT]["users"]) == 3, 30)
        plant.sync()

    return _act(plant, lambda: plant.join(PRINT, "a"), join_and_look, lambda: plant.leave(PRINT, "b", "c"))


def count_broken(plant: Plant) -> list[str]:
    """The plan is stored, then the seats can't be counted: nobody is marked any more, and it must go on."""
    plant.hire("ada", "bob")

    def break_it() -> None:
        plant.steer("script", **{f"count {PRINT}": [Fault.BEFORE]})
        plant.join(PRINT, "bob")

    return _act(plant, lambda: plant.join(PRINT, "ada"), break_it)


def doubtful_base(plant: Plant) -> list[str]:
    """No answer whether the base is assigned, and it is not; an add-on that is wanted meanwhile must wait."""
    plant.hire("ada")
    plant.steer("script", **{f"assign {PRINT}": CUT_3 * 3})

    def join_more() -> None:
        until(lambda: plant.unanswered() == 2, 30)
        plant.join(CENTRE, "ada")

    return _act(plant, lambda: plant.join(PRINT, "ada"), join_more, settle=False)


def base_under_addon(plant: Plant) -> list[str]:
    """The add-on's removal fails: the base stays under it."""
    plant.hire("ada")

    def join() -> None:
        plant.join(PRINT, "ada")
        plant.join(CENTRE, "ada")

    _act(plant, join)
    plant.steer("script", unassign=CUT_3)
    return _act(plant, lambda: plant.set_active("ada", False))


def purchase(plant: Plant) -> list[str]:
    """Six want four seats; a person approves; the answer is lost three times."""
    names = [f"user{n}" for n in range(6)]
    plant.hire(*names)
    plant.steer("script", quantity=[Fault.AFTER, Fault.AFTER, Fault.CUT_AFTER])
    worker = plant.start()
    plant.join(PRINT, *names)
    opened = until(lambda: bool(plant.requests()), 60)
    plant.approve()
    late = plant.late()
    plant.stop(worker)
    bought = plant.seen().sold[PRINT]["quantity"]
    wrong = [] if bought == 6 else [f"T03: {bought} seats were bought, 6 approved"]
    return [*([] if opened else ["R18: nobody was asked"]), *wrong, *late, *plant.violations()]


def dropped_purchase(plant: Plant) -> list[str]:
    """The answer is lost, then AnySoft drops the change: as if never asked for, so it is, once more (R20)."""
    plant.steer("script", quantity=LOST_3)
    return _dropped(plant, lambda: True)


def refused_purchase(plant: Plant) -> list[str]:
    """AnySoft says yes and drops the change all the same: a person is asked anew (R20)."""
    return _dropped(plant, plant.approve)


def _dropped(plant: Plant, again: Callable[[], bool]) -> list[str]:
    names = [f"user{n}" for n in range(6)]
    plant.hire(*names)
    plant.steer("office", refused=1.0)
    worker = plant.start()
    plant.join(PRINT, *names)
    opened = until(plant.approve, 60)
    dropped = until(lambda: any(effect.what == "dropped" for effect in plant.seen().ledger), 60)
    plant.steer("office", refused=0.0)
    asked = until(again, 40)
    late = plant.late()
    plant.stop(worker)
    came = [effect.number for effect in plant.seen().ledger if effect.what == "quantity"]
    whole = opened and dropped and asked and came == [6]
    wrong = [] if whole else [f"R20: {came} bought, opened {opened}, dropped {dropped}, asked anew {asked}"]
    return [*plant.violations(), *wrong, *late]


def asked_to_wait(plant: Plant) -> list[str]:
    plant.hire("ada", "bob", "eve")
    plant.steer("weather", wait_seconds=20)
    plant.steer("script", assign=[Fault.BUSY])
    return _act(
        plant, lambda: plant.join(PRINT, "ada"), lambda: plant.join(PRINT, "bob", "eve"), settle=False
    )


def killed(plant: Plant) -> list[str]:
    chosen = [
        ("account_create", "request sent"), ("account_create", "outcome stored"),
        ("assign", "intent committed"), ("assign", "request sent"), ("unassign", "intent committed"),
    ]  # fmt: skip
    return next((list(trial.wrong) for trial in directed.trials(plant, chosen) if trial.wrong), [])


def outage(plant: Plant) -> list[str]:
    """Five minutes down: a call each back-off until the breaker opens, then one probe a minute (R29)."""
    plant.hire("ada")
    worker = plant.start()
    until(plant.working, 30)
    plant.steer("weather", down=True)
    before = plant.calls()
    plant.join(PRINT, "ada")
    until(lambda: False, 30)
    calls = plant.calls() - before
    plant.steer("weather", down=False)
    late = plant.late()
    plant.stop(worker)
    most = 40
    many = [f"R29: {calls} calls in an outage of 5 minutes, at most {most}"] if calls > most else []
    return [*many, *late, *plant.violations()]


def role_refused(plant: Plant) -> list[str]:
    """The account loses its role: nothing is done, it is said since when, and it catches up (L1)."""
    plant.hire("ada", "bob")
    worker = plant.start()
    plant.join(PRINT, "ada")
    plant.converge()
    plant.steer("office", role=False)
    plant.join(PRINT, "bob")
    told = until(lambda: "Global Administration" in _trouble(plant), 30)
    effects = len(plant.seen().ledger)
    plant.steer("office", role=True)
    late = plant.late()
    over = until(lambda: not _trouble(plant), 30)
    plant.stop(worker)
    wrong = [] if told and over and effects == 2 else [f"L1: told {told}, over {over}, {effects} effects"]
    return [*wrong, *late, *plant.violations()]


def slow_answers(plant: Plant) -> list[str]:
    """Each answer takes half of the time-out: slow is no failure."""
    plant.hire("ada", "bob")
    plant.steer("weather", every_seconds=TIMEOUT_SECONDS / 2)
    found = _act(plant, lambda: plant.join(PRINT, "ada", "bob"))
    return [*found, *([f"R29: {said}"] if (said := _trouble(plant)) else [])]


def _trouble(plant: Plant) -> str:
    """What `doctor` says is in the way."""
    with reading(plant.engine) as connection:
        found = trouble.read(connection)
    return "" if found is None else found.why


SCENES: dict[str, Scene] = {
    scene.__name__: scene
    for scene in (
        lost_answers,
        lost_unassignment,
        one_lost,
        doubtful_seats,
        old_counts,
        old_lists,
        count_broken,
        doubtful_base,
        base_under_addon,
        purchase,
        dropped_purchase,
        refused_purchase,
        asked_to_wait,
        outage,
        role_refused,
        slow_answers,
    )
}


def _act(plant: Plant, *steps: Callable[[], None], settle: bool = True) -> list[str]:
    """A worker runs while each step is made, and has what it leads to done before the next one, or not."""
    worker = plant.start()
    late: list[str] = []
    try:
        until(plant.working, 30)
        for step in steps:
            step()
            late = plant.late() if settle or step is steps[-1] else []
            if late:
                break
    finally:
        plant.stop(worker)
    return [*late, *plant.violations()]

"""What follows from AnySoft's own list? (R08, R15, R23, T11)"""

import pytest
from sqlalchemy import Engine

from connector.store.tables import intents, marks, persons
from sync.model import AccountId, Assigned, Held, Origin, PersonId, ProductId, RunId
from sync.ports import Outcome, Settled
from sync.settle import freed
from tests.connector.store.world import CENTRE, PRINT, World, held, intent, waits
from tests.moments import at


def listed(account: str, user_name: str = "") -> Assigned:
    return Assigned(AccountId(account), user_name, at(-500))


def someone(world: World, name: str = "ada") -> PersonId:
    person = world.person(name, account_id=f"a-{name}")
    world.user(world.directory(f"of-{name}"), person, name)
    return person


def seen(world: World, run: RunId, *assigned: Assigned, product: ProductId = PRINT) -> int:
    return world.ledger.observe(run, product, assigned, at(10))


def gone(world: World, run: RunId) -> int:
    return world.ledger.unseen(run, PRINT, world.ledger.holding(PRINT), at(9), at(10))


@pytest.mark.parametrize("before", ["unknown", "waiting"])
def test_who_has_it_without_us_has_it_by_hand(engine: Engine, before: str) -> None:
    """R08; and the add-on that waited for it is ready (R10)."""
    world = World(engine)
    ada = someone(world)
    world.stand(waits(ada, CENTRE, base_ready=False), *([waits(ada)] if before == "waiting" else []))
    run = world.begin()

    assert seen(world, run, listed("a-ada")) == 1

    standing = world.standing(ada)
    assert (standing.held, standing.origin, standing.assigned_at) == (Held.YES, Origin.MANUAL, at(-500))
    assert not standing.waiting
    assert world.standing(ada, CENTRE).base_ready
    assert [row.person_pk for row in world.rows(marks)] == [ada]
    assert seen(world, run, listed("a-ada")) == 0


def test_what_we_gave_stays_managed(engine: Engine) -> None:
    world = World(engine)
    ada = someone(world)
    world.stand(held(ada))
    assert seen(world, world.begin(), listed("a-ada")) == 0
    assert world.standing(ada) == held(ada)


def test_a_doubt_is_settled_as_held_and_managed(engine: Engine) -> None:
    """R29, T12"""
    world = World(engine)
    ada = someone(world)
    world.stand(waits(ada))
    crashed = world.begin()
    world.ledger.intend(intent(crashed, [ada]), at(1))
    run = world.begin(2)
    assert seen(world, run, listed("a-ada")) == 1
    assert (world.standing(ada).held, world.standing(ada).origin) == (Held.YES, Origin.MANAGED)
    assert [row.state for row in world.rows(intents)] == ["settled"]


def test_people_are_matched_by_name_once_and_strangers_passed_over(engine: Engine) -> None:
    """R05: by the exact folded user name."""
    world = World(engine)
    ada, other = world.person("Ada@Example.com"), world.person("conflict@example.com", conflict=True)
    names = [listed("a1", "ada@example.COM"), listed("a2", "conflict@example.com"), listed("a3", "nobody")]
    assert seen(world, world.begin(), *names) == 1
    assert [(row.pk, row.account_id) for row in world.rows(persons)] == [(ada, "a1"), (other, None)]


def test_a_stale_list_does_not_give_back_what_was_just_taken(engine: Engine) -> None:
    """T11: lists are up to 60 s old."""
    world = World(engine)
    ada = someone(world)
    world.stand(held(ada, lost_at=at(0)))
    run = world.begin()
    id = world.ledger.intend(intent(run, [ada], kind="unassign"), at(9.2))
    without = freed(held(ada))
    world.ledger.settle(run, id, [Outcome(ada, Settled.FREE, "unassigned", without)], "answered", at(9.3))
    assert seen(world, run, listed("a-ada")) == 0
    assert world.standing(ada) == without
    assert world.ledger.observe(run, PRINT, [listed("a-ada")], at(20)) == 1


def test_who_is_not_listed_was_unassigned_in_the_portal(engine: Engine) -> None:
    """R15; an add-on has no base then."""
    world = World(engine)
    ada, bob, eve = someone(world), someone(world, "bob"), someone(world, "eve")
    world.stand(
        held(ada, reasons=waits(ada).reasons, since=at(0)), waits(ada, CENTRE), held(bob),
        held(eve, assigned_at=at(9.5)),
    )  # fmt: skip
    run = world.begin()
    seen(world, run, listed("a-bob"))

    assert gone(world, run) == 1

    assert (world.standing(ada).held, world.standing(ada).origin) == (Held.NO, Origin.NONE)
    assert world.standing(ada).since == at(0)
    assert not world.standing(ada, CENTRE).base_ready
    assert world.standing(bob) == held(bob)
    assert world.standing(eve).held is Held.YES, "assigned within the minute that a list may be old"
    assert [row.person_pk for row in world.rows(marks)] == [ada]


def test_each_full_round_needs_its_own_sighting(engine: Engine) -> None:
    world = World(engine)
    ada = someone(world)
    world.stand(held(ada))
    first = world.begin()
    seen(world, first, listed("a-ada"))
    assert gone(world, first) == 0
    assert gone(world, world.begin(1)) == 1


@pytest.mark.parametrize(("asked", "freed_now"), [(9.5, 0), (5, 1)])
def test_a_doubt_is_freed_only_by_a_list_begun_well_after_the_call(
    engine: Engine, asked: float, freed_now: int
) -> None:
    """T11, R12: until then it counts against the seats."""
    world = World(engine)
    ada = someone(world)
    world.stand(waits(ada))
    crashed = world.begin()
    world.ledger.intend(intent(crashed, [ada]), at(asked))
    assert gone(world, world.begin(10)) == freed_now
    assert [row.state for row in world.rows(intents)] == ["settled" if freed_now else "unknown"]
    assert world.ledger.doubtful() == ({} if freed_now else {PRINT: 1})

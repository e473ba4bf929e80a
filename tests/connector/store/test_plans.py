"""Is a plan stored whole: standings, losses, holds, actions, marks?"""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from connector.store import holds
from connector.store.engine import reading, writing
from connector.store.leases import Lease
from connector.store.ledger import SqlLedger
from connector.store.marks import mark
from connector.store.runs import actions_of
from connector.store.tables import actions, losses, marks, standings
from sync.model import GroupId, Held, HoldId, Loss, Origin, PersonId, ProductId
from sync.plan import Action, HoldChange, Plan, Verb, digest_of
from sync.ports import Fenced, GuardView
from tests.connector.store.world import BASES, CENTRE, PRINT, World, held, reason, waits
from tests.moments import at


def lost(person: PersonId, *groups: GroupId, minutes: float = 0, product: ProductId = PRINT) -> Loss:
    return Loss(person, product, groups, at(minutes))


def emptied(world: World, count: int = 3) -> tuple[list[PersonId], HoldId]:
    """A hold with people who lost the license."""
    people = world.people(world.directory(), count)
    gone = tuple(held(p, lost_at=at(0), lost_why="left", look_at=at(15)) for p in people)
    hold = HoldChange(None, "product_share", None, PRINT, tuple(people))
    plan = Plan(changes=gone, losses=tuple(lost(p) for p in people), holds=(hold,))
    world.ledger.store(world.begin(), plan, (), at(0))
    with reading(world.engine) as connection:
        (found,) = holds.list_holds(connection)
    return people, found.id


def view(world: World, *groups: GroupId, since: float = -60) -> GuardView:
    return world.ledger.guard_view([PRINT, CENTRE], groups, at(since), lambda lost: 1_000)


def test_standings_come_back_as_they_were_stored(engine: Engine) -> None:
    world = World(engine)
    (ada,) = world.people(world.directory(), 1)
    full = held(
        ada, reasons=(reason(7, 8, 9), reason()), priority=9, since=at(-5), base_ready=False, moved_to=-3,
        blocked="REQUIRED_BY_ADDON", lost_at=at(1), lost_groups=(GroupId(3), GroupId(4)), lost_why="left",
        announced_at=at(2), due_at=at(3), released=True, kept=True, failure="NO_ANSWER", attempts=4,
        next_try=at(4), look_at=at(5) + timedelta(microseconds=7),
    )  # fmt: skip
    world.ledger.store(world.begin(), Plan(changes=(full,)), (), at(0))
    assert world.standing(ada) == full


def test_who_waits_since_no_time_is_refused(engine: Engine) -> None:
    """R14: the queue couldn't order it."""
    world = World(engine)
    (ada,) = world.people(world.directory(), 1)
    with pytest.raises(ValueError, match="since no time"):
        world.stand(waits(ada, since=None))


def test_due_are_people_once_each_oldest_first(engine: Engine) -> None:
    world = World(engine)
    p = world.people(world.directory(), 4)
    world.stand(
        held(p[0], look_at=at(3)), held(p[0], CENTRE, look_at=at(1)), held(p[1], look_at=at(2)),
        held(p[2], look_at=at(9)), held(p[3]),
    )  # fmt: skip
    assert world.ledger.due(at(5), 10) == [p[0], p[1]]
    assert world.ledger.due(at(5), 1) == [p[0]]


def test_actions_are_numbered_in_the_order_of_the_plan(engine: Engine) -> None:
    world = World(engine)
    run = world.begin()
    first = Action(Verb.ASSIGN, PRINT, PersonId(1), "ada", "member of LIC-AnyPrint")
    world.ledger.store(run, Plan(actions=(first,)), (), at(0))
    world.ledger.append(run, [Action(Verb.ASSIGN, PRINT, PersonId(2), "bob", "a seat is free")])
    assert [row.seq for row in world.rows(actions)] == [1, 2]
    with reading(engine) as connection:
        done = list(actions_of(connection, run))
    assert [(d.user_name, d.because, d.outcome) for d in done] == [
        ("ada", "member of LIC-AnyPrint", ""), ("bob", "a seat is free", ""),
    ]  # fmt: skip


def test_a_mark_that_grew_while_the_plan_was_made_stays(engine: Engine) -> None:
    world = World(engine)
    p = world.people(world.directory(), 2)
    with writing(engine) as connection:
        mark(connection, p, at(0))
    seen = world.mirror.marked(10)
    with writing(engine) as connection:
        mark(connection, [p[1]], at(1))
    world.ledger.store(world.begin(), Plan(), seen, at(2))
    assert [row.person_pk for row in world.rows(marks)] == [p[1]]


def test_store_without_the_lease_changes_nothing(engine: Engine) -> None:
    """T13"""
    world = World(engine)
    (ada,) = world.people(world.directory(), 1)
    run = world.begin()
    fenced = SqlLedger(engine, Lease("worker", "me", 1, 15).check_in, BASES)
    with pytest.raises(Fenced):
        fenced.store(run, Plan(changes=(held(ada),)), (), at(0))
    assert world.rows(standings) == []


# ---- what the guards count (R24) ----


def test_losses_count_once_a_person_with_all_their_groups(engine: Engine) -> None:
    world = World(engine)
    entra = world.directory()
    p, a, b = world.people(entra, 2), world.group(entra, "a"), world.group(entra, "b")
    world.stand(held(p[0], lost_at=at(0)), held(p[1], lost_at=at(0)))
    plan = Plan(losses=(lost(p[0], a, b), lost(p[1])))
    world.ledger.store(world.begin(), plan, (), at(0))
    assert view(world, a).losses == (lost(p[0], a, b), lost(p[1]))
    assert view(world, a, since=1).losses == ()


def test_a_removal_that_is_done_still_counts(engine: Engine) -> None:
    """R24: planned or done."""
    world = World(engine)
    (ada,) = world.people(world.directory(), 1)
    world.ledger.store(world.begin(), Plan(losses=(lost(ada),)), (), at(0))
    (loss,) = view(world).losses
    assert (loss.person, loss.held) == (ada, False)


@pytest.mark.parametrize("how", ["released", "kept", "regained"])
def test_who_was_released_kept_or_came_back_counts_no_more(engine: Engine, how: str) -> None:
    world = World(engine)
    (ada,) = world.people(world.directory(), 1)
    world.ledger.store(world.begin(), Plan((held(ada, lost_at=at(0)),), (lost(ada),)), (), at(0))
    assert len(view(world).losses) == 1
    match how:
        case "released":
            world.stand(held(ada, lost_at=at(0), released=True))
        case "kept":
            world.stand(held(ada, lost_at=at(0), kept=True))
        case _:
            world.ledger.store(world.begin(1), Plan(regained=((ada, PRINT),)), (), at(1))
    assert view(world).losses == ()


def test_an_addon_lost_with_its_base_says_so(engine: Engine) -> None:
    """R10: it goes into the base's hold."""
    world = World(engine)
    (ada,) = world.people(world.directory(), 1)
    gone = held(ada, CENTRE, lost_at=at(0), lost_why="base")
    world.ledger.store(world.begin(), Plan((gone,), (lost(ada, product=CENTRE),)), (), at(0))
    (loss,) = view(world).losses
    assert loss.base == PRINT


def test_holders_are_counted_no_further_than_enough(engine: Engine) -> None:
    """R24 asks whether a limit is passed: a group of a million needn't be counted for three who left."""
    world = World(engine)
    entra = world.directory()
    people = world.people(entra, 9)
    group = world.group(entra, "staff")
    world.join_all(group, people)
    world.stand(*(held(person) for person in people[2:]))
    for limit, found in ((3, 3), (7, 7), (8, 7)):
        seen = world.ledger.guard_view([PRINT], {group}, at(-60), lambda lost, limit=limit: limit + lost)  # type: ignore[misc]
        assert seen.holders == {(PRINT, None): found, (PRINT, group): found}


def test_holders_are_managed_held_and_not_lost(engine: Engine) -> None:
    world = World(engine)
    entra = world.directory()
    p, group, empty = world.people(entra, 6), world.group(entra, "g"), world.group(entra, "e")
    world.join_all(group, p[1:])
    world.stand(
        held(p[0]), held(p[1]), held(p[2], held=Held.MAYBE), held(p[3], lost_at=at(0)),
        held(p[4], origin=Origin.MANUAL), waits(p[5]),
    )  # fmt: skip
    holders = view(world, group, empty).holders
    assert holders[PRINT, None] == 3
    assert holders[PRINT, group] == 2
    assert holders[PRINT, empty] == 0
    assert holders[CENTRE, group] == holders[CENTRE, None] == 0


def test_a_transitive_mapping_counts_the_groups_below(engine: Engine) -> None:
    """R07: each person once, whatever the number of paths."""
    world = World(engine)
    entra = world.directory()
    p, top, middle, leaf = world.people(entra, 4), *(world.group(entra, n) for n in ("t", "m", "l"))
    world.nest(top, middle)
    world.nest(middle, leaf)
    world.nest(leaf, top)
    world.join_all(top, p[:1])
    world.join_all(middle, p[:2])
    world.join_all(leaf, p[1:3])
    world.stand(*(held(person) for person in p))
    assert view(world, top).holders[PRINT, top] == 1
    world.map(top, PRINT, transitive=True)
    assert view(world, top).holders[PRINT, top] == 3


# ---- holds (R24) ----


def test_a_hold_takes_its_people_out_of_the_clock(engine: Engine) -> None:
    world = World(engine)
    people, hold = emptied(world)
    assert [(world.standing(p).hold, world.standing(p).look_at) for p in people] == [(hold, None)] * 3
    assert view(world).open_holds == {(PRINT, None): hold}
    assert {loss.hold for loss in view(world).losses} == {hold}


def test_an_open_hold_is_extended_addons_included(engine: Engine) -> None:
    world = World(engine)
    people, hold = emptied(world)
    eve = world.person("eve")
    change = HoldChange(hold, "product_share", None, PRINT, (eve,), ((eve, CENTRE),))
    changes = (held(eve, lost_at=at(1)), held(eve, CENTRE, lost_at=at(1), lost_why="base"))
    world.ledger.store(world.begin(1), Plan(changes=changes, holds=(change,)), (), at(1))
    with reading(engine) as connection:
        (found,) = holds.list_holds(connection)
        listed = holds.removals(connection, hold)
    assert found.removals[-1] != found.removals[0]
    assert {person for person, _ in found.removals} == {*people, eve}
    assert [(r.user_name, r.product) for r in listed][:2] == [("eve", PRINT), ("eve", CENTRE)]
    assert found.digest == digest_of([*((p, PRINT) for p in people), (eve, PRINT), (eve, CENTRE)])


def test_a_hold_closes_by_itself_when_all_came_back(engine: Engine) -> None:
    world = World(engine)
    people, hold = emptied(world)
    back = tuple(held(p) for p in people)
    world.ledger.store(world.begin(1), Plan(changes=back[:2]), (), at(1))
    assert view(world).open_holds == {(PRINT, None): hold}
    world.ledger.store(world.begin(2), Plan(changes=back[2:]), (), at(2))
    assert view(world).open_holds == {}
    with reading(engine) as connection:
        assert holds.get(connection, hold).state == "healed"


@pytest.mark.parametrize("decision", ["released", "rejected"])
def test_a_round_that_read_before_the_decision_does_not_undo_it(engine: Engine, decision: str) -> None:
    world = World(engine)
    people, hold = emptied(world)
    stale = world.standing(people[0])
    with writing(engine) as connection:
        if decision == "released":
            holds.release(connection, hold, holds.get(connection, hold).digest, "ann", at(1))
        else:
            holds.reject(connection, hold, "ann", at(1))
    world.ledger.store(world.begin(2), Plan(changes=(stale,)), (), at(2))
    now = world.standing(people[0])
    assert (now.hold, now.released, now.kept) == (None, decision == "released", decision == "rejected")


def test_losses_are_rows_a_group(engine: Engine) -> None:
    world = World(engine)
    entra = world.directory()
    (ada,), a, b = world.people(entra, 1), world.group(entra, "a"), world.group(entra, "b")
    world.ledger.store(world.begin(), Plan(losses=(lost(ada, a, b), lost(ada, product=CENTRE))), (), at(0))
    assert [(row.product, row.group_pk) for row in world.rows(losses)] == [
        (PRINT, a), (PRINT, b), (CENTRE, None),
    ]  # fmt: skip

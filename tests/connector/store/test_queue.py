"""Is the queue in the order of R14, and read by its index?"""

import random

import pytest
from sqlalchemy import Engine, text

from connector.store import queue
from connector.store.audit import entries
from connector.store.engine import reading, writing
from connector.store.queue import Position
from sync.model import Held, PersonId
from tests.connector.store.world import CENTRE, PRINT, World, held, reason, waits
from tests.moments import at


def test_order_is_move_then_priority_then_since_then_id(engine: Engine) -> None:
    """R14: shuffling the input never changes who wins."""
    world = World(engine)
    p = world.people(world.directory(), 6)
    standings = [
        waits(p[4], moved_to=-1, priority=900, since=at(9)),
        waits(p[3], priority=1, since=at(5)),
        waits(p[0], since=at(1)),
        waits(p[2], since=at(2)),
        waits(p[5], since=at(2)),
    ]
    random.Random(1).shuffle(standings)
    world.stand(*standings, held(p[1]))

    line = world.ledger.queue(PRINT, 10)

    assert [w.person for w in line] == [p[4], p[3], p[0], p[2], p[5]]
    assert [w.place for w in line] == sorted(w.place for w in line)
    assert line[0].user_name == "p4"
    assert line[0].mappings == (reason().mapping,)
    assert world.ledger.waiting() == {PRINT: 5}
    with reading(engine) as connection:
        assert queue.position(connection, PRINT, p[4]) == Position(1, 5)
        assert queue.position(connection, PRINT, p[5]) == Position(5, 5)
        assert queue.position(connection, PRINT, p[1]) is None


def test_ready_leaves_out_who_waits_for_the_base(engine: Engine) -> None:
    """R10"""
    world = World(engine)
    p = world.people(world.directory(), 2)
    world.stand(waits(p[0], CENTRE, base_ready=False), waits(p[1], CENTRE))
    assert [w.person for w in world.ledger.queue(CENTRE, 10, ready=True)] == [p[1]]
    assert [w.person for w in world.ledger.queue(CENTRE, 10, ready=False)] == p
    assert world.ledger.waiting() == {CENTRE: 2}


@pytest.mark.parametrize("ready", [True, False])
def test_the_queue_is_read_by_its_index_without_sorting(sqlite_engine: Engine, ready: bool) -> None:
    query = queue.head(PRINT, 10, ready=ready).compile(sqlite_engine, compile_kwargs={"literal_binds": True})
    with reading(sqlite_engine) as connection:
        plan = " ".join(row.detail for row in connection.execute(text(f"EXPLAIN QUERY PLAN {query}")))
    assert "ix_standings_queue" in plan
    assert "TEMP B-TREE" not in plan
    assert "SCAN" not in plan


def test_a_place_is_counted_in_the_index_alone(sqlite_engine: Engine) -> None:
    """R16: however long the queue is, nobody else's row is looked at."""
    query = queue.place(PRINT, PersonId(1)).compile(sqlite_engine, compile_kwargs={"literal_binds": True})
    with reading(sqlite_engine) as connection:
        own, *counts = (
            row.detail
            for row in connection.execute(text(f"EXPLAIN QUERY PLAN {query}"))
            if "SUBQUERY" not in row.detail
        )
    assert "person_pk=? AND product=?" in own
    assert len(counts) == 5
    assert all("COVERING INDEX ix_standings_queue" in count for count in counts)


def test_who_came_at_the_same_moment_is_before_by_person_and_moved_ones_by_place(engine: Engine) -> None:
    """R14"""
    world = World(engine)
    p = world.people(world.directory(), 5)
    world.stand(
        waits(p[0]),
        waits(p[1]),
        waits(p[2], priority=1),
        waits(p[3], moved_to=-1, since=at(9)),
        waits(p[4], since=at(-1)),
    )
    with reading(engine) as connection:
        places = [queue.position(connection, PRINT, person) for person in p]
    assert places == [Position(place, 5) for place in (4, 5, 2, 1, 3)]


@pytest.mark.parametrize("to", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("who", [0, 2, 4])
def test_an_operators_move_puts_a_waiter_exactly_there(engine: Engine, who: int, to: int) -> None:
    """R14"""
    world = World(engine)
    p = world.people(world.directory(), 5)
    world.stand(*(waits(person, since=at(n)) for n, person in enumerate(p)))
    with writing(engine) as connection:
        queue.move(connection, PRINT, p[3], 2, "ann", at(9))
    line = [p[0], p[3], p[1], p[2], p[4]]
    line.remove(p[who])
    line.insert(to - 1, p[who])
    with writing(engine) as connection:
        assert queue.move(connection, PRINT, p[who], to, "ann", at(10)) == Position(to, 5)
    assert [w.person for w in world.ledger.queue(PRINT, 10)] == line
    with reading(engine) as connection:
        assert [e.action for e in entries(connection)] == ["queue.move", "queue.move"]


def test_a_round_that_read_before_the_move_does_not_undo_it(engine: Engine) -> None:
    world = World(engine)
    p = world.people(world.directory(), 2)
    world.stand(waits(p[0], since=at(0)), waits(p[1], since=at(1)))
    read_before = world.standing(p[1])
    with writing(engine) as connection:
        queue.move(connection, PRINT, p[1], 1, "ann", at(9))
    world.stand(read_before)
    assert [w.person for w in world.ledger.queue(PRINT, 10)] == [p[1], p[0]]


def test_a_move_that_makes_no_sense_is_refused(engine: Engine) -> None:
    world = World(engine)
    p = world.people(world.directory(), 1)
    world.stand(waits(p[0]))
    with writing(engine) as connection:
        with pytest.raises(ValueError, match="give 1 to 1"):
            queue.move(connection, PRINT, p[0], 2, "ann", at(0))
        with pytest.raises(LookupError, match="queue list anyprint"):
            queue.move(connection, PRINT, PersonId(99), 1, "ann", at(0))


def test_doubts_are_counted_a_product(engine: Engine) -> None:
    """R12: F"""
    world = World(engine)
    p = world.people(world.directory(), 4)
    world.stand(
        held(p[0], held=Held.MAYBE), held(p[1]), held(p[2], CENTRE, held=Held.MAYBE), waits(p[3]),
    )  # fmt: skip
    assert world.ledger.doubtful() == {PRINT: 1, CENTRE: 1}
    assert world.ledger.surely_held() == {PRINT: 1}


def test_nothing_is_nowhere(engine: Engine) -> None:
    ledger = World(engine).ledger
    assert (ledger.doubtful(), ledger.waiting(), ledger.queue(PRINT, 5)) == ({}, {}, [])

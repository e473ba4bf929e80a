"""R12, R14: who gets the free seats."""

from datetime import datetime

import pytest

from sync.allocate import allocate, merged
from sync.model import MappingId, PersonId, Waiter
from tests.moments import START, at
from tests.sync.world import PRINT

A, B = MappingId(1), MappingId(2)


def waiter(
    id: int,
    *mappings: MappingId,
    moved_to: int = 0,
    priority: int = 100,
    since: datetime = START,
    ready: bool = True,
) -> Waiter:
    return Waiter(PersonId(id), f"p{id}", moved_to, priority, since, mappings, ready)


def winners(queue: list[Waiter], free: int, *reserves: tuple[MappingId, int]) -> list[int]:
    return [w.person for w in allocate(PRINT, queue, free, reserves)]


@pytest.mark.parametrize(
    ("free", "who"), [(-1, []), (0, []), (1, [1]), (2, [1, 2]), (3, [1, 2, 3]), (9, [1, 2, 3])]
)
def test_never_more_than_are_free(free: int, who: list[int]) -> None:
    """R12"""
    assert winners([waiter(1), waiter(2), waiter(3)], free) == who


def test_whose_base_is_not_there_is_passed_over_and_takes_no_seat() -> None:
    """R10"""
    assert winners([waiter(1, ready=False), waiter(2), waiter(3)], 1) == [2]


@pytest.mark.parametrize(
    ("says", "queue", "free", "reserves", "who"),
    [
        ("the last two go to A's people only", [(1,), (2, A), (3,), (4, A)], 2, [(A, 2)], [2, 4]),
        ("what is free beyond them goes in order", [(1,), (2, A), (3,)], 3, [(A, 2)], [1, 2]),
        ("A's people take the open ones first", [(1, A), (2,), (3,)], 3, [(A, 2)], [1]),
        ("nobody of A waits: the reserve stays", [(1,), (2,)], 2, [(A, 2)], []),
        ("less free than reserved: all A's", [(1,), (2, A), (3, A)], 1, [(A, 5)], [2]),
        ("two reserves are side by side", [(1,), (2, B), (3, A), (4, B)], 2, [(A, 1), (B, 1)], [2, 3]),
        ("B's people don't take A's reserve", [(1, B), (2, B), (3, A)], 2, [(A, 1), (B, 1)], [1, 3]),
        ("too few for both: the smaller id first", [(1, B), (2, A)], 1, [(B, 1), (A, 1)], [2]),
        ("who has both may use either", [(1, A, B), (2, A, B)], 2, [(A, 1), (B, 1)], [1, 2]),
        ("a reserve of nothing reserves nothing", [(1,)], 1, [(A, 0)], [1]),
    ],
)
def test_reserves(
    says: str, queue: list[tuple[int, ...]], free: int, reserves: list[tuple[MappingId, int]], who: list[int]
) -> None:
    """R14: `reserve`"""
    line = [waiter(id, *map(MappingId, mappings)) for id, *mappings in queue]
    assert winners(line, free, *reserves) == who, says


def test_the_queue_is_read_no_further_than_the_seats_reach() -> None:
    """Architecture 1.3: never the whole list."""

    def endless() -> object:
        yield waiter(1)
        raise AssertionError("read on")

    assert [w.person for w in allocate(PRINT, endless(), 1, ())] == [1]  # type: ignore[arg-type]


def test_the_order_is_moves_then_priority_then_since_then_id() -> None:
    """R14"""
    line = [
        waiter(5, moved_to=-2, priority=999, since=at(9)),
        waiter(4, moved_to=-1),
        waiter(9, priority=1, since=at(9)),
        waiter(8, since=at(1)),
        waiter(2, since=at(2)),
        waiter(3, since=at(2)),
    ]
    assert list(merged((), {w.person: w for w in reversed(line)})) == line


def test_a_plans_newcomers_movers_and_leavers_are_merged_into_the_stored_line() -> None:
    """R14"""
    stored = [waiter(1), waiter(2, since=at(2)), waiter(3, since=at(3))]
    changes = {
        PersonId(1): None,
        PersonId(3): waiter(3, priority=1),
        PersonId(4): waiter(4, since=at(1)),
        PersonId(7): None,
    }
    assert [w.person for w in merged(stored, changes)] == [3, 4, 2]


def test_the_stored_line_is_merged_lazily() -> None:
    def endless() -> object:
        yield waiter(1)
        raise AssertionError("read on")

    assert next(merged(endless(), {PersonId(2): None})).person == 1  # type: ignore[arg-type]

"""Do those who wait come in the order they came? (T14)"""

import time
from collections.abc import Callable
from threading import Thread

import pytest

from connector.store.turns import TooLong, Turns


def waiting(turns: Turns, work: Callable[[], None], seconds: float = 10) -> Thread:
    """A thread that stands in line."""
    before = len(turns._waiting)

    def run() -> None:
        with turns.turn(seconds):
            work()

    thread = Thread(target=run)
    thread.start()
    while len(turns._waiting) == before:
        time.sleep(0.001)
    return thread


def test_first_come_first_served() -> None:
    turns, served = Turns(), list[int]()
    with turns.turn(1):
        threads = [waiting(turns, lambda n=n: served.append(n)) for n in range(20)]  # type: ignore[misc]
        assert served == []
    for thread in threads:
        thread.join(10)
    assert served == list(range(20))
    with turns.turn(0):  # free again
        pass


def test_who_waited_too_long_leaves_the_line() -> None:
    turns, served = Turns(), list[str]()
    with turns.turn(1):
        with pytest.raises(TooLong), turns.turn(0.01):
            pass
        thread = waiting(turns, lambda: served.append("next"))
    thread.join(10)
    assert served == ["next"]


def test_a_failure_gives_the_turn_on() -> None:
    turns = Turns()
    with pytest.raises(ZeroDivisionError), turns.turn(1):
        raise ZeroDivisionError
    with turns.turn(0):
        pass

"""Who writes next in this process? SQLite has one writer at a time; those who wait come in their order.

SQLite itself lets waiting writers try again and again, in no order: of fifty, one may have no luck for long.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Lock


class TooLong(Exception):
    """The turn didn't come in time."""


@dataclass(slots=True)
class Turns:
    """One turn at a time, first come, first served."""

    _lock: Lock = field(default_factory=Lock)
    _waiting: deque[Event] = field(default_factory=deque)
    _taken: bool = False

    @contextmanager
    def turn(self, seconds: float) -> Iterator[None]:
        """Raises TooLong when it doesn't come within so many seconds."""
        self._take(seconds)
        try:
            yield
        finally:
            self._give()

    def _take(self, seconds: float) -> None:
        with self._lock:
            if not self._taken:
                self._taken = True
                return
            mine = Event()
            self._waiting.append(mine)
        if mine.wait(seconds):
            return
        with self._lock:
            if mine.is_set():  # it came at the last moment
                return
            self._waiting.remove(mine)
        raise TooLong

    def _give(self) -> None:
        """To the next in line, without anybody coming in between."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._taken = False

"""May this call go to AnySoft, and what does its answer say of AnySoft's health? (R29)

Around the transport, so that every call counts: pages of lists, tokens, commands, rounds. The breaker is a
row that all processes share; while all goes well it is read and not written.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine
from structlog.stdlib import get_logger

from connector.anysoft.transport import NoSuchCall, Request, Sends
from connector.store import breakers, trouble
from connector.store.engine import Unavailable, reading, writing
from sync import breaker
from sync.breaker import Breaker
from sync.ports import Busy, Transient

#: an answer that takes longer is told of
SLOW = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Gate:
    """`now`: aware UTC."""

    transport: Sends
    engine: Engine
    now: Callable[[], datetime]

    def send(self, request: Request) -> object:
        """As Transport.send. Raises Busy, without a call, while AnySoft is to be left alone."""
        noted = self._enter()
        begun = self.now()
        try:
            answer = self.transport.send(request)
        except Busy as error:
            wait, why = error.retry_after, str(error)
            self._change(lambda b: breaker.asked_to_wait(b, wait, why, self.now()))
            raise
        except NoSuchCall:
            self._change(breaker.answered)
            raise
        except Transient as error:
            why = str(error)
            self._change(lambda b: breaker.failed(b, why, self.now()))
            raise
        except Exception:  # refused, forbidden, not there: AnySoft answers
            self._change(breaker.answered)
            raise
        self._change(breaker.answered)
        self._time(self.now() - begun, noted)
        return answer

    def close(self) -> None:
        self.transport.close()

    def _enter(self) -> bool:
        """Whether it is noted that AnySoft is slow."""
        with _database():
            with reading(self.engine) as connection:
                seen = breakers.read(connection)
                slow = trouble.read(connection, trouble.SLOW) is not None
            if seen.is_open and breaker.wait(seen, self.now()) is None:
                seen = self._take_probe(seen)
        left = breaker.wait(seen, self.now())
        if left is not None:
            raise Busy(told(seen), retry_after=left.total_seconds())
        return slow

    def _time(self, took: timedelta, noted: bool) -> None:
        """A slow answer is an answer, but rounds take long by it: the first in a row says since when."""
        slow = took >= SLOW
        if slow == noted and not slow:
            return
        try:
            with writing(self.engine) as connection:
                if slow:
                    said = f"the last call took {took.total_seconds():.0f} s"
                    trouble.note(connection, said, None, self.now(), trouble.SLOW)
                else:
                    trouble.over(connection, trouble.SLOW)
        except Unavailable:
            return

    def _take_probe(self, seen: Breaker) -> Breaker:
        """Of several who see that it is time for a probe, one sends it: the others see its next moment."""
        with writing(self.engine) as connection:
            before, _ = breakers.change(
                connection,
                lambda b: breaker.sending(b, self.now()) if b == seen else b,
                self.now(),
            )
        return Breaker() if before == seen else before

    def _change(self, step: Callable[[Breaker], Breaker]) -> None:
        """What a call came to is never lost for a database that is busy: then only the count is."""
        try:
            with reading(self.engine) as connection:
                seen = breakers.read(connection)
            if step(seen) == seen:
                return
            with writing(self.engine) as connection:
                before, after = breakers.change(connection, step, self.now())
        except Unavailable:
            return
        if after.is_open and not before.is_open:
            get_logger(__name__).error(
                "AnySoft fails: its breaker is open, one probe a minute", why=after.why
            )
        if before.is_open and not after.is_open:
            get_logger(__name__).warning(
                "AnySoft answers again: its breaker is closed", since=before.opened_at
            )


def told(seen: Breaker) -> str:
    """What is wrong and since when."""
    until = "" if seen.not_before is None else f"{seen.not_before:%Y-%m-%d %H:%M:%S} UTC"
    if seen.opened_at is not None:
        return (
            f"AnySoft fails since {seen.opened_at:%Y-%m-%d %H:%M:%S} UTC ({seen.why}): "
            f"nothing is sent but one probe a minute, the next at {until}"
        )
    return f"AnySoft asked to be left alone until {until} ({seen.why})"


@contextmanager
def _database() -> Iterator[None]:
    """A database that can't say whether AnySoft may be called is no reason to call it."""
    try:
        yield
    except Unavailable as error:
        raise Transient(str(error)) from error

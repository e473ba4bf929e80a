"""May this call go to AnySoft, and what does its answer say of AnySoft's health? (R29)

Around the transport, so that every call counts: pages of lists, tokens, commands, rounds. The breaker is a
row that all processes share; while all goes well it is read and not written.

Calls that change something have a breaker of their own: where they alone fail, the many that only ask neither
hide it nor are the probe.
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

#: how what is told of changes begins, where whatever only asks is answered
ANSWERS = "AnySoft answers, but changes nothing"


@dataclass(frozen=True, slots=True)
class Gate:
    """`now`: aware UTC."""

    transport: Sends
    engine: Engine
    now: Callable[[], datetime]

    def send(self, request: Request) -> object:
        """As Transport.send. Raises Busy, without a call, while AnySoft is to be left alone."""
        noted = self._enter(request)
        begun = self.now()
        try:
            answer = self.transport.send(request)
        except Busy as error:
            wait, why = error.retry_after, str(error)
            seen = self._change(lambda b: breaker.asked_to_wait(b, wait, why, self.now()))
            if seen is None:
                raise
            raise Busy(told(seen), retry_after=wait, outage=seen.is_open) from error
        except NoSuchCall:
            self._answered(request)
            raise
        except Transient as error:
            self._failed(request, str(error))
            raise
        except Exception:  # refused, forbidden, not there: AnySoft answers
            self._answered(request)
            raise
        self._answered(request)
        self._time(self.now() - begun, noted)
        return answer

    def close(self) -> None:
        self.transport.close()

    def _enter(self, request: Request) -> bool:
        """Whether it is noted that AnySoft is slow."""
        with _database():
            with reading(self.engine) as connection:
                slow = trouble.read(connection, trouble.SLOW) is not None
            for peer in (breakers.ANYSOFT, breakers.CHANGES) if request.writes else (breakers.ANYSOFT,):
                self._pass(peer)
        return slow

    def _pass(self, peer: str) -> None:
        with reading(self.engine) as connection:
            seen = breakers.read(connection, peer)
        if seen.is_open and breaker.wait(seen, self.now()) is None:
            seen = self._take_probe(seen, peer)
        left = breaker.wait(seen, self.now())
        if left is not None:
            raise Busy(told(seen, peer), retry_after=left.total_seconds(), outage=seen.is_open)

    def _answered(self, request: Request) -> None:
        self._change(breaker.answered)
        if request.writes:
            self._change(breaker.answered, breakers.CHANGES)

    def _failed(self, request: Request, why: str) -> None:
        """A change that fails says nothing of what only asks, but for a probe that was in vain."""
        if not request.writes:
            self._change(lambda b: breaker.failed(b, why, self.now()))
            return
        self._change(lambda b: breaker.failed(b, why, self.now()) if b.is_open else b)
        self._change(lambda b: breaker.failed(b, why, self.now()), breakers.CHANGES, why)

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

    def _take_probe(self, seen: Breaker, peer: str) -> Breaker:
        """Of several who see that it is time for a probe, one sends it: the others see its next moment."""
        with writing(self.engine) as connection:
            before, _ = breakers.change(
                connection,
                lambda b: breaker.sending(b, self.now()) if b == seen else b,
                self.now(),
                peer,
            )
        return Breaker() if before == seen else before

    def _change(
        self, step: Callable[[Breaker], Breaker], peer: str = breakers.ANYSOFT, failure: str = ""
    ) -> Breaker | None:
        """What a call came to is never lost for a database that is busy: then only the count is (None).
        Since when changes fail, `failure` being the last, is noted for `doctor` and reports."""
        try:
            with reading(self.engine) as connection:
                seen = breakers.read(connection, peer)
            if step(seen) == seen and not failure:
                return seen
            with writing(self.engine) as connection:
                before, after = breakers.change(connection, step, self.now(), peer)
                if failure:
                    trouble.note(connection, failure, None, self.now(), trouble.CHANGES)
                elif peer == breakers.CHANGES and trouble.read(connection, trouble.CHANGES) is not None:
                    trouble.over(connection, trouble.CHANGES)
        except Unavailable:
            return None
        if after.is_open and not before.is_open:
            get_logger(__name__).error(
                "AnySoft fails: its breaker is open, one probe a minute", of=peer, why=after.why
            )
        if before.is_open and not after.is_open:
            get_logger(__name__).warning(
                "AnySoft answers again: its breaker is closed", of=peer, since=before.opened_at
            )
        return after


def told(seen: Breaker, peer: str = breakers.ANYSOFT) -> str:
    """What is wrong and since when."""
    until = "" if seen.not_before is None else f"{seen.not_before:%Y-%m-%d %H:%M:%S} UTC"
    if seen.opened_at is not None:
        since = f"since {seen.opened_at:%Y-%m-%d %H:%M:%S} UTC ({seen.why})"
        if peer == breakers.CHANGES:
            return f"{ANSWERS} {since}: no change is sent but one probe a minute, the next from {until} on"
        return f"AnySoft fails {since}: nothing is sent but one probe a minute, the next at {until}"
    return f"AnySoft asked to be left alone until {until} ({seen.why})"


@contextmanager
def _database() -> Iterator[None]:
    """A database that can't say whether AnySoft may be called is no reason to call it."""
    try:
        yield
    except Unavailable as error:
        raise Transient(str(error)) from error

"""Do the processes run? Starts them, starts again what died, and stops all of them together."""

import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event
from types import FrameType

from structlog.stdlib import get_logger

FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0  #: seconds before a dead process is started again, doubling
STEADY = 30.0  #: a process that ran so long starts anew with the first wait
STOP_SECONDS = 9.0  #: then what still runs is killed (T30: 10 s in all)
TICK = 0.1


@dataclass(slots=True)
class Child:
    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    wait: float = FIRST_WAIT
    again_at: float | None = None  #: dead, to be started at this moment

    def start(self, now: float) -> None:
        self.process = subprocess.Popen(list(self.command), env=dict(self.environment))  # noqa: S603
        self.started, self.again_at = now, None

    def look(self, now: float) -> None:
        """Start it again if it died and its wait is over."""
        log = get_logger(__name__)
        if self.again_at is not None:
            if now >= self.again_at:
                self.start(now)
                log.info("process started again", process=self.name)
            return
        assert self.process is not None
        code = self.process.poll()
        if code is None:
            return
        self.wait = FIRST_WAIT if now - self.started > STEADY else min(self.wait * 2, LONGEST_WAIT)
        self.again_at = now + self.wait
        log.error("process died", process=self.name, code=code, again_in_seconds=self.wait)


@dataclass(slots=True)
class Supervisor:
    children: Sequence[Child]
    stopping: Event = field(default_factory=Event)

    def catch_signals(self) -> None:
        def stop(number: int, frame: FrameType | None) -> None:
            self.stopping.set()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)

    def run(self, each_tick: Callable[[float], None]) -> None:
        """Until SIGTERM or SIGINT; then end all. `each_tick(now)` is called ten times a second."""
        try:
            for child in self.children:
                child.start(time.monotonic())
            while not self.stopping.wait(TICK):
                now = time.monotonic()
                for child in self.children:
                    child.look(now)
                each_tick(now)
        finally:
            self._end()

    def _end(self) -> None:
        running = [c.process for c in self.children if c.process is not None and c.process.poll() is None]
        for process in running:
            process.terminate()
        until = time.monotonic() + STOP_SECONDS
        for process in running:
            try:
                process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                get_logger(__name__).warning("process killed: it didn't stop in time", pid=process.pid)
                process.kill()
                process.wait()

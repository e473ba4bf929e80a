"""How do the tests run the program itself, as a person would? In processes, which they always end."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import psutil

T = TypeVar("T")
ROOT = Path(__file__).parents[2]


def environment(**more: str) -> dict[str, str]:
    """This one's, without settings of ours."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("CONNECTOR_")}
    return kept | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"} | more


def command(*arguments: str) -> list[str]:
    """As the console script: the working folder isn't on its path."""
    return [sys.executable, "-P", "-m", "connector", *arguments]


def run(folder: Path, *arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """One command, to its end; `folder` is where it runs."""
    return subprocess.run(
        command(*arguments), cwd=folder, env=environment(), capture_output=True, text=True, timeout=timeout,
        check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


@dataclass
class Running:
    """A process in the foreground, and what it has printed so far."""

    process: subprocess.Popen[str]
    out: list[str] = field(default_factory=list)
    err: list[str] = field(default_factory=list)

    def wait_for(self, said: str, seconds: float = 90) -> str:
        """The line of stdout that begins so."""
        return until(
            lambda: next((line for line in self.out if line.startswith(said)), ""), seconds, self.tell
        )

    @property
    def url(self) -> str:
        return self.wait_for("ready ").split()[1]

    def stop(self, number: int = signal.SIGTERM, seconds: float = 15) -> float:
        """How many seconds it took."""
        begun = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(seconds)
        return time.monotonic() - begun

    def family(self) -> list[psutil.Process]:
        return list(psutil.Process(self.process.pid).children(recursive=True))

    def child(self, name: str) -> psutil.Process:
        """`web` or `worker`, as started by `up`."""
        return until(
            lambda: next((p for p in psutil.Process(self.process.pid).children() if name in _words(p)), None),
            10,
            self.tell,
        )

    def tell(self) -> str:
        return f"exit {self.process.poll()}\n{''.join(self.out[-20:])}\n{''.join(self.err[-40:])}"


def _words(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


@contextmanager
def started(folder: Path, *arguments: str, **env: str) -> Iterator[Running]:
    """Ended with all its children, whatever happens."""
    process = subprocess.Popen(
        command(*arguments), cwd=folder, env=environment(**env), text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    running = Running(process)
    readers = [
        threading.Thread(target=_read, args=(stream, lines), daemon=True)
        for stream, lines in ((process.stdout, running.out), (process.stderr, running.err))
    ]
    for reader in readers:
        reader.start()
    try:
        yield running
    finally:
        family = running.family() if process.poll() is None else []
        process.kill()
        process.wait(10)
        for child in family:
            if child.is_running():
                child.kill()
        psutil.wait_procs(family, 10)
        for reader in readers:
            reader.join(10)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def _read(stream: object, lines: list[str]) -> None:
    lines.extend(stream)  # type: ignore[arg-type]


def until(ask: Callable[[], T | None], seconds: float, tell: Callable[[], str] = str) -> T:
    """The first answer that is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := ask():
            return answer
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s; {tell()}")

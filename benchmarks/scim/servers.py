"""Which servers are measured, and how much processor time have they used? Each in processes of its own."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import psutil

from benchmarks.scim.world import World
from connector.web import CONNECTIONS, THREADS
from connector.web_address import free_port

ROOT = Path(__file__).parents[2]
HOST = "127.0.0.1"
_STARTS_WITHIN = 300  # scim2-server makes a model of each user


@dataclass(frozen=True, slots=True)
class Server:
    name: str
    port: int
    base: str  #: path before /Users
    process: psutil.Process

    def cpu_seconds(self) -> float:
        """User and system time of all its processes so far, threads that have ended included."""
        return sum(
            _cpu_seconds(process) for process in (self.process, *self.process.children(recursive=True))
        )

    def memory_bytes(self) -> int:
        """Resident, of all its processes."""
        each = (self.process, *self.process.children(recursive=True))
        return sum(int(process.memory_info().rss) for process in each)

    def forget_peak(self) -> None:
        """`peak_bytes` counts from now on (proc(5): clear_refs)."""
        for process in (self.process, *self.process.children(recursive=True)):
            Path(f"/proc/{process.pid}/clear_refs").write_text("5")

    def peak_bytes(self) -> int:
        """The most that was resident, of all its processes; on Linux only."""
        peak = 0
        for process in (self.process, *self.process.children(recursive=True)):
            status = Path(f"/proc/{process.pid}/status").read_text()
            peak += int(status.partition("VmHWM:")[2].split()[0]) * 1024
        return peak


@contextmanager
def connector(url: str, folder: Path, **settings: str) -> Iterator[Server]:
    """`anysoft-connector web`, as an operator starts it."""
    port = free_port(HOST)
    environment = {
        "CONNECTOR_DATABASE_URL": url, "CONNECTOR_DATA_DIR": str(folder),
        "CONNECTOR_SECRET_KEY": "b" * 40, "CONNECTOR_SCIM__RATE": "0", **settings,
    }  # fmt: skip
    command = [sys.executable, "-m", "connector", "web", "--host", HOST, "--port", str(port)]
    with _running("connector", command, port, "/scim/v2", "/readyz", folder, environment) as server:
        yield server


@contextmanager
def floor(url: str, folder: Path, *, built_once: bool = False) -> Iterator[Server]:
    """Flask and SQLAlchemy, and nothing that isn't needed, in the same Granian."""
    port = free_port(HOST)
    name = "bare floor" if built_once else "floor"
    environment = {"BENCH_DATABASE_URL": url, "BENCH_BUILT_ONCE": "1" if built_once else ""}
    command = [sys.executable, *_granian("benchmarks.scim.floor:application", port)]
    with _running(name, command, port, "/scim/v2", "/ready", folder, environment) as server:
        yield server


@contextmanager
def peer(python: Path, world: World, folder: Path) -> Iterator[Server]:
    """PyPI scim2-server in the same Granian; `python`: of an environment that has both."""
    port = free_port(HOST)
    shutil.copyfile(Path(__file__).parent / "peer.py", folder / "peer.py")
    environment = {
        "BENCH_PEOPLE": str(world.people),
        "BENCH_SIZES": " ".join(map(str, world.sizes)),
        "BENCH_ROOT": str(ROOT),
    }
    command = [str(python), *_granian("peer:application", port)]
    with _running(
        "scim2-server", command, port, "/v2", "/v2/ServiceProviderConfig", folder, environment
    ) as s:
        yield s


def _granian(target: str, port: int) -> list[str]:
    """The same settings as connector.web's."""
    return [
        "-m", "granian", "--interface", "wsgi", "--host", HOST, "--port", str(port), "--workers", "1",
        "--blocking-threads", str(THREADS), "--backlog", "2048", "--backpressure", str(CONNECTIONS),
        "--http", "1", "--no-ws", "--no-access-log", "--log-level", "warning", "--factory", target,
    ]  # fmt: skip


@contextmanager
def _running(
    name: str,
    command: Sequence[str],
    port: int,
    base: str,
    ready: str,
    folder: Path,
    environment: Mapping[str, str],
) -> Iterator[Server]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("CONNECTOR_")}
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env={**clean, "PYTHONPATH": str(ROOT), **environment},
            stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
        try:
            _wait(process, port, ready, log)
            yield Server(name, port, base, psutil.Process(process.pid))
        finally:
            process.terminate()
            process.wait(20)


def _cpu_seconds(process: psutil.Process) -> float:
    """To the nanosecond on Linux, where each process has a clock of its own (clock_getcpuclockid(3))."""
    if sys.platform == "linux":
        return time.clock_gettime(~process.pid << 3 | 2)
    else:
        times = process.cpu_times()  # in steps of 10 ms
        return times.user + times.system


def _wait(process: "subprocess.Popen[bytes]", port: int, path: str, log: Path) -> None:
    until = time.monotonic() + _STARTS_WITHIN
    while process.poll() is None and time.monotonic() < until:
        with suppress(OSError), closing(HTTPConnection(HOST, port, timeout=5)) as connection:
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        time.sleep(0.2)
    raise RuntimeError(f"{log.name}: it doesn't serve:\n{log.read_text(errors='replace')[-2000:]}")

"""How much of the machine has this process used? The database server's share is in it, where there is one."""

import os
import resource
import sys
import time
from dataclasses import dataclass, field

import psutil

#: the environment's name for the process id of PostgreSQL's first process
SERVER = "BENCH_DATABASE_SERVER"


def cpu() -> float:
    """Seconds so far, of this process and of PostgreSQL's; its processes count in steps of 10 ms."""
    return time.process_time() + _of_server()


def peak_mb(whose: int = resource.RUSAGE_SELF) -> float:
    """The most that was resident of this process, or of the largest that it waited for; not PostgreSQL's."""
    return resource.getrusage(whose).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)


@dataclass(slots=True)
class Watch:
    """Times between two looks."""

    cpu_at: float = field(default_factory=cpu)
    wall_at: float = field(default_factory=time.perf_counter)

    def lap(self) -> tuple[float, float]:
        """Seconds of processor and of wall time since the last look."""
        cpu_now, wall_now = cpu(), time.perf_counter()
        spent = cpu_now - self.cpu_at, wall_now - self.wall_at
        self.cpu_at, self.wall_at = cpu_now, wall_now
        return spent


def _of_server() -> float:
    pid = os.environ.get(SERVER)
    if not pid:
        return 0.0
    first = psutil.Process(int(pid))
    times = first.cpu_times()
    total = times.user + times.system + times.children_user + times.children_system
    for each in first.children():
        try:
            its = each.cpu_times()
        except psutil.NoSuchProcess:
            continue  # from then on it is in the first one's children_user
        total += its.user + its.system
    return float(total)

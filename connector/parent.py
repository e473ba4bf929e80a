"""Is the process that started this one still there? A child must not outlive it, also after a kill -9."""

import os
import time
from threading import Thread

from structlog.stdlib import get_logger


def watch(parent: int, *, every: float = 0.5) -> None:
    """End this process at once when its parent is no longer `parent`. What was in work is then as after a
    crash: the next start settles it."""
    Thread(target=_watch, args=(parent, every), name="parent", daemon=True).start()


def _watch(parent: int, every: float) -> None:
    while os.getppid() == parent:
        time.sleep(every)
    get_logger(__name__).error("the process that started this one is gone", parent=parent)
    os._exit(1)

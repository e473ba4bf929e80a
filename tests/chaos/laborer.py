"""How is the real worker started quickly, to be killed often? Forked from a server that has it loaded."""

import multiprocessing
import os
import sys
from multiprocessing.context import ForkServerContext, ForkServerProcess

from connector import log, worker
from connector.settings import Overrides


def context() -> ForkServerContext:
    """Loads the worker's modules once; what it starts is a fork without threads or connections."""
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload([__name__])
    return made


def start(made: ForkServerContext, environment: dict[str, str], log_file: str) -> ForkServerProcess:
    process = made.Process(target=work, args=(environment, log_file), daemon=True)
    process.start()
    return process


def work(environment: dict[str, str], log_file: str) -> None:
    """What `anysoft-connector worker` does."""
    os.environ.update(environment)
    sys.stderr = open(log_file, "a", buffering=1)  # noqa: SIM115
    log.setup(sys.stderr, text=True)
    worker.run(Overrides())

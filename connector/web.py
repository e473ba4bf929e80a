"""How is the endpoint served? Granian reads the sockets, so that slow ones hold no thread; threads run Flask.

One process with threads beside one that minds it; several machines are several `web` (with PostgreSQL).
"""

import os
import time
from functools import partial
from threading import Thread
from typing import Any

import click
from flask import Flask
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server import Server

from connector import log, parent
from connector.app import create_app
from connector.settings import Overrides, load
from connector.web_address import check_port, is_ready, url_of

#: a body that trickles in holds a thread, a header doesn't: more threads than slow sockets we promise to bear
THREADS = 400
HEADER_MILLISECONDS = 15_000
#: threads that still wait for a body are not waited for longer when stopping (T30: 10 s in all)
STOP_SECONDS = 4


def serve(overrides: Overrides, host: str, port: int, *, quiet: bool) -> None:
    """Serve until SIGTERM or SIGINT. Raises PortTaken; SystemExit(1) when the serving process dies.

    `quiet`: another process says that it is ready.
    """
    check_port(host, port)
    if not quiet:
        Thread(target=_say_ready, args=(url_of(host, port),), daemon=True).start()
    server = Server(
        "connector",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=THREADS,
        backlog=2048,
        backpressure=4096,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_MILLISECONDS),
        websockets=False,
        log_dictconfig=_through_our_log(),
        log_access=False,
        workers_kill_timeout=STOP_SECONDS,
    )
    server.serve(target_loader=partial(_load, overrides, os.getpid()), wrap_loader=False)


def _say_ready(url: str) -> None:
    while not is_ready(url):
        time.sleep(0.1)
    click.echo(f"ready {url}")


def _load(overrides: Overrides, serving: int) -> Flask:
    """In the serving process: everything is opened here, nothing before the fork."""
    log.setup()
    parent.watch(serving)
    return create_app(load(overrides))


def _through_our_log() -> dict[str, Any]:
    return {
        "formatters": {},
        "handlers": {},
        "loggers": {"_granian": {"handlers": [], "propagate": True}},
    }

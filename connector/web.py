"""How is the endpoint served? Granian reads the sockets; threads run Flask.

One process with threads beside one that minds it; several machines are several `web` (with PostgreSQL).

| slow is | it holds | until |
| --- | --- | --- |
| a header | a connection | `HEADER_MILLISECONDS` |
| a body, or who reads an answer | a connection and a thread | `cutoff.SECONDS` |

There are as many threads as connections, so that nobody waits for a thread that somebody slow holds.
"""

import gc
import logging
import os
import resource
import time
from functools import partial
from threading import Thread
from typing import Any

import click
from flask import Flask
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server import Server

from connector import cutoff, log, parent
from connector.app import create_app
from connector.settings import Overrides, load
from connector.web_address import check_port, is_ready, url_of

CONNECTIONS = 2048
#: started when needed and ended when idle; each takes 0.1 MB
THREADS = CONNECTIONS
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
        backpressure=CONNECTIONS,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_MILLISECONDS),
        websockets=False,
        log_dictconfig=_through_our_log(),
        log_access=False,
        workers_kill_timeout=STOP_SECONDS,
    )
    _allow_files(CONNECTIONS + 500)
    logging.getLogger("_granian").addFilter(_is_news)
    server.serve(target_loader=partial(_load, overrides, os.getpid(), port), wrap_loader=False)


def _say_ready(url: str) -> None:
    while not is_ready(url):
        time.sleep(0.1)
    click.echo(f"ready {url}")


def _allow_files(wanted: int) -> None:
    """Each connection is an open file; usual are 1024. As many more as an operator's hard limit allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _load(overrides: Overrides, serving: int, port: int) -> Flask:
    """In the serving process: everything is opened here, nothing before the fork."""
    log.setup()
    parent.watch(serving)
    cutoff.watch(port)
    app = create_app(load(overrides))
    # What is there now stays; the collector need not look it through again and again.
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    return app


def _is_news(record: logging.LogRecord) -> bool:
    """At each start it warns of THREADS, which are meant."""
    return "Configuration allows spawning" not in record.getMessage()


def _through_our_log() -> dict[str, Any]:
    return {
        "formatters": {},
        "handlers": {},
        "loggers": {"_granian": {"handlers": [], "propagate": True}},
    }

"""How do tests serve a tenant over HTTP on loopback, and connect to it?"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Thread
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server

from connector.anysoft.access import Tokens
from connector.anysoft.client import HttpTenant
from connector.anysoft.server import create_server
from connector.anysoft.tenant import BuiltInTenant
from connector.anysoft.transport import Transport
from tests.contracts.described import Contract, Watched

CLIENT, SECRET = "connector", "not-a-real-secret"
Wsgi = Callable[..., Any]


class Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log(self, type: str, message: str, *args: object) -> None:
        return


@dataclass(frozen=True, slots=True)
class Served:
    url: str
    tokens: Tokens


@contextmanager
def serving(app: Wsgi) -> Iterator[str]:
    """The URL at which the application answers."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def served(tenant: BuiltInTenant) -> Iterator[Served]:
    """Whatever is asked and answered is held against the contract's description."""
    tokens = Tokens(CLIENT, SECRET)
    watched = Watched(create_server(tenant, tokens, lambda: datetime.now(UTC)), Contract.read())
    with serving(watched) as url:
        yield Served(url, tokens)
    assert watched.violations == []


@contextmanager
def connected(url: str, timeout: float = 60.0) -> Iterator[HttpTenant]:
    transport = Transport(url, CLIENT, SECRET, timeout)
    try:
        yield HttpTenant(transport)
    finally:
        transport.close()

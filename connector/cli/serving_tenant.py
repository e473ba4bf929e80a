"""tenant serve: the built-in tenant over HTTP, by AnySoft's contract; for tests and trials."""

import secrets
import signal
from datetime import timedelta
from threading import Thread
from types import FrameType

import click
from werkzeug.serving import WSGIRequestHandler, make_server

from connector import log, wiring
from connector.anysoft.access import Tokens
from connector.anysoft.server import create_server
from connector.anysoft.tenant import BuiltInTenant
from connector.cli.kinds import NAME, PORT
from connector.cli.shell import Failed, Shell, pass_shell
from connector.opening import prepare
from connector.store.operators import Role
from connector.web_address import check_port, url_of

HOST = "127.0.0.1"  #: it speaks plain HTTP, which the client takes from this machine only


@click.command()
@click.option("--port", type=PORT, default=8090, show_default=True, help="0: a free one.")
@click.option("--client-id", type=NAME, default="connector", show_default=True)
@pass_shell
def serve(shell: Shell, port: int, client_id: str) -> None:
    """Serve the built-in tenant over HTTP, to this machine only.

    The client's secret is CONNECTOR_ANYSOFT__CLIENT_SECRET, or made and printed.
    """
    log.setup()
    settings = shell.settings
    if settings.anysoft.url is not None:
        raise Failed("CONNECTOR_ANYSOFT__URL names a tenant elsewhere: unset it to serve the built-in one")
    prepare(settings, serves_tenant=True).dispose()
    shell.actor(Role.ADMIN)
    check_port(HOST, port)
    given = settings.anysoft.client_secret
    secret = secrets.token_urlsafe(32) if given is None else given.get_secret_value()
    delay = timedelta(seconds=settings.tenant.change_seconds)
    tenant = BuiltInTenant(shell.engine, wiring.clock, delay)
    app = create_server(tenant, Tokens(client_id, secret), wiring.clock)
    server = make_server(HOST, port, app, threaded=True, request_handler=_Quiet)

    def stop(number: int, frame: FrameType | None) -> None:
        Thread(target=server.shutdown).start()  # it waits for the loop that this handler interrupts

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if given is None:
        click.echo(f"client id {client_id}, secret {secret}")
    click.echo(f"ready {url_of(HOST, server.server_port)}")
    server.serve_forever(poll_interval=0.1)
    server.server_close()


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: object) -> None:
        """The calls are in the connector's own audit log."""

"""up, web, worker, sign-in: what runs, and how one gets into the console."""

from dataclasses import replace

import click

from connector import log
from connector.cli.kinds import LINE, PORT, Whole
from connector.cli.shell import Failed, Shell, pass_shell
from connector.store.operators import Role
from connector.store.sign_ins import Operator
from connector.web_address import url_of

host_option = click.option("--host", default="127.0.0.1", show_default=True, help="Address to serve on.")
port_option = click.option("--port", type=PORT, default=8080, show_default=True, help="0: a free one.")
parent_option = click.option("--parent", type=Whole(1, 2**22), hidden=True, help="Ends with this process.")


@click.command()
@host_option
@port_option
@click.option("--demo", is_flag=True, help="Fill the tenant, play recorded cycles, print the report.")
@pass_shell
def up(shell: Shell, host: str, port: int, demo: bool) -> None:
    """Run the SCIM endpoint, the console and the worker."""
    from connector import demo_run
    from connector import up as upper

    log.setup()
    if demo:
        try:
            demo_run.write_settings(shell.settings)
        except demo_run.Stuck as error:
            raise Failed(str(error)) from None
    when_ready = demo_run.starter(shell.overrides) if demo else upper.greet
    upper.run(shell.overrides, host, port, when_ready)


@click.command()
@host_option
@port_option
@parent_option
@pass_shell
def web(shell: Shell, host: str, port: int, parent: int | None) -> None:
    """Run the SCIM endpoint and the console alone."""
    from connector import parent as parents
    from connector import web as server
    from connector.opening import prepare
    from connector.up import note_served
    from connector.web_address import free_port

    log.setup()
    port = port or free_port(host)
    engine = prepare(shell.settings)
    if shell.settings.public_url is None:
        shell.overrides = replace(shell.overrides, public_url=url_of(host, port))
    if parent is None:
        note_served(engine, shell.settings.public_url or url_of(host, port))
    else:
        parents.watch(parent)
    engine.dispose()
    server.serve(shell.overrides, host, port, quiet=parent is not None)


@click.command()
@parent_option
@pass_shell
def worker(shell: Shell, parent: int | None) -> None:
    """Run the worker alone; of several one works, the others stand by."""
    from connector import worker as working

    log.setup()
    working.run(shell.overrides, parent)


@click.command("sign-in")
@click.option(
    "--url", type=LINE, help="Where the console is reached (CONNECTOR_PUBLIC_URL, or http://127.0.0.1:8080)."
)
@pass_shell
def sign_in(shell: Shell, url: str | None) -> None:
    """Print a link to the console that signs in once, within 15 minutes."""
    from connector.up import served_url, sign_in_link

    if url is not None and not url.startswith(("http://", "https://")):
        raise click.BadParameter("write it as https://HOST or http://HOST:PORT", param_hint="--url")
    actor = shell.actor(Role.VIEWER)
    name = "local" if shell.as_operator is None else actor.name
    at = url or shell.settings.public_url or served_url(shell.engine) or "http://127.0.0.1:8080"
    click.echo(sign_in_link(shell.engine, Operator(name, actor.role.value), at.rstrip("/")))

"""How does everything run on one machine? The web process and the worker, minded by this one."""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import click
from sqlalchemy import Engine
from structlog.stdlib import get_logger

from connector.opening import prepare
from connector.settings import Overrides, Settings, load
from connector.store import sign_ins, signals
from connector.store.engine import reading, writing
from connector.supervise import Child, Supervisor
from connector.web_address import check_port, free_port, is_ready, url_of

_SERVED = "served_url"
SLOW_START = 20.0  #: seconds after which it is said that the endpoint doesn't answer


def run(overrides: Overrides, host: str, port: int, when_ready: Callable[[Settings, str], None]) -> None:
    """Serve and work until SIGTERM or SIGINT. Raises PortTaken, BadSettings, Unavailable.

    `when_ready(settings, url)` is called once, in its own process's time, when /readyz answers.
    """
    settings = load(overrides)
    if port == 0:
        port = free_port(host)
    check_port(host, port)
    url = url_of(host, port)
    prepare(settings).dispose()
    if settings.public_url is None:
        overrides = replace(overrides, public_url=url)
    supervisor = Supervisor(
        [
            _child("web", overrides, ["--host", host, "--port", str(port)]),
            _child("worker", overrides, []),
        ]
    )
    supervisor.catch_signals()
    greeting = _Greeting(url, lambda: when_ready(settings, url))
    supervisor.run(greeting.tick)
    get_logger(__name__).info("stopped")


class _Greeting:
    """Says once that the endpoint is ready, or that it takes long."""

    def __init__(self, url: str, greet: Callable[[], None]) -> None:
        self._url = url
        self._greet = greet
        self._begun: float | None = None
        self._next = 0.0
        self._done = False
        self._warned = False

    def tick(self, now: float) -> None:
        if self._done or now < self._next:
            return
        self._begun = self._begun or now
        self._next = now + 0.2
        if is_ready(self._url):
            self._done = True
            self._greet()
        elif now - self._begun > SLOW_START and not self._warned:
            self._warned = True
            get_logger(__name__).warning("the endpoint doesn't answer yet", url=f"{self._url}/readyz")


def sign_in_link(engine: Engine, operator: sign_ins.Operator, url: str) -> str:
    """A link to the console that signs in once, within 15 minutes."""
    with writing(engine) as connection:
        link = sign_ins.new_link(connection, operator, datetime.now(UTC))
    return f"{url}/sign-in?link={link}"


def served_url(engine: Engine) -> str | None:
    """Where the console was last said to be."""
    with reading(engine) as connection:
        found = signals.get(connection, _SERVED)
    return None if found is None else str(found)


def note_served(engine: Engine, url: str) -> None:
    """The console is served there from now on: `sign-in` says so."""
    with writing(engine) as connection:
        signals.put(connection, _SERVED, url, datetime.now(UTC))


def greet(settings: Settings, url: str) -> None:
    """What a person needs next; the last line is for whoever waits for the start."""
    engine = prepare(settings)
    seen = settings.public_url or url
    note_served(engine, seen)
    link = sign_in_link(engine, sign_ins.Operator("local", "admin"), seen)
    engine.dispose()
    click.echo(f"SCIM base URL   {seen}/scim/v2")
    click.echo(f"console         {link}")
    click.echo("                (signs in once, within 15 minutes; another: anysoft-connector sign-in)")
    click.echo("a token         anysoft-connector directory add NAME --kind entra")
    click.echo("                anysoft-connector token create NAME")
    click.echo(f"ready {url}")
    sys.stdout.flush()


def _child(name: str, overrides: Overrides, options: Sequence[str]) -> Child:
    environment = dict(os.environ)
    if overrides.public_url is not None:
        environment["CONNECTOR_PUBLIC_URL"] = overrides.public_url
    # -P: the working folder is nobody's library; a `scim.py` there must neither run nor hide ours
    command = [sys.executable, "-P", "-m", "connector", name, "--parent", str(os.getpid()), *options]
    if overrides.config is not None:
        command += ["--config", str(overrides.config)]
    if overrides.data_dir is not None:
        command += ["--data", str(overrides.data_dir)]
    return Child(name, command, environment)

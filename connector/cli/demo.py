"""demo: play the next recorded cycle against the running endpoint."""

import time
from datetime import UTC, datetime

import click

from connector.cli.shell import Failed, Shell, pass_shell
from connector.store import runs, signals
from connector.store.engine import reading, writing
from connector.store.operators import Role
from sync.model import RunId


@click.group()
def demo() -> None:
    """The recorded company of `up --demo`."""


@demo.command("next")
@pass_shell
def next_(shell: Shell) -> None:
    """Play the next cycle: somebody leaves; then a group is emptied by mistake."""
    from connector import demo_run
    from connector.demo.player import StepFailed
    from connector.up import served_url

    shell.actor(Role.OPERATOR)
    plan = demo_run.read_scenario()
    done = demo_run.played(shell.engine).cycles
    if not set(plan.first) <= set(done):
        raise Failed("the demo wasn't played here yet: start `up --demo` first, on this data folder")
    name = demo_run.next_of(shell.engine, plan)
    if name is None:
        click.echo("All recorded cycles were played. `up --demo --data OTHER` begins anew.")
        return
    url = served_url(shell.engine)
    if url is None:
        raise Failed("nothing serves here: start `up --demo` first")
    try:
        with reading(shell.engine) as connection:
            latest = runs.list_runs(connection, 1)
        demo_run.play_cycle(shell.engine, name, url, click.echo)
        settle = shell.settings.sync.settle_seconds + 1
        click.echo(f"Waiting {settle} s, for the settle window.")
        time.sleep(settle)
        with writing(shell.engine) as connection:
            number = signals.ask(connection, False, "demo", datetime.now(UTC))
        last = demo_run.wait_for(shell.engine, number)
        demo_run.show_since(shell.engine, latest[0].id if latest else RunId(0), last)
    except (StepFailed, demo_run.Stuck) as error:
        raise Failed(str(error)) from None

"""How fast is the SCIM endpoint? `make bench` runs this and writes docs/benchmarks.md."""

import shutil
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import click

from benchmarks.scim import servers
from benchmarks.scim.load import Stream, Wrong
from benchmarks.scim.page import Result, page
from benchmarks.scim.scenarios import OUTSIDERS, Scenario, scenarios
from benchmarks.scim.seed import fill
from benchmarks.scim.servers import Server
from benchmarks.scim.world import SIZES, World
from tests.databases import postgres

#: enough for the grain of processor time not to matter, few enough for the machine to be the same in a round
SLICE_REQUESTS = 200
SLICE_SECONDS = 10.0
#: scim2-server takes 2 ms to be given one; what it does doesn't depend on their number
PEER_PEOPLE = 5_000


@click.command()
@click.option("--people", default=60_000, show_default=True)
@click.option("--rounds", default=5, show_default=True, help="slices of each scenario and server, in turn")
@click.option("--peer", type=click.Path(path_type=Path), help="python of an environment with scim2-server")
@click.option("--requests", default=SLICE_REQUESTS, show_default=True, help="of a slice")
@click.option("--only", default="", help="scenarios whose name has this in it")
@click.option("--postgresql", is_flag=True, help="instead of SQLite")
@click.option("--write", type=click.Path(path_type=Path), help="where to write the page")
def main(
    people: int,
    rounds: int,
    requests: int,
    peer: Path | None,
    only: str,
    postgresql: bool,
    write: Path | None,
) -> None:
    """Measure and print; with --write also write the page."""
    world = World(people, tuple(size for size in SIZES if size + OUTSIDERS <= people))
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        measured = _servers(stack, Path(folder), world, peer, postgresql=postgresql)
        results = []
        for scenario in scenarios(world):
            if only in scenario.name:
                try:
                    result = _measure(scenario, measured, world, rounds, requests)
                except Wrong as error:
                    click.echo(f"without scim2-server: {error}", err=True)
                    result = _measure(scenario, measured[:2], world, rounds, requests)
                results.append(result)
                _show(results[-1])
    said = "PostgreSQL with fsync off" if postgresql else "SQLite with WAL and synchronous=FULL"
    if write is not None:
        write.write_text(page(results, world, datetime.now(UTC).date(), said))


def _servers(
    stack: ExitStack, folder: Path, world: World, peer: Path | None, *, postgresql: bool
) -> list[Server]:
    """All of them stay up, idle while another is measured."""
    started: list[Server] = []
    database = stack.enter_context(postgres()) if postgresql else None
    if database is None:
        fill(f"sqlite:///{folder / 'bench.db'}", world)
    for name, start in (("connector", servers.connector), ("floor", servers.floor)):
        place = folder / name
        place.mkdir()
        if database is None:
            url = f"sqlite:///{shutil.copy(folder / 'bench.db', place)}"
        else:
            url = stack.enter_context(database.database())
            fill(url, world)
        started.append(stack.enter_context(start(url, place)))
    if peer is not None:
        place = folder / "peer"
        place.mkdir()
        smaller = World(min(world.people, PEER_PEOPLE), world.sizes)
        started.append(stack.enter_context(servers.peer(peer.absolute(), smaller, place)))
    return started


def _measure(
    scenario: Scenario, measured: Sequence[Server], world: World, rounds: int, requests: int
) -> Result:
    """Round by round, each server in turn: who takes turns meets the same machine."""
    smaller = World(min(world.people, PEER_PEOPLE), world.sizes)
    streams = {
        server.name: Stream.of(scenario, server, smaller if server.name == "scim2-server" else world)
        for server in measured
    }
    for stream in streams.values():
        stream.slice(SLICE_SECONDS / 5, requests // 10)  # caches, and what is opened at first use
    slices = [
        {name: stream.slice(SLICE_SECONDS, requests // scenario.writers) for name, stream in streams.items()}
        for _ in range(rounds)
    ]
    return Result(scenario, {name: [each[name] for each in slices] for name in streams})


def _show(result: Result) -> None:
    figures = [
        f"{name} {result.cpu_ms(name):.2f} ms ({result.ratio(name):.2f}) {result.per_second(name):.0f}/s"
        for name in result.slices
    ]
    click.echo(f"{result.scenario.name:40} " + "   ".join(figures))


if __name__ == "__main__":
    main()

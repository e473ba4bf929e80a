"""How fast is the SCIM endpoint? `make bench` runs this and writes docs/benchmarks.md."""

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from benchmarks.scim import memory, servers
from benchmarks.scim.load import Measured, Stream, Wrong
from benchmarks.scim.page import Run, page
from benchmarks.scim.results import Result
from benchmarks.scim.scenarios import OUTSIDERS, Scenario, scenarios
from benchmarks.scim.seed import fill
from benchmarks.scim.servers import Server
from benchmarks.scim.world import SIZES, World
from tests.databases import Postgres, postgres

#: few enough for the machine to be the same in a round
SLICE_REQUESTS = 100
SLICE_SECONDS = 4.0
#: a server that doesn't manage a fifth of a slice takes part in as many rounds only
SLOW_ROUNDS = 2
#: on PostgreSQL, where there is nobody to compare with but the floor
MAIN = ("create", "userName", "get a user", "active", "50,000", "cycle")


@click.command()
@click.option("--people", default=55_000, show_default=True)
@click.option("--rounds", default=8, show_default=True, help="slices of each scenario and server, in turn")
@click.option("--peer", type=click.Path(path_type=Path), help="python of an environment with scim2-server")
@click.option("--requests", default=SLICE_REQUESTS, show_default=True, help="of a slice")
@click.option("--only", default="", help="scenarios whose name has this in it")
@click.option("--write", type=click.Path(path_type=Path), help="where to write the page")
def main(people: int, rounds: int, requests: int, peer: Path | None, only: str, write: Path | None) -> None:
    """Measure and print; with --write also write the page."""
    world = World(people, tuple(size for size in SIZES if size + OUTSIDERS <= people))
    named = [scenario for scenario in scenarios(world) if only in scenario.name]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        measured = _servers(stack, Path(folder), world, peer)
        on_sqlite = [_measure(each, measured, world, rounds, requests) for each in named]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        database = stack.enter_context(postgres())
        measured = _servers(stack, Path(folder), world, None, database)
        fewer = [each for each in named if any(part in each.name for part in MAIN)]
        on_postgres = [_measure(each, measured, world, rounds // 2, requests) for each in fewer]
        taken = {} if only or sys.platform != "linux" else _memory(Path(folder), database)
    if write is not None:
        run = Run(world, datetime.now(UTC).date(), on_sqlite, on_postgres, taken)
        write.write_text(page(run))


def _servers(
    stack: ExitStack, folder: Path, world: World, peer: Path | None, database: Postgres | None = None
) -> list[Server]:
    """All of them stay up, idle while another is measured. Without `database` on SQLite."""
    started: list[Server] = []
    if database is None:
        fill(f"sqlite:///{folder / 'bench.db'}", world)
    for name in ("connector", "floor", "bare floor"):
        place = folder / name.replace(" ", "-")
        place.mkdir()
        if database is None:
            url = f"sqlite:///{shutil.copy(folder / 'bench.db', place)}"
        else:
            url = stack.enter_context(database.database())
            fill(url, world)
        start = (
            servers.connector(url, place)
            if name == "connector"
            else servers.floor(url, place, built_once=name == "bare floor")
        )
        started.append(stack.enter_context(start))
    if peer is not None:
        place = folder / "peer"
        place.mkdir()
        started.append(stack.enter_context(servers.peer(peer.absolute(), world, place)))
    return started


def _measure(
    scenario: Scenario, measured: Sequence[Server], world: World, rounds: int, requests: int
) -> Result:
    """Round by round, each server in turn: who takes turns meets the same machine."""
    most = requests // scenario.writers
    streams = {server.name: Stream.of(scenario, server, world) for server in measured}
    slices: dict[str, list[Measured]] = {name: [] for name in streams}
    for number in range(-1, rounds):  # the first for caches, and what is opened at first use
        for name, stream in tuple(streams.items()):
            if len(slices[name]) >= SLOW_ROUNDS and slices[name][-1].requests < requests / 5:
                continue
            try:
                slice = stream.slice(SLICE_SECONDS, most)
            except Wrong as error:
                if name != "scim2-server":
                    raise
                click.echo(f"without scim2-server: {error}", err=True)
                del streams[name], slices[name]
                continue
            if number >= 0:
                slices[name].append(slice)
    result = Result(scenario, slices)
    figures = [
        f"{name} {result.cpu_ms(name):.2f} ms ({result.ratio(name):.2f}) {result.per_second(name):.0f}/s"
        for name in slices
    ]
    click.echo(f"{scenario.name:40} " + "   ".join(figures))
    return result


def _memory(folder: Path, database: Postgres) -> dict[str, list[memory.Taken]]:
    """By kind of database."""
    found = {}
    for name in ("SQLite", "PostgreSQL"):
        place = folder / f"memory-{name}"
        place.mkdir()
        with _large(place, database if name == "PostgreSQL" else None) as server:
            found[name] = list(memory.measure(server))
            for taken in found[name]:
                click.echo(f"{name}: {taken}")
    return found


@contextmanager
def _large(place: Path, database: Postgres | None) -> Iterator[Server]:
    with ExitStack() as stack:
        url = stack.enter_context(database.database()) if database else f"sqlite:///{place / 'large.db'}"
        fill(url, memory.LARGE)
        yield stack.enter_context(servers.connector(url, place))


if __name__ == "__main__":
    main()

"""How fast is the SCIM endpoint? `make bench` runs this and writes docs/benchmarks.md."""

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import click

from benchmarks.scim import servers
from benchmarks.scim.load import Measured, Stream
from benchmarks.scim.scenarios import Scenario, scenarios
from benchmarks.scim.seed import fill
from benchmarks.scim.servers import Server
from benchmarks.scim.world import World

#: a slice is long enough for 1 % of processor time to be seen, short enough for the machine to be the same
SLICE_SECONDS = 1.0
SLICE_REQUESTS = 2_000


@click.command()
@click.option("--people", default=60_000, show_default=True)
@click.option("--rounds", default=5, show_default=True, help="slices of each scenario and server, in turn")
@click.option("--peer", type=click.Path(path_type=Path), help="python of an environment with scim2-server")
@click.option("--only", default="", help="scenarios whose name has this in it")
@click.option("--write", type=click.Path(path_type=Path), help="where to write the page")
def main(people: int, rounds: int, peer: Path | None, only: str, write: Path | None) -> None:
    """Measure and print; with --write also write the page."""
    world = World(people)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        measured = _servers(stack, Path(folder), world, peer)
        for scenario in scenarios(world):
            if only in scenario.name:
                _show(scenario, measured, _measure(scenario, measured, world, rounds))


def _servers(stack: ExitStack, folder: Path, world: World, peer: Path | None) -> list[Server]:
    started = []
    for name, start in (("connector", servers.connector), ("floor", servers.floor)):
        place = folder / name
        place.mkdir()
        url = f"sqlite:///{place / 'bench.db'}"
        fill(url, world)
        started.append(stack.enter_context(start(url, place)))
    if peer is not None:
        place = folder / "peer"
        place.mkdir()
        started.append(stack.enter_context(servers.peer(peer, world, place)))
    return started


def _measure(
    scenario: Scenario, measured: Sequence[Server], world: World, rounds: int
) -> list[list[Measured]]:
    """By round, then by server: who takes turns meets the same machine."""
    streams = [Stream.of(scenario, server, world) for server in measured]
    for stream in streams:
        stream.slice(0.3, 50)  # caches, and what is opened at first use
    return [[stream.slice(SLICE_SECONDS, SLICE_REQUESTS) for stream in streams] for _ in range(rounds)]


def _show(scenario: Scenario, measured: Sequence[Server], rounds: list[list[Measured]]) -> None:
    figures = []
    for n, server in enumerate(measured):
        cpu = median(each[n].cpu_ms for each in rounds)
        ratio = median(each[0].cpu_ms / each[n].cpu_ms for each in rounds)
        figures.append(f"{server.name} {cpu:.2f} ms ({ratio:.2f}) {rounds[0][n].per_second:.0f}/s")
    click.echo(f"{scenario.name:35} " + "   ".join(figures))


if __name__ == "__main__":
    main()

"""What does the engine cost, from a thousand people to a million? `make bench` runs this.

The figures are kept beside the worlds, by database and size, so that a page can be made of several runs.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from benchmarks.engine.page import Measured, page
from benchmarks.engine.place import freshen
from benchmarks.engine.seed import cached, fill
from benchmarks.engine.spent import SERVER
from benchmarks.engine.world import World
from connector.store.engine import connect
from tests.databases import Postgres, postgres

#: the group that is mapped at once has so many people, whatever the other sizes
LARGE = 100_000
_ORDER = ("floor_sql", "floor_sets", "full", "change", "explain", "latency")
_OUTSIDE = ("latency", "mapped")
ROOT = Path(__file__).parents[2]


@click.command()
@click.option("--people", default="1000,100000,1000000", show_default=True, help="sizes of the companies")
@click.option("--database", default="sqlite,postgresql", show_default=True)
@click.option("--only", default="", help="of these measures: " + ", ".join((*_ORDER, "mapped")))
@click.option("--cache", default="build/bench-engine", show_default=True, type=click.Path(path_type=Path),
              help="folder for the worlds and the figures")  # fmt: skip
@click.option("--write", type=click.Path(path_type=Path), help="where to write the page")
def main(people: str, database: str, only: str, cache: Path, write: Path | None) -> None:
    """Measure and print; with --write also write the page, of all figures that are kept."""
    cache = cache.absolute()
    cache.mkdir(parents=True, exist_ok=True)
    sizes = [int(size) for size in people.split(",") if size]
    for name in filter(None, database.split(",")):
        with ExitStack() as stack:
            server = stack.enter_context(postgres()) if name == "postgresql" else None
            for size in sizes:
                measures = [each for each in _ORDER if not only or each in only.split(",")]
                if measures:
                    _measure(cache, name, World(size), measures, server)
            if LARGE in sizes and (not only or "mapped" in only.split(",")):
                _measure(cache, name, World(LARGE, served=False), ["mapped"], server)
    if write is not None:
        write.write_text(page(_kept(cache)))


def _measure(cache: Path, name: str, world: World, measures: list[str], server: Postgres | None) -> None:
    with TemporaryDirectory(dir=cache) as made, _copy(cache, folder := Path(made), world, server) as url:
        for measure in measures:
            _fresh(url)
            module = "processes" if measure in _OUTSIDE else "inside"
            done = subprocess.run(
                [sys.executable, "-m", f"benchmarks.engine.{module}", measure, url, str(folder),
                 str(world.people)],
                cwd=ROOT, env=_environment(url, folder, server), stdout=subprocess.PIPE, text=True,
                check=True,
            )  # fmt: skip
            figures = json.loads(done.stdout.splitlines()[-1])
            shown = ", ".join(f"{key} {value:,.3g}" if value < 1000 else f"{key} {value:,.0f}"
                              for key, value in figures.items())  # fmt: skip
            click.echo(f"{name} {world.name} {measure}: {shown}")
            _keep(cache, name, world.people, measure, figures)


@contextmanager
def _copy(cache: Path, folder: Path, world: World, server: Postgres | None) -> Iterator[str]:
    """The URL of a database that the measures may change."""
    if server is None:
        yield f"sqlite:///{shutil.copy(cached(cache, world), folder / 'run.db')}"
        return
    with server.blank() as url:
        fill(url, world)
        yield url


def _fresh(url: str) -> None:
    engine = connect(url)
    freshen(engine)
    engine.dispose()


def _environment(url: str, folder: Path, server: Postgres | None) -> dict[str, str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("CONNECTOR_")}
    first = ""
    if server is not None:
        first = (server.folder / "data" / "postmaster.pid").read_text().splitlines()[0]
    return clean | {
        "CONNECTOR_DATABASE_URL": url, "CONNECTOR_DATA_DIR": str(folder), "CONNECTOR_SECRET_KEY": "b" * 40,
        SERVER: first,
    }  # fmt: skip


def _keep(cache: Path, name: str, people: int, measure: str, figures: dict[str, float]) -> None:
    kept = {(m.database, m.people, m.measure): m for m in _kept(cache)}
    now = datetime.now(UTC).isoformat(timespec="minutes")
    kept[name, people, measure] = Measured(name, people, measure, now, os.getloadavg()[0], figures)
    rows = [each.as_row() for _, each in sorted(kept.items())]
    (cache / "figures.json").write_text(json.dumps(rows, indent=1))


def _kept(cache: Path) -> list[Measured]:
    path = cache / "figures.json"
    return [Measured(*row) for row in json.loads(path.read_text())] if path.exists() else []


if __name__ == "__main__":
    main()

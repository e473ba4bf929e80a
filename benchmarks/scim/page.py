"""What does docs/benchmarks.md say? The figures as they came, whether they please or not."""

import os
import platform
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path

from benchmarks.scim.memory import LARGE, Taken
from benchmarks.scim.results import Result
from benchmarks.scim.world import World

#: of adding and removing in the largest group against the smallest
FLAT = 1.2
OTHERS = ("floor", "bare floor", "scim2-server")


@dataclass(frozen=True, slots=True)
class Run:
    world: World
    today: date
    on_sqlite: Sequence[Result]
    on_postgres: Sequence[Result]
    memory: Mapping[str, Sequence[Taken]]  #: by kind of database


def page(run: Run) -> str:
    """The page, in Markdown."""
    slices = run.on_sqlite[0].slices["connector"]
    lines = [
        "# What a SCIM request costs",
        "",
        "Written by `make bench`; don't edit. How it is measured: benchmarks/scim.",
        "",
        f"{run.today.isoformat()}, {_machine()}. {run.world.people:,} users in one directory of kind "
        f"`entra`, groups of {', '.join(f'{size:,}' for size in run.world.sizes)} members. "
        f"{len(slices)} rounds; a slice has at most {max(each.requests for each in slices)} requests.",
        "",
        "- The connector runs as `anysoft-connector web`: with its log, its metrics and all checks.",
        "- The floor is Flask and SQLAlchemy Core in the same Granian with the same settings: it reads the "
        "token and reads and writes the same rows by as many statements, notes the change, marks the person, "
        "and does little else: it checks next to nothing and logs nothing. It writes its statements where it "
        "uses them, as SQLAlchemy's tutorial does. The bare floor keeps them built. The connector keeps the "
        "text of those that each request needs, for SQLite (decision 10).",
        "- scim2-server is PyPI's, in the same Granian, with the same users and groups, in memory: it keeps "
        "nothing (no write reaches a disk; all others sync each one), marks nobody, tells no user's groups.",
        "",
        "Each answer is checked; where a server gives a wrong one, it has no figure. Processor time is that "
        "of all processes of a server, user and system, by the kernel's clock of each process: neither the "
        "client nor whatever else runs on the machine is in it. The servers take turns in short slices; a "
        "ratio is the median of the rounds' ratios, a figure the median of the slices. A server that doesn't "
        "manage a fifth of a slice in four seconds takes part in the first rounds only.",
        "",
        "## SQLite, WAL, synchronous=FULL",
        "",
        *_table(run.on_sqlite),
        "",
        "## PostgreSQL",
        "",
        "On the same machine, by its socket, with fsync off. Its own processor time is not in the figures.",
        "",
        *_table(run.on_postgres),
        "",
        *(_memory(run.memory) if run.memory else []),
        "## Against the targets",
        "",
        *_verdict(run.on_sqlite),
        "",
    ]
    return "\n".join(lines)


def _table(results: Sequence[Result]) -> list[str]:
    others = [name for name in OTHERS if any(name in each.slices for each in results)]
    head = ["scenario", "requests", "ms of processor time", *(f"{name}: ms" for name in others)]
    head += [f"times {'' if name == 'scim2-server' else 'the '}{name}" for name in others]
    head += ["requests/s", *(f"{name}: /s" for name in others)]
    rows = [head, ["---", *["---:"] * (len(head) - 1)]]
    for result in results:
        row = [result.scenario.name, f"{sum(each.requests for each in result.slices['connector']):,}"]
        there = [name for name in ("connector", *others) if name in result.slices]
        row += [f"{result.cpu_ms(name):.2f}" if name in there else "–" for name in ("connector", *others)]
        row += [f"{result.ratio(name):.2f}" if name in there else "–" for name in others]
        row += [
            f"{result.per_second(name):,.0f}" if name in there else "–" for name in ("connector", *others)
        ]
        rows.append(row)
    return [f"| {' | '.join(row)} |" for row in rows]


def _memory(taken: Mapping[str, Sequence[Taken]]) -> list[str]:
    lines = [
        f"## {LARGE.people:,} users, all of them in one group",
        "",
        "MB resident of all processes of the connector, before, at the most during, and after three such "
        "requests one after another.",
        "",
        "| database | request | MB sent | MB got | before | at most | after | seconds, the quickest |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for database, each in taken.items():
        for one in each:
            sizes = (one.sent, one.got, one.before, one.peak, one.after)
            shown = [f"{size / 1e6:,.1f}" if size < 1e8 else f"{size / 1e6:,.0f}" for size in sizes]
            lines.append(f"| {database} | {one.what} | {' | '.join(shown)} | {one.seconds:.1f} |")
    return [*lines, ""]


def _verdict(results: Sequence[Result]) -> list[str]:
    lines = []
    for server, said in (
        ("floor", "At most 1.3 times the floor, 2.0 for a list"),
        ("bare floor", "The same against the bare floor"),
    ):
        missed = [each for each in results if each.ratio(server) > each.scenario.target]
        lines.append(f"- {said}: {len(results) - len(missed)} of {len(results)}{_named(missed, server)}")
    compared = [each for each in results if "scim2-server" in each.slices]
    if compared:
        above = [each for each in compared if each.ratio("scim2-server") >= 1]
        lines.append(
            f"- Below scim2-server: {len(compared) - len(above)} of {len(compared)}"
            + _named(above, "scim2-server")
        )
    changed = [each for each in results if each.scenario.size]
    if len(changed) > 1:
        grown = changed[-1].cpu_ms("connector") / changed[0].cpu_ms("connector")
        lines.append(
            f"- Adding and removing in a group of {changed[-1].scenario.size:,} against one of "
            f"{changed[0].scenario.size:,}: {grown:.2f} times, "
            + ("within" if grown <= FLAT else "missing")
            + f" the target of {FLAT}."
        )
    return lines


def _named(missing: Sequence[Result], server: str) -> str:
    if not missing:
        return "."
    return (
        "; missed: " + ", ".join(f"{each.scenario.name} ({each.ratio(server):.2f})" for each in missing) + "."
    )


def _machine() -> str:
    found = Path("/proc/cpuinfo")
    text = found.read_text() if found.exists() else ""
    names = {line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")}
    load = os.getloadavg()[0]
    parts = [
        f"{os.cpu_count()} cores" + (f" ({', '.join(sorted(names))})" if names else ""),
        f"load {load:.1f} at the end",
        f"Python {platform.python_version()}",
        *(f"{name} {version(name)}" for name in ("granian", "flask", "sqlalchemy")),
        f"SQLite {sqlite3.sqlite_version}",
    ]
    return ", ".join(parts)

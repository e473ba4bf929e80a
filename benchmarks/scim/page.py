"""What does docs/benchmarks.md say? The figures as they came, whether they please or not."""

import os
import platform
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import median

from benchmarks.scim.load import Measured
from benchmarks.scim.scenarios import Scenario
from benchmarks.scim.world import World

#: of adding and removing in the largest group against the smallest
FLAT = 1.2


@dataclass(frozen=True, slots=True)
class Result:
    """One scenario: for each server the slices, in the order of the rounds."""

    scenario: Scenario
    slices: dict[str, list[Measured]]

    def cpu_ms(self, server: str) -> float:
        return median(each.cpu_ms for each in self.slices[server])

    def per_second(self, server: str) -> float:
        return median(each.per_second for each in self.slices[server])

    def ratio(self, server: str) -> float:
        """Of the connector's processor time to this server's, round by round: they met the same machine."""
        pairs = zip(self.slices["connector"], self.slices[server], strict=True)
        return median(ours.cpu_ms / theirs.cpu_ms for ours, theirs in pairs)


def page(results: Sequence[Result], world: World, today: date, database: str) -> str:
    """The page, in Markdown."""
    peered = any("scim2-server" in each.slices for each in results)
    lines = [
        "# What a SCIM request costs",
        "",
        "Written by `make bench`; don't edit. How it is measured: benchmarks/scim.",
        "",
        f"{today.isoformat()}, {_machine()}. {world.people:,} users in one directory of kind `entra`, "
        f"groups of {', '.join(f'{size:,}' for size in world.sizes)} members. {database}.",
        "",
        "The connector runs as `anysoft-connector web`. The floor is Flask and SQLAlchemy Core in the same "
        "Granian with the same settings: it reads the token and reads and writes the same rows, notes the "
        "change, marks the person, and does little else. "
        + (
            "scim2-server is PyPI's, in the same Granian, in memory, with 5,000 of the users. "
            if peered
            else ""
        )
        + "Each answer is checked; where a server gives a wrong one, it has no figure. "
        "Processor time is that of all processes of a server, user and system: "
        "neither the client nor whatever else runs on the machine is in it. The servers take turns in short "
        "slices; a ratio is the median of the rounds' ratios, a figure the median of the slices.",
        "",
        _grain(results),
        "",
        *_table(results, peered),
        "",
        *_verdict(results, peered),
        "",
    ]
    return "\n".join(lines)


def _grain(results: Sequence[Result]) -> str:
    """The kernel counts processor time in steps of 10 ms."""
    slices = results[0].slices["connector"]
    most = max(each.requests for each in slices)
    return (
        f"This run: {len(slices)} rounds with slices of at most {most} requests, so that a figure is no more "
        f"exact than {10 / most:.2f} ms. A slice of a slow server ends after ten seconds, with fewer "
        "requests."
    )


def _table(results: Sequence[Result], peered: bool) -> list[str]:
    others = ["floor", *(["scim2-server"] if peered else [])]
    head = ["scenario", "requests", "ms of processor time", *(f"{name}: ms" for name in others)]
    head += [*(f"times the {name}" if name == "floor" else f"times {name}" for name in others)]
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


def _verdict(results: Sequence[Result], peered: bool) -> list[str]:
    lines = ["## Against the targets", ""]
    missed = [each for each in results if each.ratio("floor") > each.scenario.target]
    lines += [
        f"- At most 1.3 times the floor, 2.0 for a list: {len(results) - len(missed)} of {len(results)}"
        + _named(missed, "floor")
    ]
    if peered:
        compared = [each for each in results if "scim2-server" in each.slices]
        above = [each for each in compared if each.ratio("scim2-server") >= 1]
        lines += [
            f"- Below scim2-server: {len(compared) - len(above)} of {len(compared)}"
            + _named(above, "scim2-server")
        ]
    changed = [each for each in results if each.scenario.size]
    if len(changed) > 1:
        grown = changed[-1].cpu_ms("connector") / changed[0].cpu_ms("connector")
        lines += [
            f"- Adding and removing in a group of {changed[-1].scenario.size:,} against one of "
            f"{changed[0].scenario.size:,}: {grown:.2f} times, "
            + ("within" if grown <= FLAT else "missing")
            + f" the target of {FLAT}."
        ]
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

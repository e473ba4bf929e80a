"""What does docs/benchmarks-engine.md say? The figures as they came, whether they please or not."""

import os
import platform
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from importlib.metadata import version
from pathlib import Path

from benchmarks.engine.targets import verdicts

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Measured:
    database: str
    people: int
    measure: str
    at: str  #: UTC, ISO 8601
    load: float  #: of the machine, at the end
    figures: Figures

    def as_row(self) -> list[object]:
        return list(astuple(self))


@dataclass(frozen=True, slots=True)
class Table:
    measure: str
    title: str
    said: str
    columns: Sequence[tuple[str, Callable[[Figures], str]]]


def page(measured: Sequence[Measured]) -> str:
    """The page, in Markdown."""
    found = {(m.database, m.people, m.measure): m.figures for m in measured}
    days = sorted({m.at for m in measured})
    loads = [m.load for m in measured]
    lines = [
        "# What the engine costs, from a thousand people to a million",
        "",
        "Written by `make bench`; don't edit. How it is measured: benchmarks/engine.",
        "",
        f"{days[0]} to {days[-1]}, {_machine()}; load {min(loads):.1f} to {max(loads):.1f}. Where it is "
        "above the number of cores, others worked on the machine: processor time says more than wall time."
        if days
        else "Nothing yet.",
        "",
        "Each company has three products, one group for each, and everybody in all three groups. AnySoft "
        "is the built-in tenant in the same database: its work is in the figures. Each measure runs in a "
        "process of its own. PostgreSQL runs on the same machine, by its socket, with fsync off; its "
        "processor time is in the figures, in steps of 10 ms, its memory isn't.",
        "",
        "## Against the targets",
        "",
        *verdicts(found),
        "",
    ]  # fmt: skip
    for table in TABLES:
        rows = [(key, figures) for key, figures in sorted(found.items()) if key[2] == table.measure]
        if not rows:
            continue
        lines += [f"## {table.title}", "", table.said, ""]
        lines += [f"| database | people | {' | '.join(name for name, _ in table.columns)} |"]
        lines += [f"| --- | ---: |{' ---: |' * len(table.columns)}"]
        for (database, people, _), figures in rows:
            beside = figures | _floors(found, database, people)
            shown = " | ".join(show(beside) for _, show in table.columns)
            lines.append(f"| {database} | {people:,} | {shown} |")
        lines.append("")
    return "\n".join(lines)


def _floors(found: dict[tuple[str, int, str], Figures], database: str, people: int) -> Figures:
    """The floors' seconds, for the table of full rounds."""
    names = ("floor_sql", "floor_sets")
    return {
        name: found[database, people, name]["cpu_s"] for name in names if (database, people, name) in found
    }


def _shown(key: str, form: str = ",.1f") -> Callable[[Figures], str]:
    return lambda figures: format(figures[key], form) if key in figures else "–"


def _ratio(figures: Figures) -> str:
    floors = [figures[name] for name in ("floor_sql", "floor_sets") if name in figures]
    return f"{figures['cpu_s'] / min(floors):.1f}" if floors else "–"


def _calls(figures: Figures) -> str:
    return f"{figures['join_calls']:.0f}, {figures['leave_calls']:.0f}"


TABLES = (
    Table(
        "change", "One membership changes",
        "By the SCIM store's transaction, as a PATCH makes it, and the round over whom it concerns, up to "
        "the assignment; somebody leaves likewise (the license goes after settle window and grace). Means of "
        "20, milliseconds.",
        (("joins: processor", _shown("join_cpu_ms")), ("wall", _shown("join_wall_ms")),
         ("leaves: processor", _shown("leave_cpu_ms")), ("wall ", _shown("leave_wall_ms")),
         ("calls to AnySoft, of a joining, a leaving", _calls)),
    ),
    Table(
        "latency", "From the PATCH's answer to the license; a worker that idles",
        "`web` and `worker` as an operator starts them, default settings: seconds from the answer to the "
        "assignment at AnySoft, 15 times; then the worker's processor time of a minute without a change.",
        (("median s", _shown("median_s", ".2f")), ("most s", _shown("most_s", ".2f")),
         ("idle: % of a core", _shown("idle_percent", ".2f"))),
    ),
    Table(
        "full", "A full round that finds nothing to do",
        "Seconds of processor time; the floors find the same over the same tables: SQL's EXCEPT both ways, "
        "and Python's sets of the rows that the bare driver reads.",
        (("round", _shown("cpu_s", ",.2f")), ("floor: SQL", _shown("floor_sql", ",.2f")),
         ("floor: sets", _shown("floor_sets", ",.2f")), ("times the faster", _ratio),
         ("wall", _shown("wall_s", ",.2f")), ("peak MB", _shown("peak_mb", ",.0f"))),
    ),
    Table(
        "mapped", "A group of 100,000 people is mapped at once",
        "`mapping add`, plan included; then a worker assigns in batches and tells how far it is. It is "
        "killed with SIGKILL when 30 % are served; another one takes over when the killed one's lease has "
        "ended, and goes on. In the end everybody is served, we and AnySoft agree, and nothing "
        "is in doubt. Seconds.",
        (("planned and stored", _shown("planned_s")), ("processor", _shown("planned_cpu_s")),
         ("peak MB", _shown("planned_mb", ",.0f")), ("killed with", _shown("killed_with", ",.0f")),
         ("after", _shown("killed_after_s")), ("next served after the kill", _shown("resumed_s")),
         ("all served", _shown("all_s")), ("times progress was told", _shown("steps_told", ",.0f"))),
    ),
    Table(
        "explain", "`explain USER`",
        "The whole command, 30 different people, in a process that runs already; then one as a process, with "
        "Python's start. Milliseconds.",
        (("median", _shown("wall_ms")), ("least", _shown("least_ms")), ("most", _shown("most_ms")),
         ("processor", _shown("cpu_ms")), ("as a process", _shown("process_ms", ",.0f"))),
    ),
)  # fmt: skip


def _machine() -> str:
    found = Path("/proc/cpuinfo")
    text = found.read_text() if found.exists() else ""
    names = {line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")}
    return ", ".join(
        [
            f"{os.cpu_count()} cores" + (f" ({', '.join(sorted(names))})" if names else ""),
            f"Python {platform.python_version()}",
            f"SQLAlchemy {version('sqlalchemy')}",
            f"SQLite {sqlite3.sqlite_version}",
        ]
    )

"""Which targets of the engine are met, by what was measured?"""

from collections.abc import Iterator, Mapping

Key = tuple[str, int, str]  # database, people, measure
Figures = Mapping[str, float]

_SMALL, _LARGE, _HUGE = 1_000, 100_000, 1_000_000


def verdicts(found: Mapping[Key, Figures]) -> list[str]:
    """A line of Markdown for each target and database that something was measured of."""
    lines = ["| target | database | measured | |", "| --- | --- | --- | --- |"]
    for database in sorted({key[0] for key in found}, reverse=True):
        for target, measured, met in _of({key[1:]: f for key, f in found.items() if key[0] == database}):
            lines.append(f"| {target} | {database} | {measured} | {'met' if met else '**missed**'} |")
    return lines


def _of(found: Mapping[tuple[int, str], Figures]) -> Iterator[tuple[str, str, bool]]:
    small = found.get((_SMALL, "change"))
    for people in (_LARGE, _HUGE):
        large = found.get((people, "change"))
        if not small or not large:
            continue
        for what in ("join", "leave"):
            times = large[f"{what}_cpu_ms"] / small[f"{what}_cpu_ms"]
            calls = small[f"{what}_calls"], large[f"{what}_calls"]
            yield (f"one {what}, {people:,} against 1,000 people: the same calls, at most 1.5 times the "
                   "processor time", f"{calls[0]:.0f} and {calls[1]:.0f} calls, {times:.2f} times",
                   times <= 1.5 and calls[0] == calls[1])  # fmt: skip
    for people in (_SMALL, _LARGE, _HUGE):
        if each := found.get((people, "latency")):
            yield (f"{people:,} people: under 2 s from the PATCH's answer to the assignment",
                   f"at most {each['most_s']:.2f} s", each["most_s"] < 2)  # fmt: skip
            yield (f"{people:,} people: an idle worker under 1 % of a core",
                   f"{each['idle_percent']:.2f} %", each["idle_percent"] < 1)  # fmt: skip
        if each := found.get((people, "explain")):
            yield (f"{people:,} people: `explain USER` in under 100 ms",
                   f"median {each['wall_ms']:.0f} ms, {each['cpu_ms']:.0f} ms of processor time",
                   each["wall_ms"] < 100)  # fmt: skip
    yield from _full(found)
    if each := found.get((_LARGE, "mapped")):
        yield (
            "a group of 100,000 planned in under 30 s",
            f"{each['planned_s']:.1f} s, {each['planned_cpu_s']:.1f} s of processor time",
            each["planned_s"] < 30,
        )
        yield ("executed in batches, killed and resumed",
               f"killed with {each['killed_with']:,.0f} served, all served in the end", True)  # fmt: skip


def _full(found: Mapping[tuple[int, str], Figures]) -> Iterator[tuple[str, str, bool]]:
    large, huge = found.get((_LARGE, "full")), found.get((_HUGE, "full"))
    floors = [found[_LARGE, name] for name in ("floor_sql", "floor_sets") if (_LARGE, name) in found]
    if large and floors:
        times = large["cpu_s"] / min(floor["cpu_s"] for floor in floors)
        yield (
            "a full round over 100,000: at most 3 times the faster floor",
            f"{times:.1f} times",
            times <= 3,
        )
    if huge:
        yield (
            "a full round over 1,000,000: under 400 MB",
            f"{huge['peak_mb']:.0f} MB",
            huge["peak_mb"] < 400,
        )
    if large and huge:
        times = huge["cpu_s"] / large["cpu_s"]
        yield ("ten times the people: linear (at most 12 times the time)", f"{times:.1f} times", times <= 12)

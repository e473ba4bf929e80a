"""Which mappings does a file want, what is wrong with it, and how does it differ from what there is?

[[mapping]]
directory = "entra"
group = "LIC-AnyPrint"       # its name or its id
product = "anyprint"
priority = 100               # optional, as transitive, grace_hours and reserve
"""

import tomllib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from connector.store import mappings
from sync.model import GroupId, Mapping, MappingId, ProductId

_NEEDED: dict[str, type] = {"directory": str, "group": str, "product": str}
_OPTIONAL: dict[str, type] = {"priority": int, "transitive": bool, "grace_hours": int, "reserve": int}
_LARGEST = {"priority": 1_000_000, "grace_hours": 8760, "reserve": 1_000_000}


class BadFile(Exception):
    """args: one sentence for each mistake, all of them."""

    def __str__(self) -> str:
        return "\n".join(self.args)


@dataclass(frozen=True, slots=True)
class Difference:
    """What has to change; ids below 1 are of mappings that don't exist yet."""

    add: tuple[Mapping, ...]
    change: tuple[Mapping, ...]  #: as they should be
    remove: tuple[Mapping, ...]

    def __bool__(self) -> bool:
        return bool(self.add or self.change or self.remove)


def read(connection: Connection, text: str, products: Collection[str]) -> list[Mapping]:
    """What the file wants. Raises BadFile with every mistake of every entry."""
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadFile(f"it is not valid TOML: {error}") from None
    mistakes = [f"{name}: there is no such table; write [[mapping]]" for name in given if name != "mapping"]
    entries = given.get("mapping", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise BadFile(*mistakes, "mapping: write each as a table of its own, [[mapping]]")
    wanted: list[Mapping] = []
    dead = [m for m in mappings.list_mappings(connection) if m.gone]
    ids = mappings.group_ids(connection, [m.group for m in dead])
    known = {(m.directory, ids[m.group], str(m.product)): m for m in dead}
    first: dict[tuple[GroupId | tuple[str, str], str], int] = {}
    for number, entry in enumerate(entries, 1):
        wrong = list(_mistakes(entry, products))
        directory, name, product = (_text(entry, key) for key in _NEEDED)
        same = known.get((directory, name, product))
        group = same.group if same else None
        if group is None and directory and name:
            try:
                group = mappings.find_group(connection, directory, name)
            except LookupError as error:
                wrong.append(str(error.args[0]))
        if directory and name and product:
            before = first.setdefault((group or (directory, name), product), number)
            if before != number:
                wrong.append(f"mapping {before} is of the same group and product: take one of the two out")
        mistakes += [f"{_named(number, entry)}: {each}" for each in wrong]
        if group is not None and not wrong:
            wanted.append(_mapping(entry, -number, group, same))
    if mistakes:
        raise BadFile(*mistakes)
    return wanted


def _text(entry: dict[str, Any], name: str) -> str:
    """Empty for what can't be looked up; `_mistakes` says why."""
    value = entry.get(name)
    return value if isinstance(value, str) and value.strip() and "\0" not in value else ""


def _named(number: int, entry: dict[str, Any]) -> str:
    said = [f"{name} {_quoted(text)}" for name in ("group", "product") if (text := _text(entry, name))]
    return f"mapping {number} ({', '.join(said)})" if said else f"mapping {number}"


def _mistakes(entry: dict[str, Any], products: Collection[str]) -> Iterator[str]:
    for name, value in entry.items():
        kind = _NEEDED.get(name) or _OPTIONAL.get(name)
        if kind is None:
            yield f"{name}: there is no such setting"
        elif _kind(value) is not kind:
            yield f"{name}: must be {_WORDS[kind]}"
        elif kind is int and not 0 <= value <= _LARGEST[name]:
            yield f"{name}: must be between 0 and {_LARGEST[name]}"
        elif kind is str and not value.strip():
            yield f"{name}: is empty"
        elif kind is str and "\0" in value:
            yield f"{name}: has a NUL in it, which no name has"
    yield from (f"{name} is missing" for name in _NEEDED if name not in entry)
    if (product := _text(entry, "product")) and product not in products:
        yield f"product: there is no {product!r}: use one of {', '.join(products)}"


def _kind(value: object) -> type:
    """True is no number."""
    return type(value)


_WORDS = {str: "a text in quotes", int: "a whole number", bool: "true or false"}


def _mapping(entry: dict[str, Any], id: int, group: GroupId, dead: Mapping | None) -> Mapping:
    """`dead`: the mapping that there is already, if its group is deleted: it may stay."""
    return Mapping(
        id=MappingId(id),
        group=group,
        group_name=dead.group_name if dead else entry["group"],
        directory=entry["directory"],
        product=ProductId(entry["product"]),
        priority=entry.get("priority", 100),
        transitive=entry.get("transitive", False),
        grace_hours=entry.get("grace_hours"),
        reserve=entry.get("reserve", 0),
        gone=dead is not None,
    )


def difference(before: Sequence[Mapping], wanted: Sequence[Mapping]) -> Difference:
    known = {(m.group, m.product): m for m in before}
    there = {(m.group, m.product) for m in wanted}
    changed = []
    for m in wanted:
        old = known.get((m.group, m.product))
        if old is not None and _terms(old) != _terms(m):
            terms = dict(zip(_OPTIONAL, _terms(m), strict=True))
            changed.append(replace(old, **terms))
    return Difference(
        add=tuple(m for m in wanted if (m.group, m.product) not in known),
        change=tuple(changed),
        remove=tuple(m for key, m in known.items() if key not in there),
    )


def _terms(m: Mapping) -> tuple[Any, ...]:
    return tuple(getattr(m, name) for name in _OPTIONAL)


def supposed(before: Sequence[Mapping], what: Difference) -> list[Mapping]:
    """All mappings, as if it were done."""
    gone, changed = {m.id for m in what.remove}, {m.id: m for m in what.change}
    return [*(changed.get(m.id, m) for m in before if m.id not in gone), *what.add]


def export(before: Sequence[Mapping], group_ids: dict[GroupId, str]) -> str:
    """As `read` takes it. Groups stand by their id, which stays when they are renamed."""
    return "\n".join(_table(m, group_ids[m.group]) for m in before)


def _table(m: Mapping, group_id: str) -> str:
    lines = [
        "[[mapping]]",
        f"directory = {_quoted(m.directory)}",
        f"group = {_quoted(group_id)}  # {_quoted(m.group_name)}",
        f"product = {_quoted(m.product)}",
        f"priority = {m.priority}",
        f"transitive = {str(m.transitive).lower()}",
        *([] if m.grace_hours is None else [f"grace_hours = {m.grace_hours}"]),
        f"reserve = {m.reserve}",
    ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A TOML basic string; a name from a directory can't end it, or the line."""
    escaped = "".join(c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08x}" for c in text)
    return f'"{escaped}"'

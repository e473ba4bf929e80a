"""Does a row meet a condition that the database can't answer by itself? Evaluated on the JSON as returned.

A user's groups are part of that JSON, read for a chunk of users at once. A group's members are not: one
comparison with them is asked of the database where it can say so (by id), else it looks at one member after
another, so that a large group costs time and no memory.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

import orjson
from sqlalchemy import Connection, Row, Select, and_, exists, select

from connector.store.conditions import clause_of
from connector.store.references import groups_of, members
from connector.store.tables import groups
from scim.matching import matches
from scim.query import And, Compare, Condition, Not, Op, Or, Present, Within
from scim.resources import show, show_member
from scim.schema import GROUP, TYPES
from scim.store import Kind, Stored

_CHUNK = 500


def stored(kind: Kind, row: Row[Any]) -> Stored:
    """A resource from its row."""
    attributes = orjson.loads(row.document)
    return Stored(kind, row.id, attributes, row.version, row.created_at, row.modified_at)


def resources(
    connection: Connection,
    directory: int,
    kind: Kind,
    candidates: Select[Any],
    condition: Condition | None,
    base_url: str,
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The pk and the JSON of each candidate that meets the condition, streamed in the candidates' order."""
    with_groups = kind is Kind.USER and condition is not None and _mentions(condition, "groups")
    result = connection.execute(candidates, execution_options={"yield_per": _CHUNK})
    for rows in result.partitions():
        belonging = groups_of(connection, directory, [row.id for row in rows]) if with_groups else {}
        for row in rows:
            resource = show(stored(kind, row), base_url, groups=belonging.get(row.id, ()))
            if condition is None or _meets(connection, directory, kind, row, resource, condition, base_url):
                yield row.pk, resource


def _meets(
    connection: Connection,
    directory: int,
    kind: Kind,
    row: Row[Any],
    resource: Mapping[str, Any],
    condition: Condition,
    base_url: str,
) -> bool:
    def meets(part: Condition) -> bool:
        return _meets(connection, directory, kind, row, resource, part, base_url)

    if kind is Kind.USER or not _mentions(condition, "members"):
        return matches(condition, resource, TYPES[kind])
    match condition:
        case And(parts):
            return all(meets(part) for part in parts)
        case Or(parts):
            return any(meets(part) for part in parts)
        case Not(part):
            return not meets(part)
        case Compare(attr, Op.NE, value):
            return not meets(Compare(attr, Op.EQ, value))
        case Compare(attr, _, None):
            return not meets(Present(attr))
    clause = clause_of(condition, kind, directory)
    if clause.exact:
        query = select(exists().where(and_(groups.c.pk == row.pk, clause.where)))
        return bool(connection.scalar(query))
    with closing(members(connection, directory, row.pk)) as each:
        return any(matches(condition, {"members": [show_member(member, base_url)]}, GROUP) for member in each)


def _mentions(condition: Condition, name: str) -> bool:
    match condition:
        case And(parts) | Or(parts):
            return any(_mentions(part, name) for part in parts)
        case Not(part):
            return _mentions(part, name)
        case Compare(attr) | Present(attr) | Within(attr):
            return attr.name == name

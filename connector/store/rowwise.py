"""Does a row meet a condition that the database can't answer by itself? Evaluated on the JSON as returned.

A user's groups are part of that JSON, read for a chunk of users at once. A group's members are not: one
comparison with them is asked of the database where it can say so (by id), else it looks at one member after
another, so that a large group costs time and no memory.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any

import orjson
from sqlalchemy import Connection, Row, Select, and_, bindparam, exists, select

from connector.store.conditions import clause_of
from connector.store.references import groups_of, members
from connector.store.tables import groups
from scim.budget import Budget
from scim.matching import compiled
from scim.query import And, Compare, Condition, Not, Op, Or, Present, Within
from scim.resources import show, show_member
from scim.schema import GROUP, TYPES
from scim.store import Kind, Stored

_CHUNK = 500
#: what one request may look at: a comparison or two with each of a hundred thousand people
MAX_LOOKS = 1_500_000
ADVICE = (
    "this takes reading too much of the directory; ask by eq of id, userName, externalId, displayName or "
    "emails, by sw of userName, or by meta.lastModified, and for fewer things at once"
)
#: in looks: a row or a member that is read, a statement; and how many letters of JSON are read in one
_ROW, _STATEMENT, _LETTERS = 5, 100, 500


def stored(kind: Kind, row: Any) -> Stored:
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
    """The pk and the JSON of each candidate that meets the condition, streamed in the candidates' order.
    Raises scim's TooMany."""
    with_groups = kind is Kind.USER and condition is not None and _mentions(condition, "groups")
    budget = Budget(MAX_LOOKS, ADVICE)
    meets = None if condition is None else _meeting(connection, directory, kind, condition, base_url, budget)
    with connection.execute(candidates, execution_options={"yield_per": _CHUNK}) as result:
        for rows in result.partitions():
            belonging = groups_of(connection, directory, [row.id for row in rows]) if with_groups else {}
            for row in rows:
                budget.spend(_ROW + len(row.document) // _LETTERS)
                resource = show(stored(kind, row), base_url, groups=belonging.get(row.id, ()))
                if meets is None or meets(row, resource):
                    yield row.pk, resource


def _meeting(
    connection: Connection, directory: int, kind: Kind, condition: Condition, base_url: str, budget: Budget
) -> Callable[[Row[Any], Mapping[str, Any]], bool]:
    if kind is Kind.USER or not _mentions(condition, "members"):
        test = compiled(condition, TYPES[kind])
        return lambda row, resource: test(resource, budget)

    def meeting(part: Condition) -> Callable[[Row[Any], Mapping[str, Any]], bool]:
        return _meeting(connection, directory, kind, part, base_url, budget)

    match condition:
        case And(parts):
            every = [meeting(part) for part in parts]
            return lambda row, resource: all(meets(row, resource) for meets in every)
        case Or(parts):
            some = [meeting(part) for part in parts]
            return lambda row, resource: any(meets(row, resource) for meets in some)
        case Not(part):
            inner = meeting(part)
            return lambda row, resource: not inner(row, resource)
        case Compare(attr, Op.NE, value):
            return meeting(Not(Compare(attr, Op.EQ, value)))
        case Compare(attr, _, None):
            return meeting(Not(Present(attr)))
    clause = clause_of(condition, kind, directory)
    if clause.exact:
        asked = select(exists().where(and_(groups.c.pk == bindparam("group"), clause.where)))

        def said(row: Row[Any], resource: Mapping[str, Any]) -> bool:
            budget.spend(_STATEMENT)
            return bool(connection.scalar(asked, {"group": row.pk}))

        return said
    test = compiled(condition, GROUP)

    def seen(row: Row[Any], resource: Mapping[str, Any]) -> bool:
        with closing(members(connection, directory, row.pk)) as each:
            for member in each:
                budget.spend(_ROW)
                if test({"members": [show_member(member, base_url)]}, budget):
                    return True
        return False

    return seen


def _mentions(condition: Condition, name: str) -> bool:
    match condition:
        case And(parts) | Or(parts):
            return any(_mentions(part, name) for part in parts)
        case Not(part):
            return _mentions(part, name)
        case Compare(attr) | Present(attr) | Within(attr):
            return attr.name == name

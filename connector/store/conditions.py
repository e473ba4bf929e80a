"""Which part of a filter can the database answer by itself, exactly and by an index?

| | |
| --- | --- |
| id eq, externalId eq | as spelled |
| userName eq and sw, a group's displayName eq and sw | folded |
| active eq | |
| members.value eq, groups.value eq, and pr | by id; a user's groups also through nesting |
| meta.lastModified and meta.created eq, gt, ge, lt, le | to the microsecond; without an index |
| emails.value eq, also in [ ] | folded; whoever has the address is then looked at |
| and, or, not, ne of these | |

Every clause is true or false, never NULL: so that `not` of it is right. A clause that isn't exact lets all
through that match, and more: the rest is left to rowwise.py.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never

from sqlalchemy import ColumnElement, and_, exists, false, not_, or_, select, true

from connector.store import emails
from connector.store.fold import folded
from connector.store.nested import descendants
from connector.store.scope import is_id, own_groups, own_users
from connector.store.tables import groups, memberships, nestings, users
from scim.query import And, Attr, Compare, Condition, Literal, Not, Op, Or, Present, Within
from scim.schema import parse_time
from scim.store import Kind


@dataclass(frozen=True, slots=True)
class Clause:
    where: ColumnElement[bool]
    exact: bool


#: `ne` is where `eq` isn't
_TIMES: Mapping[Op, Callable[[Any, datetime], ColumnElement[bool]]] = {
    Op.EQ: operator.eq,
    Op.GT: operator.gt,
    Op.GE: operator.ge,
    Op.LT: operator.lt,
    Op.LE: operator.le,
}
_UNKNOWN = Clause(true(), exact=False)


def clause_of(condition: Condition, kind: Kind, directory: int) -> Clause:
    """Raises nothing: what the database can't say, it leaves to who asks."""
    match condition:
        case And(parts):
            clauses = [clause_of(part, kind, directory) for part in parts]
            return Clause(and_(true(), *(c.where for c in clauses)), all(c.exact for c in clauses))
        case Or(parts):
            clauses = [clause_of(part, kind, directory) for part in parts]
            return Clause(or_(false(), *(c.where for c in clauses)), all(c.exact for c in clauses))
        case Not(part):
            clause = clause_of(part, kind, directory)
            return Clause(not_(clause.where), exact=True) if clause.exact else _UNKNOWN
        case Compare(attr, Op.NE, value):
            return clause_of(Not(Compare(attr, Op.EQ, value)), kind, directory)
        case Compare(Attr("members" | "groups", _, ""), _, _) | Present(Attr("members" | "groups", _, "")):
            related = _related(condition, kind, directory)
            return _UNKNOWN if related is None else Clause(related, exact=True)
        case Within(Attr("members" | "groups", _, ""), Compare(Attr("value"), Op.EQ, str(value))):
            return clause_of(Compare(Attr(condition.attr.name, "value"), Op.EQ, value), kind, directory)
        case Compare(Attr("emails", _, ""), Op.EQ, _) | Within(Attr("emails", _, "")) if kind is Kind.USER:
            having = emails.candidates(condition)
            return _UNKNOWN if having is None else Clause(having, exact=False)
        case Compare(attr, op, value):
            where = _compared(attr, op, value, kind)
            return _UNKNOWN if where is None else Clause(where, exact=True)
        case Present() | Within():
            return _UNKNOWN
        case _:
            assert_never(condition)


def _compared(attr: Attr, op: Op, value: Literal, kind: Kind) -> ColumnElement[bool] | None:
    table = users if kind is Kind.USER else groups
    match (kind, attr, op, value):
        case (_, Attr("id", "", ""), Op.EQ, str(text)):
            return table.c.id == text if is_id(text) else false()
        case (_, Attr("externalId", "", ""), Op.EQ, str(text)):
            return and_(table.c.external_id.is_not(None), table.c.external_id == text)
        case (Kind.USER, Attr("userName", "", ""), Op.EQ, str(text)):
            return users.c.folded == folded(text)
        case (Kind.GROUP, Attr("displayName", "", ""), Op.EQ, str(text)):
            return groups.c.folded == folded(text)
        case (Kind.USER, Attr("userName", "", ""), Op.SW, str(text)) | (
            Kind.GROUP,
            Attr("displayName", "", ""),
            Op.SW,
            str(text),
        ):
            return _starts(table.c.folded, folded(text))
        case (Kind.USER, Attr("active", "", ""), Op.EQ, bool(flag)):
            return users.c.active if flag else not_(users.c.active)
        case (_, Attr("meta", "lastModified" | "created" as name, ""), op, str(text)) if op in _TIMES:
            column = table.c.modified_at if name == "lastModified" else table.c.created_at
            return _TIMES[op](column, parse_time(text))
        case _:
            return None


def _starts(column: ColumnElement[str], prefix: str) -> ColumnElement[bool]:
    """A range rather than LIKE: an index serves it on both databases, and % and _ are plain characters."""
    stem = prefix.rstrip("\U0010ffff")
    if not stem:
        return column.startswith(prefix, autoescape=True) if prefix else true()
    after = ord(stem[-1]) + 1
    if after == 0xD800:  # surrogates are no characters
        after = 0xE000
    return and_(column >= prefix, column < stem[:-1] + chr(after))


def _related(condition: Compare | Present, kind: Kind, directory: int) -> ColumnElement[bool] | None:
    attr = condition.attr
    if attr.name != ("groups" if kind is Kind.USER else "members"):
        return false()
    match condition:
        case Present(Attr(sub="" | "value")):
            return _any(kind)
        case Compare(Attr(sub="" | "value"), Op.EQ, None):
            return not_(_any(kind))
        case Compare(Attr(sub="" | "value"), Op.EQ, str(id)):
            if not is_id(id):
                return false()
            return _in_group(id, directory) if kind is Kind.USER else _has_member(id, directory)
        case _:
            return None


def _any(kind: Kind) -> ColumnElement[bool]:
    if kind is Kind.USER:
        return exists(select(memberships.c.group_pk).where(memberships.c.user_pk == users.c.pk))
    return or_(
        exists(select(memberships.c.user_pk).where(memberships.c.group_pk == groups.c.pk)),
        exists(select(nestings.c.child_pk).where(nestings.c.group_pk == groups.c.pk)),
    )


def _in_group(id: str, directory: int) -> ColumnElement[bool]:
    root = groups.alias("root")
    inside = descendants(select(root.c.pk).where(root.c.id == id, own_groups(directory, root)))
    return users.c.pk.in_(select(memberships.c.user_pk).where(memberships.c.group_pk.in_(inside)))


def _has_member(id: str, directory: int) -> ColumnElement[bool]:
    child = groups.alias("child")
    of_users = (
        select(memberships.c.group_pk)
        .join(users, users.c.pk == memberships.c.user_pk)
        .where(users.c.id == id, own_users(directory))
    )
    of_groups = (
        select(nestings.c.group_pk)
        .join(child, child.c.pk == nestings.c.child_pk)
        .where(child.c.id == id, own_groups(directory, child))
    )
    return or_(groups.c.pk.in_(of_users), groups.c.pk.in_(of_groups))

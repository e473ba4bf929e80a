"""Who are the people that work with the connector, and what may each of them do?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, delete, select

from connector.store.rows import insert_into
from connector.store.sign_ins import Operator, end_all
from connector.store.tables import operators


class Role(StrEnum):
    """Each may do what those before it may; approver and admin count as Global Administration (L1)."""

    VIEWER = "viewer"
    OPERATOR = "operator"  #: changes mappings, directories, tokens and the queue
    APPROVER = "approver"  #: decides on purchases and holds, acts on licenses
    ADMIN = "admin"

    def may(self, needed: "Role") -> bool:
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True)
class Listed:
    name: str
    role: Role
    created_at: datetime


def listed(connection: Connection) -> Sequence[Listed]:
    query = select(operators.c.name, operators.c.role, operators.c.created_at).order_by(operators.c.name)
    return [Listed(row.name, Role(row.role), row.created_at) for row in connection.execute(query)]


def find(connection: Connection, name: str) -> Operator | None:
    row = connection.execute(
        select(operators.c.name, operators.c.role).where(operators.c.name == name)
    ).first()
    return Operator(row.name, row.role) if row else None


def add(connection: Connection, name: str, role: Role, now: datetime) -> bool:
    """False: there is one of that name already, and nothing was changed."""
    statement = insert_into(connection, operators).values(name=name, role=role.value, created_at=now)
    made = connection.execute(statement.on_conflict_do_nothing().returning(operators.c.pk)).first()
    return made is not None


def remove(connection: Connection, name: str) -> bool:
    """Ends the operator's sessions, too. False: there is none of that name."""
    end_all(connection, name)
    return connection.execute(delete(operators).where(operators.c.name == name)).rowcount == 1

"""What does a read take out of the mirror? What was said, and absence where all was listed (R23)."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select

from connector.store.directory import Session
from connector.store.rows import chunks
from connector.store.tables import (
    groups,
    memberships,
    nestings,
    staged_groups,
    staged_members,
    staged_users,
    users,
)
from scim.store import Kind, MemberOp, MemberVerb

LEAVING = 1000  #: in one operation


def drop_members(session: Session, doubtful: Collection[str]) -> None:
    """From each group: those who are said to have left, and, where all its members were listed, those who
    aren't among them. `doubtful`: groups in which absence doesn't count."""
    for group in _spoken_of(session):
        absent = group.whole and group.pulled_id not in doubtful
        leaving: list[str] = [
            *session.connection.scalars(_leaving_users(session, group, absent)),
            *session.connection.scalars(_leaving_groups(session, group, absent)),
        ]
        for chunk in chunks(leaving, LEAVING):
            session.change_members(group.id, [MemberOp(MemberVerb.REMOVE, tuple(chunk))])


def drop_groups(session: Session) -> None:
    gone = (
        select(groups.c.id)
        .join(
            staged_groups,
            and_(
                staged_groups.c.directory_pk == groups.c.directory_pk,
                staged_groups.c.id == groups.c.pulled_id,
            ),
        )
        .where(
            groups.c.directory_pk == session.directory, groups.c.deleted_at.is_(None), staged_groups.c.gone
        )
        .order_by(groups.c.pk)
    )
    for id in session.connection.scalars(gone).all():
        session.delete(Kind.GROUP, id)


def drop_people(session: Session) -> None:
    """Whose id was looked up and isn't there any more."""
    looked_up = select(staged_users.c.id).where(
        staged_users.c.directory_pk == session.directory, staged_users.c.state == "gone"
    )
    gone = (
        select(users.c.id)  # not joined, for which SQLite looks at everybody
        .where(users.c.directory_pk == session.directory, users.c.pulled_id.in_(looked_up))
        .order_by(users.c.pk)
    )
    for id in session.connection.scalars(gone).all():
        session.delete(Kind.USER, id)


def _spoken_of(session: Session) -> list[Any]:
    """The mirror's groups of which this read said anything about members, in the order of their locks."""
    m, g = staged_members, staged_groups
    left = exists().where(
        m.c.directory_pk == groups.c.directory_pk, m.c.group_id == groups.c.pulled_id, ~m.c.present
    )
    whole = exists().where(
        g.c.directory_pk == groups.c.directory_pk, g.c.id == groups.c.pulled_id, g.c.whole, ~g.c.gone
    )
    query = (
        select(groups.c.pk, groups.c.id, groups.c.pulled_id, groups.c.display_name, whole.label("whole"))
        .where(groups.c.directory_pk == session.directory, groups.c.deleted_at.is_(None), or_(left, whole))
        .order_by(groups.c.pk)
    )
    return list(session.connection.execute(query))


def _leaving_users(session: Session, group: Any, absent: bool) -> Select[tuple[str]]:
    return (
        select(users.c.id)
        .join(memberships, memberships.c.user_pk == users.c.pk)
        .where(memberships.c.group_pk == group.pk, _left(session, group, absent, users.c.pulled_id))
        .order_by(users.c.pk)
    )


def _leaving_groups(session: Session, group: Any, absent: bool) -> Select[tuple[str]]:
    return (
        select(groups.c.id)
        .join(nestings, nestings.c.child_pk == groups.c.pk)
        .where(nestings.c.group_pk == group.pk, _left(session, group, absent, groups.c.pulled_id))
        .order_by(groups.c.pk)
    )


def _left(session: Session, group: Any, absent: bool, id: ColumnElement[Any]) -> ColumnElement[bool]:
    m = staged_members
    said = exists().where(
        m.c.directory_pk == session.directory,
        m.c.group_id == group.pulled_id,
        m.c.member_id == id,
        m.c.present if absent else ~m.c.present,
    )
    return ~said if absent else said

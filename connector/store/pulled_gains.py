"""How does what a read tells come into the mirror? Records that were pushed are met, else made (R02).

| a person or group that was read | the record |
| --- | --- |
| was met before (pulled_id)                       | that one |
| its id is the externalId of one never met        | that one, met from now on |
| (a person) its folded userName is that of one never met | that one, met from now on |
| else | a new one |

A record that is pushed as well keeps the names that the push gives it; the pull says who is enabled.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Row, and_, bindparam, exists, select, tuple_, union_all, update

from connector.store.directory import Session
from connector.store.fold import folded
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
from scim.errors import InvalidValue
from scim.store import Kind, MemberOp, MemberVerb, Taken
from sync.pulled import PulledUser

#: where a step goes on: the keys of the last row that it has dealt with
Position = tuple[str, str]
START: Position = ("", "")
PEOPLE = 200  #: records made in one transaction
MEMBERS = 1000  #: memberships
#: state of a staged person who couldn't get a record: another one has the name
UNMET = "unmet"


def tell_known(
    session: Session, said: Sequence[PulledUser], disabled: Collection[str], gone: Collection[str]
) -> None:
    """What is said of people whom the mirror knows counts at once (R23)."""
    batch = {user.id: user for user in said}
    for chunk in chunks([*batch, *disabled, *gone]):
        for id, row in _known(session, chunk).items():
            if id in gone:
                session.delete(Kind.USER, row.id)
            elif id in batch:
                _tell(session, row, batch[id], batch)
            else:
                before = session.lock(Kind.USER, row.id)
                session.save(before, {**before.attributes, "active": False})


def gain_groups(session: Session, after: Position) -> Position | None:
    query = (
        select(staged_groups)
        .where(
            staged_groups.c.directory_pk == session.directory,
            staged_groups.c.id > after[0],
            staged_groups.c.name != "",
            ~staged_groups.c.gone,
        )
        .order_by(staged_groups.c.id)
        .limit(PEOPLE)
    )
    rows = session.connection.execute(query).all()
    for row in rows:
        meet_group(session, row.id, row.name)
    return (rows[-1].id, "") if len(rows) == PEOPLE else None


def gain_people(session: Session, after: Position) -> Position | None:
    """Records of members who have none yet."""
    member = exists().where(
        staged_members.c.directory_pk == session.directory,
        staged_members.c.member_id == staged_users.c.id,
        staged_members.c.present,
    )
    known = exists().where(users.c.directory_pk == session.directory, users.c.pulled_id == staged_users.c.id)
    query = (
        select(staged_users)
        .where(
            staged_users.c.directory_pk == session.directory,
            staged_users.c.id > after[0],
            staged_users.c.state == "present",
            member,
            ~known,
        )
        .order_by(staged_users.c.id)
        .limit(PEOPLE)
    )
    rows = session.connection.execute(query).all()
    people = [_staged_user(row) for row in rows]
    here = _alike(session, people)
    for user in people:
        if here.isdisjoint((user.id, folded(user.user_name))):
            _make_person(session, user)  # most of a first read: nobody need be looked for, one by one
        else:
            _meet_person(session, user)
        here.add(folded(user.user_name))
    return (rows[-1].id, "") if len(rows) == PEOPLE else None


def gain_members(session: Session, after: Position) -> Position | None:
    m = staged_members
    inside = exists().where(memberships.c.group_pk == groups.c.pk, memberships.c.user_pk == users.c.pk)
    child = groups.alias("child")
    nested = exists().where(nestings.c.group_pk == groups.c.pk, nestings.c.child_pk == child.c.pk)
    query = (
        select(
            m.c.group_id, m.c.member_id, groups.c.pk, groups.c.id.label("into"), users.c.id.label("user"),
            child.c.id.label("child"), inside.label("inside"), nested.label("nested"),
        )
        .join(groups, and_(groups.c.directory_pk == m.c.directory_pk, groups.c.pulled_id == m.c.group_id))
        .outerjoin(users, and_(users.c.directory_pk == m.c.directory_pk, users.c.pulled_id == m.c.member_id))
        .outerjoin(
            child,
            and_(
                child.c.directory_pk == m.c.directory_pk,
                child.c.pulled_id == m.c.member_id,
                child.c.deleted_at.is_(None),
            ),
        )
        .where(
            m.c.directory_pk == session.directory, m.c.present, groups.c.deleted_at.is_(None),
            tuple_(m.c.group_id, m.c.member_id) > tuple_(*after),
        )
        .order_by(m.c.group_id, m.c.member_id)
        .limit(MEMBERS)
    )  # fmt: skip
    rows = session.connection.execute(query).all()
    joining: dict[tuple[int, str], list[str]] = {}
    for row in rows:
        if row.user is not None and not row.inside:
            joining.setdefault((row.pk, row.into), []).append(row.user)
        elif row.user is None and row.child is not None and not row.nested:
            joining.setdefault((row.pk, row.into), []).append(row.child)
    for (_, into), ids in sorted(joining.items()):
        session.change_members(into, [MemberOp(MemberVerb.ADD, tuple(ids))])
    return (rows[-1].group_id, rows[-1].member_id) if len(rows) == MEMBERS else None


# ---- groups ----


def meet_group(session: Session, id: str, name: str) -> None:
    here = groups.c.directory_pk == session.directory
    connection = session.connection
    met = connection.execute(select(groups).where(here, groups.c.pulled_id == id)).first()
    if met is None:
        pushed = (here, groups.c.external_id == id, groups.c.deleted_at.is_(None))
        met = connection.execute(
            select(groups).where(*pushed, groups.c.pulled_id.is_(None)).order_by(groups.c.pk).limit(1)
        ).first()
        if met is None:
            made = session.create(Kind.GROUP, {"displayName": name, "externalId": id})
            connection.execute(update(groups).where(groups.c.id == made.id).values(pulled_id=id))
            return
        connection.execute(update(groups).where(groups.c.pk == met.pk).values(pulled_id=id))
    if met.deleted_at is not None:  # restored: the same group, with its mappings (R02)
        back = {"deleted_at": None, "external_id": id, "document": "{}"}
        connection.execute(update(groups).where(groups.c.pk == met.pk).values(back))
    before = session.lock(Kind.GROUP, met.id)
    session.save(before, {**before.attributes, "displayName": name})


# ---- people ----


def _known(session: Session, ids: Collection[str]) -> dict[str, Row[Any]]:
    query = select(users).where(users.c.directory_pk == session.directory, users.c.pulled_id.in_(ids))
    return {row.pulled_id: row for row in session.connection.execute(query.order_by(users.c.pk))}


def _alike(session: Session, people: Sequence[PulledUser]) -> set[str]:
    """External ids and folded names of records that one of these people may be met by."""
    here = users.c.directory_pk == session.directory
    ids, names = [user.id for user in people], [folded(user.user_name) for user in people]
    query = union_all(  # not OR, for which SQLite looks at everybody
        select(users.c.external_id).where(here, users.c.external_id.in_(ids)),
        select(users.c.folded).where(here, users.c.folded.in_(names)),
    )
    return set(session.connection.scalars(query))


def _meet_person(session: Session, user: PulledUser) -> None:
    never_met = (users.c.directory_pk == session.directory, users.c.pulled_id.is_(None))
    for same in (users.c.external_id == user.id, users.c.folded == folded(user.user_name)):
        met = session.connection.execute(
            select(users).where(*never_met, same).order_by(users.c.pk).limit(1)
        ).first()
        if met is not None:
            session.connection.execute(update(users).where(users.c.pk == met.pk).values(pulled_id=user.id))
            _tell(session, met, user, {})
            return
    _free_name(session, user, {})
    _make_person(session, user)


def _make_person(session: Session, user: PulledUser) -> None:
    try:
        made = session.create(Kind.USER, _attributes(user))
    except (Taken, InvalidValue) as error:
        _unmet(session, user, error)
        return
    session.connection.execute(_MADE, {"made": made.id, "met": user.id})


def _tell(session: Session, row: Row[Any], user: PulledUser, batch: Mapping[str, PulledUser]) -> None:
    if row.active == user.active and (not row.pulled or _says(row.document, user)):
        return
    before = session.lock(Kind.USER, row.id)
    if not row.pulled:
        session.save(before, {**before.attributes, "active": user.active})
        return
    try:
        if folded(user.user_name) != row.folded:
            _free_name(session, user, batch)
        kept = {name: value for name, value in before.attributes.items() if name not in _PULLED}
        session.save(before, kept | _attributes(user))
    except (Taken, InvalidValue) as error:
        session.save(before, {**before.attributes, "active": user.active})
        _unmet(session, user, error)


def _free_name(session: Session, user: PulledUser, batch: Mapping[str, PulledUser]) -> None:
    """No two live people of a directory have one name: whoever has it here has lost it there.

    They get their id for a name until their own is told in the same batch; one who is disabled is taken for
    deleted, so that a person created anew takes over the account (R02). Anybody else keeps it: Taken.
    """
    holder = session.connection.execute(
        select(users).where(
            users.c.directory_pk == session.directory,
            users.c.folded == folded(user.user_name),
            users.c.pulled_id != user.id,
            users.c.pulled,
        )
    ).first()
    if holder is None:
        return
    if holder.pulled_id in batch and folded(batch[holder.pulled_id].user_name) != holder.folded:
        before = session.lock(Kind.USER, holder.id)
        session.save(before, {**before.attributes, "userName": holder.pulled_id})
    elif not holder.active:
        session.delete(Kind.USER, holder.id)


def _unmet(session: Session, user: PulledUser, error: Exception) -> None:
    session.warn("user_name", f"{user.user_name}: {error}")
    session.connection.execute(
        update(staged_users)
        .where(staged_users.c.directory_pk == session.directory, staged_users.c.id == user.id)
        .values(state=UNMET)
    )


def _says(document: str, user: PulledUser) -> bool:
    """Whether the record is as the directory tells it: most are, in each full read."""
    found = orjson.loads(document)
    return {name: found[name] for name in _PULLED & found.keys()} == _attributes(user)


# Built once: building such a statement takes longer than running it.
_MADE = update(users).where(users.c.id == bindparam("made")).values(pulled_id=bindparam("met"), pulled=True)
_PULLED = frozenset({"userName", "displayName", "emails", "active", "externalId"})


def _attributes(user: PulledUser) -> dict[str, Any]:
    """As SCIM has them."""
    found: dict[str, Any] = {"userName": user.user_name, "externalId": user.id, "active": user.active}
    if user.display_name:
        found["displayName"] = user.display_name
    if user.email:
        found["emails"] = [{"value": user.email, "type": "work", "primary": True}]
    return found


def _staged_user(row: Row[Any]) -> PulledUser:
    return PulledUser(row.id, row.user_name, row.display_name, row.email, row.active)

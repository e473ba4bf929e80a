"""Which directories are there? (R06, R26)"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, delete, exists, func, or_, select, update

from connector.store.marks import mark_directory
from connector.store.rows import insert_into
from connector.store.tables import (
    Key,
    Moment,
    directories,
    group_marks,
    groups,
    mappings,
    memberships,
    nestings,
    standings,
    users,
)

#: `heard_at` is no more exact than this: not each request shall write it
HEARD_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Directory:
    pk: int
    name: str
    kind: str  #: scim, entra, okta
    options: str  #: JSON
    created_at: datetime
    heard_at: datetime | None  #: last write by its identity provider, to the minute


class NameTaken(Exception):
    """There is a directory of this name already."""


class Unknown(Exception):
    """There is no such directory, credential or client; the message says how to list them."""


class InUse(Exception):
    """A directory with mappings or managed licenses can't be removed (R26); the message says what to do."""


def add(connection: Connection, name: str, kind: str, now: datetime, options: str = "{}") -> Directory:
    """Raises NameTaken; ValueError for a name that can't be one."""
    if not name or len(name) > 100 or not name.isprintable() or name != name.strip():
        raise ValueError("a directory's name has 1 to 100 printable characters, and no space around them")
    row = connection.execute(
        insert_into(connection, directories)
        .values(name=name, kind=kind, options=options, created_at=now)
        .on_conflict_do_nothing()
        .returning(*directories.c)
    ).first()
    if row is None:
        raise NameTaken(f"there is a directory {name!r} already: choose another name")
    return directory_of(row)


def set_options(connection: Connection, name: str, given: Mapping[str, str | None]) -> Directory:
    """Put these options in the place of what they were; None takes one away. Raises Unknown."""
    row = connection.execute(select(directories).where(directories.c.name == name).with_for_update()).first()
    if row is None:
        raise _unknown(name)
    options = {**json.loads(row.options), **given}
    kept = json.dumps({key: value for key, value in options.items() if value is not None})
    changed = update(directories).where(directories.c.pk == row.pk).values(options=kept)
    return directory_of(connection.execute(changed.returning(*directories.c)).one())


def all_of(connection: Connection) -> Sequence[Directory]:
    """By name."""
    return [directory_of(row) for row in connection.execute(select(directories).order_by(directories.c.name))]


def named(connection: Connection, name: str) -> Directory:
    """Raises Unknown."""
    row = connection.execute(select(directories).where(directories.c.name == name)).first()
    if row is None:
        raise _unknown(name)
    return directory_of(row)


def _unknown(name: str) -> Unknown:
    return Unknown(f"there is no directory {name!r}: see `directory list`")


def remove(connection: Connection, name: str, now: datetime) -> None:
    """The directory, its mirror and its credentials; its people stay, marked. Raises Unknown, InUse."""
    found = named(connection, name)
    own_groups = select(groups.c.pk).where(groups.c.directory_pk == found.pk)
    _refuse_use(connection, found)
    mark_directory(connection, found.pk, now)
    connection.execute(delete(memberships).where(memberships.c.group_pk.in_(own_groups)))
    connection.execute(delete(nestings).where(nestings.c.group_pk.in_(own_groups)))
    connection.execute(delete(group_marks).where(group_marks.c.group_pk.in_(own_groups)))
    connection.execute(delete(groups).where(groups.c.directory_pk == found.pk))
    connection.execute(delete(users).where(users.c.directory_pk == found.pk))
    connection.execute(delete(directories).where(directories.c.pk == found.pk))


def _refuse_use(connection: Connection, found: Directory) -> None:
    mapped = connection.scalar(
        select(func.count())
        .select_from(mappings.join(groups, groups.c.pk == mappings.c.group_pk))
        .where(groups.c.directory_pk == found.pk)
    )
    if mapped:
        raise InUse(f"{found.name} has {mapped} mappings: remove them first (`mapping list`)")
    managed = connection.scalar(
        select(func.count()).where(
            standings.c.origin == "managed",
            standings.c.held != "no",
            exists().where(users.c.person_pk == standings.c.person_pk, users.c.directory_pk == found.pk),
        )
    )
    if managed:
        raise InUse(
            f"people of {found.name} have {managed} licenses that the sync manages: "
            "wait until they are removed, or remove them (`license unassign`)"
        )


def heard(connection: Connection, directory: int, now: datetime) -> None:
    """Its identity provider wrote now; noted once in `HEARD_EVERY`."""
    connection.execute(_HEARD, {"directory": directory, "past": now - HEARD_EVERY, "now": now})


def directory_of(row: Any) -> Directory:
    """From a row of `directories`."""
    return Directory(row.pk, row.name, row.kind, row.options, row.created_at, row.heard_at)


# Built once: building such a statement takes longer than running it.
_UNHEARD = or_(directories.c.heard_at.is_(None), directories.c.heard_at <= bindparam("past", type_=Moment))
_HEARD = (
    update(directories)
    .where(
        # Who changes the directory's row meanwhile isn't waited for: the next request notes it.
        directories.c.pk.in_(
            select(directories.c.pk)
            .where(directories.c.pk == bindparam("directory", type_=Key), _UNHEARD)
            .with_for_update(key_share=True, skip_locked=True)
        )
    )
    .values(heard_at=bindparam("now", type_=Moment))
)

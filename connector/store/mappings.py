"""Which group gives which product? A change marks the group's people and is audited, in one transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, exists, insert, or_, select, update

from connector.store import audit
from connector.store.fold import folded
from connector.store.marks import mark_groups
from connector.store.mirror import read_mappings
from connector.store.tables import directories, groups, mappings
from sync.beside import Namesake
from sync.model import GroupId, Mapping, MappingId, ProductId


def list_mappings(connection: Connection) -> list[Mapping]:
    return read_mappings(connection)


def get(connection: Connection, id: MappingId) -> Mapping:
    """Raises LookupError."""
    found = next((m for m in read_mappings(connection) if m.id == id), None)
    if found is None:
        raise LookupError(f"no mapping {id}: see `mapping list`")
    return found


def find_group(connection: Connection, directory: str, name_or_id: str) -> GroupId:
    """By its id, its directory's id (externalId), or its name, whatever the case; deleted ones aren't found.

    Raises LookupError, which lists the ids where several groups have the name.
    """
    home = connection.scalar(select(directories.c.pk).where(directories.c.name == directory))
    if home is None:
        raise LookupError(f"no directory {directory}: see `directory list`")
    here = select(groups).where(groups.c.directory_pk == home, groups.c.deleted_at.is_(None))
    by_id = here.where(or_(groups.c.id == name_or_id, groups.c.external_id == name_or_id))
    found = connection.execute(by_id.order_by(groups.c.pk)).all()
    if not found:
        dead = select(groups.c.display_name).where(groups.c.directory_pk == home, groups.c.id == name_or_id)
        name = connection.scalar(dead)
        if name is not None:
            raise LookupError(
                f"group {name} ({name_or_id}) of directory {directory} is deleted: "
                "give the one that was pushed anew"
            )
        by_name = here.where(groups.c.folded == folded(name_or_id))
        found = connection.execute(by_name.order_by(groups.c.pk)).all()
    match found:
        case []:
            raise LookupError(
                f"directory {directory} has no group {name_or_id}: check the name, or let it be pushed first"
            )
        case [one]:
            return GroupId(one.pk)
        case several:
            ids = ", ".join(row.id for row in several)
            raise LookupError(
                f"{len(several)} groups of {directory} are called {name_or_id}: give one of the ids {ids}"
            )


def add(
    connection: Connection,
    group: GroupId,
    product: ProductId,
    by: str,
    now: datetime,
    *,
    priority: int = 100,
    transitive: bool = False,
    grace_hours: int | None = None,
    reserve: int = 0,
    reason: str = "",
) -> MappingId:
    """`reason`: why, as the audit log and `mapping list` have it (R30). Raises ValueError for a number out of
    range, or if the group gives the product already."""
    for name, value in (("priority", priority), ("grace-hours", grace_hours or 0), ("reserve", reserve)):
        if not 0 <= value <= 1_000_000:
            raise ValueError(f"{name} must be between 0 and 1000000, not {value}")
    named = _lock(connection, group)
    require_new(connection, group, product)
    values = {
        "group_pk": group,
        "product": product,
        "priority": priority,
        "transitive": transitive,
        "grace_hours": grace_hours,
        "reserve": reserve,
    }
    new = insert(mappings).values(**values, created_at=now, changed_by=by, reason=reason)
    id = connection.scalars(new.returning(mappings.c.pk)).one()
    mark_groups(connection, [group], now)
    _note(connection, "add", id, {**values, "group": named.id}, reason, by, now)
    return MappingId(id)


def _note(
    connection: Connection, what: str, id: int, detail: dict[str, object], reason: str, by: str, now: datetime
) -> None:
    why = {"reason": reason} if reason else {}
    audit.append(connection, by, f"mapping.{what}", f"mapping:{id}", detail | why, now)


def remove(connection: Connection, id: MappingId, by: str, now: datetime, reason: str = "") -> Mapping:
    """Its licenses go through the ordinary grace and guards (R26). Raises LookupError."""
    gone = get(connection, id)
    if not connection.execute(delete(mappings).where(mappings.c.pk == id)).rowcount:
        raise LookupError(f"mapping {id} was removed by somebody else just now")
    mark_groups(connection, [gone.group], now)
    _note(connection, "remove", id, {"group_pk": gone.group, "product": gone.product}, reason, by, now)
    return gone


def change(connection: Connection, wanted: Mapping, by: str, now: datetime, reason: str = "") -> None:
    """Its terms are these from now on. Raises LookupError."""
    before = get(connection, wanted.id)
    terms = {
        "priority": wanted.priority,
        "transitive": wanted.transitive,
        "grace_hours": wanted.grace_hours,
        "reserve": wanted.reserve,
    }
    changed = terms | {"changed_by": by, "reason": reason}
    connection.execute(update(mappings).where(mappings.c.pk == wanted.id).values(changed))
    mark_groups(connection, [before.group], now)
    earlier = {name: getattr(before, name) for name in terms}
    _note(connection, "change", wanted.id, {"from": earlier, "to": terms}, reason, by, now)


def apply(
    connection: Connection,
    added: Sequence[Mapping],
    changed: Sequence[Mapping],
    removed: Sequence[Mapping],
    by: str,
    now: datetime,
    reason: str = "",
) -> None:
    """All of it in the caller's transaction. Raises LookupError, ValueError."""
    for m in removed:
        remove(connection, m.id, by, now, reason)
    for m in changed:
        change(connection, m, by, now, reason)
    for m in added:
        add(
            connection, m.group, m.product, by, now, priority=m.priority, transitive=m.transitive,
            grace_hours=m.grace_hours, reserve=m.reserve, reason=reason,
        )  # fmt: skip


def whys(connection: Connection) -> dict[MappingId, tuple[str, str]]:
    """Who changed each mapping last, and why; "" for one that is older than this is kept."""
    rows = connection.execute(select(mappings.c.pk, mappings.c.changed_by, mappings.c.reason))
    return {MappingId(pk): (by, reason) for pk, by, reason in rows}


def group_ids(connection: Connection, wanted: Sequence[GroupId]) -> dict[GroupId, str]:
    """Our own ids of the groups, as SCIM clients know them."""
    query = select(groups.c.pk, groups.c.id).where(groups.c.pk.in_(sorted(set(wanted))))
    return {GroupId(pk): id for pk, id in connection.execute(query)}


def namesakes(connection: Connection) -> list[Namesake]:
    """Live groups with a mapped one's name that aren't mapped to its product, too. To be told: a mapping
    stays with the group that it was made for (R02)."""
    mapped, other, own = groups.alias("mapped"), groups.alias("other"), mappings.alias("own")
    query = (
        select(mappings.c.pk, directories.c.name, mapped.c.display_name, other.c.id, mapped.c.deleted_at)
        .join(mapped, mapped.c.pk == mappings.c.group_pk)
        .join(directories, directories.c.pk == mapped.c.directory_pk)
        .join(
            other,
            and_(
                other.c.directory_pk == mapped.c.directory_pk,
                other.c.folded == mapped.c.folded,
                other.c.pk != mapped.c.pk,
                other.c.deleted_at.is_(None),
            ),
        )
        .where(~exists().where(own.c.group_pk == other.c.pk, own.c.product == mappings.c.product))
        .order_by(mappings.c.pk, other.c.pk)
    )
    return [
        Namesake(pk, directory, name, id, gone is not None)
        for pk, directory, name, id, gone in connection.execute(query)
    ]


def repin(
    connection: Connection, id: MappingId, group: GroupId, by: str, now: datetime, reason: str = ""
) -> Mapping:
    """The mapping is for this group from now on: its old one was deleted and pushed anew (R02).

    Raises LookupError; ValueError for a group of another directory, or one that gives the product already.
    """
    before = get(connection, id)
    if group == before.group:
        return before
    named = _lock(connection, group)
    old = connection.execute(select(groups).where(groups.c.pk == before.group)).one()
    if named.directory_pk != old.directory_pk:
        raise ValueError(f"mapping {id} is for a group of {before.directory}: choose one of that directory")
    require_new(connection, group, before.product)
    changed = {"group_pk": group, "changed_by": by, "reason": reason}
    connection.execute(update(mappings).where(mappings.c.pk == id).values(changed))
    mark_groups(connection, sorted({before.group, group}), now)
    detail = {"from": old.id, "to": named.id, "product": before.product}
    _note(connection, "repin", id, detail, reason, by, now)
    return get(connection, id)


def _lock(connection: Connection, group: GroupId) -> Row[Any]:
    """Nobody deletes the group, or maps it twice, until the transaction ends. Raises LookupError."""
    row = connection.execute(select(groups).where(groups.c.pk == group).with_for_update()).first()
    if row is None or row.deleted_at is not None:
        raise LookupError(f"group {group} is deleted")
    return row


def require_new(connection: Connection, group: GroupId, product: ProductId) -> None:
    """Raises ValueError if the group gives the product already."""
    same = select(mappings.c.pk, groups.c.display_name).join(groups, groups.c.pk == mappings.c.group_pk)
    found = connection.execute(
        same.where(mappings.c.group_pk == group, mappings.c.product == product)
    ).first()
    if found is not None:
        raise ValueError(
            f"group {found.display_name} gives {product} already: remove mapping {found.pk} first"
        )

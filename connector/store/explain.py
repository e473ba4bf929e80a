"""Why does somebody have a license, or not? All that is known of one person (R16, R30)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, literal, select, union_all

from connector.store import queue, standings
from connector.store.fold import folded
from connector.store.mirror import read_mappings, read_people
from connector.store.queue import Position
from connector.store.requests import of_row, rows
from connector.store.runs import done_of
from connector.store.tables import (
    actions,
    changes,
    directories,
    groups,
    holds,
    intent_items,
    intents,
    memberships,
    persons,
    requests,
    runs,
    users,
)
from sync.explain import Givers, HeldBy
from sync.mapping import givers
from sync.model import Held, HoldId, IntentId, Person, PersonId, ProductId, Request, RunId, Standing
from sync.plan import Done


@dataclass(frozen=True, slots=True)
class Stand:
    """Where the person stands with one product; `standing.state` is the one state of R16."""

    standing: Standing
    position: Position | None  #: while waiting


@dataclass(frozen=True, slots=True)
class Change:
    """What a directory changed about the person."""

    at: datetime
    directory: str
    what: str  #: joined, left, created, disabled, …
    group: str  #: "" if it isn't about a group
    request: str  #: its id in the log
    detail: str


@dataclass(frozen=True, slots=True)
class Took:
    """What a round did about the person."""

    run: RunId
    at: datetime  #: when the round began
    done: Done


@dataclass(frozen=True, slots=True)
class Call:
    """What was asked of AnySoft for the person."""

    intent: IntentId
    run: RunId | None
    by: str  #: whose command it was; "": the round's
    kind: str
    product: ProductId
    created_at: datetime
    settled_at: datetime | None
    status: str  #: AnySoft's answer for this person; "": none yet; unknown: in doubt


@dataclass(frozen=True, slots=True)
class Explained:
    person: Person
    groups: tuple[tuple[str, str, datetime], ...]  #: directory, name, since
    stands: tuple[Stand, ...]
    holds: Mapping[HoldId, HeldBy]  #: of those that are held
    changes: tuple[Change, ...]  #: newest first, as are the next two
    actions: tuple[Took, ...]
    calls: tuple[Call, ...]
    requests: tuple[Request, ...]  #: for more seats, while the person waited for one
    givers: Givers  #: of the bases that they lack


def find_people(connection: Connection, name_or_id: str) -> list[PersonId]:
    """Whose user name it is in any directory, whatever the case, or was last, or whose record has this id;
    people with a live record first. Several: a conflict (R06), or one who was re-created (R02)."""
    name = folded(name_or_id)
    live = select(users.c.person_pk.label("person"), literal(1).label("rank"), users.c.pk.label("place"))
    last = select(persons.c.pk, literal(2), -persons.c.pk)
    found = union_all(
        live.where((users.c.folded == name) | (users.c.id == name_or_id)),
        last.where(persons.c.folded == name),
    )
    return [PersonId(pk) for pk in dict.fromkeys(connection.scalars(found.order_by("rank", "place")))]


def explain(connection: Connection, person: PersonId, limit: int = 50) -> Explained:
    """`limit`: of the changes, the actions and the calls each. Raises LookupError."""
    found = read_people(connection, [person])
    if not found:
        raise LookupError(f"no person {person}")
    stands = standings.read(connection, [person])
    return Explained(
        person=found[person],
        groups=_groups(connection, person),
        stands=tuple(_stand(connection, standing) for standing in stands),
        holds=_holds(connection, {s.hold for s in stands if s.hold is not None}),
        changes=_changes(connection, person, limit),
        actions=_actions(connection, person, limit),
        calls=_calls(connection, person, limit),
        requests=_requests(connection, stands, limit),
        givers=_givers(connection, stands),
    )


def _stand(connection: Connection, standing: Standing) -> Stand:
    waits = queue.position(connection, standing.product, standing.person) if standing.waiting else None
    return Stand(standing, waits)


def _holds(connection: Connection, ids: Collection[HoldId]) -> dict[HoldId, HeldBy]:
    """Without their removals, which may be everybody's."""
    if not ids:
        return {}
    query = (
        select(holds.c.pk, holds.c.reason, groups.c.display_name, holds.c.product)
        .outerjoin(groups, groups.c.pk == holds.c.group_pk)
        .where(holds.c.pk.in_(sorted(ids)))
    )
    return {
        HoldId(pk): HeldBy(reason, group or "", ProductId(product))
        for pk, reason, group, product in connection.execute(query)
    }


def _groups(connection: Connection, person: PersonId) -> tuple[tuple[str, str, datetime], ...]:
    """Since the earliest of the person's records, where several of them are in the group."""
    query = (
        select(directories.c.name, groups.c.display_name, func.min(memberships.c.since).label("since"))
        .select_from(users)
        .join(memberships, memberships.c.user_pk == users.c.pk)
        .join(groups, groups.c.pk == memberships.c.group_pk)
        .join(directories, directories.c.pk == groups.c.directory_pk)
        .where(users.c.person_pk == person)
        .group_by(groups.c.pk, directories.c.name, groups.c.display_name)
        .order_by(directories.c.name, groups.c.display_name, groups.c.pk)
    )
    return tuple((row.name, row.display_name, row.since) for row in connection.execute(query))


def _changes(connection: Connection, person: PersonId, limit: int) -> tuple[Change, ...]:
    query = (
        select(
            changes.c.at,
            changes.c.what,
            changes.c.request,
            changes.c.detail,
            directories.c.name,
            groups.c.display_name,
        )
        .outerjoin(directories, directories.c.pk == changes.c.directory_pk)
        .outerjoin(groups, groups.c.pk == changes.c.group_pk)
        .where(changes.c.person_pk == person)
        .order_by(changes.c.at.desc(), changes.c.pk.desc())
        .limit(limit)
    )
    return tuple(
        Change(row.at, row.name or "", row.what, row.display_name or "", row.request, row.detail)
        for row in connection.execute(query)
    )


def _actions(connection: Connection, person: PersonId, limit: int) -> tuple[Took, ...]:
    query = (
        select(actions, runs.c.started_at)
        .join(runs, runs.c.pk == actions.c.run_pk)
        .where(actions.c.person_pk == person)
    )
    newest = query.order_by(actions.c.run_pk.desc(), actions.c.seq.desc()).limit(limit)
    return tuple(Took(RunId(row.run_pk), row.started_at, done_of(row)) for row in connection.execute(newest))


def _calls(connection: Connection, person: PersonId, limit: int) -> tuple[Call, ...]:
    query = (
        select(
            intents.c.pk,
            intents.c.run_pk,
            intents.c.actor,
            intents.c.kind,
            intents.c.product,
            intents.c.created_at,
            intents.c.settled_at,
            intent_items.c.status,
        )
        .join(intent_items, intent_items.c.intent_pk == intents.c.pk)
        .where(intent_items.c.person_pk == person)
        .order_by(intents.c.pk.desc())
        .limit(limit)
    )
    return tuple(
        Call(
            intent=IntentId(row.pk),
            run=None if row.run_pk is None else RunId(row.run_pk),
            by=row.actor,
            kind=row.kind,
            product=ProductId(row.product),
            created_at=row.created_at,
            settled_at=row.settled_at,
            status=row.status,
        )
        for row in connection.execute(query)
    )


def _givers(connection: Connection, stands: Sequence[Standing]) -> Givers:
    lack = any(s.blocked == "MISSING_BASE" for s in stands)
    return givers(read_mappings(connection)) if lack else {}


def _requests(connection: Connection, stands: Sequence[Standing], limit: int) -> tuple[Request, ...]:
    """Newest first. None of a product for which no seat is what they lack, nor one that was opened when they
    had theirs."""
    entitled = {s.product: s for s in stands if s.reasons}
    wanted = {p: s for p, s in entitled.items() if s.held is not Held.NO or not s.blocked}
    if not wanted:
        return ()
    asked = connection.execute(
        rows().where(requests.c.product.in_(sorted(wanted))).order_by(requests.c.pk.desc()).limit(limit)
    )
    return tuple(of_row(row) for row in asked if _waited(wanted[ProductId(row.product)], row))


def _waited(s: Standing, request: Row[Any]) -> bool:
    """While the request was there."""
    had = s.held is not Held.NO and s.assigned_at is not None and s.assigned_at < request.opened_at
    return not had and (request.ended_at is None or request.ended_at >= s.reasons[0].since)

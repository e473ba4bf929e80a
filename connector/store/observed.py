"""What follows when AnySoft lists who has a product? Its portal is edited by hand, too (R08, R15).

A list may be a minute old (T11): what a call of ours took away within that minute, or may have, isn't
believed to be there, and what one gave isn't believed to be gone.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, or_, select, update

from connector.store import marks, standings
from connector.store.fold import folded
from connector.store.intents import Bases, clear, follow
from connector.store.rows import chunks, raw
from connector.store.tables import intent_items, intents, persons, users
from connector.store.tables import standings as rows
from sync.model import AccountId, Assigned, Held, Origin, PersonId, ProductId, RunId, Standing
from sync.ports import Holding
from sync.settle import freed, settled

#: how old a list may be
STALE = timedelta(seconds=60)
_HELD = rows.c.held.in_(("yes", "maybe"))


def observe(
    connection: Connection,
    run: RunId,
    product: ProductId,
    seen: Sequence[Assigned],
    bases: Bases,
    now: datetime,
) -> int:
    """`now`: before the list was read. People whom no directory knows are passed over."""
    changed = 0
    for chunk in chunks(seen):
        found = _people(connection, product, chunk)
        unsure = _asked(connection, product, "unassign", sorted(found), now - STALE)
        known = {s.person: s for s in standings.read(connection, sorted(found), product, lock=True)}
        new = [
            _found(known.get(person, Standing(person, product)), assigned)
            for person, assigned in found.items()
            if person not in unsure and (person not in known or known[person].held is not Held.YES)
        ]
        standings.write(connection, new)
        marks.mark(connection, (s.person for s in new), now)
        follow(connection, new, bases, now)
        clear(connection, [s.person for s in new], product, "assign", now)
        listed = and_(rows.c.product == product, rows.c.person_pk.in_(sorted(found)))
        connection.execute(update(rows).where(listed).values(seen_run=run))
        changed += len(new)
    return changed


def holding(connection: Connection, product: ProductId) -> Holding:
    """Who has it, as the ledger says: read at once, for millions."""
    surely = _holders(persons.c.account_id, product, rows.c.held == "yes")
    each: list[AccountId | None] = [account for (account,) in raw(connection, surely)]
    accounts = {account for account in each if account is not None}
    doubtful = connection.execute(
        _holders(rows.c.person_pk, product, rows.c.held == "maybe").add_columns(persons.c.account_id)
    ).all()
    others = [PersonId(person) for person, _ in doubtful]
    apart = {account for _, account in doubtful} & accounts
    if None in each:
        nameless = and_(rows.c.held == "yes", persons.c.account_id.is_(None))
        others.extend(
            PersonId(pk) for pk in connection.scalars(_holders(rows.c.person_pk, product, nameless))
        )
    if len(accounts) + each.count(None) < len(each):
        apart.update(account for account, count in Counter(each).items() if account and count > 1)
    accounts -= apart
    for chunk in chunks(sorted(apart)):
        others.extend(PersonId(pk) for pk in connection.scalars(_of_accounts(product, chunk)))
    return Holding(accounts, others)


def _holders(what: ColumnElement[Any], product: ProductId, which: ColumnElement[bool]) -> Select[Any]:
    query = select(what).select_from(rows).join(persons, persons.c.pk == rows.c.person_pk)
    return query.where(rows.c.product == product, which)


def unseen(
    connection: Connection,
    run: RunId,
    product: ProductId,
    left: Holding,
    before: datetime,
    bases: Bases,
    now: datetime,
) -> int:
    """`before`: a minute before the list was read."""
    people = set(left.others)
    for accounts in chunks(sorted(left.accounts)):
        people.update(PersonId(pk) for pk in connection.scalars(_of_accounts(product, accounts)))
    freed_now = 0
    for chunk in chunks(sorted(people)):
        gone = and_(
            rows.c.product == product,
            rows.c.person_pk.in_(chunk),
            _HELD,
            or_(rows.c.seen_run.is_(None), rows.c.seen_run != run),
            or_(rows.c.assigned_at.is_(None), rows.c.assigned_at < before),
        )
        unlisted = [PersonId(pk) for pk in connection.scalars(select(rows.c.person_pk).where(gone))]
        unsure = _asked(connection, product, "assign", unlisted, before)
        sure = [person for person in unlisted if person not in unsure]
        new = [freed(s) for s in standings.read(connection, sure, product, lock=True)]
        standings.write(connection, new)
        marks.mark(connection, (s.person for s in new), now)
        follow(connection, new, bases, now)
        clear(connection, [s.person for s in new], product, "assign", now)
        freed_now += len(new)
    return freed_now


def _of_accounts(product: ProductId, accounts: Sequence[AccountId]) -> Select[Any]:
    """Who surely holds the product by one of these accounts."""
    theirs = and_(rows.c.held == "yes", persons.c.account_id.in_(accounts))
    return _holders(rows.c.person_pk, product, theirs)


def _found(standing: Standing, assigned: Assigned) -> Standing:
    """A doubt was our own call, so it is managed; anything else was done by hand (R08)."""
    ours = standing.held is Held.MAYBE and standing.origin is not Origin.MANUAL
    return replace(
        settled(standing),
        held=Held.YES,
        origin=Origin.MANAGED if ours else Origin.MANUAL,
        assigned_at=standing.assigned_at or assigned.assigned_at,
        waiting=False,
        moved_to=0,
    )


def _asked(
    connection: Connection, product: ProductId, kind: str, people: Sequence[PersonId], since: datetime
) -> frozenset[PersonId]:
    """Of whom we asked it after `since`, or were answered after it."""
    query = (
        select(intent_items.c.person_pk)
        .join(intents, intents.c.pk == intent_items.c.intent_pk)
        .where(
            intent_items.c.person_pk.in_(people),
            intents.c.product == product,
            intents.c.kind == kind,
            or_(intents.c.created_at >= since, intents.c.settled_at >= since),
        )
    )
    return frozenset(PersonId(pk) for pk in connection.scalars(query))


def _people(connection: Connection, product: ProductId, seen: Sequence[Assigned]) -> dict[PersonId, Assigned]:
    """Whose accounts these are: by the account we know, else by the exact folded user name (R05)."""
    by_account: dict[str, Assigned] = {assigned.account: assigned for assigned in seen}
    owners = _candidates(connection, product, persons.c.account_id.in_(sorted(by_account)))
    found = {}
    for person, account, _ in owners:
        if account in by_account:
            found[person] = by_account.pop(account)
    by_name = {folded(assigned.user_name): assigned for assigned in by_account.values()}
    nameless = and_(
        persons.c.folded.in_(sorted(by_name)), persons.c.account_id.is_(None), ~persons.c.conflict
    )
    for person, _, name in _candidates(connection, product, nameless):
        if assigned := by_name.pop(name, None):
            found[person] = assigned
            connection.execute(
                update(persons).where(persons.c.pk == person).values(account_id=assigned.account)
            )
    return found


def _candidates(
    connection: Connection, product: ProductId, which: ColumnElement[bool]
) -> list[tuple[PersonId, str, str]]:
    """(person, account, folded name); of several with one account first who holds the product, then who has a
    live record, then the newest (R02)."""
    holding = exists(
        select(rows.c.product).where(
            rows.c.person_pk == persons.c.pk, rows.c.product == product, rows.c.held.in_(("yes", "maybe"))
        )
    )
    living = exists(select(users.c.pk).where(users.c.person_pk == persons.c.pk))
    query = (
        select(persons.c.pk, persons.c.account_id, persons.c.folded)
        .where(which)
        .order_by(holding.desc(), living.desc(), persons.c.pk.desc())
    )
    return [(PersonId(row.pk), row.account_id, row.folded) for row in connection.execute(query)]

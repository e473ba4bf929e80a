"""How are licenses and Destinations handed out in the built-in tenant? The lock is taken."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from connector.anysoft import forms, rows
from connector.anysoft.books import Bought
from connector.anysoft.licensing import (
    BATCH,
    CATALOG,
    METERED,
    addons_of,
    allowed_destinations,
    assign_each,
    unassign_each,
)
from connector.anysoft.selling import refuse
from connector.store.tables import tenant_assignments, tenant_destinations
from sync.model import AccountId, Destination, Result, Status, SubscriptionId
from sync.ports import Missing, Rejected


def assign(
    conn: Connection, now: datetime, id: SubscriptionId, accounts: Sequence[AccountId]
) -> Sequence[Result]:
    """L3, L4, L7, L12: each account by its own status; the rows and the counter change together."""
    bought, entry = _entry(conn, id)
    refuse(_batch_mistakes(accounts))
    bases = [
        rows.read_holders(conn, [bought[base].id], accounts) if base in bought else set()
        for base in CATALOG[entry.product].requires
    ]
    free = None if entry.product in METERED else entry.quantity - entry.assigned
    active = rows.read_active(conn, accounts)
    results = assign_each(accounts, active, rows.read_holders(conn, [id], accounts), bases, free)
    taken = [result.account for result in results if result.status is Status.ASSIGNED]
    if taken:
        conn.execute(
            insert(tenant_assignments),
            [{"subscription_id": id, "account_id": account, "assigned_at": now} for account in taken],
        )
        rows.write_entry(conn, replace(entry, assigned=entry.assigned + len(taken)))
    return results


def unassign(conn: Connection, id: SubscriptionId, accounts: Sequence[AccountId]) -> Sequence[Result]:
    """L8, L12: each account by its own status."""
    bought, entry = _entry(conn, id)
    refuse(_batch_mistakes(accounts))
    addons = [bought[addon].id for addon in addons_of(entry.product) if addon in bought]
    results = unassign_each(
        accounts,
        rows.read_active(conn, accounts).keys(),
        rows.read_holders(conn, [id], accounts),
        rows.read_holders(conn, addons, accounts),
    )
    freed = [result.account for result in results if result.status is Status.UNASSIGNED]
    if freed:
        conn.execute(
            delete(tenant_assignments).where(
                tenant_assignments.c.subscription_id == id, tenant_assignments.c.account_id.in_(freed)
            )
        )
        rows.write_entry(conn, replace(entry, assigned=entry.assigned - len(freed)))
    return results


def _entry(conn: Connection, id: SubscriptionId) -> tuple[rows.Books, Bought]:
    bought = rows.read_books(conn)
    for entry in bought.values():
        if entry.id == id:
            return bought, entry
    raise Missing(f"there is no subscription {id}: list the subscriptions for their ids")


def _batch_mistakes(accounts: Sequence[AccountId]) -> forms.Mistakes:
    if 1 <= len(accounts) <= BATCH:
        return []
    return [("user_ids", f"must name from 1 to {BATCH} users, not {len(accounts)}")]


# ---- Destinations of the metered products (L4) ----


def read_destinations(conn: Connection) -> list[Destination]:
    query = select(tenant_destinations).order_by(tenant_destinations.c.created_at, tenant_destinations.c.id)
    return [Destination(row.id, row.name) for row in conn.execute(query)]


def add_destination(conn: Connection, now: datetime, name: str) -> Destination:
    refuse(forms.destination_mistakes(name))
    allowed = allowed_destinations(
        {product: entry.quantity for product, entry in rows.read_books(conn).items()}
    )
    if rows.count_destinations(conn) >= allowed:
        raise Rejected(
            "no_license_left",
            f"all {allowed} Destinations that AnyScan and AnyScan Destination allow exist: "
            "buy more or remove one",
        )
    destination = Destination(f"dst-{uuid.uuid4().hex}", name)
    conn.execute(insert(tenant_destinations).values(id=destination.id, name=name, created_at=now))
    return destination


def remove_destination(conn: Connection, id: str) -> None:
    wanted = rows.possible([id])
    if not conn.execute(delete(tenant_destinations).where(tenant_destinations.c.id.in_(wanted))).rowcount:
        raise Missing(f"there is no Destination {id}: list the Destinations for their ids")

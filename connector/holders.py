"""Who has a license, since when and why, and who could be given one? (L7)"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, exists, select

from connector.store.fold import folded
from connector.store.standings import reasons_of
from connector.store.tables import persons, standings, users
from sync.model import ProductId, SubscriptionId
from sync.ports import Licensing


@dataclass(frozen=True, slots=True)
class Holder:
    user: str  #: as AnySoft names them
    since: datetime | None  #: None: not known, as of one who may have it
    how: str  #: managed, manual; unknown: of nobody whom a directory knows; unsure: it may be held
    groups: tuple[str, ...]  #: that entitle them


def holders(
    anysoft: Licensing, connection: Connection, id: SubscriptionId, product: ProductId
) -> Iterator[Holder]:
    """As AnySoft lists them. Raises Transient, Unauthorized."""
    query = (
        select(persons.c.account_id, standings.c.origin, standings.c.reasons)
        .join(standings, standings.c.person_pk == persons.c.pk)
        .where(standings.c.product == product, standings.c.held != "no", persons.c.account_id.is_not(None))
    )
    known = {row.account_id: row for row in connection.execute(query)}
    for assigned in anysoft.assignments(id):
        row = known.get(assigned.account)
        groups = () if row is None else tuple(sorted({r.group_name for r in reasons_of(row.reasons)}))
        how = "unknown" if row is None else row.origin if row.origin != "none" else "managed"
        yield Holder(assigned.user_name, assigned.assigned_at, how, groups)


def by_ledger(connection: Connection, product: ProductId) -> Iterator[Holder]:
    """Without AnySoft: as the ledger has them. Nobody is in it whom no directory knows."""
    query = (
        select(
            persons.c.user_name, standings.c.assigned_at, standings.c.held,
            standings.c.origin, standings.c.reasons,
        )
        .join(standings, standings.c.person_pk == persons.c.pk)
        .where(standings.c.product == product, standings.c.held != "no")
        .order_by(persons.c.folded)
    )  # fmt: skip
    for row in connection.execute(query):
        how = "unsure" if row.held == "maybe" else row.origin if row.origin != "none" else "managed"
        groups = tuple(sorted({r.group_name for r in reasons_of(row.reasons)}))
        yield Holder(row.user_name, row.assigned_at, how, groups)


def lacking(anysoft: Licensing, connection: Connection, id: SubscriptionId) -> list[str]:
    """User names, sorted: who has it not and may be given it, by the account at AnySoft or by a directory's
    record (the account is made then). Not who is inactive there, or disabled or deleted everywhere (R05).
    """
    have = {folded(assigned.user_name) for assigned in anysoft.assignments(id)}
    enabled = exists(select(users.c.pk).where(users.c.person_pk == persons.c.pk, users.c.active))
    query = select(persons.c.folded, persons.c.user_name, persons.c.conflict, enabled.label("enabled"))
    found: dict[str, str] = {}
    barred: set[str] = set()
    for row in connection.execute(query):
        if row.enabled and not row.conflict:
            found[row.folded] = row.user_name
        else:
            barred.add(row.folded)
    barred -= found.keys()
    for account in anysoft.accounts():
        name = folded(account.user_name)
        if not account.active:
            found.pop(name, None)
        elif name not in barred:
            found.setdefault(name, account.user_name)
    return sorted(user for name, user in found.items() if name not in have)

"""Which licenses does the SCIM extension show of a user? Read-only, and only where it is asked for."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from connector.store import queue
from connector.store.mirror import read_facts
from connector.store.rows import chunks
from connector.store.tables import directories, users
from sync.explain import explain
from sync.model import Facts, PersonId, ProductId, State
from sync.plan import Catalog


def licenses_of(
    connection: Connection, directory: str, ids: Sequence[str], catalog: Catalog
) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """By user id; the people of this directory only (T18). `position` of those that wait.

    AnySoft isn't asked: the ledger tells, and `catalog` only which product needs which.
    """
    owners: dict[str, PersonId] = {}
    for chunk in chunks(ids):
        query = (
            select(users.c.id, users.c.person_pk)
            .join(directories, directories.c.pk == users.c.directory_pk)
            .where(directories.c.name == directory, users.c.id.in_(chunk))
        )
        owners.update((id, PersonId(pk)) for id, pk in connection.execute(query))
    facts = {f.person.id: f for f in read_facts(connection, sorted(set(owners.values())), ())}
    return {id: _shown(connection, facts[pk], catalog) for id, pk in owners.items() if pk in facts}


def _shown(connection: Connection, facts: Facts, catalog: Catalog) -> list[dict[str, Any]]:
    positions: dict[ProductId, tuple[int, int]] = {}
    for s in facts.standings:
        if s.state is State.WAITING and (found := queue.position(connection, s.product, s.person)):
            positions[s.product] = (found.position, found.of)
    shown: list[dict[str, Any]] = []
    for state in explain(facts.person, facts.standings, positions, catalog):
        row: dict[str, Any] = {"product": state.product, "state": state.state, "reason": state.reason}
        row |= {"since": state.since, "position": state.position}
        shown.append({key: value for key, value in row.items() if value is not None})
    return shown

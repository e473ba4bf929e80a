"""What does a round's report say of directories, manual licenses, and the calls to AnySoft? (R05, R07)"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy import Connection, and_, func, literal_column, select

from connector.store import mappings as stored_mappings
from connector.store import seats, seen_directories
from connector.store import standings as stored_standings
from connector.store.tables import persons, standings, warnings
from sync.beside import Beside, ByHand, HeldBack, LeftOut, Skipped
from sync.explain import kept_by
from sync.model import Mapping as GroupMapping
from sync.model import PersonId, ProductId, Standing
from sync.plan import Catalog
from sync.ports import Licensing
from sync.report import LISTED
from sync.report_json import moment
from sync.sold import Sold

#: a disabled person's, given by hand: kept, and for a person to decide (R05); spelled as in the index
OF_DISABLED = and_(
    standings.c.origin == "manual",
    standings.c.held == "yes",
    standings.c.blocked == "DISABLED",
    literal_column("standings.blocked <> ''"),
)
#: a base that an add-on keeps (R10)
_KEPT = and_(
    standings.c.blocked == "REQUIRED_BY_ADDON",
    literal_column("standings.blocked <> ''"),
    standings.c.held != "no",
    standings.c.hold.is_(None),
)


def besides(
    connection: Connection,
    mappings: Sequence[GroupMapping],
    *,
    everyone: bool,
    calls: Mapping[str, int] | None = None,
    listed: int = LISTED,
    sold: Sold | None = None,
) -> Beside:
    """`everyone`: of a round over all; only it may take the time to count whom mappings leave out. `sold`:
    None, where AnySoft couldn't be read."""
    skipped = seen_directories.warned(connection, listed)
    by_hand = select(persons.c.user_name, standings.c.product).join(
        standings, standings.c.person_pk == persons.c.pk
    )
    named = by_hand.where(OF_DISABLED).order_by(persons.c.folded, standings.c.product).limit(listed)
    count = select(func.count()).select_from(standings).where(OF_DISABLED)
    left_out = seats.left_out(connection, mappings) if everyone else []
    return Beside(
        left_out=tuple(LeftOut(each.directory, each.group, each.product, each.people) for each in left_out),
        namesakes=tuple(stored_mappings.namesakes(connection)),
        by_hand=tuple(ByHand(name, product) for name, product in connection.execute(named)),
        by_hand_count=connection.scalar(count) or 0,
        held_back=tuple(_held_back(connection, sold.catalog if sold else Catalog((), frozenset()), listed)),
        held_back_count=connection.scalar(select(func.count()).select_from(standings).where(_KEPT)) or 0,
        skipped=tuple(Skipped(w.directory, w.code, w.subject, w.count, moment(w.last_at)) for w in skipped),
        skipped_count=connection.scalar(select(func.count()).select_from(warnings)) or 0,
        calls=dict(sorted((calls or {}).items())),
    )


def _held_back(connection: Connection, catalog: Catalog, listed: int) -> Iterator[HeldBack]:
    query = (
        select(persons.c.pk, persons.c.user_name, standings.c.product)
        .join(standings, standings.c.person_pk == persons.c.pk)
        .where(_KEPT)
        .order_by(persons.c.folded, persons.c.pk, standings.c.product)
        .limit(listed)
    )
    rows = connection.execute(query).all()
    theirs: dict[int, dict[ProductId, Standing]] = {}
    for s in stored_standings.read(connection, [PersonId(row.pk) for row in rows]):
        theirs.setdefault(s.person, {})[s.product] = s
    for pk, user, product in rows:
        yield HeldBack(user, product, kept_by(product, theirs.get(pk, {}), catalog))


@dataclass(slots=True)
class Counted:
    """AnySoft, with a count of what is asked of it; a list counts once, however many pages it has."""

    real: Licensing
    calls: Counter[str] = field(default_factory=Counter)

    def __getattr__(self, name: str) -> Any:
        real = getattr(self.real, name)

        def call(*given: Any, **named: Any) -> Any:
            self.calls[name] += 1
            return real(*given, **named)

        return call

    def licensing(self) -> Licensing:
        return cast(Licensing, self)

"""What does a round's report say of directories, manual licenses, and the calls to AnySoft? (R05, R07)"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy import Connection, and_, func, literal_column, select

from connector.store import mappings as stored_mappings
from connector.store import seats, seen_directories
from connector.store.tables import persons, standings, warnings
from sync.beside import Beside, ByHand, LeftOut, Namesake, Skipped
from sync.model import Mapping as GroupMapping
from sync.ports import Licensing
from sync.report import LISTED
from sync.report_json import moment

#: a disabled person's, given by hand: kept, and for a person to decide (R05); spelled as in the index
OF_DISABLED = and_(
    standings.c.origin == "manual",
    standings.c.held == "yes",
    standings.c.blocked == "DISABLED",
    literal_column("standings.blocked <> ''"),
)


def besides(
    connection: Connection,
    mappings: Sequence[GroupMapping],
    *,
    everyone: bool,
    calls: Mapping[str, int] | None = None,
    listed: int = LISTED,
) -> Beside:
    """`everyone`: of a round over all; only it may take the time to count whom mappings leave out."""
    skipped = seen_directories.warned(connection, listed)
    by_hand = select(persons.c.user_name, standings.c.product).join(
        standings, standings.c.person_pk == persons.c.pk
    )
    named = by_hand.where(OF_DISABLED).order_by(persons.c.folded, standings.c.product).limit(listed)
    count = select(func.count()).select_from(standings).where(OF_DISABLED)
    left_out = seats.left_out(connection, mappings) if everyone else []
    return Beside(
        left_out=tuple(LeftOut(each.directory, each.group, each.product, each.people) for each in left_out),
        namesakes=tuple(
            Namesake(each.mapping, each.directory, each.group, each.id, each.gone)
            for each in stored_mappings.namesakes(connection)
        ),
        by_hand=tuple(ByHand(name, product) for name, product in connection.execute(named)),
        by_hand_count=connection.scalar(count) or 0,
        skipped=tuple(Skipped(w.directory, w.code, w.subject, w.count, moment(w.last_at)) for w in skipped),
        skipped_count=connection.scalar(select(func.count()).select_from(warnings)) or 0,
        calls=dict(sorted((calls or {}).items())),
    )


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

"""What does a purchase without a person depend on? (R17, R21, R25)"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, case, delete, func, select

from connector.store import seen_directories, signals
from connector.store.tables import groups, holds, memberships, requests, state
from sync.automatic import Growth, PurchaseView
from sync.model import GroupId, ProductId
from sync.quantity import AUTOMATIC

_REFUSED = "destination_refused"
#: nothing was charged for these
_UNBOUGHT = ("refused", "withdrawn", "declined", "expired", "open")


def view(
    connection: Connection,
    product: ProductId,
    giving: Collection[GroupId],
    month: datetime,
    since: datetime,
    now: datetime,
) -> PurchaseView:
    """`month`: when it began; `since`: from when on a member is new."""
    seats = select(func.coalesce(func.sum(requests.c.target - requests.c.quantity), 0)).where(
        requests.c.product == product,
        requests.c.decided_by == AUTOMATIC,
        requests.c.decided_at >= month,
        requests.c.state.not_in(_UNBOUGHT),
    )
    held = select(func.count()).select_from(holds).where(holds.c.state == "open")
    return PurchaseView(
        seats_this_month=int(connection.scalar(seats) or 0),
        open_holds=int(connection.scalar(held) or 0),
        stale=tuple(d.name for d in seen_directories.seen(connection, now) if d.state == "stale" or d.error),
        growth=tuple(_growth(connection, group, since) for group in sorted(giving)),
    )


def _growth(connection: Connection, group: GroupId, since: datetime) -> Growth:
    new = func.coalesce(func.sum(case((memberships.c.since >= since, 1), else_=0)), 0)
    counted = select(func.count(), new).where(memberships.c.group_pk == group)
    people, fresh = connection.execute(counted).one()
    name = connection.scalar(select(groups.c.display_name).where(groups.c.pk == group)) or ""
    return Growth(name, int(people), int(fresh))


def destination_refused(connection: Connection) -> bool:
    """Whether somebody wanted a Destination and there was none left, since one last was free (R17)."""
    return signals.get(connection, _REFUSED) is not None


def note_refusal(connection: Connection, now: datetime) -> None:
    signals.put(connection, _REFUSED, now.isoformat(), now)


def forget_refusal(connection: Connection) -> None:
    connection.execute(delete(state).where(state.c.name == _REFUSED))

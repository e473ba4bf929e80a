"""What is thrown away when its time is over? What was changed or skipped long ago, and tokens that ended.

The audit log, reports and what AnySoft was asked for are never swept.
"""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Engine, Table, delete, select

from connector.store.engine import writing
from connector.store.tables import changes, credentials, warnings

CHANGES_KEPT = timedelta(days=90)  #: R30
#: what was skipped and hasn't been skipped again: its cause is mended
WARNINGS_KEPT = timedelta(days=30)
LASTING = ("person_conflict",)  #: told once, and true until somebody mends it (R06)
AT_ONCE = 5_000


def sweep(engine: Engine, now: datetime) -> int:
    """How many rows went. In short transactions, so that no request waits for them. Raises Unavailable."""
    ended = credentials.c.kind == "access"
    mended = warnings.c.code.not_in(LASTING)
    return (
        _throw_away(engine, changes, changes.c.at < now - CHANGES_KEPT)
        + _throw_away(engine, warnings, mended & (warnings.c.last_at < now - WARNINGS_KEPT))
        + _throw_away(engine, credentials, ended & (credentials.c.expires_at <= now))
    )


def _throw_away(engine: Engine, table: Table, which: ColumnElement[bool]) -> int:
    oldest = select(table.c.pk).where(which).order_by(table.c.pk).limit(AT_ONCE).scalar_subquery()
    gone = 0
    while True:
        with writing(engine) as connection:
            found = connection.execute(delete(table).where(table.c.pk.in_(oldest))).rowcount
        gone += found
        if found < AT_ONCE:
            return gone

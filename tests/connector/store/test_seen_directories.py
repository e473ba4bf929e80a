"""When is a directory read next, as operators see it?"""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, update

from connector.store import pulls
from connector.store import tables as t
from connector.store.engine import reading, writing
from connector.store.seen_directories import seen

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SOON, LATER = NOW + timedelta(minutes=5), NOW + timedelta(minutes=40)


@pytest.mark.parametrize(
    ("by_schedule", "not_before", "told"),
    [
        (SOON, LATER, LATER),
        (LATER, SOON, LATER),
        (SOON, None, SOON),
        (None, LATER, None),
        (None, None, None),
    ],
)
def test_it_is_not_read_before_the_wait_that_it_asked_for_is_over(
    engine: Engine, by_schedule: datetime | None, not_before: datetime | None, told: datetime | None
) -> None:
    pulls.declared(engine, "entra", "entra", NOW)
    with writing(engine) as connection:
        connection.execute(update(t.pulls).values(next_at=by_schedule, not_before=not_before))
    with reading(engine) as connection:
        (row,) = seen(connection, NOW)
    assert row.next_at == told

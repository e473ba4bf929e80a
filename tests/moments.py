"""Which moments do the tests live in? One fixed start, and minutes after it."""

from datetime import UTC, datetime, timedelta

START = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)


def at(minutes: float = 0) -> datetime:
    return START + timedelta(minutes=minutes)

"""Does a company live well with the engine, for a month, for a year? (R01-R30 together)"""

import json
import os
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from tests.company import Company
from tests.simulated import Year
from tests.standins.mailbox import mailbox

#: what a year must have had of
HAPPENS = (
    "shortages", "prompts mailed", "mistakes", "outages", "reorganizations", "departments closed", "moved",
    "blinked", "answers lost", "holds: healed", "holds: released", "charges: renewal", "requests to lower",
)  # fmt: skip


def live(
    engine: Engine, people: int, days: int, seed: int = 1, pace: float = 1.0, rare: float = 1.0
) -> Counter[str]:
    """Played to its end; fails with the first things that went wrong. CONNECTOR_TEST_YEAR names a file that
    gets the counts, after each day."""
    event.listen(engine, "connect", _in_a_hurry)
    with mailbox() as box:
        year = Year(Company(engine), box, people, seed, pace, rare)
        year.found()
        for _ in range(days):
            year.day()
            _write(year)
            if len(year.watch.wrong) > 5:
                break
        year.end()
    _write(year)
    assert year.watch.wrong == []
    return year.counts


def _write(year: Year) -> None:
    if target := os.environ.get("CONNECTOR_TEST_YEAR"):
        told = {**year.counts, "CPU seconds": round(time.process_time()), "wrong": year.watch.wrong}
        Path(target).write_text(json.dumps(dict(sorted(told.items())), indent=1), "utf-8")


def _in_a_hurry(connection: object, record: object) -> None:
    """No power cut in a simulation: the disk isn't waited for."""
    connection.execute("PRAGMA synchronous = OFF")  # type: ignore[attr-defined]


def test_a_month_of_500_people(sqlite_engine: Engine) -> None:
    counts = live(sqlite_engine, people=500, days=31, seed=2, pace=3, rare=3)
    assert counts["shortages"] >= 5
    assert counts["outages"] >= 1


@pytest.mark.long
def test_a_year_of_5000_people(sqlite_engine: Engine) -> None:
    """The counts of docs/trust.md."""
    counts = live(sqlite_engine, people=5000, days=365)
    assert {what for what in HAPPENS if not counts[what]} == set()
    assert counts["shortages"] >= 20

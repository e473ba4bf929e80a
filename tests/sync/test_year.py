"""Does a company live well with the engine, for a month, for a year? (R01-R30 together)"""

import json
import os
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from tests.company import Company
from tests.simulated import Year
from tests.standins.mailbox import mailbox

#: what a month and a year must have had of
HAPPENS = (
    "shortages", "prompts mailed", "mistakes", "outages", "reorganizations", "departments closed", "moved",
    "blinked", "answers lost", "holds: healed", "holds: released", "charges: renewal", "requests to lower",
)  # fmt: skip


def live(engine: Engine, people: int, days: int, seed: int = 1, pace: float = 1.0) -> Counter[str]:
    """Played to its end; fails with the first things that went wrong. CONNECTOR_TEST_YEAR names a file that
    gets the counts, after each day."""
    event.listen(engine, "connect", _in_a_hurry)
    target = os.environ.get("CONNECTOR_TEST_YEAR")
    with mailbox() as box:
        year = Year(Company(engine), box, people, seed, pace)
        year.found()
        for _ in range(days):
            year.day()
            if target:
                Path(target).write_text(json.dumps(dict(sorted(year.counts.items())), indent=1), "utf-8")
            if len(year.watch.wrong) > 5:
                break
        year.end()
    told = json.dumps(dict(sorted(year.counts.items())), indent=1)
    if target:
        Path(target).write_text(told, "utf-8")
    print(told)
    assert year.watch.wrong == []
    assert {what for what in HAPPENS if not year.counts[what]} == set()
    return year.counts


def _in_a_hurry(connection: object, record: object) -> None:
    """No power cut in a simulation: the disk isn't waited for."""
    connection.execute("PRAGMA synchronous = OFF")  # type: ignore[attr-defined]


def test_a_month_of_500_people(sqlite_engine: Engine) -> None:
    live(sqlite_engine, people=500, days=31, seed=2, pace=4)


@pytest.mark.long
def test_a_year_of_5000_people(sqlite_engine: Engine) -> None:
    """The counts of docs/trust.md."""
    counts = live(sqlite_engine, people=5000, days=365)
    assert counts["shortages"] >= 20

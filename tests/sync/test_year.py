"""Does a company live well with the engine, for a month, for a year? (R01-R30 together)"""

import json
import os
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.company import Company
from tests.simulated import Year


def live(engine: Engine, people: int, days: int, seed: int = 1, pace: float = 1.0) -> Year:
    year = Year(Company(engine), people, seed, pace)
    year.found()
    for _ in range(days):
        year.day()
        if len(year.wrong) > 5:
            break
    year.end()
    print(json.dumps(dict(sorted(year.counts.items())), indent=1))
    return year


def test_a_busy_week_of_a_small_company(sqlite_engine: Engine) -> None:
    """The month of 500 people takes a minute: `make long` has it."""
    year = live(sqlite_engine, people=40, days=4, seed=3, pace=16)
    assert year.wrong == []
    assert year.counts["shortages"] >= 1


@pytest.mark.long
def test_a_month_of_500_people(sqlite_engine: Engine) -> None:
    year = live(sqlite_engine, people=500, days=30, seed=2, pace=2)
    assert year.wrong == []


@pytest.mark.long
def test_a_year_of_5000_people(sqlite_engine: Engine) -> None:
    """The counts of docs/trust.md; CONNECTOR_TEST_YEAR names a file that gets them."""
    year = live(sqlite_engine, people=5000, days=365)
    if target := os.environ.get("CONNECTOR_TEST_YEAR"):
        Path(target).write_text(json.dumps(dict(sorted(year.counts.items()))), encoding="utf-8")
    assert year.wrong == []
    assert year.counts["shortages"] >= 20
    assert year.counts["holds"] >= 1

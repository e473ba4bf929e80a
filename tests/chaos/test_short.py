"""The short form of `make chaos`: aimed faults, directed kills and a small storm, on SQLite (T01-T12)."""

from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from connector import points
from tests.chaos import aimed, directed, laborer
from tests.chaos.bugs import BUGS
from tests.chaos.plant import draw, plant
from tests.chaos.storm import Tally, storm
from tests.sown import fits


@pytest.fixture(scope="module")
def context() -> ForkServerContext:
    return laborer.context()


@pytest.fixture(autouse=True)
def own_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The chaos clock is set by a variable of the environment, for this process and those that it starts."""
    monkeypatch.setenv(points.CLOCK, "0 1")
    monkeypatch.delenv(points.CLOCK)


@pytest.mark.parametrize("scene", ["lost_answers", "doubtful_seats", "base_under_addon", "purchase"])
def test_t01_t03_t05_t10_aimed_faults_do_no_harm(
    sqlite_url: str, tmp_path: Path, context: ForkServerContext, scene: str
) -> None:
    with plant(aimed.world(), sqlite_url, tmp_path / "data", context) as built:
        assert aimed.SCENES[scene](built) == []


def test_t12_a_worker_killed_at_a_point_leaves_nothing_undone(
    sqlite_url: str, tmp_path: Path, context: ForkServerContext
) -> None:
    chosen = [
        ("account_create", "request sent"),
        ("account_create", "outcome stored"),
        ("assign", "intent committed"),
        ("assign", "audit row written"),
        ("quantity", "quantity accepted"),
        ("unassign", "answer read"),
        ("unassign", "report half written"),
    ]
    with plant(directed.world(False), sqlite_url, tmp_path / "data", context) as built:
        wrong = [(t.kind, t.point, t.wrong) for t in directed.trials(built, chosen) if t.wrong]
    assert wrong == []


def test_t09_t12_a_small_storm(sqlite_url: str, tmp_path: Path, context: ForkServerContext) -> None:
    tally = Tally()
    with plant(draw(2, False), sqlite_url, tmp_path / "data", context) as built:
        storm(built, 4, tally)
    assert tally.violations == []
    assert tally.kills >= 4
    assert tally.faults


def test_the_seeded_bugs_fit_the_tree() -> None:
    """`make chaos-bugs` sows each into a copy: the table must follow the code."""
    assert len(BUGS) >= 12
    assert {bug.name: list(fits(bug.sown)) for bug in BUGS} == {bug.name: [] for bug in BUGS}

"""Does the real endpoint, with its real store, take every cycle, and hold afterwards what the model holds?"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, RowMapping, func, select

from connector.demo.player import Played, play
from connector.store.engine import reading
from connector.store.tables import changes, directories, groups, memberships, persons, users
from connector.store.tables import warnings as skipped
from tests.connector.demo.files import cycles, scenario
from tests.connector.demo.northmill import northmill
from tests.connector.demo.world import World, replay


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def url(engine: Engine) -> Iterator[str]:
    with northmill(engine, now) as url:
        yield url


def rows(engine: Engine, query: Any) -> list[RowMapping]:
    with reading(engine) as connection:
        return list(connection.execute(query).mappings())


def count(engine: Engine, table: Any) -> int:
    with reading(engine) as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def held_by(engine: Engine) -> set[tuple[str, str, str]]:
    """(directory, group, user name) of each membership."""
    query = (
        select(directories.c.name, groups.c.display_name, users.c.user_name)
        .join(groups, groups.c.directory_pk == directories.c.pk)
        .join(memberships, memberships.c.group_pk == groups.c.pk)
        .join(users, users.c.pk == memberships.c.user_pk)
    )
    with reading(engine) as connection:
        return {(row[0], row[1], row[2]) for row in connection.execute(query)}


def held_by_model(worlds: dict[str, World]) -> set[tuple[str, str, str]]:
    return {
        (
            directory,
            world.resources["Groups"][group]["displayName"],
            world.resources["Users"][user]["userName"],
        )
        for directory, world in worlds.items()
        for group, inside in world.members.items()
        for user in inside
    }


def test_after_each_cycle_the_mirror_holds_what_the_model_holds(engine: Engine, url: str) -> None:
    worlds = {name: World() for name, _ in scenario().directories}
    saved: dict[str, dict[str, str]] = {name: {} for name in worlds}
    played = Played()
    for recording in cycles():
        assert list(replay(worlds[recording.directory], recording, saved[recording.directory]))
        *_, last = play(recording, played, url, recording.directory)
        played = last.played
        assert held_by(engine) == held_by_model(worlds), recording.name
        known = {(row["user_name"], row["active"]) for row in rows(engine, select(users))}
        expected = {
            (u["userName"], u["active"]) for w in worlds.values() for u in w.resources["Users"].values()
        }
        assert known == expected, recording.name
    # 40 from Entra, one of them purged and kept as a person; 10 from Okta, one of them known already (R06)
    assert count(engine, persons) == 49
    assert rows(engine, select(skipped).where(skipped.c.code == "person_conflict")) == []


def test_the_restarted_job_changes_nothing_r03(engine: Engine, url: str) -> None:
    entra, *_ = cycles()
    restart = next(n for n, step in enumerate(entra.steps, 1) if step.note.startswith("The job is restarted"))
    versions = select(users.c.id, users.c.version, users.c.modified_at).order_by(users.c.id)
    group_versions = select(groups.c.id, groups.c.version, groups.c.modified_at).order_by(groups.c.id)
    before: Any = None
    for progress in play(entra, Played(), url, "entra"):
        if progress.step == restart - 1:
            before = (rows(engine, versions), rows(engine, group_versions), count(engine, changes))
    assert before is not None
    assert (rows(engine, versions), rows(engine, group_versions), count(engine, changes)) == before

"""Does the engine give transactions that hold, on both databases?"""

import sqlite3
from pathlib import Path
from threading import Barrier, Thread

import pytest
from sqlalchemy import Engine, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError

from connector.store.engine import Full, Unavailable, connect, reading, writing
from connector.store.tables import state
from tests.databases import Postgres
from tests.moments import at


def test_writing_is_all_or_nothing(engine: Engine) -> None:
    def first_then_fail() -> None:
        with writing(engine) as connection:
            connection.execute(insert(state).values(name="first", value="1", at=at()))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        first_then_fail()
    with reading(engine) as connection:
        assert connection.execute(select(state)).all() == []


def test_reading_sees_one_moment(engine: Engine) -> None:
    with reading(engine) as before:
        assert before.execute(select(state.c.name)).all() == []
        with writing(engine) as connection:
            connection.execute(insert(state).values(name="later", value="1", at=at()))
        assert before.execute(select(state.c.name)).all() == []
    with reading(engine) as after:
        assert after.scalar(select(state.c.name)) == "later"


def test_read_then_write_in_one_transaction_loses_no_update(engine: Engine) -> None:
    """T14: a deferred BEGIN would lose writers on SQLite ("database is locked")."""
    with writing(engine) as connection:
        connection.execute(insert(state).values(name="n", value="0", at=at()))
    barrier = Barrier(8)
    failures: list[BaseException] = []

    def add() -> None:
        try:
            barrier.wait()
            for _ in range(10):
                with writing(engine) as connection:
                    value = connection.scalar(
                        select(state.c.value).where(state.c.name == "n").with_for_update()
                    )
                    connection.execute(update(state).values(value=str(int(value or 0) + 1)))
        except BaseException as error:
            failures.append(error)

    threads = [Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with reading(engine) as connection:
        assert connection.scalar(select(state.c.value)) == "80"


def test_a_wrong_statement_is_not_called_unavailable(engine: Engine) -> None:
    with pytest.raises(DBAPIError), reading(engine) as connection:
        connection.execute(text("SELECT nonsense FROM nowhere"))
    with pytest.raises(IntegrityError), writing(engine) as connection:
        connection.execute(insert(state), [{"name": "twice", "value": "1", "at": at()}] * 2)


def test_postgresql_refuses_to_write_while_reading(postgres_url: str) -> None:
    engine = connect(postgres_url)
    with pytest.raises((Unavailable, ProgrammingError, DBAPIError)), reading(engine) as connection:
        connection.execute(insert(state).values(name="n", value="0", at=at()))
    engine.dispose()


def test_a_busy_sqlite_is_unavailable(sqlite_url: str) -> None:
    """T29"""
    path = sqlite_url.removeprefix("sqlite:///")
    engine = connect(f"sqlite:///{path}?timeout=0.05")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable), writing(engine) as connection:
        connection.execute(select(1))
    other.execute("ROLLBACK")
    with writing(engine) as connection:
        assert connection.scalar(select(1)) == 1
    other.close()
    engine.dispose()


def test_a_full_disk_is_told_as_such(sqlite_url: str) -> None:
    """Trying again in a few seconds would be of no use."""
    engine = connect(sqlite_url)
    row = insert(state).values(name="large", value="x" * 1_000_000, at=at())
    with reading(engine) as connection:  # its connection is the next one, too
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(Full, match="make room"), writing(engine) as connection:
        connection.execute(row)
    engine.dispose()
    with writing(engine) as connection:
        connection.execute(row)
    engine.dispose()


def test_an_unreachable_database_is_unavailable(tmp_path: Path) -> None:
    """T29"""
    for url in (
        f"sqlite:///{tmp_path}/missing/connector.db",
        f"postgresql+psycopg://test@/nothing?host={tmp_path}",
    ):
        engine = connect(url)
        with pytest.raises(Unavailable), reading(engine) as connection:
            connection.execute(select(1))
        engine.dispose()


def test_a_cut_connection_is_unavailable_and_recovers_without_a_restart(postgres_url: str) -> None:
    """T29"""
    engine, other = connect(postgres_url), connect(postgres_url)
    cut = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )

    def cut_in_the_middle() -> None:
        with writing(engine) as connection:
            connection.execute(select(1))
            with writing(other) as killer:
                killer.execute(cut)
            connection.execute(select(1))

    with pytest.raises(Unavailable):
        cut_in_the_middle()
    with reading(engine) as connection:  # and one that died while nobody used it
        assert connection.scalar(select(1)) == 1
    with writing(other) as killer:
        killer.execute(cut)
    with reading(engine) as connection:
        assert connection.scalar(select(1)) == 1
    engine.dispose()
    other.dispose()


@pytest.mark.parametrize(
    "url", ["", "sqlite://", "mysql://u@h/d", "postgresql://u@h/d", "sqlite:///:memory:"]
)
def test_other_urls_are_refused_with_what_to_write(url: str) -> None:
    with pytest.raises(ValueError, match="CONNECTOR_DATABASE_URL"):
        connect(url)


def test_sqlite_is_durable_and_checks_references(sqlite_engine: Engine) -> None:
    with reading(sqlite_engine) as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_fresh_databases_are_apart(postgres_server: Postgres) -> None:
    with postgres_server.database() as one, postgres_server.database() as two:
        assert one != two


def test_an_error_does_not_tell_the_values_of_its_statement_t27(engine: Engine) -> None:
    query = text("SELECT :value FROM no_such_table")
    with pytest.raises(DBAPIError) as failed, reading(engine) as connection:
        connection.execute(query, {"value": "c4nary"})
    assert "c4nary" not in str(failed.value)
    assert "no_such_table" in str(failed.value)

"""A prepared statement says what SQLAlchemy would, in the same transaction."""

import sqlite3
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, bindparam, delete, exists, func, insert, select, update
from sqlalchemy.exc import StatementError

from connector.store.engine import Unavailable, asking, connect, reading, writing
from connector.store.prepared import Prepared
from connector.store.tables import Moment, credentials, directories, users

NOW = datetime(2026, 3, 1, 12, 30, 0, 123456, tzinfo=UTC)
COLUMNS = ("name", "kind", "created_at", "heard_at")
MAKE = Prepared(insert(directories).values({name: bindparam(name) for name in COLUMNS}))
NAMED = select(directories).where(directories.c.name == bindparam("name"), directories.c.kind != "okta")


def values(name: str, **given: Any) -> dict[str, Any]:
    return {"name": name, "kind": "entra", "created_at": NOW, "heard_at": None} | given


def test_rows_are_as_sqlalchemy_gives_them(engine: Engine) -> None:
    """Times, truth, bytes, nothing, and what the statement says itself."""
    with writing(engine) as connection:
        pk = MAKE.insert(connection, values("entra"))
        MAKE.run(connection, values("okta", kind="okta"))
        connection.execute(
            insert(credentials).values(id="t", directory_pk=pk, kind="token", hash=bytes(32), created_at=NOW)
        )
        asked = select(
            directories, credentials.c.hash, credentials.c.used_at,
            exists().where(users.c.directory_pk == directories.c.pk).label("used"),
        ).join(credentials, credentials.c.directory_pk == directories.c.pk)  # fmt: skip
        (row,) = Prepared(asked).rows(connection, {})
        (usual,) = connection.execute(asked).all()
        assert tuple(row) == tuple(usual)
        assert (row.pk, row.name, row.created_at, row.hash, row.used_at) == (
            pk,
            "entra",
            NOW,
            bytes(32),
            None,
        )
        assert row.used is False
        assert Prepared(NAMED).first(connection, {"name": "entra"}).pk == pk  # type: ignore[union-attr]
        assert Prepared(NAMED).first(connection, {"name": "okta"}) is None


def test_an_insert_tells_the_pk_of_its_row(engine: Engine) -> None:
    with writing(engine) as connection:
        made = [MAKE.insert(connection, values(name)) for name in ("a", "b")]
        kept = connection.execute(select(directories.c.pk).order_by(directories.c.name)).scalars().all()
    assert made == list(kept)


def test_changes_return_what_they_are_asked_to(engine: Engine) -> None:
    later = NOW.replace(year=2027)
    which = directories.c.name == bindparam("which")
    heard = update(directories).where(which).values(heard_at=bindparam("now", type_=Moment))
    with writing(engine) as connection:
        MAKE.run(connection, values("a"))
        (row,) = Prepared(heard.returning(directories.c.heard_at)).rows(
            connection, {"which": "a", "now": later}
        )
        assert row.heard_at == later
        gone = Prepared(delete(directories).where(which).returning(directories.c.name))
        assert [name for (name,) in gone.rows(connection, {"which": "a"})] == ["a"]
        assert gone.rows(connection, {"which": "a"}) == []


def test_columns_of_one_name_can_be_unpacked(engine: Engine) -> None:
    twice = select(directories.c.name, directories.c.name.label("again"), directories.c.pk, users.c.pk)
    both = twice.outerjoin(users, users.c.directory_pk == directories.c.pk)
    with writing(engine) as connection:
        pk = MAKE.insert(connection, values("a"))
        assert [tuple(row) for row in Prepared(both).rows(connection, {})] == [("a", "a", pk, None)]


def test_it_is_undone_with_its_transaction(engine: Engine) -> None:
    with writing(engine) as connection:
        MAKE.run(connection, values("a"))
        connection.rollback()
    count = Prepared(select(func.count()).select_from(directories))
    with reading(engine) as connection:
        assert count.rows(connection, {}) == [(0,)]


def test_a_time_without_a_zone_and_a_missing_value_are_refused(engine: Engine) -> None:
    with pytest.raises((ValueError, StatementError), match="without a zone"), writing(engine) as connection:
        MAKE.run(connection, values("a", created_at=NOW.replace(tzinfo=None)))
    with (
        pytest.raises((sqlite3.ProgrammingError, StatementError, KeyError)),
        asking(engine) as connection,
    ):
        Prepared(NAMED).rows(connection, {})


def test_what_passes_is_unavailable(sqlite_engine: Engine) -> None:
    """The driver's own errors, too: here of a database that another writes."""
    impatient = connect(f"sqlite:///{sqlite_engine.url.database}?timeout=0.01")
    with writing(sqlite_engine), pytest.raises(Unavailable, match="locked"), asking(impatient) as connection:
        MAKE.run(connection, values("a"))


def test_what_is_wrong_for_good_is_not(sqlite_engine: Engine) -> None:
    with writing(sqlite_engine) as connection:
        MAKE.run(connection, values("a"))
    with pytest.raises(sqlite3.IntegrityError), writing(sqlite_engine) as connection:
        MAKE.run(connection, values("a"))

"""Do the migrations make what tables.py says, keep what they can, and survive two starts at once?"""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, delete, insert, inspect, select, text, update
from sqlalchemy.exc import DBAPIError

from connector.store import migrations
from connector.store.engine import connect, reading, writing
from connector.store.tables import (
    audit,
    directories,
    groups,
    mappings,
    metadata,
    persons,
    tenant_accounts,
)
from tests.moments import at

UPGRADE = """
import sys
from connector.store import migrations
from connector.store.engine import connect
migrations.upgrade(connect(sys.argv[1]))
"""


@pytest.fixture
def blank(blank_url: str) -> Iterator[Engine]:
    engine = connect(blank_url)
    yield engine
    engine.dispose()


def test_the_migrations_make_the_tables(blank: Engine) -> None:
    assert migrations.current(blank) is None
    assert not migrations.is_current(blank)
    migrations.upgrade(blank)
    assert migrations.is_current(blank)
    assert migrations.differences(blank) == []
    assert set(inspect(blank).get_table_names()) == {*metadata.tables, "alembic_version"}


def test_a_difference_is_found(blank: Engine) -> None:
    migrations.upgrade(blank)
    with writing(blank) as connection:
        connection.execute(text("ALTER TABLE persons ADD COLUMN surprise INTEGER"))
        connection.execute(text("DROP INDEX ix_marks_marked_at"))
    assert len(migrations.differences(blank)) == 2


def test_defaults_of_the_database_are_those_of_the_tables(blank: Engine) -> None:
    """Alembic doesn't compare them reliably: what it made must accept a row without them."""
    migrations.upgrade(blank)
    for table in metadata.sorted_tables:
        made = {column["name"]: column["default"] for column in inspect(blank).get_columns(table.name)}
        for column in table.columns:
            if column.server_default is not None:
                assert made[column.name] is not None, f"{table.name}.{column.name}"


def test_down_and_up_again_keeps_what_older_tables_hold_t30(blank: Engine) -> None:
    migrations.upgrade(blank)
    with writing(blank) as connection:
        connection.execute(insert(directories).values(name="entra", kind="scim", created_at=at()))
        connection.execute(insert(tenant_accounts).values(id="a", user_name="A", folded="a", active=True))
    migrations.downgrade(blank, "0001")
    assert migrations.current(blank) == "0001"
    migrations.upgrade(blank)
    with reading(blank) as connection:
        assert connection.scalars(select(directories.c.name)).all() == ["entra"]
        assert connection.scalars(select(tenant_accounts.c.id)).all() == []
    migrations.downgrade(blank, "base")
    assert set(inspect(blank).get_table_names()) == {"alembic_version"}
    migrations.upgrade(blank)
    assert migrations.differences(blank) == []


def test_the_number_of_a_removed_mapping_is_never_given_again_r30(blank: Engine) -> None:
    """Also of one that was removed before there was this migration; up, down and up keeps the mappings."""
    migrations.upgrade(blank, "0013")
    with writing(blank) as connection:
        directory = connection.scalars(
            insert(directories).values(name="e", kind="scim", created_at=at()).returning(directories.c.pk)
        ).one()
        group = {"directory_pk": directory, "id": "g", "display_name": "G", "folded": "g", "document": "{}"}
        times = {"created_at": at(), "modified_at": at(), "version": 1}
        pk = connection.scalars(insert(groups).values(group | times).returning(groups.c.pk)).one()
        terms = {"group_pk": pk, "priority": 1, "transitive": True, "reserve": 2, "created_at": at()}
        connection.execute(insert(mappings).values(terms | {"product": "a", "grace_hours": 4}))
        new = {"at": at(), "actor": "op", "action": "mapping.add", "previous": ""}
        connection.execute(insert(audit), [new | {"subject": f"mapping:{n}", "hash": str(n)} for n in (1, 7)])

    def kept() -> list[tuple[object, ...]]:
        then = [column for column in mappings.columns if column.name not in ("changed_by", "reason")]
        with reading(blank) as connection:
            return [tuple(row) for row in connection.execute(select(*then).order_by(mappings.c.pk))]

    before = kept()
    migrations.upgrade(blank)
    migrations.downgrade(blank, "0013")
    assert kept() == before
    migrations.upgrade(blank)
    assert kept() == before
    assert migrations.differences(blank) == []
    adding = insert(mappings).values(terms | {"product": "b"}).returning(mappings.c.pk)
    numbers = []
    for _ in range(3):
        with writing(blank) as connection:
            numbers.append(connection.scalars(adding).one())
            connection.execute(delete(mappings).where(mappings.c.pk == numbers[-1]))
    assert numbers == sorted(set(numbers)), "never twice"
    if blank.dialect.name == "sqlite":
        assert numbers == [8, 9, 10]


def test_two_starts_at_once(blank_url: str) -> None:
    starts = [
        subprocess.Popen([sys.executable, "-c", UPGRADE, blank_url], stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    assert [(start.communicate(timeout=60)[1], start.returncode) for start in starts] == [("", 0)] * 3
    engine = connect(blank_url)
    assert migrations.is_current(engine)
    assert migrations.differences(engine) == []
    engine.dispose()


def test_a_failing_migration_changes_nothing(blank: Engine) -> None:
    with writing(blank) as connection:
        connection.execute(text("CREATE TABLE tenant_accounts (x INTEGER)"))  # in the way of 0004
    with pytest.raises(DBAPIError):
        migrations.upgrade(blank)
    assert set(inspect(blank).get_table_names()) == {"tenant_accounts"}


def entry(connection: Connection, hash: str) -> None:
    connection.execute(insert(audit).values(at=at(), actor="op", action="x", previous="", hash=hash))


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'other'", "DELETE FROM audit"])
def test_the_audit_log_is_append_only_t26(engine: Engine, statement: str) -> None:
    with writing(engine) as connection:
        entry(connection, "1")
    with pytest.raises(DBAPIError, match="append-only"), writing(engine) as connection:
        connection.execute(text(statement))
    with writing(engine) as connection:
        entry(connection, "2")
        assert connection.scalars(select(audit.c.actor)).all() == ["op", "op"]


def test_the_audit_log_can_not_be_truncated_t26(postgres_url: str) -> None:
    engine = connect(postgres_url)
    with pytest.raises(DBAPIError, match="append-only"), writing(engine) as connection:
        connection.execute(text("TRUNCATE audit"))
    engine.dispose()


def test_the_number_of_a_deleted_person_is_never_given_again_r02(engine: Engine) -> None:
    with writing(engine) as connection:
        first = connection.execute(
            insert(persons).values(user_name="a", folded="a", epoch=at()).returning(persons.c.pk)
        ).scalar_one()
        connection.execute(delete(persons))
        second = connection.execute(
            insert(persons).values(user_name="b", folded="b", epoch=at()).returning(persons.c.pk)
        ).scalar_one()
        connection.execute(update(persons).values(user_name="c"))
    assert second > first

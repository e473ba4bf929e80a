"""Can the log be trusted? It is append-only; an edited, dropped or swapped row is named (R30, T26)."""

import hashlib
import json
from threading import Thread

import pytest
from sqlalchemy import Engine, delete, text, update
from sqlalchemy.exc import DBAPIError

from connector.store import audit
from connector.store.audit import Broken
from connector.store.engine import reading, writing
from connector.store.tables import audit as rows
from connector.store.tables import subjects
from tests.connector.store.world import World
from tests.moments import at


def write(engine: Engine, count: int = 5) -> None:
    for n in range(count):
        with writing(engine) as connection:
            audit.append(connection, "ann", "mapping.add", f"mapping:{n}", {"n": n}, at(n))


def verified(engine: Engine) -> Broken | int:
    with reading(engine) as connection:
        return audit.verify(connection)


def without_triggers(engine: Engine) -> None:
    """As somebody with the database's password could."""
    with writing(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("ALTER TABLE audit DISABLE TRIGGER USER"))
            return
        query = text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'")
        for name in connection.scalars(query).all():
            connection.execute(text(f"DROP TRIGGER {name}"))


def numbers(engine: Engine) -> list[int]:
    with reading(engine) as connection:
        return [entry.number for entry in audit.entries(connection)]


def test_what_was_written_verifies(engine: Engine) -> None:
    assert verified(engine) == 0
    write(engine)
    assert verified(engine) == 5


@pytest.mark.parametrize("change", ["update", "delete"])
def test_the_database_itself_refuses_a_change(engine: Engine, change: str) -> None:
    write(engine)
    statement = update(rows).values(actor="eve") if change == "update" else delete(rows)
    with pytest.raises(DBAPIError, match="append-only"), writing(engine) as connection:
        connection.execute(statement)
    assert verified(engine) == 5


@pytest.mark.parametrize(
    "edit",
    [
        {"actor": "eve"},
        {"action": "mapping.remove"},
        {"subject": "mapping:9"},
        {"detail": '{"n":9}'},
        {"at": at(99)},
    ],
    ids=lambda edit: next(iter(edit)),
)
def test_an_edited_row_is_named(engine: Engine, edit: dict[str, object]) -> None:
    write(engine)
    without_triggers(engine)
    third = numbers(engine)[2]
    with writing(engine) as connection:
        connection.execute(update(rows).where(rows.c.pk == third).values(edit))
    found = verified(engine)
    assert isinstance(found, Broken)
    assert (found.number, found.entries) == (third, 2)
    assert "edited" in found.why


@pytest.mark.parametrize("dropped", [0, 2])
def test_a_dropped_row_is_named_by_the_one_after_it(engine: Engine, dropped: int) -> None:
    write(engine)
    without_triggers(engine)
    all_of = numbers(engine)
    with writing(engine) as connection:
        connection.execute(delete(rows).where(rows.c.pk == all_of[dropped]))
    found = verified(engine)
    assert isinstance(found, Broken)
    assert (found.number, found.entries) == (all_of[dropped + 1], dropped)


def test_rows_dropped_at_the_end_are_noticed(engine: Engine) -> None:
    write(engine)
    without_triggers(engine)
    with writing(engine) as connection:
        connection.execute(delete(rows).where(rows.c.pk >= numbers(engine)[3]))
    found = verified(engine)
    assert isinstance(found, Broken)
    assert (found.number, found.entries) == (None, 3)
    assert "5 entries were written" in found.why


def test_swapped_rows_are_named(engine: Engine) -> None:
    write(engine)
    without_triggers(engine)
    _, second, third, *_ = numbers(engine)
    with writing(engine) as connection:
        for old, new in ((second, 10_000), (third, second), (10_000, third)):
            connection.execute(update(rows).where(rows.c.pk == old).values(pk=new))
    found = verified(engine)
    assert isinstance(found, Broken)
    assert (found.number, found.entries) == (second, 1)


def test_many_who_append_at_once_make_one_chain(engine: Engine) -> None:
    threads = [Thread(target=write, args=(engine, 10)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verified(engine) == 60


def test_what_is_rolled_back_leaves_no_trace(engine: Engine) -> None:
    write(engine, 2)

    def append_then_fail() -> None:
        with writing(engine) as connection:
            audit.append(connection, "ann", "hold.released", "hold:1", {}, at(3))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        append_then_fail()
    write(engine, 2)
    assert verified(engine) == 4


def test_a_person_is_known_by_a_salted_hash_until_erased(engine: Engine) -> None:
    """R30: erasing a person keeps the chain verifiable."""
    world = World(engine)
    ada, bob = world.people(world.directory(), 2)
    with writing(engine) as connection:
        first = audit.subject_of(connection, ada)
        assert audit.subjects_of(connection, [bob, ada])[ada] == first
        audit.append(connection, "sync", "assign.intent", first, {}, at(0))
    (row,) = [row for row in world.rows(subjects) if row.person_pk == ada]
    assert first == hashlib.sha256(row.salt + f"{ada}:p0".encode()).hexdigest()
    with writing(engine) as connection:
        connection.execute(delete(subjects).where(subjects.c.person_pk == ada))
    assert verified(engine) == 1
    with reading(engine) as connection:
        assert [e.action for e in audit.entries(connection, subject=first)] == ["assign.intent"]


def test_the_export_can_be_verified_elsewhere(engine: Engine) -> None:
    write(engine, 3)
    with reading(engine) as connection:
        lines = [json.loads(line) for line in audit.export(connection)]
    previous = audit.BEGINNING
    for e in lines:
        said = json.dumps(
            [e["at"], e["actor"], e["action"], e["subject"], e["detail"]],
            separators=(",", ":"), ensure_ascii=False,
        )  # fmt: skip
        assert e["previous"] == previous
        assert e["hash"] == hashlib.sha256((previous + said).encode()).hexdigest()
        previous = e["hash"]

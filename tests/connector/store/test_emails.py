"""Are people found by their e-mail address, by an index, whatever happened to them? (Entra may match so)"""

import pytest
from sqlalchemy import Engine, insert, select

from connector.store import directories, migrations
from connector.store.emails import candidates
from connector.store.engine import connect, reading, writing
from connector.store.tables import emails, persons, users
from scim.filter import read
from scim.query import Query
from scim.schema import USER
from scim.store import Kind
from tests.connector.store.mirror import Mirror, mirror
from tests.moments import at

ADA = {"type": "work", "value": "Ada@Northmill.example", "primary": True}


@pytest.fixture
def northmill(engine: Engine) -> Mirror:
    """Beside another directory, where somebody has the same address."""
    mirror(engine, "other").user("foreigner", emails=[ADA])
    return mirror(engine)


def found(mirror: Mirror, filter: str) -> list[str]:
    with mirror.store.reading() as reader:
        page = reader.find(Kind.USER, Query(read(filter, USER)))
    assert page.total == len(page.items)
    return [one.attributes["userName"] for one in page.items]


@pytest.mark.parametrize(
    "filter",
    [
        'emails[type eq "work"].value eq "ada@northmill.EXAMPLE"',
        'emails[type eq "work" and value eq "ada@northmill.example"]',
        'emails.value eq "ada@northmill.example"',
        'emails eq "ada@northmill.example"',
        'active eq true and emails.value eq "ada@northmill.example"',
        'emails.value eq "ada@northmill.example" or userName eq "nobody"',
    ],
)
def test_in_any_case_and_of_the_type_that_is_asked(northmill: Mirror, filter: str) -> None:
    northmill.user("ada", emails=[ADA, {"type": "home", "value": "a@home.example"}], active=True)
    northmill.user("bo", emails=[{"type": "home", "value": "bo@northmill.example"}], active=True)
    assert found(northmill, filter) == ["ada"]
    assert found(northmill, 'emails[type eq "work"].value eq "a@home.example"') == []
    assert found(northmill, 'not (emails.value eq "a@home.example")') == ["bo"]


def test_the_newest_address_counts(northmill: Mirror) -> None:
    ada = northmill.user("ada", emails=[ADA])
    northmill.save(Kind.USER, ada.id, emails=[ADA | {"value": "a.berg@northmill.example"}])
    assert found(northmill, 'emails.value eq "ada@northmill.example"') == []
    assert found(northmill, 'emails.value eq "a.berg@northmill.example"') == ["ada"]
    northmill.delete(Kind.USER, ada.id)
    assert found(northmill, 'emails.value eq "a.berg@northmill.example"') == []


def test_an_address_too_long_for_an_index_is_found_all_the_same(northmill: Mirror) -> None:
    long = "a" * 3000 + "@northmill.example"
    northmill.user("ada", emails=[{"value": long}])
    assert found(northmill, f'emails.value eq "{long.upper()}"') == ["ada"]


def test_one_address_twice_is_one(northmill: Mirror) -> None:
    northmill.user("ada", emails=[ADA, ADA | {"type": "home", "primary": False}])
    assert found(northmill, 'emails.value eq "ada@northmill.example"') == ["ada"]


def test_nobody_else_s_row_is_read(sqlite_engine: Engine) -> None:
    where = candidates(read('emails[type eq "work"].value eq "ada@northmill.example"', USER))
    assert where is not None
    with reading(sqlite_engine) as connection:
        query = select(users.c.pk).where(users.c.directory_pk == 1, where)
        asked = query.compile(sqlite_engine, compile_kwargs={"literal_binds": True})
        plan = "\n".join(row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}"))
    assert "ix_emails_folded" in plan
    assert "ix_users_folded" in plan
    assert "SCAN" not in plan


def rows(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return sorted(connection.scalars(select(emails.c.folded)))


def test_the_user_name_as_the_address_is_found_through_every_rename(northmill: Mirror) -> None:
    name, other = "Ada@Northmill.example", "a.berg@northmill.example"
    before = rows(northmill.engine)  # the other directory's
    ada = northmill.user(name, emails=[ADA])
    assert rows(northmill.engine) == before, "the userName's index is enough"
    assert found(northmill, 'emails.value eq "ada@northmill.example"') == [name]
    northmill.save(Kind.USER, ada.id, userName=other)
    assert found(northmill, 'emails.value eq "ada@northmill.example"') == [other]
    northmill.save(Kind.USER, ada.id, emails=[ADA | {"value": other}])
    assert found(northmill, 'emails.value eq "ada@northmill.example"') == []
    assert found(northmill, f'emails.value eq "{other}"') == [other]
    northmill.save(Kind.USER, ada.id, emails=[ADA, {"value": other}])
    northmill.save(Kind.USER, ada.id, userName=name)
    assert found(northmill, 'emails.value eq "ada@northmill.example"') == [name]
    assert found(northmill, f'emails.value eq "{other}"') == [name]
    assert rows(northmill.engine) == sorted([*before, other])


def test_a_user_name_that_is_nobody_s_address_finds_nobody(northmill: Mirror) -> None:
    northmill.user("ada@northmill.example", emails=[{"type": "home", "value": "a@home.example"}])
    assert found(northmill, 'emails.value eq "ada@northmill.example"') == []


def test_people_from_before_the_index_are_in_it(blank_url: str) -> None:
    engine = connect(blank_url)
    migrations.upgrade(engine, "0006")
    with writing(engine) as connection:
        home = directories.add(connection, "northmill", "scim", at())
        connection.execute(insert(persons).values(pk=1, user_name="ada", folded="ada", epoch=at()))
        connection.execute(
            insert(users).values(
                directory_pk=home.pk, id="x" * 36, person_pk=1, user_name="ada", folded="ada", active=True,
                document='{"userName":"ada","emails":[{"value":"Ada@Northmill.example"}]}', version=1,
                created_at=at(), modified_at=at(),
            )
        )  # fmt: skip
        bo = {"user_name": "Bo@x.example", "folded": "bo@x.example"}
        connection.execute(insert(persons).values(pk=2, epoch=at(), **bo))
        connection.execute(
            insert(users).values(
                directory_pk=home.pk, id="y" * 36, person_pk=2, active=True, version=1,
                document='{"userName":"Bo@x.example","emails":[{"value":"BO@x.example"},{}]}',
                created_at=at(), modified_at=at(), **bo,
            )
        )  # fmt: skip
    migrations.upgrade(engine, "0009")
    assert rows(engine) == ["ada@northmill.example", "bo@x.example"]
    migrations.upgrade(engine)
    assert rows(engine) == ["ada@northmill.example"]
    migrations.downgrade(engine, "0009")
    assert rows(engine) == ["ada@northmill.example", "bo@x.example"]
    engine.dispose()

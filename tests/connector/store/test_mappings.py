"""Does a change of a mapping reach its people, and the log? (R02, R26, R30)"""

from typing import Any

import pytest
from sqlalchemy import Engine, update

from connector.store import mappings
from connector.store.audit import entries
from connector.store.engine import reading, writing
from connector.store.marks import expand_marks
from connector.store.tables import groups, marks
from scim.store import Kind
from sync.model import GroupId, MappingId
from tests.company import Company
from tests.connector.store.world import CENTRE, PRINT, World
from tests.moments import at


def marked(world: World) -> list[int]:
    with writing(world.engine) as connection:
        while expand_marks(connection, 100, at(0)):
            pass
    return [row.person_pk for row in world.rows(marks)]


def actions(world: World) -> list[tuple[str, str]]:
    with reading(world.engine) as connection:
        return [(entry.actor, entry.action) for entry in entries(connection)]


def test_added_it_is_listed_its_people_marked_and_audited(engine: Engine) -> None:
    world = World(engine)
    entra = world.directory()
    people, group, child = world.people(entra, 3), world.group(entra, "G"), world.group(entra, "C")
    world.nest(group, child)
    world.join_all(group, people[:1])
    world.join_all(child, people[1:2])
    with writing(engine) as connection:
        id = mappings.add(
            connection, group, PRINT, "ann", at(0), priority=5, transitive=True, grace_hours=2, reserve=1
        )
    with reading(engine) as connection:
        (found,) = mappings.list_mappings(connection)
    assert (found.id, found.group, found.product, found.made_at) == (id, group, PRINT, at(0))
    assert (found.priority, found.transitive, found.grace_hours, found.reserve) == (5, True, 2, 1)
    assert marked(world) == people[:2]
    assert actions(world) == [("ann", "mapping.add")]


def test_a_group_gives_a_product_once(engine: Engine) -> None:
    world = World(engine)
    group = world.group(world.directory(), "G")
    with writing(engine) as connection:
        first = mappings.add(connection, group, PRINT, "ann", at(0))
        mappings.add(connection, group, CENTRE, "ann", at(0))
        with pytest.raises(ValueError, match=f"remove mapping {first} first"):
            mappings.add(connection, group, PRINT, "ann", at(0))


@pytest.mark.parametrize("option", ["priority", "grace_hours", "reserve"])
@pytest.mark.parametrize("value", [-1, 10**9])
def test_numbers_out_of_range_are_refused(engine: Engine, option: str, value: int) -> None:
    world = World(engine)
    group = world.group(world.directory(), "G")
    options: dict[str, Any] = {option: value}
    with pytest.raises(ValueError, match=option.replace("_", "-")), writing(engine) as connection:
        mappings.add(connection, group, PRINT, "ann", at(0), **options)
    assert actions(world) == []


def test_removed_its_people_are_looked_at(engine: Engine) -> None:
    world = World(engine)
    entra = world.directory()
    people, group = world.people(entra, 2), world.group(entra, "G")
    world.join_all(group, people)
    id = world.map(group, PRINT)
    with writing(engine) as connection:
        assert mappings.remove(connection, id, "ann", at(0)).group == group
    assert marked(world) == people
    assert actions(world) == [("ann", "mapping.remove")]
    with pytest.raises(LookupError, match="mapping list"), writing(engine) as connection:
        mappings.remove(connection, id, "ann", at(0))


def test_repinned_it_is_for_the_group_that_was_pushed_anew(engine: Engine) -> None:
    """R02"""
    world = World(engine)
    entra = world.directory()
    people, old, new = world.people(entra, 2), world.group(entra, "old"), world.group(entra, "new")
    world.join_all(new, people)
    id = world.map(old, PRINT)
    with writing(engine) as connection:
        connection.execute(update(groups).where(groups.c.pk == old).values(deleted_at=at(0)))
        assert mappings.repin(connection, id, new, "ann", at(0)).group == new
        with pytest.raises(LookupError, match="deleted"):
            mappings.repin(connection, id, old, "ann", at(0))
    assert marked(world) == people
    assert actions(world) == [("ann", "mapping.repin")]


def test_repinning_to_another_directory_is_refused(engine: Engine) -> None:
    world = World(engine)
    id = world.map(world.group(world.directory("entra"), "G"), PRINT)
    other = world.group(world.directory("okta"), "G")
    with pytest.raises(ValueError, match="of entra"), writing(engine) as connection:
        mappings.repin(connection, id, other, "ann", at(0))


def test_a_group_is_found_by_name_or_id_in_its_own_directory(engine: Engine) -> None:
    world = World(engine)
    entra, okta = world.directory("entra"), world.directory("okta")
    group = world.group(entra, "LIC-Straße")
    world.group(okta, "LIC-Straße")
    with reading(engine) as connection:
        for text in ("lic-STRASSE", f"g-{entra}-LIC-Straße"):
            assert mappings.find_group(connection, "entra", text) == group
        with pytest.raises(LookupError, match="directory list"):
            mappings.find_group(connection, "nowhere", "LIC-Straße")
        with pytest.raises(LookupError, match="no group LIC-Other"):
            mappings.find_group(connection, "entra", "LIC-Other")


def test_several_groups_of_one_name_are_told_apart_by_id(engine: Engine) -> None:
    """R02: nothing is pinned by a guess (T20)."""
    world = World(engine)
    entra = world.directory()
    first, second = world.group(entra, "G"), world.group(entra, "g")
    with reading(engine) as connection, pytest.raises(LookupError, match=f"g-{entra}-G, g-{entra}-g"):
        mappings.find_group(connection, "entra", "G")
    with writing(engine) as connection:
        connection.execute(update(groups).where(groups.c.pk == first).values(deleted_at=at(0)))
    with reading(engine) as connection:
        assert mappings.find_group(connection, "entra", "G") == second


def test_another_group_that_bears_the_name_gives_nothing_and_is_told(engine: Engine) -> None:
    """R02"""
    company = Company(engine)
    company.buy(PRINT, 5)
    old, new = company.hire("old@x.example", "new@x.example")
    first = company.group("LIC", [old])
    mapping = company.map(first, PRINT)
    with reading(engine) as connection:
        assert mappings.namesakes(connection) == []
    second = company.group("lic", [new])
    company.group("lic", directory="okta")
    company.round()
    assert company.holders(PRINT) == {"old@x.example"}
    with reading(engine) as connection:
        [told] = mappings.namesakes(connection)
    assert (told.mapping, told.directory, told.group, told.id, told.gone) == (
        mapping, "entra", "LIC", second, False,
    )  # fmt: skip
    with company.directory().writing() as writer:
        writer.delete(Kind.GROUP, first)
    with reading(engine) as connection:
        assert [each.gone for each in mappings.namesakes(connection)] == [True]
    with writing(engine) as connection:
        mappings.repin(connection, mapping, mappings.find_group(connection, "entra", "LIC"), "ann", at(0))
        assert mappings.namesakes(connection) == []


def test_what_is_not_there_is_named(engine: Engine) -> None:
    with writing(engine) as connection:
        with pytest.raises(LookupError):
            mappings.add(connection, GroupId(99), PRINT, "ann", at(0))
        with pytest.raises(LookupError, match="mapping list"):
            mappings.get(connection, MappingId(99))

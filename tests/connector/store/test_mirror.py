"""Does the mirror tell a round what the directories wrote?"""

import itertools

import pytest
from sqlalchemy import Engine, event

from connector.store.engine import writing
from connector.store.leases import Lease
from connector.store.marks import mark, mark_groups
from connector.store.mirror import SqlMirror, descendants
from sync.model import GroupId, Mapping, Membership, PersonId, Record
from sync.ports import Fenced
from tests.connector.store.world import CENTRE, PRINT, World, held
from tests.moments import START, at


def test_facts_unite_the_records_of_two_directories(engine: Engine) -> None:
    """R06: a membership counts since the earliest of the person's records."""
    world = World(engine)
    entra, okta = world.directory("entra"), world.directory("okta")
    ada = world.person("Ada@example.com", account_id="a1")
    first = world.user(entra, ada, "ada@example.com")
    second = world.user(okta, ada, "ada@example.com", active=False)
    print_group, other = world.group(entra, "LIC-AnyPrint"), world.group(entra, "Other")
    world.join(print_group, second, at(5))
    world.join(print_group, first, at(3))
    world.join(other, first, at(1))
    world.stand(held(ada), held(ada, CENTRE))

    (facts,) = world.mirror.facts([ada], {print_group})

    assert facts.person.user_name == "Ada@example.com"
    assert facts.person.account == "a1"
    assert facts.person.external_id == "x-ada@example.com"
    assert facts.person.records == (
        Record("entra", "ada@example.com", True),
        Record("okta", "ada@example.com", False),
    )
    assert facts.memberships == (Membership(print_group, at(3)),)
    assert facts.standings == (held(ada), held(ada, CENTRE))
    assert len(world.ledger.person(ada).memberships) == 2


def test_facts_keep_the_order_asked_and_leave_out_who_is_not_there(engine: Engine) -> None:
    world = World(engine)
    people = world.people(world.directory(), 3)
    asked = [people[2], PersonId(999_999), people[0]]
    assert [f.person.id for f in world.mirror.facts(asked, ())] == [people[2], people[0]]


def test_facts_take_as_many_queries_for_500_people_as_for_one(sqlite_engine: Engine) -> None:
    world = World(sqlite_engine)
    people = world.people(world.directory(), 30)
    statements: list[str] = []

    def count(connection: object, cursor: object, statement: str, *rest: object) -> None:
        statements.append(statement)

    event.listen(sqlite_engine, "before_cursor_execute", count)
    world.mirror.facts(people[:1], {GroupId(1)})
    for_one = len(statements)
    statements.clear()
    world.mirror.facts(people, {GroupId(1)})
    assert len(statements) == for_one


def test_everyone_includes_who_has_no_record_left_but_something_at_stake(engine: Engine) -> None:
    """R05: a deleted person's license is still to be removed."""
    world = World(engine)
    entra = world.directory()
    live = world.people(entra, 3)
    holder, forgotten = world.person("gone"), world.person("forgotten")
    world.stand(held(holder))
    assert holder not in live
    assert forgotten not in live

    everyone: list[PersonId] = []
    after = PersonId(0)
    while chunk := world.mirror.everyone(after, 2):
        assert len(chunk) <= 2
        everyone.extend(chunk)
        after = chunk[-1]

    assert everyone == [*live, holder]


def test_mappings_name_their_group_and_directory(engine: Engine) -> None:
    world = World(engine)
    group = world.group(world.directory("entra"), "LIC-AnyPrint")
    id = world.map(group, PRINT, transitive=True)
    assert world.mirror.mappings() == [
        Mapping(id, group, "LIC-AnyPrint", "entra", PRINT, 100, transitive=True, made_at=START)
    ]


def test_nestings_are_walked_through_cycles_and_twelve_levels(engine: Engine) -> None:
    """R07"""
    world = World(engine)
    entra = world.directory()
    chain = [world.group(entra, f"g{n}") for n in range(13)]
    stranger = world.group(entra, "stranger")
    for parent, child in itertools.pairwise(chain):
        world.nest(parent, child)
    world.nest(chain[-1], chain[0])
    world.nest(stranger, chain[0])

    edges = world.mirror.nestings([chain[0]])

    assert set(edges) == {*itertools.pairwise(chain), (chain[-1], chain[0])}
    assert len(edges) == len(set(edges))
    assert descendants(edges, chain[0]) == set(chain)


def test_marks_are_read_oldest_first(engine: Engine) -> None:
    world = World(engine)
    people = world.people(world.directory(), 3)
    with writing(engine) as connection:
        mark(connection, [people[1]], at(1))
        mark(connection, [people[0], people[2]], at(2))
    assert [m.person for m in world.mirror.marked(2)] == [people[1], people[0]]


def test_a_marked_group_is_expanded_in_chunks(engine: Engine) -> None:
    world = World(engine)
    entra = world.directory()
    people, group = world.people(entra, 5), world.group(entra, "g")
    world.join_all(group, people)
    with writing(engine) as connection:
        mark_groups(connection, [group], at(0))
    rounds = 0
    while world.mirror.expand_marks(2):
        rounds += 1
    assert rounds >= 2
    assert sorted(m.person for m in world.mirror.marked(10)) == people


def test_expanding_marks_without_the_lease_is_fenced(engine: Engine) -> None:
    """T13"""
    mirror = SqlMirror(engine, Lease("worker", "me", 1, 15).check_in, lambda: START)
    with pytest.raises(Fenced):
        mirror.expand_marks(10)

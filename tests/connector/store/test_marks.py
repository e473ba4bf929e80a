"""Are those who changed marked, once, and taken off only if nothing happened since?"""

import pytest
from sqlalchemy import Engine

from connector.store.engine import reading, writing
from connector.store.marks import expand_marks, mark_directory, mark_groups, marked, unmark
from connector.store.tables import group_marks
from scim.store import Kind
from sync.ports import Mark
from tests.connector.store.mirror import Mirror, forget_marks, marked_names, mirror, rows
from tests.moments import at


@pytest.fixture
def northmill(engine: Engine) -> Mirror:
    return mirror(engine)


def read_marks(mirror: Mirror, limit: int = 100) -> list[Mark]:
    with reading(mirror.engine) as connection:
        return list(marked(connection, limit))


def test_a_mark_grows_and_is_taken_off_only_unchanged(northmill: Mirror) -> None:
    ada, bob = northmill.user("ada"), northmill.user("bob")
    before = read_marks(northmill)
    northmill.save(Kind.USER, ada.id, active=False)
    with writing(northmill.engine) as connection:
        unmark(connection, before)
    (left,) = read_marks(northmill)
    assert left == Mark(before[0].person, before[0].generation + 1)
    assert marked_names(northmill.engine) == {"ada"}
    with writing(northmill.engine) as connection:
        unmark(connection, [left])
    northmill.clock.moment = at(1)
    northmill.save(Kind.USER, ada.id, active=True)
    (anew,) = read_marks(northmill)
    assert anew.generation > left.generation
    assert bob.id


def test_the_oldest_mark_comes_first_and_keeps_its_turn(northmill: Mirror) -> None:
    ids = {}
    for minute, name in enumerate(("zoe", "ada", "bob")):
        northmill.clock.moment = at(minute)
        ids[northmill.person(northmill.user(name).id).pk] = name
    northmill.clock.moment = at(9)
    with reading(northmill.engine) as connection:
        first = marked(connection, 2)
    assert [ids[mark.person] for mark in first] == ["zoe", "ada"]


def test_a_marked_group_is_expanded_in_chunks_with_those_inside(northmill: Mirror) -> None:
    """R07; the architecture's rule for large groups."""
    names = [f"u{n}" for n in range(7)]
    ids = [northmill.user(name).id for name in names]
    inner = northmill.group("inner", ids[5:])
    group = northmill.group("LIC", [*ids[:5], inner.id])
    northmill.user("stranger")
    with writing(northmill.engine) as connection:
        connection.execute(group_marks.delete())
    forget_marks(northmill.engine)
    with writing(northmill.engine) as connection:
        mark_groups(connection, [northmill.pk(group.id)], at())
        mark_groups(connection, [northmill.pk(group.id)], at())
    seen = []
    for _ in range(10):
        with writing(northmill.engine) as connection:
            more = expand_marks(connection, 3, at())
        seen.append(len(marked_names(northmill.engine)))
        if not more:
            break
    assert seen[:2] == [3, 6]
    assert marked_names(northmill.engine) == set(names)
    assert rows(northmill.engine, group_marks) == []
    with writing(northmill.engine) as connection:
        assert not expand_marks(connection, 3, at())


def test_a_group_marked_again_while_expanded_begins_anew(northmill: Mirror) -> None:
    group = northmill.group("LIC", [northmill.user(f"u{n}").id for n in range(4)])
    forget_marks(northmill.engine)
    with writing(northmill.engine) as connection:
        mark_groups(connection, [northmill.pk(group.id)], at())
        assert expand_marks(connection, 2, at())
    forget_marks(northmill.engine)
    with writing(northmill.engine) as connection:
        mark_groups(connection, [northmill.pk(group.id)], at())
        assert not expand_marks(connection, 100, at())
    assert marked_names(northmill.engine) == {"u0", "u1", "u2", "u3"}


def test_a_whole_directory_can_be_marked(northmill: Mirror) -> None:
    northmill.user("ada")
    mirror(northmill.engine, "other").user("eve")
    forget_marks(northmill.engine)
    with writing(northmill.engine) as connection:
        mark_directory(connection, northmill.store.directory, at())
    assert marked_names(northmill.engine) == {"ada"}

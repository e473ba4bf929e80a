"""Do membership changes give the exact set, keep `since`, and mark whom they concern?"""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, event, insert

from connector.store.engine import writing
from connector.store.members import _drop, net
from connector.store.tables import changes, group_marks, persons, users
from scim.store import Kind, MemberOp, MemberVerb, Reference
from tests.connector.store.mirror import Mirror, forget_marks, history, marked_names, mirror, rows
from tests.moments import at

ADD, REMOVE, REPLACE = MemberVerb.ADD, MemberVerb.REMOVE, MemberVerb.REPLACE


@pytest.fixture
def northmill(engine: Engine) -> Mirror:
    return mirror(engine)


@given(
    st.lists(st.tuples(st.sampled_from(MemberVerb), st.lists(st.sampled_from("abcde")))),
    st.sets(st.sampled_from("abcde")),
)
def test_the_net_of_operations_is_what_they_do_in_order(
    operations: list[tuple[MemberVerb, list[str]]], start: set[str]
) -> None:
    members = set(start)
    for verb, ids in operations:
        match verb:
            case MemberVerb.ADD:
                members |= set(ids)
            case MemberVerb.REMOVE:
                members -= set(ids)
            case MemberVerb.REPLACE:
                members = set(ids)
    wanted = net([MemberOp(verb, tuple(ids)) for verb, ids in operations])
    assert (set() if wanted.replace else start - set(wanted.remove)) | set(wanted.add) == members
    assert not set(wanted.add) & set(wanted.remove)


def test_people_join_and_leave(northmill: Mirror) -> None:
    ada, bob, ivo = (northmill.user(name) for name in ("ada", "bob", "ivo"))
    group = northmill.group("LIC", [ada.id, bob.id])
    forget_marks(northmill.engine)
    northmill.clock.moment = at(5)
    assert northmill.change(group.id, (REMOVE, [ada.id]), (ADD, [ivo.id, bob.id])) == []
    assert northmill.since(group.id) == {bob.id: at(0), ivo.id: at(5)}
    assert marked_names(northmill.engine) == {"ada", "ivo"}
    assert history(northmill.engine)[-2:] == ["joined", "left"]
    joined = rows(northmill.engine, changes)[-2]
    assert (joined.person_pk, joined.group_pk, joined.request) == (
        northmill.person(ivo.id).pk, northmill.pk(group.id), "req-1",
    )  # fmt: skip
    now = northmill.get(Kind.GROUP, group.id)
    assert (now.version, now.modified) == (3, at(5))


@pytest.mark.parametrize("first", [(REMOVE, "all"), (REPLACE, "none")])
def test_emptied_and_filled_in_one_request_is_no_change_r03(
    northmill: Mirror, first: tuple[MemberVerb, str]
) -> None:
    ids = [northmill.user(f"u{n}").id for n in range(3)]
    group = northmill.group("LIC", ids)
    forget_marks(northmill.engine)
    northmill.clock.moment = at(5)
    northmill.change(group.id, (first[0], ids if first[1] == "all" else []), (ADD, ids))
    assert set(northmill.since(group.id).values()) == {at(0)}
    assert marked_names(northmill.engine) == set()
    assert northmill.get(Kind.GROUP, group.id).version == 2


def test_replace_takes_out_and_puts_in_only_the_difference(northmill: Mirror) -> None:
    ada, bob, ivo = (northmill.user(name) for name in ("ada", "bob", "ivo"))
    inner, outer = northmill.group("inner"), northmill.group("outer")
    group = northmill.group("LIC", [ada.id, bob.id, inner.id])
    forget_marks(northmill.engine)
    northmill.clock.moment = at(5)
    stranger = str(uuid4())
    assert northmill.change(group.id, (REPLACE, [ivo.id, stranger, bob.id, outer.id])) == [stranger]
    assert northmill.member_ids(group.id) == [bob.id, ivo.id, outer.id]
    assert northmill.since(group.id) == {bob.id: at(0), ivo.id: at(5)}
    assert marked_names(northmill.engine) == {"ada", "ivo"}
    northmill.change(group.id, (REPLACE, []))
    assert northmill.member_ids(group.id) == []


def test_removing_nobody_removes_nobody(northmill: Mirror) -> None:
    ada = northmill.user("ada")
    group = northmill.group("LIC", [ada.id])
    assert northmill.change(group.id, (REMOVE, []), (ADD, [])) == []
    assert northmill.change(group.id) == []
    assert northmill.member_ids(group.id) == [ada.id]


def test_unknown_ids_are_given_back_and_the_known_served(northmill: Mirror) -> None:
    ada = northmill.user("ada")
    group = northmill.group("LIC")
    strangers = [str(uuid4()), "u-ivo"]
    assert northmill.change(group.id, (ADD, [strangers[0], ada.id]), (REMOVE, [strangers[1]])) == strangers
    assert northmill.member_ids(group.id) == [ada.id]


def test_a_nested_group_is_a_member_and_marks_those_inside_r07(northmill: Mirror) -> None:
    ada = northmill.user("ada")
    low = northmill.group("low", [ada.id])
    middle = northmill.group("middle", [low.id])
    northmill.change(low.id, (ADD, [middle.id]))  # a cycle
    top = northmill.group("top")
    with writing(northmill.engine) as connection:
        connection.execute(group_marks.delete())
    northmill.change(top.id, (ADD, [middle.id]))
    assert {m.group_pk for m in rows(northmill.engine, group_marks)} == {
        northmill.pk(low.id), northmill.pk(middle.id),
    }  # fmt: skip
    with northmill.store.reading() as reader:
        assert list(reader.members(top.id)) == [Reference(Kind.GROUP, middle.id, "middle")]
        assert reader.groups_of([ada.id])[ada.id] == [
            Reference(Kind.GROUP, low.id, "low"),
            Reference(Kind.GROUP, middle.id, "middle", direct=False),
            Reference(Kind.GROUP, top.id, "top", direct=False),
        ]
    before = history(northmill.engine)
    northmill.change(top.id, (ADD, [middle.id]))
    assert history(northmill.engine) == before
    northmill.change(top.id, (REMOVE, [middle.id]))
    assert northmill.member_ids(top.id) == []


def test_a_member_is_shown_by_its_display_name_if_it_has_one(northmill: Mirror) -> None:
    ada, bob = northmill.user("ada", displayName="Ada Berg"), northmill.user("bob", displayName="Bob")
    group = northmill.group("LIC", [ada.id, bob.id, northmill.group("inner").id])
    northmill.save(Kind.USER, bob.id, displayName=None)
    with northmill.store.reading() as reader:
        assert [one.display for one in reader.members(group.id)] == ["Ada Berg", "", "inner"]


def test_a_group_may_contain_itself(northmill: Mirror) -> None:
    ada = northmill.user("ada")
    group = northmill.group("LIC", [ada.id])
    assert northmill.change(group.id, (ADD, [group.id])) == []
    with northmill.store.reading() as reader:
        assert [r.id for r in reader.groups_of([ada.id])[ada.id]] == [group.id]
    northmill.delete(Kind.GROUP, group.id)


def crowd(northmill: Mirror, number: int) -> list[str]:
    """Many people at once, written straight into the tables."""
    directory = northmill.store.directory
    ids = [str(uuid4()) for _ in range(number)]
    with writing(northmill.engine) as connection:
        connection.execute(
            insert(persons),
            [{"pk": 1000 + n, "user_name": f"u{n}", "folded": f"u{n}", "epoch": at()} for n in range(number)],
        )
        connection.execute(
            insert(users),
            [
                {
                    "pk": 1000 + n, "id": id, "person_pk": 1000 + n, "directory_pk": directory,
                    "user_name": f"u{n}", "folded": f"u{n}", "active": True, "document": "{}", "version": 1,
                    "created_at": at(), "modified_at": at(),
                }
                for n, id in enumerate(ids)
            ],
        )  # fmt: skip
    return ids


def test_10_000_members_in_one_operation_are_served(northmill: Mirror) -> None:
    ids = crowd(northmill, 10_000)
    group = northmill.group("LIC")
    assert northmill.change(group.id, (ADD, ids)) == []
    assert set(northmill.member_ids(group.id)) == set(ids)
    assert len(marked_names(northmill.engine)) == 10_000
    assert northmill.change(group.id, (REPLACE, ids[:10])) == []
    assert set(northmill.member_ids(group.id)) == set(ids[:10])
    assert len(history(northmill.engine)) == 1 + 10_000 + 9_990


def test_thousands_of_ids_take_few_statements(engine: Engine) -> None:
    """Known or not: the others wait while they are looked up."""
    northmill = mirror(engine)
    statements: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        statements.append(statement)

    ada, group = northmill.user("ada"), northmill.group("LIC")
    ids = (*(f"00000000-0000-4000-8000-{n:012}" for n in range(20_000)), ada.id)
    event.listen(engine, "before_cursor_execute", note)
    with northmill.store.writing() as writer:
        unknown = writer.change_members(group.id, [MemberOp(MemberVerb.ADD, ids)])
    assert len(unknown) == 20_000
    assert len(statements) < 20
    assert northmill.member_ids(group.id) == [ada.id]


def test_operations_that_alternate_look_at_what_they_name_only() -> None:
    class Counting(dict[str, None]):
        passes = 0

        def __iter__(self) -> Iterator[str]:
            Counting.passes += 1
            return super().__iter__()

    kept = Counting.fromkeys(map(str, range(1000)))
    _drop(kept, ("7", "none"))
    assert (len(kept), Counting.passes) == (999, 0)

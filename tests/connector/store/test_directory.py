"""Does the mirror keep what a directory writes, and nothing else?"""

import pytest
from sqlalchemy import Engine

from connector.store import migrations
from connector.store.engine import connect
from connector.store.tables import (
    changes,
    directories,
    groups,
    memberships,
    nestings,
    persons,
    users,
    warnings,
)
from scim.errors import InvalidValue
from scim.query import Query
from scim.store import Kind, MemberOp, MemberVerb, NotFound, Taken
from tests.connector.store.mirror import Mirror, forget_marks, history, marked_names, mirror, rows
from tests.moments import at

UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def northmill(engine: Engine) -> Mirror:
    return mirror(engine)


def test_a_created_user_is_read_back_as_sent(northmill: Mirror) -> None:
    attributes = {"userName": "Ada@x.example", "name": {"familyName": "Bergé"}, "emails": [{"value": "a@x"}]}
    with northmill.store.writing() as writer:
        created = writer.create(Kind.USER, attributes)
        assert writer.get(Kind.USER, created.id) == created
    read = northmill.get(Kind.USER, created.id)
    assert read == created
    assert (read.attributes, read.version, read.created) == (attributes, 1, at())


@pytest.mark.parametrize("active", [{"active": True}, {}])
def test_who_is_enabled_is_noted_and_marked_and_nothing_said_counts_as_true_r05(
    northmill: Mirror, active: dict[str, bool]
) -> None:
    user = northmill.user("ada", active=False)
    with northmill.store.writing() as writer:
        before = writer.lock(Kind.USER, user.id)
        writer.save(before, {"userName": "ada"} | active)
    assert northmill.get(Kind.USER, user.id).attributes == {"userName": "ada"} | active
    (row,) = rows(northmill.engine, users)
    assert row.active
    assert history(northmill.engine) == ["created", "enabled"]
    assert marked_names(northmill.engine) == {"ada"}


def test_whoever_was_said_nothing_of_is_said_to_be_active_after_the_upgrade_r05(blank_url: str) -> None:
    """A filter on `active` must find everybody whom the rounds take for active."""
    engine = connect(blank_url)
    migrations.upgrade(engine)
    northmill = mirror(engine)
    said: list[dict[str, bool]] = [{}, {"active": False}, {"active": True}]
    ids = [northmill.user(f"u{n}", **each, nickName='"active":').id for n, each in enumerate(said)]
    migrations.downgrade(engine, "0012")
    migrations.upgrade(engine)
    told = [northmill.get(Kind.USER, id) for id in ids]
    assert [(each.attributes["active"], each.version) for each in told] == [(True, 2), (False, 1), (True, 1)]
    assert [row.active for row in rows(engine, users)] == [True, False, True]
    engine.dispose()


def test_a_user_name_is_taken_whatever_its_case(northmill: Mirror) -> None:
    northmill.user("Straße@x.example")
    with pytest.raises(Taken, match="userName"):
        northmill.user("STRASSE@X.EXAMPLE")
    bob = northmill.user("bob")
    with pytest.raises(Taken, match="userName"):
        northmill.save(Kind.USER, bob.id, userName="strasse@x.example")
    assert northmill.save(Kind.USER, bob.id, userName="BOB").attributes["userName"] == "BOB"


def test_saving_the_same_writes_nothing_r03(northmill: Mirror) -> None:
    user = northmill.user("ada", name={"givenName": "Ada", "familyName": "Berg"}, active=True)
    group = northmill.group("LIC", [user.id])
    forget_marks(northmill.engine)
    before = history(northmill.engine)
    northmill.clock.moment = at(5)
    for kind, one in ((Kind.USER, user), (Kind.GROUP, group)):
        now = northmill.get(kind, one.id)
        saved = northmill.save(kind, one.id, **dict(reversed(now.attributes.items())))
        assert saved == now == northmill.get(kind, one.id)
    assert northmill.change(group.id, (MemberVerb.ADD, [user.id])) == []
    assert northmill.get(Kind.GROUP, group.id).version == 2
    assert history(northmill.engine) == before
    assert marked_names(northmill.engine) == set()


def test_true_and_1_are_not_the_same(northmill: Mirror) -> None:
    user = northmill.user("ada", roles=[{"value": "x", "primary": 1}])
    assert northmill.save(Kind.USER, user.id, roles=[{"value": "x", "primary": True}]).version == 2


@pytest.mark.parametrize(
    ("change", "what", "marks"),
    [
        ({"active": False}, ["disabled"], True),
        ({"userName": "ada.lund"}, ["renamed"], True),
        ({"displayName": "Ada Lund"}, ["updated"], True),
        ({"emails": [{"value": "ada@lund.example"}]}, ["updated"], True),
        ({"externalId": "7"}, ["updated"], True),
        ({"title": "Clerk"}, ["updated"], False),
        ({"active": False, "userName": "ada.lund"}, ["disabled", "renamed"], True),
    ],
)
def test_only_what_matters_for_licenses_marks_the_person(
    northmill: Mirror, change: dict[str, object], what: list[str], marks: bool
) -> None:
    user = northmill.user("ada")
    forget_marks(northmill.engine)
    northmill.clock.moment = at(1)
    saved = northmill.save(Kind.USER, user.id, **change)
    assert (saved.version, saved.modified) == (2, at(1))
    assert history(northmill.engine) == ["created", *what]
    assert bool(marked_names(northmill.engine)) is marks


def test_changes_tell_who_when_and_by_which_request_r30(northmill: Mirror) -> None:
    user = northmill.user("ada")
    northmill.clock.moment = at(1)
    northmill.save(Kind.USER, user.id, userName="ada.lund")
    created, renamed = rows(northmill.engine, changes)
    person = northmill.person(user.id).pk
    assert (created.what, created.at, created.person_pk, created.request) == (
        "created",
        at(),
        person,
        "req-1",
    )
    assert (renamed.what, renamed.at, renamed.detail) == ("renamed", at(1), "ada -> ada.lund")


def test_a_deleted_user_leaves_all_groups_and_the_person_stays(northmill: Mirror) -> None:
    ada, bob = northmill.user("ada"), northmill.user("bob")
    one, two = northmill.group("one", [ada.id, bob.id]), northmill.group("two", [ada.id])
    forget_marks(northmill.engine)
    northmill.delete(Kind.USER, ada.id)
    assert northmill.member_ids(one.id) == [bob.id]
    assert northmill.member_ids(two.id) == []
    assert northmill.get(Kind.GROUP, two.id).version == 3
    assert marked_names(northmill.engine) == {"ada"}
    assert [person.user_name for person in rows(northmill.engine, persons)] == ["ada", "bob"]
    assert history(northmill.engine)[-3:] == ["left", "left", "deleted"]
    with pytest.raises(NotFound):
        northmill.delete(Kind.USER, ada.id)


def test_a_deleted_group_marks_its_people_and_is_gone(northmill: Mirror) -> None:
    ada, ivo = northmill.user("ada"), northmill.user("ivo")
    child = northmill.group("child", [ivo.id])
    group = northmill.group("LIC", [ada.id, child.id])
    parent = northmill.group("parent", [group.id])
    forget_marks(northmill.engine)
    northmill.delete(Kind.GROUP, group.id)
    assert marked_names(northmill.engine) == {"ada"}  # ivo when the worker expands child's mark
    assert northmill.member_ids(parent.id) == []
    with pytest.raises(NotFound):
        northmill.get(Kind.GROUP, group.id)
    with pytest.raises(NotFound):
        northmill.delete(Kind.GROUP, group.id)
    with northmill.store.reading() as reader:
        assert [g.id for g in reader.find(Kind.GROUP, Query()).items] == [child.id, parent.id]
    assert rows(northmill.engine, nestings) == []
    assert [m.group_pk for m in rows(northmill.engine, memberships)] == [northmill.pk(child.id)]
    tombstone = next(g for g in rows(northmill.engine, groups) if g.id == group.id)
    assert (tombstone.deleted_at, tombstone.display_name) == (at(), "LIC")
    assert history(northmill.engine)[-2:] == ["left", "group_deleted"]


def test_all_or_nothing(northmill: Mirror) -> None:
    def create_then_fail() -> None:
        with northmill.store.writing() as writer:
            writer.create(Kind.USER, {"userName": "ada"})
            writer.warn("x", "y")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        create_then_fail()
    assert rows(northmill.engine, users) == rows(northmill.engine, persons) == []
    assert marked_names(northmill.engine) == set()


def test_saving_without_lock_what_changed_meanwhile_is_refused(northmill: Mirror) -> None:
    before = northmill.user("ada")
    northmill.save(Kind.USER, before.id, title="a")
    with northmill.store.writing() as writer, pytest.raises(RuntimeError, match="lock"):
        writer.save(before, {"userName": "ada", "title": "b"})


def test_a_name_too_long_for_an_index_is_refused(northmill: Mirror) -> None:
    with pytest.raises(InvalidValue, match="userName"):
        northmill.user("ﷺ" * 300)  # 18 characters each when folded
    with pytest.raises(InvalidValue, match="displayName"):
        northmill.group("x" * 2001)
    assert northmill.user("é" * 1000).version == 1
    assert northmill.group("x" * 2000).version == 1


def test_warnings_are_counted_and_harmless(northmill: Mirror) -> None:
    for minute in range(3):
        northmill.clock.moment = at(minute)
        with northmill.store.writing() as writer:
            writer.warn("unknown_member", "u-\0-\ud800" + "x" * 600)
    (warning,) = rows(northmill.engine, warnings)
    assert (warning.count, warning.first_at, warning.last_at) == (3, at(0), at(2))
    assert warning.subject.startswith("u-?-?xx")


def test_the_directory_was_heard_to_the_minute(northmill: Mirror) -> None:
    northmill.user("ada")
    for minutes, heard in ((0.5, at()), (1.5, at(1.5))):
        northmill.clock.moment = at(minutes)
        with northmill.store.writing() as writer:
            writer.find(Kind.USER, Query())
        assert rows(northmill.engine, directories)[0].heard_at == heard


def test_one_directory_never_sees_another_t18(northmill: Mirror) -> None:
    ada = northmill.user("ada", externalId="7")
    group = northmill.group("LIC", [ada.id])
    other = mirror(northmill.engine, "other")
    eve = other.user("eve")
    mine = other.group("LIC", [eve.id])
    with other.store.writing() as writer:
        for kind, id in ((Kind.USER, ada.id), (Kind.GROUP, group.id)):
            with pytest.raises(NotFound):
                writer.get(kind, id)
            with pytest.raises(NotFound):
                writer.lock(kind, id)
            with pytest.raises(NotFound):
                writer.delete(kind, id)
        with pytest.raises(NotFound):
            writer.members(group.id)
        with pytest.raises(NotFound):
            writer.change_members(group.id, [MemberOp(MemberVerb.REPLACE, ())])
        stolen = northmill.get(Kind.USER, ada.id)
        with pytest.raises(NotFound):
            writer.save(stolen, stolen.attributes | {"active": False})
        assert list(writer.groups_of([ada.id, eve.id])[ada.id]) == []
        asked = (
            MemberOp(MemberVerb.ADD, (ada.id, group.id, UNKNOWN)),
            MemberOp(MemberVerb.REMOVE, (eve.id,)),
        )
        assert list(writer.change_members(mine.id, asked)) == [ada.id, group.id, UNKNOWN]
        assert list(writer.members(mine.id)) == []
        assert {u.id for u in writer.find(Kind.USER, Query()).items} == {eve.id}
        assert {g.id for g in writer.find(Kind.GROUP, Query()).items} == {mine.id}
    assert northmill.member_ids(group.id) == [ada.id]


@pytest.mark.parametrize("id", ["", "7", UNKNOWN, "a\0b", "\ud800" * 36, "x" * 36, "é" * 36, "1" * 10_000])
def test_an_id_that_is_not_ours_is_not_found_t20(northmill: Mirror, id: str) -> None:
    user = northmill.user("ada", externalId=UNKNOWN)
    group = northmill.group("LIC", [user.id])
    with northmill.store.writing() as writer:
        for kind in Kind:
            with pytest.raises(NotFound):
                writer.get(kind, id)
        assert list(writer.change_members(group.id, [MemberOp(MemberVerb.ADD, (id,))])) == [id]
        assert dict(writer.groups_of([id])) == {id: []}

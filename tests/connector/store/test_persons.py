"""Which records are one person?"""

import pytest
from sqlalchemy import Engine, update

from connector.store.engine import writing
from connector.store.persons import profile
from connector.store.tables import persons, warnings
from scim.store import Kind
from tests.connector.store.mirror import Mirror, forget_marks, history, marked_names, mirror, rows
from tests.moments import at


@pytest.fixture
def entra(engine: Engine) -> Mirror:
    return mirror(engine, "entra")


@pytest.fixture
def okta(entra: Mirror) -> Mirror:
    return mirror(entra.engine, "okta")


def test_two_directories_one_name_one_person_r06(entra: Mirror, okta: Mirror) -> None:
    first, second = entra.user("Ada@x.example"), okta.user("ADA@x.example", active=False)
    assert entra.person(first.id).pk == okta.person(second.id).pk
    assert not entra.person(first.id).conflict
    assert entra.person(first.id).epoch == at()


def test_renames_link_nobody_and_unlink_nobody_r02_r06(entra: Mirror, okta: Mirror) -> None:
    ada, bob = entra.user("ada"), okta.user("bob")
    okta.save(Kind.USER, bob.id, userName="ada")
    assert entra.person(ada.id).pk != okta.person(bob.id).pk
    eva, same = entra.user("eva"), okta.user("eva")
    okta.save(Kind.USER, same.id, userName="eva.lund", displayName="Eva Lund")
    person = entra.person(eva.id)
    assert person.pk == okta.person(same.id).pk
    assert (person.user_name, person.display_name) == ("eva.lund", "Eva Lund")


def test_a_second_record_of_one_directory_is_a_conflict_r06(entra: Mirror, okta: Mirror) -> None:
    ada, linked = entra.user("ada"), okta.user("ada")
    okta.save(Kind.USER, linked.id, userName="ada.old")
    late = okta.user("ada")
    assert okta.person(late.id).pk != entra.person(ada.id).pk
    assert okta.person(late.id).conflict
    assert not okta.person(linked.id).conflict
    assert "conflict" in history(okta.engine)
    (warning,) = rows(okta.engine, warnings)
    assert (warning.code, warning.subject) == ("person_conflict", "ada")


def test_a_third_directory_joins_the_person_without_conflict_r06(entra: Mirror, okta: Mirror) -> None:
    ada, linked = entra.user("ada"), okta.user("ada")
    okta.save(Kind.USER, linked.id, userName="ada.old")
    okta.user("ada")  # in conflict
    third = mirror(entra.engine, "third")
    assert third.person(third.user("ADA").id).pk == entra.person(ada.id).pk


def test_a_person_created_anew_loses_the_place_and_keeps_the_account_r02(entra: Mirror) -> None:
    first = entra.user("ada")
    person = entra.person(first.id).pk
    with writing(entra.engine) as connection:
        connection.execute(update(persons).values(account_id="acc-1", account_made=True))
    entra.delete(Kind.USER, first.id)
    forget_marks(entra.engine)
    entra.clock.moment = at(10)
    second = entra.user("ADA")
    assert second.id != first.id
    again = entra.person(second.id)
    assert (again.pk, again.epoch, again.account_id, again.user_name) == (person, at(10), "acc-1", "ADA")
    assert marked_names(entra.engine) == {"ADA"}


def test_a_person_with_a_record_left_keeps_the_place_r02(entra: Mirror, okta: Mirror) -> None:
    ada = entra.user("ada")
    second = okta.user("ada")
    okta.delete(Kind.USER, second.id)
    okta.clock.moment = at(10)
    okta.user("ada")
    assert entra.person(ada.id).epoch == at()


def test_a_renamed_and_deleted_person_is_not_the_owner_of_the_old_name_r02(entra: Mirror) -> None:
    old = entra.user("ada")
    entra.save(Kind.USER, old.id, userName="ada.lund")
    gone = entra.person(old.id).pk
    entra.delete(Kind.USER, old.id)
    assert entra.person(entra.user("ada").id).pk != gone
    assert entra.person(entra.user("ada.lund").id).pk == gone


def test_a_conflict_is_never_inherited_by_the_next_person(entra: Mirror, okta: Mirror) -> None:
    entra.user("ada")
    linked = okta.user("ada")
    okta.save(Kind.USER, linked.id, userName="ada.old")
    late = okta.user("ada")
    okta.delete(Kind.USER, late.id)
    okta.delete(Kind.USER, linked.id)
    assert not okta.person(okta.user("ada").id).conflict


@pytest.mark.parametrize(
    ("attributes", "display", "email"),
    [
        ({}, "", ""),
        ({"displayName": "Ada B", "name": {"formatted": "Ada Berg"}}, "Ada B", ""),
        ({"name": {"formatted": "Ada Berg", "givenName": "A"}}, "Ada Berg", ""),
        ({"name": {"givenName": "Ada", "familyName": "Berg"}}, "Ada Berg", ""),
        ({"emails": [{"value": "h@x", "type": "home"}, {"value": "w@x", "type": "work"}]}, "", "w@x"),
        ({"emails": [{"value": "w@x", "type": "work"}, {"value": "p@x", "primary": True}]}, "", "p@x"),
        ({"emails": [{"type": "work"}, {"value": "h@x"}]}, "", "h@x"),
        ({"emails": None, "name": None, "displayName": None}, "", ""),
    ],
)
def test_the_profile_that_an_account_is_made_from(
    attributes: dict[str, object], display: str, email: str
) -> None:
    seen = profile({"userName": "ada"} | attributes)
    assert (seen.display_name, seen.email, seen.active) == (display, email, True)

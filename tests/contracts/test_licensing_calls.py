"""What is asked twice, and who is found? Idempotency keys, users, lists."""

from collections.abc import Callable

import pytest

from sync.model import AccountId, ProductId
from sync.ports import Missing, Rejected
from tests.contracts.licensing_world import ADDRESS, BILLING, World


def test_the_same_key_gives_the_first_answer_and_does_nothing_twice(anysoft: World) -> None:
    licensing, product = anysoft.licensing, ProductId("anyprint")
    added = licensing.add_product(product, 2, BILLING, ADDRESS, "add")
    assert licensing.add_product(product, 2, BILLING, ADDRESS, "add") == added
    person = licensing.create_account("ada@contoso.example", "Ada", "ada@mail.example", "e-1", "new")
    assert licensing.create_account("ada@contoso.example", "Ada", "ada@mail.example", "e-1", "new") == person
    assigned = licensing.assign(added.id, [person.id, AccountId("x")], "assign")
    licensing.unassign(added.id, [person.id], "un")
    assert list(licensing.assign(added.id, [person.id, AccountId("x")], "assign")) == list(assigned)
    assert anysoft.holders(added.id) == set(), "the repeated call assigned nobody"
    change = licensing.change_quantity(added.id, 7, "more")
    anysoft.clock.go(hours=2)
    assert licensing.change_quantity(added.id, 7, "more") == change
    assert anysoft.now(added.id).pending is None
    assert licensing.set_active(person.id, False, "off") == licensing.set_active(person.id, False, "off")
    assert anysoft.billed("anyprint") == [("upfront", 2, "8.00"), ("increase", 5, "20.00")]


def test_a_refusal_is_an_answer_too(anysoft: World) -> None:
    id, people = anysoft.subscribe("anyprint", 2), anysoft.people(2)
    anysoft.assign(id, people)
    for _ in range(2):
        with pytest.raises(Rejected) as refused:
            anysoft.licensing.change_quantity(id, 1, "less")
        assert refused.value.code == "below_assigned"
        anysoft.unassign(id, people)
    with pytest.raises(Rejected) as first:
        anysoft.licensing.manage(id, "bad", settings={"": "x"})
    with pytest.raises(Rejected) as again:
        anysoft.licensing.manage(id, "bad", settings={"": "x"})
    assert (again.value.code, again.value.fields) == (first.value.code, first.value.fields)


def test_the_same_key_for_something_else_is_a_mismatch(anysoft: World) -> None:
    id, people = anysoft.subscribe("anyprint", 2), anysoft.people(2)
    other = anysoft.subscribe("anyscan", 2)
    licensing = anysoft.licensing
    licensing.assign(id, people[:1], "key")
    others: list[Callable[[], object]] = [
        lambda: licensing.assign(id, people, "key"),
        lambda: licensing.assign(other, people[:1], "key"),
        lambda: licensing.unassign(id, people[:1], "key"),
        lambda: licensing.change_quantity(id, 9, "key"),
        lambda: licensing.add_destination("Scans", "key"),
    ]
    for call in others:
        with pytest.raises(Rejected) as refused:
            call()
        assert refused.value.code == "idempotency_mismatch"
    assert anysoft.holders(id) == {people[0]}
    assert anysoft.holders(other) == set()


def test_a_key_is_kept_for_24_hours(anysoft: World) -> None:
    id, people = anysoft.subscribe("anyprint", 2), anysoft.people(1)
    anysoft.licensing.assign(id, people, "key")
    anysoft.clock.go(hours=23, minutes=59)
    assert [r.status for r in anysoft.licensing.assign(id, people, "key")] == ["assigned"]
    anysoft.clock.go(minutes=1)
    assert [r.status for r in anysoft.licensing.assign(id, people, "key")] == ["already_assigned"]


@pytest.mark.parametrize("key", ["", "k" * 101, "a\nb"])
def test_a_key_that_cant_be_kept_is_refused(anysoft: World, key: str) -> None:
    with pytest.raises(Rejected) as refused:
        anysoft.licensing.create_account("ada@contoso.example", "", "", "", key)
    assert (refused.value.code, refused.value.fields[0][0]) == ("invalid", "Idempotency-Key")
    assert anysoft.licensing.find_account("ada@contoso.example") is None


def test_a_user_is_found_by_the_exact_name_whatever_its_case(anysoft: World) -> None:
    made = anysoft.licensing.create_account("Jürgen.STRASSE@Contoso.example", "J", "j@x.example", "7", "k")
    assert (made.display_name, made.email, made.external_id, made.active) == ("J", "j@x.example", "7", True)
    assert anysoft.licensing.find_account("jÜRGEN.straße@contoso.EXAMPLE") == made
    for other in ("Jürgen", "jurgen.strasse@contoso.example", "%", "", "a\0b", "\ud800", "x" * 10_000):
        assert anysoft.licensing.find_account(other) is None


def test_a_user_exists_once_and_the_refusal_names_the_one_there_is(anysoft: World) -> None:
    made = anysoft.licensing.create_account("ada@contoso.example", "Ada", "", "", "k1")
    with pytest.raises(Rejected) as refused:
        anysoft.licensing.create_account("ADA@contoso.example", "Other", "", "", "k2")
    assert (refused.value.code, refused.value.fields) == ("user_exists", (("user_id", made.id),))
    assert list(anysoft.licensing.accounts()) == [made]


def test_a_user_has_a_name_that_can_be_shown_on_a_line(anysoft: World) -> None:
    with pytest.raises(Rejected) as refused:
        anysoft.licensing.create_account(" ", "a\nb", "x" * 501, "\0", "k")
    fields = [field for field, _ in refused.value.fields]
    assert fields == ["user_name", "display_name", "email", "external_id"]


def test_a_user_who_isnt_there_cant_be_set_inactive(anysoft: World) -> None:
    for id in ("nobody", "no\0body"):
        with pytest.raises(Missing):
            anysoft.licensing.set_active(AccountId(id), False, anysoft.key())


def test_a_user_can_be_set_inactive_and_active_again(anysoft: World) -> None:
    (person,) = anysoft.people(1)
    assert anysoft.licensing.set_active(person, False, "k1").active is False
    assert [account.active for account in anysoft.licensing.accounts()] == [False]
    assert anysoft.licensing.set_active(person, True, "k2").active is True
    assert [account.active for account in anysoft.licensing.accounts()] == [True]


def test_lists_are_whole_beyond_one_page(anysoft: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.anysoft.wire.PAGE", 7)
    monkeypatch.setattr("connector.anysoft.accounts.PAGE", 7)
    id, people = anysoft.subscribe("anyscan", 1), anysoft.people(21)
    anysoft.assign(id, people)
    assert sorted(account.id for account in anysoft.licensing.accounts()) == sorted(people)
    assert anysoft.holders(id) == set(people)


def test_a_list_of_holders_can_be_narrowed(anysoft: World) -> None:
    id, people = anysoft.subscribe("anyprint", 5), anysoft.people(4)
    anysoft.assign(id, people[:3])
    narrowed = anysoft.licensing.assignments(id, [people[0], people[3], AccountId("nobody")])
    assert people[0] in {assigned.account for assigned in narrowed}
    assert people[3] not in {assigned.account for assigned in anysoft.licensing.assignments(id, people)}
    first = next(anysoft.licensing.assignments(id, [people[1]]))
    assert first.assigned_at == anysoft.clock.at
    assert first.user_name.endswith("@contoso.example")

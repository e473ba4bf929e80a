"""R23: what do the statements of a read come to? A table of sentences, and any order of statements."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.delta import Listed, again_at, doubt, fold, last_words
from sync.pulled import Active, Entry, MemberKind, Page, PulledGroup, PulledUser
from tests.moments import at

NOW = at()
USER = MemberKind.USER


def entry(member: str, present: bool = True, group: str = "g") -> Entry:
    return Entry(group, member, USER, present)


def user(id: str, name: str = "ada") -> PulledUser:
    return PulledUser(id, name, "", "", True)


@pytest.mark.parametrize(
    ("said", "comes_to"),
    [
        ([True], True),
        ([True, True], True),
        ([True, False], False),
        ([False, True], True),
        ([False, False], False),
        ([True, False, True], True),
    ],
)
def test_the_last_word_on_a_membership_counts(said: list[bool], comes_to: bool) -> None:
    (last,) = last_words([entry("ada", present) for present in said])
    assert last.present is comes_to


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.booleans())))
def test_words_on_others_change_nothing(said: list[tuple[str, str, bool]]) -> None:
    folded = last_words([entry(member, present, group) for group, member, present in said])
    assert {(e.group, e.member): e.present for e in folded} == {(g, m): p for g, m, p in said}
    assert len(folded) == len({(group, member) for group, member, _ in said})
    assert last_words((*folded, *folded)) == folded


def test_a_page_says_one_thing_of_each_person_and_group() -> None:
    page = fold(
        Page(
            Active("{}"),
            complete=True,
            users=(user("1", "old"), user("1", "new"), user("2"), user("3")),
            disabled=("2", "2", "4"),
            gone=("3", "4"),
            groups=(PulledGroup("g", "old"), PulledGroup("g", "new")),
            groups_gone=("g", "h", "h"),
            anew=("g", "g"),
        )
    )
    assert page.users == (user("1", "new"),)
    assert (page.disabled, page.gone) == (("2",), ("3", "4"))
    assert page.groups == (PulledGroup("g", "new"),)
    assert (page.groups_gone, page.anew) == (("h",), ("g",))


@pytest.mark.parametrize(
    ("members", "count", "doubted"),
    [(5, 5, False), (5, None, True), (6, 5, False), (4, 5, True), (0, 5, True), (0, 0, False)],
)
def test_r23_fewer_than_the_directory_counts_is_not_whole(
    members: int, count: int | None, doubted: bool
) -> None:
    assert bool(doubt(Listed("id", "LIC", True, members, count))) is doubted


@pytest.mark.parametrize(
    ("failures", "asked", "anew", "minutes"),
    [
        (0, None, False, 0),
        (9, None, False, 0),
        (0, 120.0, False, 2),
        (0, 10.0**9, False, 60),
        (0, -5.0, False, 0),
        (0, None, True, 5),
        (2, None, True, 20),
        (50, None, True, 60),
    ],
)
def test_who_waits_how_long(failures: int, asked: float | None, anew: bool, minutes: int) -> None:
    """A read that begins anew costs much: it waits longer each time; nobody waits more than an hour."""
    waits = again_at(NOW, failures, timedelta(minutes=5), asked, anew=anew) - NOW
    assert waits == timedelta(minutes=minutes)

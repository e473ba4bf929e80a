"""Does the cursor of a Graph read lead through every page once, and to an end?"""

from collections.abc import Iterable

import pytest

from sync.pulled import Active, Expired, Incomplete, Refresh, Resume
from sync.sources.graph_state import FILTERED, MOST_EMPTY, Feed, State, state_of


def ids(n: int, begin: int = 0) -> list[str]:
    return [f"g{i:04}" for i in range(begin, begin + n)]


def follow(links: Iterable[str], *, empty: bool) -> None:
    feed = Feed()
    for link in links:
        feed = feed.after(link, "", empty=empty)


def test_50_groups_go_into_one_filter() -> None:
    state = state_of(Refresh(), ids(101))
    assert [len(feed.ids) for feed in state.groups] == [FILTERED, FILTERED, 1]


def test_nested_groups_fill_up_a_feed_that_has_not_begun() -> None:
    state = State().with_groups(ids(60))
    begun = state.with_feed(state.groups[0], state.groups[0].after("l1", "", [], empty=False))
    more = begun.with_groups(ids(45, 60))
    assert [len(feed.ids) for feed in more.groups] == [50, 50, 5]
    assert more.with_groups(ids(105)) == more, "each group is read once: a circle ends"


def test_a_state_survives_its_text() -> None:
    state = State().with_groups(ids(3))
    state = state.with_feed(state.groups[0], state.groups[0].after("", "delta", ids(3), empty=False))
    assert state_of(Resume(state.text()), ids(9)) == state
    going = state_of(Active(state.rested().text()), [*ids(3), "new"])
    assert [(feed.ids, feed.link, feed.whole) for feed in going.groups] == [
        (tuple(ids(3)), "delta", False),
        (("new",), "", True),
    ]


@pytest.mark.parametrize("text", ["", "null", "[]", '{"version":2}', '{"version":1,"groups":7,"users":{}}'])
def test_a_cursor_of_another_version_is_expired(text: str) -> None:
    with pytest.raises(Expired):
        state_of(Active(text), [])


@pytest.mark.parametrize("length", [1, 2, 3, 7, 50])
def test_t25_a_circle_of_links_is_found(length: int) -> None:
    with pytest.raises(Incomplete, match="circle"):
        follow((f"link-{n % length}" for n in range(5 * length + 10)), empty=False)


def test_t25_empty_pages_without_an_end() -> None:
    with pytest.raises(Incomplete, match="come to an end"):
        follow((f"link-{n}" for n in range(MOST_EMPTY)), empty=True)


def test_empty_pages_between_full_ones_are_normal() -> None:
    feed = Feed()
    for n in range(3 * MOST_EMPTY):
        feed = feed.after(f"link-{n}", "", [], empty=n % 500 != 0)
    assert feed.after("", "delta", [], empty=True).done

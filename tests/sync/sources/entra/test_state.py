"""Does the cursor of a Graph read lead through every page once, and to an end?"""

from collections.abc import Iterable

import pytest

from sync.pulled import Active, Expired, Incomplete, Refresh, Resume
from sync.sources.graph_state import CHEAP, FILTERED, MOST_EMPTY, Feed, State, state_of


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


def at_rest(*sizes: tuple[int, int]) -> Active:
    """After a read: feeds of so many groups each, whose last whole list took so many pages."""
    begin, feeds = 0, []
    for n, (groups, pages) in enumerate(sizes):
        feeds.append(Feed(tuple(ids(groups, begin)), f"delta-{n}", whole=False, size=pages))
        begin += groups
    return Active(State(tuple(feeds), Feed((), "users", whole=False)).text())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([(1, 1)] * 9, [9]),
        ([(50, 1), (3, 1), (4, 1)], [50, 7]),
        ([(40, 1), (20, 1)], [40, 20]),
        ([(40, 1), (20, 1), (1, 1)], [50, 11]),
        ([(10, CHEAP), (1, 1)], [10, 1]),
        ([(1, 1), (10, CHEAP), (1, 1), (1, 1)], [10, 3]),
        ([(50, 900), (50, 900)], [50, 50]),
    ],
)
def test_feeds_that_came_one_by_one_are_made_one_unless_that_is_much_to_read(
    before: list[tuple[int, int]], after: list[int]
) -> None:
    state = state_of(at_rest(*before), [])
    assert [len(feed.ids) for feed in state.groups] == after
    assert state.tracked == set(ids(sum(groups for groups, _ in before)))
    for feed in state.groups:
        assert feed.whole == (feed.link == ""), "a list from the beginning, or changes since"
        assert feed.link == "" or (len(feed.ids), feed.size) in before


def test_a_group_that_can_not_be_read_has_the_others_read_anew_once_and_not_each_time() -> None:
    state = state_of(Refresh(), ids(3))
    for _ in range(3):
        (feed,) = [each for each in state.groups if "g0000" in each.ids]
        state = state.with_feed(feed, feed.after("", "d", ids(3), empty=False))
        feed = next(each for each in state.groups if "g0000" in each.ids)
        state = state.without(feed, ["g0000"])
        state = state_of(Active(state.rested().text()), ids(3))
        assert [(each.ids, each.link) for each in state.groups] == [
            (("g0001", "g0002"), "d"),
            (("g0000",), ""),
        ]


@pytest.mark.parametrize("text", ["", "null", "[]", '{"version":3}', '{"version":2,"groups":[],"users":{}}'])
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

"""Does the database answer filters as the pure evaluator does?"""

from itertools import islice, product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from connector.store import rowwise
from connector.store.conditions import clause_of
from scim.budget import Budget
from scim.errors import TooMany
from scim.filter import read
from scim.matching import matches
from scim.query import And, Attr, Compare, Condition, Not, Op, Or, Present, Query, Within
from scim.resources import show
from scim.schema import TYPES, show_time
from scim.store import Kind, Page
from tests.connector.store.mirror import Mirror, mirror
from tests.moments import at

BASE_URL = "https://connector.example/scim/v2"
USERS: list[dict[str, Any]] = [
    {"userName": "Ada@x.example", "externalId": "7", "displayName": "Ada", "active": True},
    {"userName": "ada.lund@x.example", "externalId": "seven", "active": False, "title": "Clerk"},
    {
        "userName": "a%b_c",
        "active": True,
        "emails": [{"value": "A@x.example", "type": "work", "primary": True}],
    },
    {"userName": "straße", "displayName": "É", "externalId": "É", "active": True},
    {"userName": "z\U0010ffff", "title": "clerk", "active": True},
    {"userName": "z\ud7ffy", "active": False, "nickName": '"active":true'},
]


@pytest.fixture
def northmill(engine: Engine) -> Mirror:
    northmill = mirror(engine)
    for minute, attributes in enumerate(USERS):
        northmill.clock.moment = at(minute)
        with northmill.store.writing() as writer:
            writer.create(Kind.USER, attributes)
    mirror(engine, "other").user("foreigner")
    return northmill


def find(mirror: Mirror, text: str = "", kind: Kind = Kind.USER, **query: Any) -> Page:
    condition = read(text, TYPES[kind]) if text else None
    with mirror.store.reading() as reader:
        return reader.find(kind, Query(condition, **query))


def names(page: Page) -> list[str]:
    return [one.attributes.get("userName") or one.attributes["displayName"] for one in page.items]


@pytest.mark.parametrize(
    ("text", "positions"),
    [
        ('userName eq "ADA@X.EXAMPLE"', [0]),
        ('userName eq "ada"', []),
        ('userName sw "ada"', [0, 1]),
        ('userName sw "A%"', [2]),
        ('userName sw "a_"', []),
        ('userName sw "STRASS"', [3]),
        ('userName sw "z"', [4, 5]),
        ('userName sw "z\ud7ff"', [5]),
        ('userName sw "z\U0010ffff"', [4]),
        ('userName sw "\U0010ffff"', []),
        ('userName ne "ada@x.example"', [1, 2, 3, 4, 5]),
        ('externalId eq "7"', [0]),
        ('externalId eq "Seven"', []),
        ('not (externalId eq "7")', [1, 2, 3, 4, 5]),
        ('externalId ne "7" and active eq true', [2, 3, 4]),
        ("active eq false", [1, 5]),
        ("active ne true", [1, 5]),
        ("active ne false", [0, 2, 3, 4]),
        ("active pr", [0, 1, 2, 3, 4, 5]),
        ('schemas eq "urn:ietf:params:scim:schemas:core:2.0:User"', [0, 1, 2, 3, 4, 5]),
        ('schemas co "enterprise"', []),
        (f'meta.location sw "{BASE_URL}/Users/"', [0, 1, 2, 3, 4, 5]),
        ('meta.location ew "/Groups/7"', []),
        ('meta.resourceType eq "User" and title pr', [1, 4]),
        ('title eq "CLERK"', [1, 4]),
        ('active eq true and title eq "clerk"', [4]),
        ('userName eq "straße" or title pr', [1, 3, 4]),
        ('not (userName sw "ada" or title pr)', [2, 3, 5]),
        ('emails[type eq "work"].value eq "a@X.example"', [2]),
        ('meta.created gt "2027-03-01T09:02:30Z"', [3, 4, 5]),
        ("externalId pr", [0, 1, 3]),
        ("externalId eq null", [2, 4, 5]),
        ('id eq "7"', []),
    ],
)
def test_filters(northmill: Mirror, text: str, positions: list[int]) -> None:
    page = find(northmill, text)
    assert names(page) == [USERS[n]["userName"] for n in positions]
    assert page.total == len(positions)


_SUBSTRINGS = (Op.CO, Op.SW, Op.EW)
LEAVES: list[Condition] = [
    Compare(Attr("userName"), Op.EQ, "ADA@x.example"),
    Compare(Attr("userName"), Op.SW, "a"),
    Compare(Attr("userName"), Op.NE, "straße"),
    Compare(Attr("externalId"), Op.EQ, "7"),
    Compare(Attr("externalId"), Op.NE, "seven"),
    Compare(Attr("externalId"), Op.EQ, None),
    Compare(Attr("active"), Op.EQ, True),
    Compare(Attr("active"), Op.EQ, False),
    Compare(Attr("title"), Op.CO, "LER"),
    Present(Attr("displayName")),
    Within(Attr("emails"), Compare(Attr("type"), Op.EQ, "work")),
    *(Compare(Attr("meta", "lastModified"), op, show_time(at(2))) for op in Op if op not in _SUBSTRINGS),
    Compare(Attr("meta", "created"), Op.GT, "2020-01-01T00:00:00+01:00"),
]


def trees() -> st.SearchStrategy[Condition]:
    return st.recursive(
        st.sampled_from(LEAVES),
        lambda inner: st.one_of(
            inner.map(Not),
            st.lists(inner, max_size=3).map(lambda parts: And(tuple(parts))),
            st.lists(inner, max_size=3).map(lambda parts: Or(tuple(parts))),
        ),
        max_leaves=6,
    )


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(trees(), st.integers(1, 4), st.integers(0, 4))
def test_any_condition_gives_what_the_evaluator_gives(
    northmill: Mirror, condition: Condition, start: int, count: int
) -> None:
    with northmill.store.reading() as reader:
        everyone = reader.find(Kind.USER, Query()).items
        expected = [u for u in everyone if matches(condition, show(u, BASE_URL), TYPES[Kind.USER])]
        page = reader.find(Kind.USER, Query(condition, start=start, count=count))
    assert page.total == len(expected)
    assert page.items == tuple(expected[start - 1 : start - 1 + count])


def test_paging_covers_everyone_once_in_order_of_creation(northmill: Mirror) -> None:
    pages = [find(northmill, start=start, count=4) for start in (1, 5, 9)]
    assert [len(page.items) for page in pages] == [4, 2, 0]
    assert [page.total for page in pages] == [6, 6, 6]
    assert [name for page in pages for name in names(page)] == [u["userName"] for u in USERS]


@pytest.mark.parametrize(("start", "count", "items"), [(-5, 2, 2), (1, 0, 0), (2**70, 9, 0), (1, 2**70, 6)])
@pytest.mark.parametrize("text", ["", "title pr or userName pr"])
def test_absurd_positions_are_harmless(
    northmill: Mirror, start: int, count: int, items: int, text: str
) -> None:
    page = find(northmill, text, start=start, count=count)
    assert (page.total, len(page.items)) == (6, items)


@pytest.mark.parametrize(
    ("attr", "order"),
    [
        (Attr("userName"), [2, 1, 0, 3, 5, 4]),
        (Attr("meta", "created"), [0, 1, 2, 3, 4, 5]),
        (Attr("title"), [1, 4, 0, 2, 3, 5]),
        (Attr("externalId"), [0, 1, 3, 2, 4, 5]),
        (Attr("emails"), [2, 0, 1, 3, 4, 5]),
    ],
)
def test_sorting_puts_those_without_a_value_last(northmill: Mirror, attr: Attr, order: list[int]) -> None:
    assert names(find(northmill, sort_by=attr)) == [USERS[n]["userName"] for n in order]


def test_sorting_down_puts_those_without_a_value_first(northmill: Mirror) -> None:
    page = find(northmill, sort_by=Attr("title"), descending=True, count=5)
    assert names(page) == [USERS[n]["userName"] for n in (0, 2, 3, 5, 1)]


def test_groups_and_members(northmill: Mirror) -> None:
    ada, lund = find(northmill, 'userName sw "ada"').items
    inner = northmill.group("LIC-Inner", [ada.id])
    outer = northmill.group("lic-outer", [inner.id, lund.id])
    empty = northmill.group("Else")
    gone = northmill.group("LIC-Gone", [ada.id])
    northmill.delete(Kind.GROUP, gone.id)
    expected = {
        'displayName eq "lic-INNER"': [inner],
        'displayName sw "LIC-"': [inner, outer],
        f'members eq "{ada.id}"': [inner],
        f'members.value eq "{inner.id}"': [outer],
        f'members[value eq "{lund.id}"]': [outer],
        f'id eq "{inner.id}" and members eq "{ada.id}"': [inner],
        f'id eq "{outer.id}" and members eq "{ada.id}"': [],
        f'not (members eq "{ada.id}")': [outer, empty],
        "members pr": [inner, outer],
        'members eq "7"': [],
        f'id eq "{gone.id}"': [],
    }
    for text, wanted in expected.items():
        page = find(northmill, text, Kind.GROUP)
        assert [g.id for g in page.items] == [g.id for g in wanted], text
    assert [u.id for u in find(northmill, f'groups.value eq "{outer.id}"').items] == [ada.id, lund.id]
    assert [u.id for u in find(northmill, f'groups eq "{inner.id}"').items] == [ada.id]
    assert find(northmill, f'groups eq "{gone.id}"').total == 0
    assert find(northmill, "groups pr").total == 2
    assert names(find(northmill, kind=Kind.GROUP, sort_by=Attr("displayName"))) == [
        "Else", "LIC-Inner", "lic-outer",
    ]  # fmt: skip


def test_another_directory_s_members_are_nobody_t18(northmill: Mirror) -> None:
    other = mirror(northmill.engine, "third")
    eve = other.user("eve")
    group = other.group("LIC", [eve.id])
    assert find(northmill, f'members eq "{eve.id}"', Kind.GROUP).total == 0
    assert find(northmill, f'groups eq "{group.id}"').total == 0
    assert find(northmill, f'id eq "{eve.id}"').total == 0
    assert find(other, f'members eq "{eve.id}"', Kind.GROUP).total == 1


def test_groups_and_members_are_searched_by_anything(northmill: Mirror) -> None:
    """The whole grammar, also where only a look at each group or member can tell."""
    ada, lund = find(northmill, 'userName sw "ada"').items
    inner = northmill.group("LIC-Inner", [ada.id])
    outer = northmill.group("lic-outer", [inner.id, lund.id])
    empty = northmill.group("Else")
    expected = {
        'members.display co "LIC"': [outer],
        'members.display eq "ada"': [inner],
        'members[type eq "User"]': [inner, outer],
        'members[type eq "Group" and display sw "lic"]': [outer],
        'members[type eq "User" and display eq "LIC-Inner"]': [],
        f'members.$ref eq "{BASE_URL}/Users/{ada.id}"': [inner],
        f'members co "{ada.id[:8]}"': [inner],
        f'members.value ne "{ada.id}" and displayName co "LIC"': [outer],
        f'members.value eq "{ada.id}" and displayName co "LIC"': [inner],
        f'members.value eq "{ada.id}" or displayName co "LS"': [inner, empty],
        'not (members.type eq "Group") and displayName co "e"': [inner, empty],
        'members.display eq null and displayName co "e"': [empty],
    }
    for text, wanted in expected.items():
        assert [g.id for g in find(northmill, text, Kind.GROUP).items] == [g.id for g in wanted], text
    for text, people in {
        'groups.display eq "lic-INNER"': [ada],
        'groups.display eq "lic-outer"': [ada, lund],
        'groups[display eq "lic-outer" and type eq "direct"]': [lund],
        'groups.type eq "indirect"': [ada],
        f'groups.value eq "{outer.id}" and title pr': [lund],
        f'groups.$ref eq "{BASE_URL}/Groups/{inner.id}"': [ada],
        f'groups eq "{inner.id}" or groups eq "{outer.id}"': [ada, lund],
        f'groups.value eq "{inner.id}" and not (groups[value eq "{empty.id}"])': [ada],
        f'groups eq "{inner.id}" and groups eq "{inner.id}" and groups ne "{empty.id}"': [ada],
    }.items():
        assert [u.id for u in find(northmill, text).items] == [u.id for u in people], text


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('title co "zz"', Kind.USER),
        (" or ".join(f'emails co "z{n}"' for n in range(50)), Kind.USER),
        ('groups.display co "zz"', Kind.USER),
        ('members.display co "zz"', Kind.GROUP),
        (f'members eq "{"0" * 36}" or displayName co "zz"', Kind.GROUP),
    ],
)
def test_what_reads_too_much_of_the_directory_is_refused(
    northmill: Mirror, text: str, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T16: by work counted, which grows with the directory, not with the request."""
    people = find(northmill).items
    northmill.group("LIC", [person.id for person in people])
    looks = Looks(monkeypatch)
    assert find(northmill, text, kind).total == 0
    used = looks.used()
    monkeypatch.setattr(rowwise, "MAX_LOOKS", used - 1)
    with pytest.raises(TooMany, match="by eq of id, userName"):
        find(northmill, text, kind)
    for indexed in ('userName eq "ada"', 'meta.lastModified gt "2020-01-01T00:00:00Z"', 'userName sw "a"'):
        find(northmill, indexed)  # never counted


def test_looks_grow_with_what_is_compared(northmill: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = Looks(monkeypatch)
    used = []
    for terms in (1, 11, 21):
        find(northmill, " or ".join(f'title co "z{n}"' for n in range(terms)))
        used.append(looks.used())
    assert used[0] > 5 * len(USERS)  # each was read
    assert used[2] - used[1] == used[1] - used[0] == 10 * (len(USERS) + 2)  # two have a title
    with northmill.store.writing() as writer:
        writer.create(Kind.USER, {"userName": "tall", "title": "t" * 32_000})
    find(northmill, 'title co "z"')
    assert looks.used() - used[0] > 1000  # a long text is many looks


class Looks:
    """How many the last search took."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: list[Budget] = []

        def make(left: int, advice: str) -> Budget:
            self.made.append(Budget(left, advice))
            return self.made[-1]

        monkeypatch.setattr(rowwise, "Budget", make)

    def used(self) -> int:
        return rowwise.MAX_LOOKS - self.made[-1].left


def test_the_common_filters_need_no_reading_row_by_row() -> None:
    for text, kind in product(('id eq "x"', 'externalId eq "x" and not (id eq "y")'), Kind):
        assert clause_of(read(text, TYPES[kind]), kind, 1).exact
    for leaf in (*islice(LEAVES, 5), LEAVES[-1]):
        assert clause_of(leaf, Kind.USER, 1).exact
    assert not clause_of(Compare(Attr("title"), Op.EQ, "x"), Kind.USER, 1).exact

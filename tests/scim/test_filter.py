"""Is a filter read as RFC 7644 3.4.2.2 means it, and does it match what it should?"""

from typing import Any

import pytest

from scim import filter as filters
from scim.errors import InvalidFilter, InvalidPath
from scim.filter import NOTHING
from scim.matching import matches
from scim.path import read as read_path
from scim.query import And, Attr, Compare, Not, Op, Or, Present, Within
from scim.schema import ENTERPRISE, GROUP, USER, Attribute, ResourceType, Type
from scim.store import Kind

_ADA: dict[str, Any] = {
    "schemas": [USER.core, ENTERPRISE],
    "id": "Id-1",
    "externalId": "Ext-1",
    "userName": "Ada@north.example",
    "displayName": "Zoë 100%",
    "title": "",
    "active": True,
    "name": {"familyName": "Berg"},
    "emails": [
        {"type": "work", "value": "ada@north.example", "primary": True},
        {"type": "home", "value": "a_b@home.example"},
    ],
    "x509Certificates": [{"value": "QUJD"}],
    "roles": [{"primary": True, "value": "admin"}],
    ENTERPRISE: {"department": "Finance", "manager": {"value": "Boss-1"}},
    "meta": {"created": "2026-01-01T00:00:00Z", "lastModified": "2026-02-01T10:00:00.5Z", "version": 'W/"1"'},
}
_A, _B, _C = (Present(Attr(name)) for name in ("title", "userName", "displayName"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("title pr or userName pr and displayName pr", Or((_A, And((_B, _C))))),
        ("title pr and userName pr or displayName pr", Or((And((_A, _B)), _C))),
        ("(title pr or userName pr) and displayName pr", And((Or((_A, _B)), _C))),
        ("not (title pr) and userName pr", And((Not(_A), _B))),
        ("not(title pr and userName pr)", Not(And((_A, _B)))),
        ("title pr or userName pr or displayName pr", Or((_A, _B, _C))),
        ("TITLE PR", _A),
        ('userName eq "a"', Compare(Attr("userName"), Op.EQ, "a")),
        ('USERNAME EQ "a"', Compare(Attr("userName"), Op.EQ, "a")),
        ('userName eq "a\\"\\\\\\u00e9"', Compare(Attr("userName"), Op.EQ, 'a"\\é')),
        (f'{USER.core}:name.familyName sw "B"', Compare(Attr("name", "familyName"), Op.SW, "B")),
        (f"{ENTERPRISE.upper()}:department pr", Present(Attr("department", "", ENTERPRISE))),
        ('manager eq "x"', Compare(Attr("manager", "value", ENTERPRISE), Op.EQ, "x")),
        ('emails co "x"', Compare(Attr("emails", "value"), Op.CO, "x")),
        ('emails[type eq "work"]', Within(Attr("emails"), Compare(Attr("type"), Op.EQ, "work"))),
        (
            'emails[type eq "work"].value ew "x"',
            Within(
                Attr("emails"),
                And((Compare(Attr("type"), Op.EQ, "work"), Compare(Attr("value"), Op.EW, "x"))),
            ),
        ),
        ('active eq "True"', Compare(Attr("active"), Op.EQ, True)),
        ("active ne FALSE", Compare(Attr("active"), Op.NE, False)),
        ("title eq null", Compare(Attr("title"), Op.EQ, None)),
        ('title eq "null"', Compare(Attr("title"), Op.EQ, "null")),
        ("externalId eq 007", Compare(Attr("externalId"), Op.EQ, "007")),
        ("externalId eq a.b@c-d", Compare(Attr("externalId"), Op.EQ, "a.b@c-d")),
    ],
)
def test_a_filter_is_read(text: str, expected: Any) -> None:
    assert filters.read(text, USER) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('userName eq "ADA@NORTH.example"', True),
        ('id eq "id-1"', False),
        ('id eq "Id-1"', True),
        ('externalId eq "ext-1"', False),
        ('externalId sw "Ext"', True),
        ('displayName eq "zo\u0308e 100%"', False),
        ('displayName eq "zoe\u0308 100%"', True),
        ('displayName co "0%"', True),
        ('displayName co "%0"', False),
        ('emails.value co "a_b"', True),
        ('emails.value co "axb"', False),
        ("title pr", False),
        ("title eq null", True),
        ("title ne null", False),
        ("userName ne null", True),
        ("nickName eq null", True),
        ("emails eq null", False),
        ("phoneNumbers eq null", True),
        ('nickName ne "x"', True),
        ('nickName eq "x"', False),
        ("name pr", True),
        ("name.givenName pr", False),
        ("active eq true", True),
        ("active eq false", False),
        ("active ne true", False),
        ("roles.primary eq true", True),
        ('roles[primary eq "True"]', True),
        ('emails[type eq "work" and value co "home"]', False),
        ('emails.type eq "work" and emails.value co "home"', True),
        ('emails[type eq "WORK" and primary eq true].value sw "ada"', True),
        ('emails[not (type eq "work")]', True),
        ('emails[type eq "home"].value ne "a_b@home.example"', False),
        ('emails.value ne "ada@north.example"', False),
        ('meta.created eq "2026-01-01T01:00:00+01:00"', True),
        ('meta.created gt "2025-12-31T23:59:59Z"', True),
        ('meta.lastModified le "2026-02-01T10:00:00.5Z"', True),
        ('meta.lastModified lt "2026-02-01T10:00:00.5Z"', False),
        ('userName gt "Ada"', True),
        ('userName lt "ada"', False),
        ('userName ge "ada@north.example"', True),
        ('userName le "ada@north.example"', True),
        ('userName ew ".EXAMPLE"', True),
        ('x509Certificates.value eq "QUJD"', True),
        ('x509Certificates.value eq "qujd"', False),
        (f'schemas eq "{ENTERPRISE}"', True),
        ('schemas eq "urn:other"', False),
        (f'{ENTERPRISE}:department eq "finance"', True),
        ('manager eq "boss-1"', False),
        (f'{ENTERPRISE}:manager.value eq "Boss-1"', True),
        ("userName pr and (title pr or not (active eq false))", True),
        ('meta[created gt "2025-12-31t23:59:59z" and not (version pr and location pr)]', True),
        ('meta[version eq "x" or resourceType pr]', False),
        ('not (meta[version eq "x"])', True),
        ('meta[version ne "x"]', True),
        ('name[familyName ne "x"]', True),
        ('name.familyName ne "x"', True),
        (f'{ENTERPRISE}:manager[value eq "boss-1"]', False),
        (f'{ENTERPRISE}:manager[value eq "Boss-1"]', True),
        ('manager[value eq "Boss-1"].displayName pr', False),
    ],
)
def test_a_filter_matches(text: str, expected: bool) -> None:
    assert matches(filters.read(text, USER), _ADA, USER) is expected


def test_who_has_no_value_has_none_that_differs() -> None:
    """[ ] looks at a value, where there is one; a comparison from outside at the resource."""
    assert matches(filters.read('name.familyName ne "x"', USER), {}, USER) is True
    assert matches(filters.read('name[familyName ne "x"]', USER), {}, USER) is False


def test_what_is_stored_in_another_type_matches_nothing() -> None:
    odd: dict[str, Any] = {"userName": 5, "active": "true", "meta": {"created": "yesterday"}, "emails": ["x"]}
    for text in (
        'userName eq "5"',
        "active eq true",
        'meta.created gt "2020-01-01T00:00:00Z"',
        "emails[type pr]",
    ):
        assert matches(filters.read(text, USER), odd, USER) is False


@pytest.mark.parametrize(
    "text", ['userName eq "a"', 'emails.value eq "a b"', 'active eq "true"', 'nosuch eq "a"', 'name eq "a"']
)
def test_the_short_way_of_plain_filters_gives_what_the_grammar_gives(text: str) -> None:
    def outcome(written: str) -> object:
        try:
            return filters.read(written, USER)
        except InvalidFilter as error:
            return error.detail

    assert outcome(text) == outcome(f"({text})")


@pytest.mark.parametrize(
    "text",
    ['members[value eq "a"]', 'members[nosuch eq "a"]', 'nosuch[type eq "a"].value', 'displayName[a eq "b"]'],
)
def test_the_short_way_of_plain_paths_gives_what_the_grammar_gives(text: str) -> None:
    def outcome(written: str) -> object:
        try:
            return read_path(written, GROUP)
        except (InvalidFilter, InvalidPath) as error:
            return error.scim_type, error.detail

    assert outcome(text) == outcome(text.replace(" eq ", "  eq  "))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('userName eq "a"', NOTHING),
        ('not (userName eq "a")', filters.EVERYTHING),
        ("not (not (userName pr))", NOTHING),
        ("displayName pr and userName pr", NOTHING),
        ("displayName pr or userName pr", _C),
        ("displayName pr and not (userName pr)", _C),
        ("displayName pr or not (userName pr)", filters.EVERYTHING),
        ('emails[type eq "x"]', NOTHING),
        ("shoeSize pr", NOTHING),
    ],
)
def test_an_attribute_of_another_type_is_absent_here(text: str, expected: Any) -> None:
    """RFC 7644 3.4.2.1"""
    assert filters.read(text, GROUP, alone=False) == expected


def test_an_attribute_that_no_type_has_is_invalid_where_one_type_is_asked() -> None:
    with pytest.raises(InvalidFilter):
        filters.read("shoeSize pr", GROUP)


_NUMBERED = ResourceType(
    Kind.USER,
    "Users",
    "urn:x",
    (),
    {"": {"count": Attribute("count", Type.INTEGER), "rate": Attribute("rate", Type.DECIMAL)}},
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("count eq 12", True),
        ('count eq "12"', True),
        ("count gt 3", True),
        ("count lt 3", False),
        ("count ge 12 and count le 12", True),
        ("rate gt 0.25", True),
        ("rate eq 0.50", True),
        ("rate lt -1", False),
    ],
)
def test_numbers_are_compared_as_numbers(text: str, expected: bool) -> None:
    condition = filters.read(text, _NUMBERED)
    assert matches(condition, {"count": 12, "rate": 0.5}, _NUMBERED) is expected
    assert matches(condition, {"count": "12", "rate": True}, _NUMBERED) is False


@pytest.mark.parametrize(
    "text",
    ['count co "1"', "count eq x", "count eq 1e5", "count eq 9223372036854775808", "count eq 1" + "0" * 30],
)
def test_numbers_that_arent_or_dont_fit_are_invalid(text: str) -> None:
    with pytest.raises(InvalidFilter):
        filters.read(text, _NUMBERED)

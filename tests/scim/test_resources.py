"""Is a body taken in canonical form, and a resource shown in full or as asked? (RFC 7643)"""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from scim import dialects, projection, resources, stream
from scim.budget import Budget
from scim.dialects import DIALECTS
from scim.errors import InvalidSyntax, InvalidValue, ScimError, TooMany
from scim.schema import ENTERPRISE, GROUP, LICENSE, USER, Attribute, Returned, Type
from scim.store import Kind, Reference, Stored
from scim.values import accept

_NOW = datetime(2026, 1, 5, 8, 0, 0, 250_000, tzinfo=UTC)
_BASE = "https://c.example/scim/v2"


@pytest.mark.parametrize(
    ("sent", "taken"),
    [
        ({"USERNAME": "a", "Title": "T"}, {"userName": "a", "title": "T"}),
        ({"userName": "a", "shoe": 1, "id": "x", "meta": {}, "groups": [{"value": "g"}]}, {"userName": "a"}),
        ({"userName": "a", "password": "secret"}, {"userName": "a"}),
        ({"userName": "a", "active": "FALSE"}, {"userName": "a", "active": False}),
        ({"userName": "a", "active": ""}, {"userName": "a"}),
        ({"userName": "a", "title": None, "emails": [], "name": {}, "roles": [None, {}]}, {"userName": "a"}),
        (
            {"userName": "a", "emails": {"Value": "v", "shoe": 1}},
            {"userName": "a", "emails": [{"value": "v"}]},
        ),
        (
            {"userName": "a", "emails": ["v", {"value": "w"}]},
            {"userName": "a", "emails": [{"value": "v"}, {"value": "w"}]},
        ),
        ({"userName": "a", "name": [{"givenName": "A"}]}, {"userName": "a", "name": {"givenName": "A"}}),
        ({USER.core: {"userName": "a"}, USER.core.upper() + "x": 1}, {"userName": "a"}),
        (
            {"userName": "a", ENTERPRISE.upper(): {"Manager": "m"}},
            {"userName": "a", ENTERPRISE: {"manager": {"value": "m"}}},
        ),
        (
            {"userName": "a", ENTERPRISE: {"manager": [{"value": "m", "displayName": "read-only"}]}},
            {"userName": "a", ENTERPRISE: {"manager": {"value": "m"}}},
        ),
        ({"userName": "a", ENTERPRISE: {"manager": ""}}, {"userName": "a"}),
        ({"userName": "a", ENTERPRISE: None, LICENSE: {"licenses": [{"product": "x"}]}}, {"userName": "a"}),
        (
            {"userName": "a", "x509Certificates": [{"value": "QUJD"}]},
            {"userName": "a", "x509Certificates": [{"value": "QUJD"}]},
        ),
    ],
)
def test_a_body_is_taken_in_canonical_form(sent: dict[str, Any], taken: dict[str, Any]) -> None:
    assert resources.read(sent, USER).attributes == taken


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        ({"userName": "a", "USERNAME": "b"}, InvalidSyntax),
        ({"userName": "a", "name": {"givenName": "a", "GivenName": "b"}}, InvalidSyntax),
        ({"userName": "a", USER.core: {"title": "x"}, "title": "y"}, InvalidSyntax),
        ({"userName": "a", "schemas": [1]}, InvalidSyntax),
        ({}, InvalidValue),
    ],
)
def test_a_body_is_refused(sent: dict[str, Any], error: type[ScimError]) -> None:
    with pytest.raises(error):
        resources.read(sent, USER)


def test_members_of_a_body_are_apart_and_may_be_unsaid() -> None:
    assert resources.read({"displayName": "G"}, GROUP) == resources.Sent({"displayName": "G"}, None)
    assert resources.read({"displayName": "G", "Members": None}, GROUP).members is None
    assert resources.read({"displayName": "G", "members": []}, GROUP).members == ()
    assert resources.read({"displayName": "G", "members": ["a", {"value": "a"}]}, GROUP).members == ("a",)
    with pytest.raises(InvalidSyntax):
        resources.read({"displayName": "G", "members": ["a"], "MEMBERS": ["b"]}, GROUP)


@pytest.mark.parametrize(
    ("type_", "value", "taken"),
    [
        (Type.INTEGER, 5, 5),
        (Type.DECIMAL, 5, 5),
        (Type.DECIMAL, 5.5, 5.5),
        (Type.DATETIME, "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        (Type.INTEGER, True, InvalidValue),
        (Type.INTEGER, 5.5, InvalidValue),
        (Type.DECIMAL, "5", InvalidValue),
        (Type.DATETIME, "2026-01-01", InvalidValue),
        (Type.DATETIME, "yesterday", InvalidValue),
        (Type.DATETIME, "0001-01-01T00:00:00+23:00", InvalidValue),
        (Type.BINARY, "not base64!", InvalidValue),
    ],
)
def test_a_value_has_the_schemas_type(type_: Type, value: Any, taken: Any) -> None:
    attribute = Attribute("it", type_)
    if taken is InvalidValue:
        with pytest.raises(InvalidValue):
            accept(attribute, value)
    else:
        assert accept(attribute, value) == taken


def test_empty_texts_are_no_values_for_entra_and_okta_and_kept_for_scim() -> None:
    sent = {"userName": "a", "title": "", "name": {"middleName": ""}, "emails": [{"value": ""}]}
    for kind in ("entra", "okta"):
        assert resources.read(dialects.resource(sent, DIALECTS[kind]), USER).attributes == {"userName": "a"}
    assert resources.read(dialects.resource(sent, DIALECTS["scim"]), USER).attributes == sent


def test_a_resource_is_shown_with_what_isnt_stored() -> None:
    stored = Stored(
        Kind.USER, "u1", {"userName": "a", ENTERPRISE: {"department": "D"}}, 7, _NOW, _NOW.replace(year=2027)
    )
    groups = (Reference(Kind.GROUP, "g1", "G"), Reference(Kind.GROUP, "g2", "", direct=False))
    assert resources.show(stored, _BASE, groups=groups, licenses=[{"product": "p"}]) == {
        "schemas": [USER.core, ENTERPRISE, LICENSE],
        "id": "u1",
        "userName": "a",
        ENTERPRISE: {"department": "D"},
        "groups": [
            {"value": "g1", "$ref": f"{_BASE}/Groups/g1", "display": "G", "type": "direct"},
            {"value": "g2", "$ref": f"{_BASE}/Groups/g2", "type": "indirect"},
        ],
        LICENSE: {"licenses": [{"product": "p"}]},
        "meta": {
            "resourceType": "User",
            "created": "2026-01-05T08:00:00.250000Z",
            "lastModified": "2027-01-05T08:00:00.250000Z",
            "location": f"{_BASE}/Users/u1",
            "version": 'W/"7"',
        },
    }


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("userName", ["userName"]),
        (" userName , title ", ["userName", "title"]),
        (
            'emails[type eq "a,b]" and value pr].value,title',
            ['emails[type eq "a,b]" and value pr].value', "title"],
        ),
        ("emails[type,title", ["emails[type,title"]),
        ('emails[type eq "a,title', ['emails[type eq "a,title']),
        ('emails[value eq "a\\"],b"],title', ['emails[value eq "a\\"],b"]', "title"]),
        ('["\\', ['["\\']),
        ('[\\"' * 20_000, ['[\\"' * 20_000]),  # read once: by halves it would take minutes
        (",,", []),
    ],
)
def test_names_are_parted_at_commas(text: str, names: list[str]) -> None:
    assert projection.split(text) == names


def test_an_attribute_that_is_never_returned_is_wanted_by_nobody() -> None:
    password = USER.attributes[""]["password"]
    assert password.returned is Returned.NEVER
    [asked] = projection.read(["password"], [], [USER]).values()
    assert not asked.wants(password)
    assert not projection.Projection().wants(password)


def test_members_are_cut_to_what_is_asked_for() -> None:
    members = GROUP.attributes[""]["members"]
    every = [{"value": "a", "type": "User"}, {"value": "b", "type": "Group"}]
    [asked] = projection.read(['members[type eq "User"].value'], [], [GROUP]).values()
    budget = Budget(4, "")  # two elements, each looked into for one value
    assert asked.value(members, every, budget) == [{"value": "a"}]
    [left] = projection.read([], ["members.type"], [GROUP]).values()
    assert left.value(members, every, budget) == [{"value": "a"}, {"value": "b"}]
    assert left.wants(members)


def test_values_are_compared_with_few_names_each_once() -> None:
    names = [f'emails[value co "{n}"]' for n in range(projection.MAX_COMPARISONS)]
    [asked] = projection.read(names * 2, [], [USER]).values()
    emails = [{"value": f"{n}@x.example"} for n in range(1000)]
    budget = Budget(10 * 2 * 1000, "")
    assert asked.value(USER.attributes[""]["emails"], emails, budget) == emails
    assert budget.left == 0
    with pytest.raises(TooMany):
        asked.value(USER.attributes[""]["emails"], emails, budget)
    for more in ('emails[value co "x"]', 'phoneNumbers[not (type pr and value eq "1")]'):
        with pytest.raises(InvalidValue, match="at most 10 comparisons"):
            projection.read([], [*names, more], [USER])


def test_members_are_written_in_pieces_that_make_one_list() -> None:
    for count in (0, 1, 499, 500, 501, 1000, 1001):
        members = [{"value": str(n)} for n in range(count)]
        chunks = list(stream.single(stream.Shown({"id": "g"}, iter(members))))
        assert len(chunks) == 2 + (count + 499) // 500
        assert b"".join(chunks).startswith(b'{"id":"g","members":[')
        assert json.loads(b"".join(chunks)) == {"id": "g", "members": members}

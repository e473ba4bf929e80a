"""What are a user's attributes after a PATCH? (RFC 7644 3.5.2)"""

import re
from typing import Any

import pytest

from scim.errors import InvalidValue, Mutability, NoTarget, ScimError
from scim.schema import ENTERPRISE, GROUP, USER
from tests.scim.patching import ADA, HOME, WORK, op, patched, rest


@pytest.mark.parametrize(
    ("operation", "after"),
    [
        (op("add", "title", "Chief"), rest(title="Chief")),
        (op("replace", "TITLE", "Chief"), rest(title="Chief")),
        (op("replace", f"{USER.core}:title", "Chief"), rest(title="Chief")),
        (op("remove", "title"), rest(title=None)),
        (op("remove", "nickName"), ADA),
        (op("replace", "title", None), rest(title=None)),
        (op("add", "title", None), ADA),
        (op("add", "name", {"givenName": "A"}), rest(name={"givenName": "A", "familyName": "Berg"})),
        (op("replace", "name", {"givenName": "A"}), rest(name={"givenName": "A", "familyName": "Berg"})),
        (op("replace", "name.givenName", "A"), rest(name={"givenName": "A", "familyName": "Berg"})),
        (op("replace", "name", {"givenName": None}), rest(name={"familyName": "Berg"})),
        (op("add", "name", {"givenName": None}), ADA),
        (op("replace", "name", {}), ADA),
        (op("replace", "name", None), rest(name=None)),
        (op("remove", "name.givenName"), rest(name={"familyName": "Berg"})),
        (op("remove", "name"), rest(name=None)),
        (op("add", "name.givenName", None), ADA),
        (op("replace", "name.givenName", None), rest(name={"familyName": "Berg"})),
        (
            op("add", "emails", {"value": "n@x.example"}),
            rest(emails=[WORK, HOME, {"value": "n@x.example"}]),
        ),
        (op("add", "emails", [{**WORK, "value": "W@x.example"}]), ADA),
        (op("add", "emails", "n@x.example"), rest(emails=[WORK, HOME, {"value": "n@x.example"}])),
        (op("replace", "emails", [{"value": "n@x.example"}]), rest(emails=[{"value": "n@x.example"}])),
        (op("replace", "emails", []), rest(emails=None)),
        (op("remove", "emails"), rest(emails=None)),
        (op("remove", "emails", [{"value": "w@x.example"}]), rest(emails=[HOME])),
        (op("remove", "emails", [{"value": "w@x.example", "display": "W"}]), rest(emails=[HOME])),
        (op("remove", "emails", [{"value": "w@x.example", "type": "home"}]), ADA),
        (op("remove", "emails", []), ADA),
        (op("remove", 'emails[type eq "work"]'), rest(emails=[HOME])),
        (op("remove", 'emails[type eq "fax"]'), ADA),
        (
            op("remove", "emails[primary eq true].type"),
            rest(emails=[WORK, {"value": "h@x.example", "primary": True}]),
        ),
        (
            op("remove", "emails.type"),
            rest(emails=[{"value": "w@x.example"}, {"value": "h@x.example", "primary": True}]),
        ),
        (
            op("replace", "emails.type", "other"),
            rest(emails=[{**WORK, "type": "other"}, {**HOME, "type": "other"}]),
        ),
        (op("add", "roles.value", "admin"), rest(roles=[{"value": "admin"}])),
        (
            op("replace", 'emails[type eq "home"]', {"value": "n@x.example"}),
            rest(emails=[WORK, {"type": "home", "value": "n@x.example"}]),
        ),
        (
            op("add", 'emails[type eq "home"]', {"display": "H"}),
            rest(emails=[WORK, {**HOME, "display": "H"}]),
        ),
        (
            op("add", 'emails[type eq "work"].primary', True),
            rest(emails=[{**WORK, "primary": True}, {**HOME, "primary": False}]),
        ),
        (
            op("add", 'roles[primary eq "True" and type eq "a"].value', "x"),
            rest(roles=[{"primary": True, "type": "a", "value": "x"}]),
        ),
        (
            op("add", f"{ENTERPRISE}:department", "HR"),
            rest(**{ENTERPRISE: {"department": "HR", "manager": {"value": "boss"}}}),
        ),
        (
            op("add", ENTERPRISE, {"department": "HR"}),
            rest(**{ENTERPRISE: {"department": "HR", "manager": {"value": "boss"}}}),
        ),
        (
            op("add", ENTERPRISE.replace(":User", "User") + ":department", "HR"),
            rest(**{ENTERPRISE: {"department": "HR", "manager": {"value": "boss"}}}),
        ),
        (op("remove", ENTERPRISE), rest(**{ENTERPRISE: None})),
        (op("remove", f"{ENTERPRISE}:manager"), rest(**{ENTERPRISE: {"department": "Finance"}})),
        (
            op(
                "replace",
                "",
                {
                    "name.givenName": "A",
                    f"{ENTERPRISE}:department": "HR",
                    USER.core: {"title": "T"},
                    "id": "no",
                    "shoe": 1,
                },
            ),
            rest(
                title="T",
                name={"givenName": "A", "familyName": "Berg"},
                **{ENTERPRISE: {"department": "HR", "manager": {"value": "boss"}}},
            ),
        ),
        (op("replace", "password", "secret"), ADA),
    ],
    ids=lambda value: f"{value['op']} {value.get('path')} {value.get('value')}" if "op" in value else "",
)
def test_an_operation_gives_these_attributes(operation: dict[str, Any], after: dict[str, Any]) -> None:
    change = patched(operation)
    assert change.attributes == after
    assert change.members == ()


def test_emptied_parts_disappear() -> None:
    after = patched(
        op("remove", "name.givenName"),
        op("remove", "name.familyName"),
        op("remove", f"{ENTERPRISE}:department"),
        op("remove", f"{ENTERPRISE}:manager.value"),
        op("remove", "emails.type"),
        op("remove", "emails.value"),
        op("remove", "emails.primary"),
    )
    assert after.attributes == {"userName": "ada", "title": "Clerk"}


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        (op("remove", "userName"), Mutability),
        (op("replace", "userName", None), Mutability),
        (op("replace", "userName", ""), InvalidValue),
        (op("replace", "title", ["a"]), InvalidValue),
        (op("replace", 'emails[type eq "work"]', None), InvalidValue),
        (op("replace", 'emails[type eq "fax"].value', "x"), NoTarget),
        (op("add", 'emails[type ne "fax" and type eq "x"].value', "x"), NoTarget),
        (op("add", "emails.primary", True), InvalidValue),
        (op("add", ENTERPRISE, "x"), InvalidValue),
        (
            op("add", "emails", [{"value": "a", "primary": True}, {"value": "b", "primary": True}]),
            InvalidValue,
        ),
    ],
)
def test_an_operation_is_refused(operation: dict[str, Any], error: type[ScimError]) -> None:
    with pytest.raises(error):
        patched(operation)


@pytest.mark.parametrize("kind", ["entra", "okta"])
def test_what_lacks_a_value_does_not_hinder_a_disable(kind: str) -> None:
    """As null in its place: the title is cleared, `active` isn't (a warning), and nobody joins or leaves."""
    change = patched(op("replace", "title"), op("add", "active"), op("replace", "active", False), kind=kind)
    assert change.attributes == rest(title=None) | {"active": False}
    change = patched(op("replace", "members"), op("add", "members"), kind=kind, to=GROUP)
    assert (change.members, change.warnings) == ((), (("unusable_value", "members"),))
    for lacking in (op("replace", "userName"), op("add")):
        with pytest.raises(ScimError):
            patched(lacking, kind=kind)


@pytest.mark.parametrize("path", ["title", "active", "shoeSize", "name.givenName", ""])
@pytest.mark.parametrize("verb", ["add", "replace"])
def test_an_operation_that_lacks_a_value_is_refused(verb: str, path: str) -> None:
    with pytest.raises(InvalidValue):
        patched(op(verb, path))


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        (
            op("add", 'phoneNumbers[type eq "mobile"].value', 5),
            'phoneNumbers[type eq "mobile"].value must be string',
        ),
        (op("add", "phoneNumbers", {"value": 5}), "phoneNumbers.value must be string"),
        (op("replace", "name.givenName", 5), "name.givenName must be string"),
        (op("replace", "", {"name": {"givenName": 5}}), "name.givenName must be string"),
        (op("replace", f"{ENTERPRISE}:department", 5), f"{ENTERPRISE}:department must be string"),
        (
            op("add", 'emails[type eq "work"]', {"value": 5}),
            'emails[type eq "work"].value must be string',
        ),
    ],
)
def test_an_error_names_the_whole_path(operation: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidValue, match=f"^{re.escape(said)}$"):
        patched(operation)

"""Do the recordings hold every form in which Entra ID (E1-E14) and Okta (O1-O11) send?"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from connector.demo.recording import Step
from tests.connector.demo.files import cycles

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
FLAG = "aadOptscim062020"
LOOK_UP = "/Users?filter=userName%20eq%20%22bo.lindgren%40northmill.example%22&startIndex=1&count=100"


def steps(kind: str) -> list[Step]:
    return [step for recording in cycles() if recording.kind == kind for step in recording.steps]


def body(step: Step) -> dict[str, Any]:
    return dict(json.loads(step.body or "{}"))


def operations(step: Step) -> list[dict[str, Any]]:
    return list(body(step).get("Operations", []))


def sends(**wanted: Any) -> Callable[[Step], bool]:
    """A PATCH in which an operation has exactly these values."""
    return lambda step: any(
        all(operation.get(key) == value for key, value in wanted.items()) for operation in operations(step)
    )


def has(test: Callable[[dict[str, Any]], bool], *, path: str | None) -> Callable[[Step], bool]:
    """A PATCH in which an operation with this path (None: none) passes the test."""
    return lambda step: any(test(o) for o in operations(step) if o.get("path") == path)


def put_group(step: Step) -> bool:
    return step.method == "PUT" and step.path.startswith("/Groups/{{") and "members" in body(step)


#: (form, does a step have it?)
ENTRA: list[tuple[str, Callable[[Step], bool]]] = [
    (
        "test connection without User-Agent and Accept",
        lambda s: s.headers == (("Content-Type", "application/scim+json"),),
    ),
    ("look-up before create", lambda s: s.path.startswith('/Users?filter=userName eq "ada.berg@')),
    ("E1 create", lambda s: s.path == "/Users" and body(s)["meta"] == {"resourceType": "User"}),
    ("E1 manager as a string", lambda s: isinstance(body(s).get(ENTERPRISE, {}).get("manager"), str)),
    (
        "E1 nulls and an active that is a string",
        lambda s: body(s).get("active") == "True" and "addresses" in body(s),
    ),
    ("E1 misspelt URN", lambda s: any(u.endswith("enterprise:2.0User") for u in body(s).get("schemas", []))),
    ("E2 disable", sends(op="Replace", path="active", value="False")),
    ("E2b disable by Add", sends(op="Add", path="active", value="False")),
    (
        "E3 disable with the flag",
        lambda s: FLAG in s.path and sends(op="replace", path="active", value=False)(s),
    ),
    ("E4 Add on a filtered path", sends(op="Add", path='phoneNumbers[type eq "mobile"].value')),
    ("E4 Replace on a filtered path", sends(op="Replace", path='emails[type eq "work"].value')),
    (
        "E5 merged, dotted and URN keys",
        has(lambda o: {"active", "name.givenName", f"{ENTERPRISE}:department"} <= set(o["value"]), path=None),
    ),
    ("E5 a boolean as a string in a filter", sends(op="add", path='roles[primary eq "True"].value')),
    ("E6 clear by an empty string", sends(op="replace", path="title", value="")),
    ("E6 clear by null", sends(op="replace", path='emails[type eq "work"].value', value=None)),
    ("E7 manager set", sends(op="Add", path=f"{ENTERPRISE}:manager")),
    ("E7 manager changed", sends(op="replace", path=f"{ENTERPRISE}:manager", value="{{u.marta}}")),
    ("E7 manager removed", sends(op="replace", path=f"{ENTERPRISE}:manager", value="")),
    (
        "E8 create a group, empty",
        lambda s: s.path == "/Groups" and "members" not in body(s) and "ADSCIM" in body(s)["schemas"][1],
    ),
    (
        "E9 look up a group",
        lambda s: s.path == '/Groups?excludedAttributes=members&filter=displayName eq "LIC-AnyPrint"',
    ),
    (
        "E9 read a group",
        lambda s: s.path == "/Groups/{{g.anyprint}}?excludedAttributes=members" and s.method == "GET",
    ),
    ("E9 check a member", lambda s: 'members eq "{{u.' in s.path and 'id eq "{{g.' in s.path),
    ("E9 check a manager", lambda s: 'manager eq "{{u.' in s.path and s.path.endswith("attributes=id")),
    ("E10 add members", has(lambda o: o["op"] == "Add" and o["value"][1]["$ref"] is None, path="members")),
    (
        "E11 remove members by a value array",
        has(lambda o: o["op"] == "Remove" and bool(o["value"]), path="members"),
    ),
    (
        "E12 remove a member with the flag",
        lambda s: FLAG in s.path and sends(op="remove", path='members[value eq "{{u.petra}}"]')(s),
    ),
    ("E13 rename a group", sends(op="Replace", path="displayName", value="Sales Nordics")),
    ("E14 delete a user", lambda s: s.method == "DELETE" and s.path.startswith("/Users/")),
    ("E14 delete a group", lambda s: s.method == "DELETE" and s.path.startswith("/Groups/")),
]
OKTA: list[tuple[str, Callable[[Step], bool]]] = [
    ("its own User-Agent", lambda s: ("User-Agent", "Okta SCIM Client 1.0.0") in s.headers),
    (
        "POST as application/json",
        lambda s: s.method == "POST" and ("Content-Type", "application/json") in s.headers,
    ),
    ("O1 credential test", lambda s: s.path == "/Users?startIndex=1&count=1"),
    ("O2 look-up, encoded", lambda s: s.path == LOOK_UP),
    (
        "O3 create with a password",
        lambda s: s.method == "POST" and "password" in body(s) and body(s)["groups"] == [],
    ),
    (
        "O4 PUT of the whole",
        lambda s: (
            s.method == "PUT" and body(s).get("name", {}).get("middleName") == "" and body(s)["groups"] != []
        ),
    ),
    ("O4 deactivate by PUT", lambda s: s.method == "PUT" and body(s).get("active") is False),
    ("O5 deactivate, path-less", lambda s: operations(s) == [{"op": "replace", "value": {"active": False}}]),
    ("O5 activate, path-less", lambda s: operations(s) == [{"op": "replace", "value": {"active": True}}]),
    (
        "O5 password sync",
        lambda s: operations(s) == [{"op": "replace", "value": {"password": "x9Placeholder"}}],
    ),
    ("O6 group push, empty", lambda s: s.path == "/Groups" and body(s).get("members") == []),
    (
        "O6 existence check",
        lambda s: s.path.startswith("/Groups?filter=displayName%20eq%20%22LIC-AnyScan%22"),
    ),
    ("O6 POST with members", lambda s: s.path == "/Groups" and bool(body(s).get("members"))),
    (
        "O7 rename before a change",
        sends(op="replace", value={"id": "{{g.scan}}", "displayName": "LIC-AnyScan"}),
    ),
    ("O8 remove and add in one", lambda s: [o["op"] for o in operations(s)] == ["remove", "add"]),
    ("O9 full push", sends(op="replace", path="members")),
    ("O9 path-less", has(lambda o: bool(o["value"].get("members")), path=None)),
    ("O9 path-less, emptied", has(lambda o: o["value"].get("members") == [], path=None)),
    ("O10 PUT of a group", put_group),
    ("O10 without displays", lambda s: put_group(s) and body(s)["members"][0]["display"] is None),
    ("O11 delete a group", lambda s: s.method == "DELETE" and s.path.startswith("/Groups/")),
]
CASES = [("entra", form, test) for form, test in ENTRA] + [("okta", form, test) for form, test in OKTA]


@pytest.mark.parametrize(("kind", "form", "test"), CASES, ids=[form for _, form, _ in CASES])
def test_every_form_is_recorded(kind: str, form: str, test: Callable[[Step], bool]) -> None:
    assert any(test(step) for step in steps(kind)), form

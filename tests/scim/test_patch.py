"""What are a user's attributes after a PATCH? (RFC 7644 3.5.2)"""

import copy
from dataclasses import dataclass
from typing import Any

import pytest

from scim import dialects, membership, operations, patch
from scim.dialects import DIALECTS
from scim.errors import InvalidPath, InvalidValue, Mutability, NoTarget, ScimError
from scim.path import read as read_path
from scim.schema import ENTERPRISE, GROUP, USER, ResourceType
from scim.store import MemberOp, MemberVerb

_WORK = {"type": "work", "value": "w@x.example"}
_HOME = {"type": "home", "value": "h@x.example", "primary": True}
_ADA: dict[str, Any] = {
    "userName": "ada",
    "title": "Clerk",
    "name": {"givenName": "Ada", "familyName": "Berg"},
    "emails": [_WORK, _HOME],
    ENTERPRISE: {"department": "Finance", "manager": {"value": "boss"}},
}
_ADD, _REMOVE, _REPLACE = MemberVerb.ADD, MemberVerb.REMOVE, MemberVerb.REPLACE


@dataclass(frozen=True, slots=True)
class _Change:
    attributes: dict[str, Any]
    members: tuple[MemberOp, ...]
    warnings: tuple[tuple[str, str], ...]


def _patched(*sent: dict[str, Any], kind: str = "scim", to: ResourceType = USER) -> _Change:
    dialect = DIALECTS[kind]
    read = operations.read({"Operations": list(sent)})
    meant = [one for each in read for one in dialects.operation(each, to, dialect)]
    plan = patch.read(to, meant, forgiving=dialect.forgiving)
    before = copy.deepcopy(_ADA) if to is USER else {"displayName": "G"}
    kept = copy.deepcopy(before)
    after = patch.apply(plan, before)
    assert before == kept, "the attributes before were changed"
    return _Change(after, plan.members, plan.warnings)


def _op(op: str, path: str = "", value: Any = None) -> dict[str, Any]:
    return {"op": op, **({"path": path} if path else {}), "value": value}


def _rest(**changed: Any) -> dict[str, Any]:
    """Ada with these attributes; None: without."""
    return {name: value for name, value in {**_ADA, **changed}.items() if value is not None}


@pytest.mark.parametrize(
    ("operation", "after"),
    [
        (_op("add", "title", "Chief"), _rest(title="Chief")),
        (_op("replace", "TITLE", "Chief"), _rest(title="Chief")),
        (_op("replace", f"{USER.core}:title", "Chief"), _rest(title="Chief")),
        (_op("remove", "title"), _rest(title=None)),
        (_op("remove", "nickName"), _ADA),
        (_op("replace", "title", None), _rest(title=None)),
        (_op("add", "title", None), _ADA),
        (_op("add", "name", {"givenName": "A"}), _rest(name={"givenName": "A", "familyName": "Berg"})),
        (_op("replace", "name", {"givenName": "A"}), _rest(name={"givenName": "A", "familyName": "Berg"})),
        (_op("replace", "name.givenName", "A"), _rest(name={"givenName": "A", "familyName": "Berg"})),
        (_op("replace", "name", {"givenName": None}), _rest(name={"familyName": "Berg"})),
        (_op("add", "name", {"givenName": None}), _ADA),
        (_op("replace", "name", {}), _ADA),
        (_op("replace", "name", None), _rest(name=None)),
        (_op("remove", "name.givenName"), _rest(name={"familyName": "Berg"})),
        (_op("remove", "name"), _rest(name=None)),
        (_op("add", "name.givenName", None), _ADA),
        (_op("replace", "name.givenName", None), _rest(name={"familyName": "Berg"})),
        (
            _op("add", "emails", {"value": "n@x.example"}),
            _rest(emails=[_WORK, _HOME, {"value": "n@x.example"}]),
        ),
        (_op("add", "emails", [{**_WORK, "value": "W@x.example"}]), _ADA),
        (_op("add", "emails", "n@x.example"), _rest(emails=[_WORK, _HOME, {"value": "n@x.example"}])),
        (_op("replace", "emails", [{"value": "n@x.example"}]), _rest(emails=[{"value": "n@x.example"}])),
        (_op("replace", "emails", []), _rest(emails=None)),
        (_op("remove", "emails"), _rest(emails=None)),
        (_op("remove", "emails", [{"value": "w@x.example"}]), _rest(emails=[_HOME])),
        (_op("remove", "emails", [{"value": "w@x.example", "display": "W"}]), _rest(emails=[_HOME])),
        (_op("remove", "emails", [{"value": "w@x.example", "type": "home"}]), _ADA),
        (_op("remove", "emails", []), _ADA),
        (_op("remove", 'emails[type eq "work"]'), _rest(emails=[_HOME])),
        (_op("remove", 'emails[type eq "fax"]'), _ADA),
        (
            _op("remove", "emails[primary eq true].type"),
            _rest(emails=[_WORK, {"value": "h@x.example", "primary": True}]),
        ),
        (
            _op("remove", "emails.type"),
            _rest(emails=[{"value": "w@x.example"}, {"value": "h@x.example", "primary": True}]),
        ),
        (
            _op("replace", "emails.type", "other"),
            _rest(emails=[{**_WORK, "type": "other"}, {**_HOME, "type": "other"}]),
        ),
        (_op("add", "roles.value", "admin"), _rest(roles=[{"value": "admin"}])),
        (
            _op("replace", 'emails[type eq "home"]', {"value": "n@x.example"}),
            _rest(emails=[_WORK, {"type": "home", "value": "n@x.example"}]),
        ),
        (
            _op("add", 'emails[type eq "home"]', {"display": "H"}),
            _rest(emails=[_WORK, {**_HOME, "display": "H"}]),
        ),
        (
            _op("add", 'emails[type eq "work"].primary', True),
            _rest(emails=[{**_WORK, "primary": True}, {**_HOME, "primary": False}]),
        ),
        (
            _op("add", 'roles[primary eq "True" and type eq "a"].value', "x"),
            _rest(roles=[{"primary": True, "type": "a", "value": "x"}]),
        ),
        (
            _op("add", f"{ENTERPRISE}:department", "HR"),
            _rest(**{ENTERPRISE: {"department": "HR", "manager": {"value": "boss"}}}),
        ),
        (
            _op("add", ENTERPRISE, {"department": "HR"}),
            _rest(**{ENTERPRISE: {"department": "HR", "manager": {"value": "boss"}}}),
        ),
        (
            _op("add", ENTERPRISE.replace(":User", "User") + ":department", "HR"),
            _rest(**{ENTERPRISE: {"department": "HR", "manager": {"value": "boss"}}}),
        ),
        (_op("remove", ENTERPRISE), _rest(**{ENTERPRISE: None})),
        (_op("remove", f"{ENTERPRISE}:manager"), _rest(**{ENTERPRISE: {"department": "Finance"}})),
        (
            _op(
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
            _rest(
                title="T",
                name={"givenName": "A", "familyName": "Berg"},
                **{ENTERPRISE: {"department": "HR", "manager": {"value": "boss"}}},
            ),
        ),
        (_op("replace", "password", "secret"), _ADA),
    ],
    ids=lambda value: f"{value['op']} {value.get('path')} {value['value']}" if "op" in value else "",
)
def test_an_operation_gives_these_attributes(operation: dict[str, Any], after: dict[str, Any]) -> None:
    change = _patched(operation)
    assert change.attributes == after
    assert change.members == ()


def test_emptied_parts_disappear() -> None:
    after = _patched(
        _op("remove", "name.givenName"),
        _op("remove", "name.familyName"),
        _op("remove", f"{ENTERPRISE}:department"),
        _op("remove", f"{ENTERPRISE}:manager.value"),
        _op("remove", "emails.type"),
        _op("remove", "emails.value"),
        _op("remove", "emails.primary"),
    )
    assert after.attributes == {"userName": "ada", "title": "Clerk"}


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        (_op("remove", "userName"), Mutability),
        (_op("replace", "userName", None), Mutability),
        (_op("replace", "userName", ""), InvalidValue),
        (_op("replace", "title", ["a"]), InvalidValue),
        (_op("replace", 'emails[type eq "work"]', None), InvalidValue),
        (_op("replace", 'emails[type eq "fax"].value', "x"), NoTarget),
        (_op("add", 'emails[type ne "fax" and type eq "x"].value', "x"), NoTarget),
        (_op("add", "emails.primary", True), InvalidValue),
        (_op("add", ENTERPRISE, "x"), InvalidValue),
        (
            _op("add", "emails", [{"value": "a", "primary": True}, {"value": "b", "primary": True}]),
            InvalidValue,
        ),
    ],
)
def test_an_operation_is_refused(operation: dict[str, Any], error: type[ScimError]) -> None:
    with pytest.raises(error):
        _patched(operation)


@pytest.mark.parametrize("kind", ["entra", "okta"])
def test_forgiving_kinds_skip_with_a_warning_and_go_on(kind: str) -> None:
    change = _patched(
        _op("add", "shoeSize", 44),
        _op("add", 'shoes[type eq "a"].size', 44),
        _op("add", 'emails[shoe eq "a"].value', "x"),
        _op("replace", "meta.created", "2020-01-01T00:00:00Z"),
        _op("add", "groups", [{"value": "g"}]),
        _op("add", "shoeSize", 45),
        _op("replace", "title", "Chief"),
        kind=kind,
    )
    assert change.attributes == _rest(title="Chief")
    assert change.warnings == (
        ("unknown_path", "shoeSize"),
        ("unknown_path", 'shoes[type eq "a"].size'),
        ("unknown_path", 'emails[shoe eq "a"].value'),
        ("read_only_path", "meta.created"),
        ("read_only_path", "groups"),
    )


@pytest.mark.parametrize("kind", ["entra", "okta"])
def test_forgiving_kinds_clear_by_empty_text_and_make_what_is_missing(kind: str) -> None:
    after = _patched(
        _op("replace", "title", ""),
        _op("replace", 'emails[type eq "home"].value', ""),
        _op("replace", 'phoneNumbers[type eq "work"].value', "1"),
        _op("replace", "", {"name": {"givenName": ""}}),
        kind=kind,
    ).attributes
    phones = [{"type": "work", "value": "1"}]
    assert after == _rest(title=None, emails=[_WORK], phoneNumbers=phones, name={"familyName": "Berg"})


def _value(*ids: str) -> list[dict[str, Any]]:
    return [{"value": id, "$ref": None} for id in ids]


@pytest.mark.parametrize(
    ("sent", "members"),
    [
        ([_op("add", "members", _value("a", "b", "a"))], [(_ADD, "a", "b")]),
        ([_op("add", "members", "a")], [(_ADD, "a")]),
        ([_op("add", "members", {"VALUE": "a"})], [(_ADD, "a")]),
        ([_op("add", "members", [])], []),
        ([_op("add", "members", [None, "a"])], [(_ADD, "a")]),
        ([_op("add", "", {"members": _value("a"), "displayName": "H"})], [(_ADD, "a")]),
        ([_op("add", 'members[value eq "a"]', {})], [(_ADD, "a")]),
        ([_op("remove", "members", _value("a"))], [(_REMOVE, "a")]),
        ([_op("remove", "members", [])], []),
        ([_op("remove", "members")], [(_REPLACE,)]),
        ([_op("remove", 'members[value eq "a"]')], [(_REMOVE, "a")]),
        ([_op("remove", 'members[value eq "a"]', _value("b"))], [(_REMOVE, "a")]),
        ([_op("remove", 'members[value eq "a" or value eq "b"]')], [(_REMOVE, "a", "b")]),
        ([_op("replace", "members", _value("a"))], [(_REPLACE, "a")]),
        ([_op("replace", "members", [])], [(_REPLACE,)]),
        ([_op("replace", "members", None)], [(_REPLACE,)]),
        ([_op("replace", "", {"displayName": "H"})], []),
        (
            [_op("add", "members", "a"), _op("add", "members", "b"), _op("remove", 'members[value eq "c"]')],
            [(_ADD, "a", "b"), (_REMOVE, "c")],
        ),
        (
            [
                _op("replace", "members", ["a"]),
                _op("replace", "members", ["b"]),
                _op("add", "members", ["c"]),
            ],
            [(_REPLACE, "a"), (_REPLACE, "b"), (_ADD, "c")],
        ),
    ],
)
@pytest.mark.parametrize("kind", list(DIALECTS))
def test_members_change_without_the_group(sent: list[dict[str, Any]], members: list[Any], kind: str) -> None:
    change = _patched(*sent, kind=kind, to=GROUP)
    assert change.members == tuple(MemberOp(verb, ids) for verb, *rest in members for ids in [tuple(rest)])


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        (_op("replace", 'members[value eq "a"]', {"value": "b"}), Mutability),
        (_op("remove", "members.value"), Mutability),
        (_op("remove", 'members[type eq "User"]'), InvalidPath),
        (_op("remove", "displayName"), Mutability),
    ],
)
def test_members_cant_be_changed_so(operation: dict[str, Any], error: type[ScimError]) -> None:
    with pytest.raises(error):
        _patched(operation, to=GROUP)


def test_a_path_with_a_sub_attribute_of_members_is_no_membership() -> None:
    with pytest.raises(Mutability):
        membership.compile(
            operations.Operation(operations.Verb.ADD, "", "x"), read_path("members.value", GROUP)
        )

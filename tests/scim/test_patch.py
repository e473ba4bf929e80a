"""What are a user's attributes after a PATCH? (RFC 7644 3.5.2)"""

import copy
import re
from dataclasses import dataclass
from typing import Any

import pytest

from scim import dialects, operations, patch
from scim.dialects import DIALECTS
from scim.errors import InvalidFilter, InvalidPath, InvalidValue, Mutability, NoTarget, ScimError
from scim.membership import Picking
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


@dataclass(frozen=True, slots=True)
class _Change:
    attributes: dict[str, Any]
    members: tuple[MemberOp | Picking, ...]
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
    return _Change(after.attributes, plan.members, after.warnings)


_UNSAID = object()


def _op(op: str, path: str = "", value: Any = _UNSAID) -> dict[str, Any]:
    said = {} if value is _UNSAID else {"value": value}
    return {"op": op, **({"path": path} if path else {}), **said}


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
    ids=lambda value: f"{value['op']} {value.get('path')} {value.get('value')}" if "op" in value else "",
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
def test_what_lacks_a_value_does_not_hinder_a_disable(kind: str) -> None:
    """As null in its place: the title is cleared, `active` isn't (a warning), and nobody joins or leaves."""
    change = _patched(
        _op("replace", "title"), _op("add", "active"), _op("replace", "active", False), kind=kind
    )
    assert change.attributes == _rest(title=None) | {"active": False}
    change = _patched(_op("replace", "members"), _op("add", "members"), kind=kind, to=GROUP)
    assert (change.members, change.warnings) == ((), (("unusable_value", "members"),))
    for lacking in (_op("replace", "userName"), _op("add")):
        with pytest.raises(ScimError):
            _patched(lacking, kind=kind)


@pytest.mark.parametrize("path", ["title", "active", "shoeSize", "name.givenName", ""])
@pytest.mark.parametrize("verb", ["add", "replace"])
def test_an_operation_that_lacks_a_value_is_refused(verb: str, path: str) -> None:
    with pytest.raises(InvalidValue):
        _patched(_op(verb, path))


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


_CLEARINGS = [
    _op("replace", "active", None),
    _op("replace", "active", ""),
    _op("replace", f"{USER.core}:active", None),
    _op("remove", "active"),
    _op("remove", "active", None),
    _op("remove", "active", "False"),
    _op("replace", "", {"active": None}),
    _op("replace", "", {USER.core: {"active": ""}}),
]


@pytest.mark.parametrize("active", [True, False])
@pytest.mark.parametrize("operation", _CLEARINGS, ids=str)
def test_r05_active_that_is_cleared_stays_as_it_is(operation: dict[str, Any], active: bool) -> None:
    """Without it a disabled person would count as active, and get a license."""
    for kind in ("entra", "okta"):
        change = _patched(_op("replace", "active", active), operation, kind=kind)
        assert change.attributes["active"] is active
        [(code, path)] = change.warnings
        assert (code, path.removeprefix(f"{USER.core}:")) == ("unusable_value", "active")
    with pytest.raises(Mutability, match="send true or false"):
        _patched(_op("replace", "active", active), operation)


@pytest.mark.parametrize("kind", ["entra", "okta"])
def test_what_an_attribute_can_not_take_stops_no_disable(kind: str) -> None:
    change = _patched(
        _op("replace", "active", "False"),
        _op("add", f"{ENTERPRISE}:employeeNumber", 10017),
        _op("add", 'phoneNumbers[type eq "mobile"].value', 4670),
        _op("replace", "nickName", 1.5),
        _op("replace", "externalId", "x" * 1001),
        _op("replace", "title", True),
        _op("replace", "name", {"givenName": {"a": 1}}),
        _op("add", f"{ENTERPRISE}:costCenter", ["a", "b"]),
        _op("add", 'emails[value co "q"].type', "work"),
        kind=kind,
    )
    assert change.attributes == _rest(
        active=False,
        nickName="1.5",
        phoneNumbers=[{"type": "mobile", "value": "4670"}],
        **{ENTERPRISE: {**_ADA[ENTERPRISE], "employeeNumber": "10017"}},
    )
    skipped = ("externalId", "title", "name", f"{ENTERPRISE}:costCenter", 'emails[value co "q"].type')
    assert change.warnings == tuple(("unusable_value", path) for path in skipped)


def test_an_extension_of_which_nothing_can_be_used_is_not_begun() -> None:
    plan = patch.read(
        USER,
        operations.read({"Operations": [_op("add", f"{ENTERPRISE}:department", True)]}),
        forgiving=True,
    )
    assert patch.apply(plan, {"userName": "a"}).attributes == {"userName": "a"}


@pytest.mark.parametrize(
    "operation",
    [
        _op("replace", "active", "perhaps"),
        _op("replace", "active", 2),
        _op("replace", "active", [True, False]),
        _op("replace", "active.value", False),
        _op("replace", 'active[value eq "x"]', False),
        _op("replace", f"{USER.core}:active[", False),
        _op("remove", "userName"),
        _op("replace", "userName", {"a": 1}),
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", list(DIALECTS))
def test_what_is_vital_is_done_or_refused(operation: dict[str, Any], kind: str) -> None:
    with pytest.raises(ScimError):
        _patched(operation, kind=kind)


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ('members[id eq "X"]', InvalidFilter),
        ('members[value eq "X"', InvalidFilter),
        ("members[00000000-0000-4000-8000-000000000000]", InvalidFilter),
        ("members.00000000-0000-4000-8000-000000000000", InvalidPath),
        ("members.name", InvalidPath),
        ('[value eq "X"]', InvalidFilter),
        ("members X", InvalidPath),
        (f'{GROUP.core}:members[id eq "X"]', InvalidFilter),
    ],
)
@pytest.mark.parametrize("kind", list(DIALECTS))
def test_a_removal_that_can_not_be_read_is_refused(path: str, error: type[ScimError], kind: str) -> None:
    """RFC 7644 3.12: answered as done, the identity provider would never send it again."""
    with pytest.raises(error):
        _patched(_op("remove", path), kind=kind, to=GROUP)


@pytest.mark.parametrize(
    "path", ["foo:bar", "a b", "a.b.c", "1abc", "foo[", "http://schemas.example/y", "externalId.x"]
)
@pytest.mark.parametrize("verb", ["add", "remove"])
def test_a_path_that_can_not_be_read_does_not_hinder_the_members(verb: str, path: str) -> None:
    """Only what may have meant a member or the name is refused."""
    change = _patched(_op(verb, path), _op("add", "members", [{"value": "m"}]), kind="okta", to=GROUP)
    assert change.members == (MemberOp(MemberVerb.ADD, ("m",)),)
    assert change.warnings == (("unknown_path", path),)
    with pytest.raises(ScimError):
        _patched(_op(verb, path), kind="scim", to=GROUP)


@pytest.mark.parametrize(
    "path", ["*", "/displayName", "[", GROUP.core, f"{GROUP.core}:members.x", "a members"]
)
@pytest.mark.parametrize("verb", ["add", "remove"])
@pytest.mark.parametrize("kind", list(DIALECTS))
def test_a_path_that_may_mean_members_is_refused(verb: str, path: str, kind: str) -> None:
    with pytest.raises(ScimError):
        _patched(_op(verb, path), kind=kind, to=GROUP)


@pytest.mark.parametrize("path", ["memberz", 'memberz[value eq "X"]', "urn:custom:Group:members"])
def test_an_attribute_that_no_group_has_is_skipped(path: str) -> None:
    change = _patched(_op("remove", path), kind="entra", to=GROUP)
    assert (change.members, change.warnings) == ((), (("unknown_path", path),))


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        (
            _op("add", 'phoneNumbers[type eq "mobile"].value', 5),
            'phoneNumbers[type eq "mobile"].value must be string',
        ),
        (_op("add", "phoneNumbers", {"value": 5}), "phoneNumbers.value must be string"),
        (_op("replace", "name.givenName", 5), "name.givenName must be string"),
        (_op("replace", "", {"name": {"givenName": 5}}), "name.givenName must be string"),
        (_op("replace", f"{ENTERPRISE}:department", 5), f"{ENTERPRISE}:department must be string"),
        (
            _op("add", 'emails[type eq "work"]', {"value": 5}),
            'emails[type eq "work"].value must be string',
        ),
    ],
)
def test_an_error_names_the_whole_path(operation: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidValue, match=f"^{re.escape(said)}$"):
        _patched(operation)

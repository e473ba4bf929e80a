"""What of a PATCH of Entra ID or Okta can't be done? It is skipped, unless licenses follow from it."""

from typing import Any

import pytest

from scim import operations, patch
from scim.dialects import DIALECTS
from scim.errors import InvalidFilter, InvalidPath, Mutability, ScimError
from scim.schema import ENTERPRISE, GROUP, USER
from scim.store import MemberOp, MemberVerb
from tests.scim.patching import ADA, WORK, op, patched, rest


@pytest.mark.parametrize("kind", ["entra", "okta"])
def test_forgiving_kinds_skip_with_a_warning_and_go_on(kind: str) -> None:
    change = patched(
        op("add", "shoeSize", 44),
        op("add", 'shoes[type eq "a"].size', 44),
        op("add", 'emails[shoe eq "a"].value', "x"),
        op("replace", "meta.created", "2020-01-01T00:00:00Z"),
        op("add", "groups", [{"value": "g"}]),
        op("add", "shoeSize", 45),
        op("replace", "title", "Chief"),
        kind=kind,
    )
    assert change.attributes == rest(title="Chief")
    assert change.warnings == (
        ("unknown_path", "shoeSize"),
        ("unknown_path", 'shoes[type eq "a"].size'),
        ("unknown_path", 'emails[shoe eq "a"].value'),
        ("read_only_path", "meta.created"),
        ("read_only_path", "groups"),
    )


@pytest.mark.parametrize("kind", ["entra", "okta"])
def test_forgiving_kinds_clear_by_empty_text_and_make_what_is_missing(kind: str) -> None:
    after = patched(
        op("replace", "title", ""),
        op("replace", 'emails[type eq "home"].value', ""),
        op("replace", 'phoneNumbers[type eq "work"].value', "1"),
        op("replace", "", {"name": {"givenName": ""}}),
        kind=kind,
    ).attributes
    phones = [{"type": "work", "value": "1"}]
    assert after == rest(title=None, emails=[WORK], phoneNumbers=phones, name={"familyName": "Berg"})


_CLEARINGS = [
    op("replace", "active", None),
    op("replace", "active", ""),
    op("replace", f"{USER.core}:active", None),
    op("remove", "active"),
    op("remove", "active", None),
    op("remove", "active", "False"),
    op("replace", "", {"active": None}),
    op("replace", "", {USER.core: {"active": ""}}),
]


@pytest.mark.parametrize("active", [True, False])
@pytest.mark.parametrize("operation", _CLEARINGS, ids=str)
def test_r05_active_that_is_cleared_stays_as_it_is(operation: dict[str, Any], active: bool) -> None:
    """Without it a disabled person would count as active, and get a license."""
    for kind in ("entra", "okta"):
        change = patched(op("replace", "active", active), operation, kind=kind)
        assert change.attributes["active"] is active
        [(code, path)] = change.warnings
        assert (code, path.removeprefix(f"{USER.core}:")) == ("unusable_value", "active")
    with pytest.raises(Mutability, match="send true or false"):
        patched(op("replace", "active", active), operation)


@pytest.mark.parametrize("kind", ["entra", "okta"])
def test_what_an_attribute_can_not_take_stops_no_disable(kind: str) -> None:
    change = patched(
        op("replace", "active", "False"),
        op("add", f"{ENTERPRISE}:employeeNumber", 10017),
        op("add", 'phoneNumbers[type eq "mobile"].value', 4670),
        op("replace", "nickName", 1.5),
        op("replace", "externalId", "x" * 1001),
        op("replace", "title", True),
        op("replace", "name", {"givenName": {"a": 1}}),
        op("add", f"{ENTERPRISE}:costCenter", ["a", "b"]),
        op("add", 'emails[value co "q"].type', "work"),
        kind=kind,
    )
    assert change.attributes == rest(
        active=False,
        nickName="1.5",
        phoneNumbers=[{"type": "mobile", "value": "4670"}],
        **{ENTERPRISE: {**ADA[ENTERPRISE], "employeeNumber": "10017"}},
    )
    skipped = ("externalId", "title", "name", f"{ENTERPRISE}:costCenter", 'emails[value co "q"].type')
    assert change.warnings == tuple(("unusable_value", path) for path in skipped)


def test_an_extension_of_which_nothing_can_be_used_is_not_begun() -> None:
    plan = patch.read(
        USER,
        operations.read({"Operations": [op("add", f"{ENTERPRISE}:department", True)]}),
        forgiving=True,
    )
    assert patch.apply(plan, {"userName": "a"}).attributes == {"userName": "a"}


@pytest.mark.parametrize(
    "operation",
    [
        op("replace", "active", "perhaps"),
        op("replace", "active", 2),
        op("replace", "active", [True, False]),
        op("replace", "active.value", False),
        op("replace", 'active[value eq "x"]', False),
        op("replace", f"{USER.core}:active[", False),
        op("remove", "userName"),
        op("replace", "userName", {"a": 1}),
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", list(DIALECTS))
def test_what_is_vital_is_done_or_refused(operation: dict[str, Any], kind: str) -> None:
    with pytest.raises(ScimError):
        patched(operation, kind=kind)


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
        patched(op("remove", path), kind=kind, to=GROUP)


@pytest.mark.parametrize(
    "path", ["foo:bar", "a b", "a.b.c", "1abc", "foo[", "http://schemas.example/y", "externalId.x"]
)
@pytest.mark.parametrize("verb", ["add", "remove"])
def test_a_path_that_can_not_be_read_does_not_hinder_the_members(verb: str, path: str) -> None:
    """Only what may have meant a member or the name is refused."""
    change = patched(op(verb, path), op("add", "members", [{"value": "m"}]), kind="okta", to=GROUP)
    assert change.members == (MemberOp(MemberVerb.ADD, ("m",)),)
    assert change.warnings == (("unknown_path", path),)
    with pytest.raises(ScimError):
        patched(op(verb, path), kind="scim", to=GROUP)


@pytest.mark.parametrize(
    "path", ["*", "/displayName", "[", GROUP.core, f"{GROUP.core}:members.x", "a members"]
)
@pytest.mark.parametrize("verb", ["add", "remove"])
@pytest.mark.parametrize("kind", list(DIALECTS))
def test_a_path_that_may_mean_members_is_refused(verb: str, path: str, kind: str) -> None:
    with pytest.raises(ScimError):
        patched(op(verb, path), kind=kind, to=GROUP)


@pytest.mark.parametrize("path", ["memberz", 'memberz[value eq "X"]', "urn:custom:Group:members"])
def test_an_attribute_that_no_group_has_is_skipped(path: str) -> None:
    change = patched(op("remove", path), kind="entra", to=GROUP)
    assert (change.members, change.warnings) == ((), (("unknown_path", path),))

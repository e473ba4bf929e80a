"""Who joins and leaves a group by a PATCH? Told without loading the group (RFC 7644 3.5.2)."""

from typing import Any

import pytest

from scim import membership, operations
from scim.dialects import DIALECTS
from scim.errors import InvalidPath, Mutability, ScimError
from scim.path import read as read_path
from scim.schema import GROUP
from scim.store import MemberOp, MemberVerb
from tests.scim.patching import op, patched

_ADD, _REMOVE, _REPLACE = MemberVerb.ADD, MemberVerb.REMOVE, MemberVerb.REPLACE


@pytest.mark.parametrize("operation", [op("remove", "members", None), op("replace", "members", None)])
def test_a_null_list_of_members_is_told(operation: dict[str, Any]) -> None:
    assert patched(operation, to=GROUP).warnings == (("unusable_value", "members"),)


def _value(*ids: str) -> list[dict[str, Any]]:
    return [{"value": id, "$ref": None} for id in ids]


@pytest.mark.parametrize(
    ("sent", "members"),
    [
        ([op("add", "members", _value("a", "b", "a"))], [(_ADD, "a", "b")]),
        ([op("add", "members", "a")], [(_ADD, "a")]),
        ([op("add", "members", {"VALUE": "a"})], [(_ADD, "a")]),
        ([op("add", "members", [])], []),
        ([op("add", "members", [None, "a"])], [(_ADD, "a")]),
        ([op("add", "", {"members": _value("a"), "displayName": "H"})], [(_ADD, "a")]),
        ([op("add", 'members[value eq "a"]', {})], [(_ADD, "a")]),
        ([op("remove", "members", _value("a"))], [(_REMOVE, "a")]),
        ([op("remove", "members", [])], []),
        ([op("remove", "members")], [(_REPLACE,)]),
        ([op("remove", 'members[value eq "a"]')], [(_REMOVE, "a")]),
        ([op("remove", 'members[value eq "a"]', _value("b"))], [(_REMOVE, "a")]),
        ([op("remove", 'members[value eq "a" or value eq "b"]')], [(_REMOVE, "a", "b")]),
        ([op("replace", "members", _value("a"))], [(_REPLACE, "a")]),
        ([op("replace", "members", [])], [(_REPLACE,)]),
        ([op("replace", "members", None)], []),
        ([op("replace", "", {"members": None})], []),
        ([op("remove", "members", None)], []),
        ([op("remove", 'members[value eq "a"]', None)], [(_REMOVE, "a")]),
        ([op("replace", "", {"displayName": "H"})], []),
        (
            [op("add", "members", "a"), op("add", "members", "b"), op("remove", 'members[value eq "c"]')],
            [(_ADD, "a", "b"), (_REMOVE, "c")],
        ),
        (
            [
                op("replace", "members", ["a"]),
                op("replace", "members", ["b"]),
                op("add", "members", ["c"]),
            ],
            [(_REPLACE, "a"), (_REPLACE, "b"), (_ADD, "c")],
        ),
    ],
)
@pytest.mark.parametrize("kind", list(DIALECTS))
def test_members_change_without_the_group(sent: list[dict[str, Any]], members: list[Any], kind: str) -> None:
    change = patched(*sent, kind=kind, to=GROUP)
    assert change.members == tuple(MemberOp(verb, ids) for verb, *rest in members for ids in [tuple(rest)])


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        (op("replace", 'members[value eq "a"]', {"value": "b"}), Mutability),
        (op("remove", "members.value"), Mutability),
        (op("add", 'members[type eq "User"]', {}), InvalidPath),
        (op("remove", "displayName"), Mutability),
    ],
)
def test_members_cant_be_changed_so(operation: dict[str, Any], error: type[ScimError]) -> None:
    with pytest.raises(error):
        patched(operation, to=GROUP)


def test_a_path_with_a_sub_attribute_of_members_is_no_membership() -> None:
    with pytest.raises(Mutability):
        membership.compile(
            operations.Operation(operations.Verb.ADD, "", "x"), read_path("members.value", GROUP)
        )

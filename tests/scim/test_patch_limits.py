"""How much may one PATCH look at while nobody else can write? Counted, in looks (T16)."""

from typing import Any

import pytest

from scim import dialects, membership, operations, patch, values
from scim.dialects import DIALECTS
from scim.errors import InvalidValue, ScimError, TooMany
from scim.schema import GROUP, USER, Attribute, ResourceType
from scim.store import MemberOp
from scim.values import MAX_VALUES

_MANY = [{"value": f"e{n}@x.example", "type": "work"} for n in range(MAX_VALUES)]
_ADA: dict[str, Any] = {"userName": "ada", "emails": _MANY}


def _patched(
    sent: list[dict[str, Any]], before: dict[str, Any] = _ADA, to: ResourceType = USER
) -> patch.Plan:
    read = operations.read({"Operations": sent})
    dialect = DIALECTS["entra"]
    meant = (one for each in read for one in dialects.operation(each, to, dialect))
    plan = patch.read(to, meant, forgiving=dialect.forgiving)
    patch.apply(plan, before)
    return plan


def _replace(path: str, value: Any = "x") -> dict[str, Any]:
    return {"op": "replace", "path": path, "value": value}


@pytest.mark.parametrize(
    "sent",
    [
        [_replace(f'emails[value eq "e{n}@x.example"].display') for n in range(700)],
        [{"op": "add", "path": "emails", "value": _MANY[:1]}] * 1000,
        [{"op": "remove", "path": "emails", "value": _MANY}],
        [_replace("emails.type", "home")] * 500,
        [_replace("emails.display", "x" * 400_000)],  # one text into each of a thousand values
        [_replace('emails[type eq "work" and not (value co "zz")].primary', False)] * 50,
    ],
)
def test_operations_times_values_are_bounded(sent: list[dict[str, Any]]) -> None:
    with pytest.raises(TooMany, match="send less in one request"):
        _patched(sent)
    few = {"userName": "ada", "emails": _MANY[:3]}
    if len(sent) > 1:  # what people have takes far more than anybody sends
        _patched(sent[:100], few)


def test_the_looks_are_those_of_the_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """100 operations on 5 values: each value is passed, looked into, and what is there is compared."""
    sent = [_replace('emails[value eq "e1@x.example"].display')] * 100
    few = {"userName": "ada", "emails": _MANY[:5]}
    most = 100 * (1 + 5 + 5 * 2 + 1)
    monkeypatch.setattr(patch, "MAX_LOOKS", most)
    _patched(sent, few)
    monkeypatch.setattr(patch, "MAX_LOOKS", most - 1)
    with pytest.raises(TooMany):
        _patched(sent, few)


def test_a_value_is_read_once_for_all_that_it_goes_into(monkeypatch: pytest.MonkeyPatch) -> None:
    read = []

    def accept_one(attribute: Attribute, value: Any) -> Any:
        read.append(value)
        return values.accept_one(attribute, value)

    monkeypatch.setattr(patch, "accept_one", accept_one)
    _patched([_replace("emails[type pr]", {"display": "x"})])
    assert len(read) == 1


def test_a_value_without_a_path_is_as_many_operations_as_it_has_keys() -> None:
    keys = {f"x{n}": 1 for n in range(operations.MAX_OPERATIONS)}
    _patched([{"op": "add", "value": keys}])
    with pytest.raises(TooMany, match="10000 operations"):
        _patched([{"op": "add", "value": {**keys, "title": "x"}}])


def test_each_path_is_read_once_and_all_of_them_compare_so_much() -> None:
    long = " or ".join(f'type eq "{n}"' for n in range(99)) + ' or type eq "work"'
    _patched([_replace(f"emails[{long}].display")] * 130, {"userName": "ada", "emails": _MANY[:1]})
    paths = [_replace(f"emails[{long} ].display".replace('"0"', f'"a{n}"')) for n in range(130)]
    with pytest.raises(TooMany, match="the paths compare too much"):
        _patched(paths, {"userName": "ada"})


def test_groups_take_10_000_operations_and_200_000_members() -> None:
    most = operations.MAX_OPERATIONS
    ids = [f"00000000-0000-4000-8000-{n:012}" for n in range(membership.MAX_MEMBERS)]
    group = {"displayName": "Everybody"}
    one_by_one = [{"op": "remove", "path": f'members[value eq "{id}"]'} for id in ids[:most]]
    (left,) = _patched(one_by_one, group, GROUP).members
    assert isinstance(left, MemberOp)
    assert len(left.ids) == most
    whole = {"op": "add", "path": "members", "value": [{"value": id} for id in ids]}
    (joined,) = _patched([whole], group, GROUP).members
    assert isinstance(joined, MemberOp)
    assert len(joined.ids) == len(ids)
    with pytest.raises(ScimError, match="at most 200000 members in one request") as refused:
        _patched([whole, {"op": "add", "path": "members", "value": [{"value": "one-more"}]}], group, GROUP)
    assert isinstance(refused.value, InvalidValue)

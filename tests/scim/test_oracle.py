"""Do bodies, filters and patches give what scim2-models gives? Random ones, the same in each run.

Where we differ, and why:

- A `replace` of an element picked by [ ] replaces all of it (RFC 7644 3.5.2.3); scim2-models merges. So it
  is not drawn.
- An `add` whose [ ] matches nothing makes the element, as Microsoft's validator expects: scim2-models does so
  by a policy, which is set here; so does a `replace`, where the dialect allows it, which is set here too.
- Mail addresses and times are valid ones here, as scim2-models accepts no other.
- Text is compared by NFKC and casefold; scim2-models has NFC and lower case. The words drawn are alike in
  both.
- `active` is required here, so that it can't be removed (scim2-models has it as an attribute like others): no
  removal of it is drawn.
- A password is never kept (scim2-models keeps it); an attribute that no schema has is ignored (scim2-models
  refuses the body): none is sent here.
"""

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from scim2_models import Context, EnterpriseUser, PatchOp, SCIMException, ScimFilter, ScimPolicy, User

from scim import dialects, operations, patch, resources
from scim import filter as filters
from scim.dialects import DIALECTS
from scim.errors import ScimError
from scim.matching import matches
from scim.schema import ENTERPRISE, USER
from tests.scim import worlds

_Model = User[EnterpriseUser]
_POLICY = ScimPolicy(unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create)
_PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@pytest.mark.parametrize("seed", range(10))
def test_users_are_read_as_by_scim2_models(seed: int) -> None:
    _compare_users(Random(seed), 200)


@pytest.mark.parametrize("seed", range(10))
def test_filters_match_as_in_scim2_models(seed: int) -> None:
    _compare_filters(Random(seed), 200)


@pytest.mark.parametrize("seed", range(10))
def test_patches_leave_what_scim2_models_leaves(seed: int) -> None:
    _compare_patches(Random(seed), 200)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 110))
def test_20000_users_filters_and_patches_are_as_in_scim2_models(seed: int) -> None:
    """20,000 of each."""
    _compare_users(Random(seed), 2_000)
    _compare_filters(Random(seed), 2_000)
    _compare_patches(Random(seed), 2_000)


def _compare_users(random: Random, count: int) -> None:
    for _ in range(count):
        sent = worlds.body(random)
        model = _Model.model_validate(
            {"schemas": [USER.core, ENTERPRISE], **sent}, scim_ctx=Context.RESOURCE_CREATION_REQUEST
        )
        expected = _dumped(model, Context.RESOURCE_CREATION_REQUEST)
        expected.pop("password", None)
        assert resources.read(sent, USER).attributes == expected, sent


def _compare_filters(random: Random, count: int) -> None:
    found = 0
    for _ in range(count):
        attributes = worlds.user(random)
        resource = {**attributes, "meta": worlds.meta(random)}
        text = worlds.condition(random)
        expected = ScimFilter[_Model](text).match(_model(resource))
        assert matches(filters.read(text, USER), resource, USER) is expected, f"{text}\n{resource}"
        found += expected
    assert count / 10 < found < count * 9 / 10, "filters that all match, or none, compare nothing"


def _compare_patches(random: Random, count: int) -> None:
    changed = 0
    for _ in range(count):
        before = worlds.user(random)
        sent = worlds.operations(random)
        after = _ours(before, sent)
        assert after == _theirs(before, sent), f"{sent}\n{before}"
        changed += after != before
    assert changed > count / 2


def _ours(before: dict[str, Any], sent: list[dict[str, Any]]) -> dict[str, Any] | str:
    try:
        read = operations.read({"Operations": sent})
        meant = [
            replace(one, creates=True)
            for each in read
            for one in dialects.operation(each, USER, DIALECTS["scim"])
        ]
        return patch.apply(patch.read(USER, meant, forgiving=False), before).attributes
    except ScimError as error:
        return error.scim_type


def _theirs(before: dict[str, Any], sent: list[dict[str, Any]]) -> dict[str, Any] | str:
    model = _model(before)
    try:
        PatchOp[_Model].model_validate({"schemas": [_PATCH], "Operations": sent}).patch(model, _POLICY)
    except SCIMException as error:
        return str(error.scim_type)
    return _dumped(model)


def _dumped(model: Any, context: Context = Context.DEFAULT) -> dict[str, Any]:
    """As the store keeps it."""
    dumped: dict[str, Any] = model.model_dump(scim_ctx=context)
    for holder in (dumped, dumped.get(ENTERPRISE, {})):
        holder.pop("schemas", None)
    return {name: value for name, value in dumped.items() if value not in (None, [], {})}


def _model(resource: dict[str, Any]) -> Any:
    return _Model.model_validate({"schemas": [USER.core, ENTERPRISE], **resource})

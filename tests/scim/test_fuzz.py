"""Does anything but a SCIM error come out of the pure parts, whatever goes in? (T16)"""

import json
from random import Random
from typing import Any

import pytest

from scim import body, dialects, operations, parameters, patch, path, projection, resources
from scim import filter as filters
from scim.dialects import DIALECTS
from scim.errors import ScimError
from scim.matching import matches
from scim.schema import ENTERPRISE, GROUP, USER
from tests.scim import worlds

_PIECES = (
    "userName", "emails", "members", "name", ".", "value", "type", "[", "]", "(", ")", '"', "\\", "eq", "ne",
    "co", "gt", "pr", "and", "or", "not", " ", "true", "null", "12", USER.core, ":", "$ref", "é", "\0",
    "groups", "meta.created", '"2026-01-01T00:00:00Z"', '"x"', "\\u0000", "manager", "active", ",", "-1",
    "1e5", "%",
)  # fmt: skip
_KEYS = (
    "value", "type", "primary", "$ref", "givenName", "userName", "emails", "members", "id", "schemas", "name",
    "active", "op", "path", "Operations", ENTERPRISE, "manager", "EMAILS",
)  # fmt: skip
_PATHS = (None, "emails", "name", "members", 'emails[type eq "work"].value', "manager", ENTERPRISE, "active")


@pytest.mark.parametrize("seed", range(4))
def test_only_scim_errors_come_out(seed: int) -> None:
    random = Random(seed)
    outcomes: set[str] = set()
    for _ in range(400):
        outcomes |= _tried(random)
    assert {"", "invalidFilter", "invalidPath", "invalidSyntax", "invalidValue"} <= outcomes


def _tried(random: Random) -> set[str]:
    text, user = _text(random), worlds.user(random)
    resource_type = random.choice((USER, GROUP))
    dialect = DIALECTS[random.choice(tuple(DIALECTS))]
    before = user if resource_type is USER else {"displayName": "G"}
    op = random.choice(("add", "remove", "replace"))
    sent = {"op": op, "path": random.choice((text, *_PATHS)), "value": _value(random, 3)}
    whole = {key: _value(random, 3) for key in random.sample(_KEYS, 3)} | {
        "userName": "a",
        "displayName": "G",
    }
    asked = {"filter": text, "count": _value(random, 1), "attributes": _value(random, 1), "sortBy": text}

    def patched() -> None:
        read = operations.read({"Operations": [sent]})
        meant = [one for each in read for one in dialects.operation(each, resource_type, dialect)]
        patch.apply(patch.read(resource_type, meant, forgiving=dialect.forgiving), before)

    attempts = (
        lambda: matches(filters.read(text, USER, alone=False), user, USER),
        lambda: path.read(text, resource_type),
        lambda: projection.read(projection.split(text), [], [USER, GROUP]),
        lambda: body.read(text.encode()),
        lambda: body.read(json.dumps(_value(random, 3)).encode()),
        lambda: resources.read(dialects.resource(whole, dialect), resource_type),
        lambda: parameters.read(parameters.from_body(asked), [USER, GROUP]),
        patched,
    )
    outcomes = set()
    for attempt in attempts:
        try:
            attempt()
            outcomes.add("")
        except ScimError as error:
            outcomes.add(error.scim_type)
    return outcomes


def _text(random: Random) -> str:
    return "".join(random.choice(_PIECES) for _ in range(random.randint(0, 12)))


def _value(random: Random, depth: int) -> Any:
    kind = random.random()
    if depth and kind < 0.3:
        return {random.choice(_KEYS): _value(random, depth - 1) for _ in range(random.randint(0, 4))}
    if depth and kind < 0.5:
        return [_value(random, depth - 1) for _ in range(random.randint(0, 3))]
    return random.choice((None, True, False, 0, 1, -5, 1.5, "", "x", "True", _text(random), 2**62))

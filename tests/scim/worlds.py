"""Random users, bodies, filters and patches, to compare with scim2-models; the same for the same seed."""

from random import Random
from typing import Any

from scim.schema import ENTERPRISE

_WORDS = (
    "Ada",
    "ada",
    "Berg",
    "ber",
    "a",
    "Zoë",
    "x y",
    "100%",
    "a_b",
    'quo"te',
    "back\\slash",
    "work",
    "home",
    "",
)
_MAILS = ("ada@north.example", "ADA@north.example", "ivo@south.example")
_TIMES = (
    "2026-01-01T00:00:00Z",
    "2026-01-01T01:00:00+01:00",
    "2027-05-05T05:05:05.5Z",
    "2025-12-31T23:59:59Z",
)
_TEXTS = ("displayName", "title", "nickName", "userName", "externalId", "name.givenName", "name.familyName",
          "emails.type", "roles.value", "roles.display", f"{ENTERPRISE}:department",
          f"{ENTERPRISE}:costCenter", "urn:ietf:params:scim:schemas:core:2.0:User:title",
          "TITLE")  # fmt: skip
_BOOLEANS = ("active", "emails.primary", "roles.primary")
_NOT_WRITTEN = {
    "id": "x", "meta": {"resourceType": "User", "version": "9"}, "groups": [{"value": "g"}], "password": "p",
}  # fmt: skip
_LISTS = {"emails": _MAILS, "roles": ("admin", "Admin", "user")}


def user(random: Random) -> dict[str, Any]:
    """Attributes, as the store keeps them, with id and meta."""
    made: dict[str, Any] = {"userName": random.choice(("ada", "Ada.Berg", "ivo"))}
    for name in ("displayName", "title", "nickName", "externalId"):
        if random.random() < 0.6:
            made[name] = _word(random)
    if random.random() < 0.8:
        made["active"] = random.random() < 0.5
    if random.random() < 0.6:
        made["name"] = {
            key: _word(random) for key in random.sample(("givenName", "familyName", "formatted"), 2)
        }
    for name in _LISTS:
        if random.random() < 0.7:
            made[name] = elements(random, name, random.randint(1, 3))
    if random.random() < 0.6:
        made[ENTERPRISE] = {key: _word(random) for key in random.sample(("department", "costCenter"), 1)}
    return made


def body(random: Random) -> dict[str, Any]:
    """What a client might POST: a user in odd spelling, with parts that aren't the client's to say."""
    sent = {_spelled(random, key): _respelled(random, value) for key, value in user(random).items()}
    for name in random.sample(tuple(_NOT_WRITTEN), 2):
        sent[_spelled(random, name)] = _NOT_WRITTEN[name]
    present = {key.lower() for key in sent}
    absent = [name for name in ("title", "displayName", "emails") if name.lower() not in present]
    return {**sent, **{name: None for name in absent if random.random() < 0.3}}


def meta(random: Random) -> dict[str, Any]:
    return {"resourceType": "User", "created": _TIMES[0], "lastModified": random.choice(_TIMES)}


def elements(random: Random, name: str, count: int) -> list[dict[str, Any]]:
    """At most one is primary, and no two are alike."""
    made: list[dict[str, Any]] = []
    for number in range(count):
        element: dict[str, Any] = {"value": random.choice(_LISTS[name])}
        if random.random() < 0.8:
            element["type"] = random.choice(("work", "home", "other"))
        if number == 0 and random.random() < 0.4:
            element["primary"] = True
        if element not in made:
            made.append(element)
    return made


def condition(random: Random, depth: int = 3) -> str:
    """A filter's text."""
    kind = random.random()
    if depth and kind < 0.35:
        joint = random.choice((" and ", " or ", " AND "))
        return joint.join(condition(random, depth - 1) for _ in range(random.randint(2, 3)))
    if depth and kind < 0.5:
        return random.choice(("not ", "")) + f"({condition(random, depth - 1)})"
    if kind < 0.65:
        name = random.choice(tuple(_LISTS))
        return f"{name}[{_inner(random, name, 2)}]"
    return _term(random)


def operations(random: Random) -> list[dict[str, Any]]:
    return [_operation(random) for _ in range(random.randint(1, 3))]


def _respelled(random: Random, value: Any) -> Any:
    if isinstance(value, dict):
        return {_spelled(random, key): part for key, part in value.items()}
    return [_respelled(random, part) for part in value] if isinstance(value, list) else value


def _spelled(random: Random, name: str) -> str:
    return name if name == ENTERPRISE else random.choice((name, name, name.lower(), name.upper()))


def _term(random: Random) -> str:
    kind = random.random()
    if kind < 0.15:
        return random.choice((*_TEXTS, *_BOOLEANS, "name", "emails", "roles", "meta")) + " pr"
    if kind < 0.3:
        return f"{random.choice(_BOOLEANS)} {random.choice(('eq', 'ne'))} {random.choice(('true', 'false'))}"
    if kind < 0.4:
        op = random.choice(("eq", "ne", "gt", "ge", "lt", "le"))
        return f'meta.lastModified {op} "{random.choice(_TIMES)}"'
    if kind < 0.5:
        return f'emails{random.choice(("", ".value"))} eq "{random.choice(_MAILS)}"'
    op = random.choice(("eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"))
    return f"{random.choice(_TEXTS)} {op} {_quoted(_word(random))}"


def _inner(random: Random, name: str, depth: int) -> str:
    kind = random.random()
    if depth and kind < 0.4:
        joint = random.choice((" and ", " or "))
        return joint.join(_inner(random, name, depth - 1) for _ in range(2))
    if depth and kind < 0.5:
        return f"not ({_inner(random, name, depth - 1)})"
    if kind < 0.6:
        return "primary eq true"
    if kind < 0.7:
        return random.choice(("value", "type", "primary", "display")) + " pr"
    if kind < 0.85:
        return f'value eq "{random.choice(_LISTS[name])}"'
    return f"type {random.choice(('eq', 'ne', 'co', 'sw'))} {_quoted(random.choice(('work', 'home', 'wo')))}"


def _operation(random: Random) -> dict[str, Any]:
    op = random.choice(("add", "replace", "remove"))
    name = random.choice(tuple(_LISTS))
    kind = random.random()
    path = ""
    value: Any = None
    if kind < 0.3:
        path = random.choice(
            ("title", "displayName", "nickName", "name.givenName", f"{ENTERPRISE}:department")
        )
        value = _word(random) or "x"
    elif kind < 0.4:
        op, path, value = random.choice(("add", "replace")), "active", random.random() < 0.5
    elif kind < 0.5:
        path, value = "name", {"givenName": _word(random) or "x"}
    elif kind < 0.65:
        path, value = name, elements(random, name, random.randint(1, 2))
    elif kind < 0.75:
        path, value = (
            f'{name}[type eq "{random.choice(("work", "home"))}"].value',
            random.choice(_LISTS[name]),
        )
    elif kind < 0.82:
        path, value = (
            f'{name}[value eq "{random.choice(_LISTS[name])}"].type',
            random.choice(("work", "other")),
        )
    elif kind < 0.88:
        op, path = random.choice(("add", "remove")), f'{name}[type eq "work"]'
        value = {"type": "work", "value": random.choice(_LISTS[name])}
    else:
        op = random.choice(("add", "replace"))
        value = {"title": _word(random) or "x", "name": {"familyName": "N"}, ENTERPRISE: {"costCenter": "7"}}
    made: dict[str, Any] = {"op": op}
    if path:
        made["path"] = path
    if op != "remove":
        made["value"] = value
    return made


def _word(random: Random) -> str:
    return random.choice(_WORDS)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'

"""What is done with random bytes? Each target lets through what isn't an error of SCIM (T16)."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from scim import body, dialects, operations, parameters, patch, path, projection, resources
from scim import filter as filters
from scim.dialects import DIALECTS
from scim.errors import ScimError
from scim.matching import matches
from scim.schema import ENTERPRISE, GROUP, USER
from tests.scim.cases_reading import READING
from tests.scim.cases_writing import WRITING

Target = Callable[[bytes], None]

_ADA: dict[str, Any] = {
    "userName": "ada@x.example",
    "active": True,
    "name": {"givenName": "Ada", "familyName": "Berg"},
    "emails": [
        {"value": "ada@x.example", "type": "work", "primary": True},
        {"value": "ada@home.example", "type": "home"},
    ],
    "roles": [{"value": "clerk", "primary": False}],
    ENTERPRISE: {"department": "Finance", "manager": {"value": "7"}},
    "meta": {"resourceType": "User", "created": "2026-01-01T00:00:00Z"},
}


def filter_(data: bytes) -> None:
    text = _text(data)
    condition = filters.read(text, USER, alone=False)
    matches(condition, _ADA, USER)
    asked = {"filter": text, "sortBy": text[:40], "count": text[:9], "startIndex": text[:20]}
    _quietly(lambda: parameters.read(parameters.from_body(asked), [USER, GROUP]))


def path_(data: bytes) -> None:
    text = _text(data)
    for resource_type in (USER, GROUP):
        _quietly(path.read, text, resource_type)
    projection.read(projection.split(text), [], [USER, GROUP])


def body_(data: bytes) -> None:
    read = body.read(data)
    for dialect in DIALECTS.values():
        for resource_type in (USER, GROUP):
            _quietly(resources.read, dialects.resource(read, dialect), resource_type)


def patch_(data: bytes) -> None:
    """The first byte picks dialect and type; the rest is a body, or else an operation's path and value."""
    first, rest = data[:1] or b"\0", data[1:]
    dialect = tuple(DIALECTS.values())[first[0] % 3]
    resource_type, before = (GROUP, {"displayName": "G"}) if first[0] & 64 else (USER, _ADA)
    try:
        sent = body.read(rest)
    except ScimError:
        text, _, value = rest.partition(b"\0")
        op = ("add", "replace", "remove")[first[0] // 3 % 3]
        sent = {"Operations": [{"op": op, "path": _text(text), "value": _loose(value)}]}
    meant = [
        one for each in operations.read(sent) for one in dialects.operation(each, resource_type, dialect)
    ]
    patch.apply(patch.read(resource_type, meant, forgiving=dialect.forgiving), before)


TARGETS: Mapping[str, Target] = {"filter": filter_, "path": path_, "body": body_, "patch": patch_}


def tried(target: Target, data: bytes) -> str:
    """The scimType that came out, "" for none. Raises whatever isn't an error of SCIM."""
    try:
        target(data)
    except ScimError as error:
        return error.scim_type
    return ""


def seeds(name: str) -> Iterator[bytes]:
    """Where the search begins: the battery's cases, and what the vendors send."""
    exchanges = Path(__file__).parents[1] / "scim" / "exchanges"
    bodies = [
        step["request"].get("body")
        for file in sorted(exchanges.glob("*/*.json"))
        for step in (lambda said: said.get("steps", [said]))(json.loads(file.read_text("utf-8")))
    ]
    cases = [case for case in (*READING, *WRITING) if len(case.raw or b"") < 5_000]
    match name:
        case "filter":
            yield from (b'userName eq "ada"', b'emails[type eq "work"].value co "x" and not (title pr)')
            asked = (case.path.partition("filter=")[2] for case in cases)
            yield from (unquote(text).encode("utf-8", "replace")[:400] for text in asked if text)
        case "path":
            yield from (b'emails[type eq "work"].value', f"{ENTERPRISE}:manager".encode(), b"name.givenName")
        case "body":
            yield from (json.dumps(each).encode() for each in bodies if each)
            yield from (case.raw for case in cases if case.raw)
        case "patch":
            for each in bodies:
                if each and "Operations" in each:
                    yield from (bytes([n]) + json.dumps(each).encode() for n in (0, 1, 2, 64))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _loose(data: bytes) -> Any:
    try:
        return body.read(b'{"v":' + data + b"}")["v"]
    except (ScimError, KeyError):
        return _text(data)


def _quietly(act: Callable[..., object], *arguments: object) -> None:
    """The next attempt follows an error of SCIM."""
    try:
        act(*arguments)
    except ScimError:
        return

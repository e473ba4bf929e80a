"""How does the description of the contract differ from the code? Routes, fields, codes, statuses, limits."""

import ast
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

from flask import Flask

from connector import anysoft
from connector.anysoft import bodies, client, forms, licensing, server, wire
from connector.anysoft.bodies import AccountChange, AddProduct, Change, NewAccount
from connector.anysoft.fields import Malformed
from connector.anysoft.licensing import ANYPRINT
from sync.model import AccountId
from tests.contracts.described import Contract, Json
from tests.contracts.licensing_world import ADDRESS, BILLING

#: of tenants elsewhere; the built-in one never says so
ELSEWHERE = {"rate_limited"}
#: each body with all of its fields, and what reads it
BODIES: dict[str, tuple[Json, Callable[[object], object]]] = {
    "NewSubscription": (AddProduct(ANYPRINT, 3, BILLING, ADDRESS).body(), bodies.add_product_of),
    "SubscriptionChange": (Change(3, BILLING, ADDRESS, {"pin": "on"}).body(), bodies.change_of),
    "UserIds": (bodies.accounts_body([AccountId("u-1")]), bodies.accounts_of),
    "NewUser": (NewAccount("ada@x.example", "Ada", "ada@x.example", "7").body(), bodies.new_account_of),
    "UserChange": (
        AccountChange("ada@x.example", "Ada", "a@x.example", "7", False).body(),
        bodies.account_change_of,
    ),
    "NewDestination": (bodies.destination_body("Scans"), bodies.destination_name_of),
}


def differences(contract: Contract, app: Flask) -> list[str]:
    """Empty: the description is exact."""
    return [
        *_routes(contract, app),
        *_bodies(contract),
        *_codes(contract),
        *_statuses(contract),
        *_limits(contract),
        *_headers(contract),
    ]


def _differ(what: str, described: set[Any], there: set[Any]) -> Iterator[str]:
    yield from (f"{what}: {each} is described, but isn't so" for each in sorted(described - there))
    yield from (f"{what}: {each} isn't described" for each in sorted(there - described))


def _routes(contract: Contract, app: Flask) -> Iterator[str]:
    there = {
        (method, re.sub(r"<(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    yield from _differ("route", {(op.method, op.path) for op in contract.operations()}, there)
    for op in contract.operations():
        named = set(re.findall(r"{(\w+)}", op.path))
        yield from _differ(f"{op.method} {op.path}", set(op.parameters("path")), named)


def _bodies(contract: Contract) -> Iterator[str]:
    used = {
        op.request_schema()["$ref"].rsplit("/", 1)[-1]  # type: ignore[index]
        for op in contract.operations()
        if "$ref" in (op.request_schema() or {})
    }
    yield from _differ("body", used, set(BODIES))
    for name in sorted(used & set(BODIES)):
        whole, read = BODIES[name]
        yield from _fields(contract, name, contract.whole["components"]["schemas"][name], whole, (), read)


def _fields(
    contract: Contract,
    name: str,
    schema: Json,
    whole: Json,
    at: tuple[str, ...],
    read: Callable[[object], object],
) -> Iterator[str]:
    """The object at a path of the whole body: its fields, who is required, and whether others are taken."""
    inner = whole
    for step in at:
        inner = inner[step]
    schema = contract.at(schema)
    closed = schema.get("additionalProperties") is False or schema.get("unevaluatedProperties") is False
    for part in schema.get("allOf", []):
        schema = contract.at(part)
    if isinstance(schema.get("additionalProperties"), dict):
        return  # a map: its keys are whoever's
    where = f"{name}.{'.'.join(at)}".rstrip(".")
    yield from _differ(f"{where} has", set(schema["properties"]), set(inner))
    required = {key for key in inner if not _reads(read, _without(whole, at, key))}
    yield from _differ(f"{where} requires", set(schema.get("required", [])), required)
    if closed is not (not _reads(read, _with(whole, at, "unheard_of"))):
        yield f"{where} takes other fields, or is described so"
    for key, value in inner.items():
        if isinstance(value, dict) and key in schema["properties"]:
            yield from _fields(contract, name, schema["properties"][key], whole, (*at, key), read)


def _reads(read: Callable[[object], object], body: Json) -> bool:
    try:
        read(body)
    except Malformed:
        return False
    return True


def _without(whole: Json, at: tuple[str, ...], key: str) -> Json:
    changed = deepcopy(whole)
    inner = changed
    for step in at:
        inner = inner[step]
    del inner[key]
    return changed


def _with(whole: Json, at: tuple[str, ...], key: str) -> Json:
    changed = deepcopy(whole)
    inner = changed
    for step in at:
        inner = inner[step]
    inner[key] = "x"
    return changed


def _codes(contract: Contract) -> Iterator[str]:
    """Whatever the code says as a problem's code, read from its source; and what is in the answers."""
    said = set(server._CODES.values()) | {"bad_request"} | ELSEWHERE
    for file in Path(anysoft.__path__[0]).glob("*.py"):
        if file.name not in ("client.py", "transport.py", "gate.py"):  # what the client says to its caller
            said |= set(_literals(ast.parse(file.read_text())))
    listed = set(contract.whole["components"]["schemas"]["Problem"]["properties"]["code"]["enum"])
    yield from _differ("code", listed, said)
    used = {code for op in contract.operations() for _, code in op.refusals()}
    yield from _differ("code of a call", used, said - {"bad_request", "method_not_allowed"})


def _literals(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            place = {"Rejected": 0, "_problem": 1}.get(node.func.id)
            given = node.args[place] if place is not None and len(node.args) > place else None
            if isinstance(given, ast.Constant):
                yield str(given.value)


def _statuses(contract: Contract) -> Iterator[str]:
    schemas = contract.whole["components"]["schemas"]
    for name, known in (("AssignResults", client.ASSIGNING), ("UnassignResults", client.UNASSIGNING)):
        described = schemas[name]["properties"]["results"]["items"]["properties"]["status"]["enum"]
        yield from _differ(name, set(described), {status.value for status in known})


def _limits(contract: Contract) -> Iterator[str]:
    parts = contract.whole["components"]
    users = parts["schemas"]["UserIds"]["properties"]["user_ids"]
    pages = {
        n: s["properties"]["items"]["maxItems"] for n, s in parts["schemas"].items() if n.endswith("Page")
    }
    yield from _differ("users in a batch", {users["minItems"], users["maxItems"]}, {1, licensing.BATCH})
    sizes = {*pages.values(), parts["parameters"]["limit"]["schema"]["default"]}
    yield from _differ("items in a page", sizes, {wire.PAGE})
    longest = parts["schemas"]["Tenant"]["properties"]["id"]["maxLength"]
    yield from _differ("length of an id", {longest}, {wire.LONGEST_ID})
    most = parts["schemas"]["Quantity"]["maximum"]
    yield from _differ("quantity", {most}, {forms.MOST_SEATS})


def _headers(contract: Contract) -> Iterator[str]:
    """POST and PATCH carry a key; a call that is to come later tells when; a list is paged."""
    for op in contract.operations():
        named = f"{op.method} {op.path}"
        token = op.path == "/oauth2/token"
        if ("Idempotency-Key" in op.parameters("header")) is not (
            op.method in ("POST", "PATCH") and not token
        ):
            yield f"{named}: Idempotency-Key"
        for status in (429,) if token else (429, 503):
            if "Retry-After" not in op.responses().get(status, {}).get("headers", {}):
                yield f"{named}: {status} without Retry-After"
        listed = "Page" in str(op.responses().get(200, {}).get("content"))
        if ({"cursor", "limit"} <= set(op.parameters("query"))) is not listed:
            yield f"{named}: cursor and limit"

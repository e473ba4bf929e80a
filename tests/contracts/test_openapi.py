"""Is docs/anysoft-licensing.openapi.json exactly the contract that the server keeps and the client speaks?"""

import json
from collections.abc import Callable, Iterable
from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from openapi_spec_validator import OpenAPIV31SpecValidator
from sqlalchemy import Engine
from werkzeug.test import Client, TestResponse
from werkzeug.wrappers import Request, Response

from connector.anysoft import office
from connector.anysoft.access import Tokens
from connector.anysoft.server import create_server
from connector.anysoft.tenant import BuiltInTenant
from tests.contracts.comparison import differences
from tests.contracts.described import FILE, Contract, Json, Watched
from tests.contracts.licensing_http import CLIENT, SECRET
from tests.contracts.licensing_world import Clock

FORM = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET}
BILLING = {"name": "Contoso", "email": "billing@contoso.example"}
ADDRESS = {"line1": "1 High Street", "city": "Leeds", "postal_code": "LS1 1AA", "country": "GB"}


@pytest.fixture
def contract() -> Contract:
    return Contract.read()


@pytest.fixture
def app(sqlite_engine: Engine) -> Flask:
    office.open_tenant(sqlite_engine)
    clock = Clock()
    return create_server(
        BuiltInTenant(sqlite_engine, clock, timedelta(minutes=10)), Tokens(CLIENT, SECRET), clock
    )


def test_it_is_openapi_3_1(contract: Contract) -> None:
    assert contract.whole["openapi"].startswith("3.1")
    assert [str(error) for error in OpenAPIV31SpecValidator(contract.whole).iter_errors()] == []


def test_it_is_exactly_what_the_code_does(contract: Contract, app: Flask) -> None:
    assert differences(contract, app) == []


def _schemas(whole: Json) -> Json:
    return dict(whole["components"]["schemas"])


#: differences that somebody could bring in, and what is said of them
SEEDED: dict[str, Callable[[Json], object]] = {
    "('GET', '/v1/tenant') isn't described": lambda w: w["paths"]["/v1/tenant"].pop("get"),
    "is described, but isn't so": lambda w: w["paths"].update({"/v1/invoices": w["paths"]["/v1/tenant"]}),
    "GET /v1/subscriptions/{id}": lambda w: w["paths"]["/v1/subscriptions/{id}"]["get"].pop("parameters"),
    "NewSubscription requires": lambda w: _schemas(w)["NewSubscription"]["required"].remove("quantity"),
    "address requires": lambda w: _schemas(w)["Address"]["required"].append("region"),
    "NewUser has": lambda w: _schemas(w)["NewUser"]["properties"].pop("email"),
    "UserChange has": lambda w: _schemas(w)["UserChange"]["properties"].update({"role": {}}),
    "NewDestination takes": lambda w: _schemas(w)["NewDestination"].pop("additionalProperties"),
    "SubscriptionChange.billing takes": lambda w: _schemas(w)["SubscriptionChange"]["properties"][
        "billing"
    ].pop("unevaluatedProperties"),
    "code: change_pending isn't": lambda w: _schemas(w)["Problem"]["properties"]["code"]["enum"].remove(
        "change_pending"
    ),
    "code: gone is": lambda w: _schemas(w)["Problem"]["properties"]["code"]["enum"].append("gone"),
    "code of a call": lambda w: (
        w["paths"]["/v1/users"]["post"]["responses"].pop("409")
        and w["paths"]["/v1/users/{id}"]["patch"]["responses"].pop("409")
    ),
    "AssignResults": lambda w: _schemas(w)["AssignResults"]["properties"]["results"]["items"]["properties"][
        "status"
    ]["enum"].pop(),
    "users in a batch": lambda w: _schemas(w)["UserIds"]["properties"]["user_ids"].update(maxItems=500),
    "items in a page": lambda w: _schemas(w)["UserPage"]["properties"]["items"].update(maxItems=100),
    "quantity": lambda w: _schemas(w)["Quantity"].update(maximum=5),
    "POST /v1/users: Idempotency-Key": lambda w: w["paths"]["/v1/users"]["post"].pop("parameters"),
    "429 without": lambda w: w["components"]["responses"]["RateLimited"].pop("headers"),
    "cursor and limit": lambda w: w["paths"]["/v1/products"]["get"]["parameters"].pop(),
}


@pytest.mark.parametrize("said", SEEDED)
def test_a_seeded_difference_is_caught(contract: Contract, app: Flask, said: str) -> None:
    whole = deepcopy(contract.whole)
    SEEDED[said](whole)
    caught = differences(Contract(whole), app)
    assert any(said in each for each in caught), caught


class Asking:
    """Asks the watched server, with a new key each time."""

    def __init__(self, app: Flask, contract: Contract) -> None:
        self.watched = Watched(app, contract)
        self._client = Client(self.watched)
        self._keys = 0
        self.token = self.form(FORM).get_json()["access_token"]

    def form(self, form: Json) -> TestResponse:
        return self._client.post("/oauth2/token", data=form)

    def __call__(self, call: str, body: object = None, key: str = "", token: str = "") -> TestResponse:
        method, path = call.split()
        self._keys += 1
        headers = {
            "Authorization": f"Bearer {token or self.token}",
            "Idempotency-Key": key or f"k{self._keys}",
        }
        raw = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        return self._client.open(
            path, method=method, data=raw, headers=headers, content_type="application/json"
        )


def buy(product: str, quantity: object = 2, **more: object) -> Json:
    return {"product_id": product, "quantity": quantity, "billing": BILLING, "address": ADDRESS} | more


def ask_everything(ask: Asking, engine: Engine) -> None:
    """Each refusal that is described, of each call."""
    ask.form(FORM | {"grant_type": "password"})
    ask.form(FORM | {"client_secret": "x"})
    ask.form({"x": "y" * 1_000_001})
    path = "/v1/subscriptions/" + ask("POST /v1/subscriptions", buy("anyprint")).get_json()["id"]
    ids = [ask("POST /v1/users", {"user_name": f"{n}@x.example"}).get_json()["id"] for n in ("ada", "bob")]
    ask(f"POST {path}/assignments", {"user_ids": ids})
    ask(f"PATCH {path}", {"quantity": 1})
    ask(f"PATCH {path}", {"quantity": 3})
    ask(f"PATCH {path}", {"quantity": 4})
    ask("POST /v1/subscriptions", buy("anyprint"))
    ask("POST /v1/subscriptions", buy("anyscan-destination"))
    ask("POST /v1/users", {"user_name": "ADA@x.example"})
    ask(f"PATCH /v1/users/{ids[0]}", {"user_name": "bob@x.example"})
    ask("POST /v1/destinations", {"name": "Scans"})
    for page in ("/v1/products", "/v1/subscriptions", f"{path}/assignments", "/v1/users", "/v1/destinations"):
        ask(f"GET {page}")
        ask(f"GET {page}?limit=0")
    #: each write: a body, and another one
    writes: dict[str, tuple[Json, Json]] = {
        "POST /v1/subscriptions": (buy("anyscan"), buy("anyscan", 5)),
        f"PATCH {path}": ({"settings": {"pin": "on"}}, {"settings": {"pin": "off"}}),
        f"POST {path}/assignments": ({"user_ids": ids}, {"user_ids": ids[:1]}),
        f"POST {path}/unassignments": ({"user_ids": ids}, {"user_ids": ids[:1]}),
        "POST /v1/users": ({"user_name": "eve@x.example"}, {"user_name": "fay@x.example"}),
        f"PATCH /v1/users/{ids[0]}": ({"active": True}, {"active": False}),
        "POST /v1/destinations": ({"name": "Scans"}, {"name": "Faxes"}),
    }
    for n, (call, (body, other)) in enumerate(writes.items()):
        ask(call, body, f"once {n}")
        ask(call, other, f"once {n}")
        ask(call, {"unheard_of": 1})
        ask(call, b" " * 1_000_001)
        ask(call.replace(path, "/v1/subscriptions/none").replace(ids[0], "none"), other)
    for rest in ("GET /v1/subscriptions/none", "GET /v1/subscriptions/none/assignments"):
        ask(rest)
    ask("DELETE /v1/destinations/none")
    office.revoke_role(engine)
    for call, (body, _) in writes.items():
        ask(call, body)
    ask("DELETE /v1/destinations/none")
    for op in ask.watched.contract.operations():
        ask(f"{op.method} {op.path.replace('{id}', 'none')}", token="wrong")


def test_each_refusal_that_is_described_can_be_had_and_no_other(
    app: Flask, contract: Contract, sqlite_engine: Engine
) -> None:
    ask = Asking(app, contract)
    ask_everything(ask, sqlite_engine)
    assert ask.watched.violations == []
    described = {
        (op.said["operationId"], status, code)
        for op in contract.operations()
        for status, code in op.refusals()
        if status not in (429, 503)  # of a tenant that is too busy, and of a database that is
    }
    assert sorted(described - ask.watched.seen) == []


def lying(app: Flask, change: Callable[[Response], object]) -> Callable[..., Iterable[bytes]]:
    def answer(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        response = Response.from_app(app, environ)
        if Request(environ).path.startswith("/v1"):
            change(response)
        return response(environ, start)

    return answer


def _edit(response: Response, edit: Callable[[Json], object]) -> None:
    body = json.loads(response.get_data())
    edit(body)
    response.set_data(json.dumps(body))


LIES: dict[str, Callable[[Response], object]] = {
    "is not described": lambda r: setattr(r, "status_code", 203),
    "is text/plain": lambda r: setattr(r, "mimetype", "text/plain"),
    "is a required property": lambda r: _edit(r, lambda body: body.pop("roles")),
    "is not of type": lambda r: _edit(r, lambda body: body.update(name=5)),
    "too long": lambda r: _edit(r, lambda body: body.update(id="x" * 65)),
}


@pytest.mark.parametrize("said", LIES)
def test_a_server_that_answers_otherwise_is_caught(app: Flask, contract: Contract, said: str) -> None:
    ask = Asking(app, contract)
    ask.watched.app = lying(app, LIES[said])
    ask("GET /v1/tenant")
    assert any(said in each for each in ask.watched.violations), ask.watched.violations


def test_a_call_that_is_accepted_though_it_isnt_as_described_is_caught(
    app: Flask, contract: Contract
) -> None:
    whole = deepcopy(contract.whole)
    _schemas(whole)["NewUser"]["properties"]["user_name"]["maxLength"] = 3
    ask = Asking(app, Contract(whole))
    ask("POST /v1/users", {"user_name": "ada@x.example"})
    assert any("too long" in each for each in ask.watched.violations)
    ask("GET /v1/users?page=2")
    assert any("?page is not described" in each for each in ask.watched.violations)


def test_it_is_linked_where_it_is_looked_for() -> None:
    for page in ("README.md", "docs/layout.md"):
        assert FILE.name in (FILE.parents[1] / page).read_text()

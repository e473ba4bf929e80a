"""Does the served tenant answer as the contract says, whoever asks and whatever is sent?"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from connector.anysoft import office
from connector.anysoft.access import Tokens
from connector.anysoft.server import create_server
from connector.anysoft.tenant import BuiltInTenant
from tests.contracts.licensing_http import CLIENT, SECRET, connected, served
from tests.contracts.licensing_world import Clock

BILLING = {"name": "Contoso", "email": "billing@contoso.example"}
ADDRESS = {"line1": "1 High Street", "city": "Leeds", "postal_code": "LS1 1AA", "country": "GB"}
FORM = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(sqlite_engine: Engine, clock: Clock) -> Flask:
    office.open_tenant(sqlite_engine)
    tenant = BuiltInTenant(sqlite_engine, clock, timedelta(minutes=10))
    return create_server(tenant, Tokens(CLIENT, SECRET), clock)


@pytest.fixture
def peer(app: Flask) -> Iterator[FlaskClient]:
    with app.test_client() as client:
        token = client.post("/oauth2/token", data=FORM).get_json()
        assert (token["token_type"], token["expires_in"]) == ("Bearer", 3600)
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token['access_token']}"
        yield client


def send(peer: FlaskClient, call: str, body: object = None, key: str = "key") -> TestResponse:
    method, path = call.split()
    return peer.open(path, method=method, json=body, headers={"Idempotency-Key": key})


def error(answer: TestResponse) -> tuple[int, str, list[str]]:
    assert answer.content_type == "application/problem+json"
    problem: dict[str, Any] = answer.get_json()
    assert problem["status"] == answer.status_code
    assert problem["type"]
    assert problem["title"]
    assert isinstance(problem["detail"], str)
    return answer.status_code, problem["code"], [each["field"] for each in problem.get("errors", [])]


def test_T19_no_call_without_a_token(app: Flask) -> None:
    client = app.test_client()
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule != "/oauth2/token"]
    assert len(rules) == 15
    for rule in rules:
        for given in (None, "", "Bearer", "Bearer x", "Bearer 99999999999.00", "Basic YTpi", "Bearer é"):
            headers = {} if given is None else {"Authorization": given}
            (method,) = (rule.methods or set()) - {"HEAD", "OPTIONS"}
            answer = client.open(rule.rule.replace("<id>", "x"), method=method, headers=headers)
            assert error(answer)[:2] == (401, "invalid_token")
    assert error(client.get("/v1/nowhere"))[0] == 401


def test_tokens_end_and_only_the_client_gets_one(app: Flask, peer: FlaskClient, clock: Clock) -> None:
    for wrong in ({"client_secret": "x"}, {"client_id": "é"}, {"client_secret": ""}):
        assert error(app.test_client().post("/oauth2/token", data=FORM | wrong))[:2] == (
            401,
            "invalid_client",
        )
    assert error(app.test_client().post("/oauth2/token", data=FORM | {"grant_type": "password"}))[0] == 400
    assert error(app.test_client().get("/oauth2/token"))[0] == 405
    clock.go(minutes=59)
    assert peer.get("/v1/tenant").status_code == 200
    clock.go(minutes=1)
    assert error(peer.get("/v1/tenant"))[:2] == (401, "invalid_token")


def test_the_statuses_of_the_contract(peer: FlaskClient) -> None:
    body = {"product_id": "anyprint", "quantity": 2, "billing": BILLING, "address": ADDRESS}
    added = send(peer, "POST /v1/subscriptions", body, "k1")
    assert added.status_code == 201
    assert added.content_type == "application/json"
    path = f"/v1/subscriptions/{added.get_json()['id']}"
    assert error(send(peer, "POST /v1/subscriptions", body, "k2"))[:2] == (409, "already_subscribed")
    assert error(send(peer, "POST /v1/subscriptions", body, ""))[1:] == ("invalid", ["Idempotency-Key"])
    changed = send(peer, f"PATCH {path}", {"quantity": 5, "billing": BILLING | {"name": "New"}}, "k3")
    assert changed.status_code == 202
    answer = changed.get_json()
    assert (answer["pending_change"]["quantity"], answer["billing"]["name"]) == (5, "New")
    assert answer["pending_change"]["effective_by"] == "2026-01-31T10:10:00Z"
    mixed = {"quantity": 6, "billing": BILLING | {"name": "Newer"}}
    assert error(send(peer, f"PATCH {path}", mixed, "k4"))[:2] == (409, "change_pending")
    assert peer.get(path).get_json()["billing"]["name"] == "New", "all or nothing"
    assert error(send(peer, f"PATCH {path}", {"quantity": 7}, "k3"))[:2] == (422, "idempotency_mismatch")
    made = send(peer, "POST /v1/users", {"user_name": "ada@contoso.example"}, "k5")
    assert made.status_code == 201
    again = send(peer, "POST /v1/users", {"user_name": "ADA@contoso.example"}, "k6")
    assert error(again)[:2] == (409, "user_exists")
    assert again.get_json()["user_id"] == made.get_json()["id"]
    assert error(send(peer, "DELETE /v1/destinations/x"))[:2] == (404, "not_found")
    assert error(send(peer, "POST /v1/destinations", {"name": "Scans"}, "k7"))[:2] == (409, "no_license_left")


def test_L1_without_the_role_403(peer: FlaskClient, sqlite_engine: Engine) -> None:
    office.revoke_role(sqlite_engine)
    answer = send(peer, "POST /v1/users", {"user_name": "ada@contoso.example"})
    assert error(answer)[:2] == (403, "role_required")
    assert peer.get("/v1/tenant").get_json()["roles"] == []


def test_a_user_can_be_renamed_but_not_into_another(peer: FlaskClient) -> None:
    ids = [
        send(peer, "POST /v1/users", {"user_name": f"{name}@contoso.example"}, name).get_json()["id"]
        for name in ("ada", "bob")
    ]
    change = {"user_name": "ADA.L@contoso.example", "email": "ada@x.example", "active": False}
    changed = send(peer, f"PATCH /v1/users/{ids[0]}", change, "k1")
    assert changed.get_json() == change | {"id": ids[0], "display_name": "", "external_id": ""}
    found = peer.get("/v1/users?user_name=ada.l@CONTOSO.example").get_json()
    assert [user["id"] for user in found["items"]] == [ids[0]]
    assert peer.get("/v1/users?user_name=ada@contoso.example").get_json() == {"items": [], "next": None}
    taken = send(peer, f"PATCH /v1/users/{ids[0]}", {"user_name": "Bob@contoso.example"}, "k2")
    assert error(taken)[:2] == (409, "user_exists")
    own = send(peer, f"PATCH /v1/users/{ids[0]}", {"user_name": "ada.l@contoso.example"}, "k3")
    assert own.get_json()["user_name"] == "ada.l@contoso.example"
    for body, field in (({}, "active"), ({"user_name": " "}, "user_name"), ({"role": "x"}, "role")):
        answer = send(peer, f"PATCH /v1/users/{ids[0]}", body, f"bad {field}")
        assert error(answer) == (422, "invalid", [field])


def test_lists_are_paged(peer: FlaskClient) -> None:
    for n in range(5):
        send(peer, "POST /v1/users", {"user_name": f"user{n}@contoso.example"}, f"k{n}")
    for path, whole in (("/v1/users", 5), ("/v1/products", 5)):
        seen: list[str] = []
        cursor, pages = "", 0
        while True:
            page = peer.get(f"{path}?limit=2&cursor={cursor}").get_json()
            seen += [item["id"] for item in page["items"]]
            pages += 1
            if page["next"] is None:
                break
            cursor = page["next"]
        assert (len(seen), len(set(seen)), pages) == (whole, whole, 3)


@pytest.mark.parametrize("query", ["limit=0", "limit=-1", "limit=abc", "limit=9999999999", "cursor=%00"])
def test_a_page_that_cant_be(peer: FlaskClient, query: str) -> None:
    assert error(peer.get(f"/v1/users?{query}"))[:2] == (422, "invalid")


def test_a_limit_beyond_1000_gives_1000(peer: FlaskClient) -> None:
    assert peer.get("/v1/users?limit=5000").status_code == 200


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"null", b"[]", b"5", b"NaN", b"\xff", b"[" * 2000, b'{"a":"\\ud800"}']
)
@pytest.mark.parametrize(
    "call",
    [
        "POST /v1/subscriptions", "PATCH /v1/subscriptions/x", "POST /v1/subscriptions/x/assignments",
        "POST /v1/subscriptions/x/unassignments", "POST /v1/users", "PATCH /v1/users/x",
        "POST /v1/destinations",
    ],
)  # fmt: skip
def test_a_body_that_cant_be_read(peer: FlaskClient, call: str, raw: bytes) -> None:
    method, path = call.split()
    answer = peer.open(path, method=method, data=raw, headers={"Idempotency-Key": "k"})
    assert error(answer)[:2] == (422, "invalid")


def test_routes_that_arent(peer: FlaskClient) -> None:
    assert error(peer.get("/v2/tenant"))[:2] == (404, "not_found")
    wrong = peer.delete("/v1/users")
    assert error(wrong)[0] == 405
    assert "POST" in wrong.headers["Allow"]
    assert error(peer.post("/v1/users", data=b" " * 1_000_001))[0] == 413


def test_a_token_that_ends_early_is_renewed_by_the_client(sqlite_engine: Engine) -> None:
    office.open_tenant(sqlite_engine)
    with (
        served(BuiltInTenant(sqlite_engine, lambda: datetime.now(UTC))) as (site),
        connected(site.url) as tenant,
    ):
        assert tenant.tenant().administers
        site.tokens.end_all()
        assert tenant.create_account("ada@contoso.example", "", "", "", "k").active

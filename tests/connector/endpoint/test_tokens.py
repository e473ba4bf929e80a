"""Do tokens and OAuth clients work over HTTP from their making to their end? (T18, T19, T22, RFC 6749 4.4)"""

import base64
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
import time_machine
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from connector.store import credentials
from connector.store.credentials import Credential, Issued
from connector.store.engine import reading, writing
from tests.connector.endpoint.conftest import Served
from tests.moments import START


@pytest.fixture
def time() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.fixture
def web(served: Served, time: time_machine.Traveller) -> FlaskClient:
    served.token("entra", "entra")
    return served.app.test_client()


def client_of(served: Served, life: timedelta | None = None) -> Issued:
    with writing(served.engine) as connection:
        return credentials.client_create(connection, "entra", START, life)


def token_of(served: Served, life: timedelta | None = None) -> Issued:
    with writing(served.engine) as connection:
        return credentials.token_create(connection, "entra", START, life)


def revoke(served: Served, id: str) -> None:
    with writing(served.engine) as connection:
        credentials.revoke(connection, id, START)


def listed(served: Served, kind: str, id: str) -> Credential:
    with reading(served.engine) as connection:
        return next(each for each in credentials.all_of(connection, kind) if each.id == id)


def status(web: FlaskClient, token: str) -> int:
    return web.get("/scim/v2/Users", headers={"Authorization": f"Bearer {token}"}).status_code


def by_form(web: FlaskClient, id: str, secret: str) -> TestResponse:
    form = {"grant_type": "client_credentials", "client_id": id, "client_secret": secret}
    return web.post("/oauth2/token", data=form)


def by_header(web: FlaskClient, id: str, secret: str, **form: str) -> TestResponse:
    both = base64.b64encode(f"{quote(id, safe='')}:{quote(secret, safe='')}".encode()).decode()
    return web.post(
        "/oauth2/token",
        data={"grant_type": "client_credentials", **form},
        headers={"Authorization": f"Basic {both}"},
    )


def refused(answer: TestResponse) -> tuple[int, str]:
    """RFC 6749 5.2: JSON with an error, never cached."""
    told: dict[str, Any] = answer.get_json()
    assert answer.content_type == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert told["error_description"]
    if answer.status_code == 401:
        assert answer.headers["WWW-Authenticate"].startswith("Basic")
    return answer.status_code, str(told["error"])


def test_two_tokens_live_at_once_so_that_one_can_take_over_t22(served: Served, web: FlaskClient) -> None:
    old, new = token_of(served), token_of(served)
    assert [status(web, each.secret) for each in (old, new)] == [200, 200]
    revoke(served, old.id)
    assert [status(web, each.secret) for each in (old, new)] == [401, 200]


def test_a_token_ends_at_its_hour(served: Served, web: FlaskClient, time: time_machine.Traveller) -> None:
    token = token_of(served, timedelta(days=30))
    time.move_to(START + timedelta(days=30) - timedelta(seconds=1))
    assert status(web, token.secret) == 200
    time.move_to(START + timedelta(days=30))
    assert status(web, token.secret) == 401


def test_the_last_use_is_shown(served: Served, web: FlaskClient, time: time_machine.Traveller) -> None:
    token, client = token_of(served), client_of(served)
    assert listed(served, "token", token.id).used_at is None
    time.move_to(START + timedelta(hours=2))
    assert status(web, token.secret) == 200
    assert by_form(web, client.id, client.secret).status_code == 200
    assert listed(served, "token", token.id).used_at == START + timedelta(hours=2)
    assert listed(served, "client", client.id).used_at == START + timedelta(hours=2)


@pytest.mark.parametrize("ask", [by_form, by_header])
def test_a_client_s_access_token_lives_for_60_minutes(
    served: Served, web: FlaskClient, time: time_machine.Traveller, ask: Any
) -> None:
    client = client_of(served)
    answer = ask(web, client.id, client.secret)
    told = answer.get_json()
    assert answer.status_code == 200
    assert (told["token_type"], told["expires_in"]) == ("Bearer", 3600)
    assert answer.headers["Cache-Control"] == "no-store"
    assert status(web, told["access_token"]) == 200
    assert status(web, client.secret) == 401  # the secret itself opens nothing
    time.move_to(START + timedelta(minutes=60) - timedelta(seconds=1))
    assert status(web, told["access_token"]) == 200
    time.move_to(START + timedelta(minutes=60))
    assert status(web, told["access_token"]) == 401


def test_several_secrets_live_at_once_and_a_revoked_one_takes_its_access_tokens_along(
    served: Served, web: FlaskClient
) -> None:
    old, new = client_of(served), client_of(served)
    tokens = [by_form(web, each.id, each.secret).get_json()["access_token"] for each in (old, new, old)]
    assert [status(web, token) for token in tokens] == [200, 200, 200]
    revoke(served, old.id)
    assert [status(web, token) for token in tokens] == [401, 200, 401]
    assert refused(by_form(web, old.id, old.secret)) == (401, "invalid_client")


def test_a_client_s_secret_expires(served: Served, web: FlaskClient, time: time_machine.Traveller) -> None:
    client = client_of(served, timedelta(days=365))
    time.move_to(START + timedelta(days=365))
    assert refused(by_form(web, client.id, client.secret)) == (401, "invalid_client")


def test_what_isn_t_a_client_gets_nothing(served: Served, web: FlaskClient) -> None:
    one, other, token = client_of(served), client_of(served), token_of(served)
    for id, secret in (
        (one.id, other.secret), (one.id, one.secret + "x"), (one.id, one.secret.swapcase()),
        (one.id, one.secret[:-1]), (one.id.upper(), one.secret), ("cli_0", one.secret), ("\0", "\0"),
        (token.id, token.secret), ("x" * 5000, "y"), (one.id, "é"),
    ):  # fmt: skip
        assert refused(by_form(web, id, secret)) == (401, "invalid_client"), (id, secret)
        assert refused(by_header(web, id, secret)) == (401, "invalid_client"), (id, secret)
    for id, secret in ((one.id, ""), ("", one.secret)):
        assert refused(by_form(web, id, secret)) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("form", "headers", "expected"),
    [
        ({}, {}, (400, "invalid_request")),
        ({"grant_type": ""}, {}, (400, "invalid_request")),
        ({"grant_type": "password", "username": "a", "password": "b"}, {}, (400, "unsupported_grant_type")),
        ({"grant_type": "authorization_code", "code": "x"}, {}, (400, "unsupported_grant_type")),
        ({"grant_type": "refresh_token"}, {}, (400, "unsupported_grant_type")),
        ({"grant_type": "client_credentials"}, {}, (401, "invalid_client")),
        (
            {"grant_type": "client_credentials"},
            {"Authorization": "Bearer eyJhbGciOiJub25lIn0.e30."},
            (401, "invalid_client"),
        ),
        ({"grant_type": "client_credentials"}, {"Authorization": "Basic !!!"}, (401, "invalid_client")),
        ({"grant_type": "client_credentials"}, {"Authorization": "Basic Zm9v"}, (401, "invalid_client")),
        ({"grant_type": "client_credentials"}, {"Authorization": "Basic"}, (401, "invalid_client")),
        (
            {"grant_type": ["client_credentials", "client_credentials"], "client_id": "a"},
            {},
            (400, "invalid_request"),
        ),
        (
            {"grant_type": "client_credentials", "client_id": ["a", "b"], "client_secret": "c"},
            {},
            (400, "invalid_request"),
        ),
        (
            {"grant_type": "client_credentials", "client_id": "a", "client_secret": "b"},
            {"Authorization": "Basic YTpi"},
            (400, "invalid_request"),
        ),
        (
            {"grant_type": "client_credentials", "scope": "admin", "client_id": "a", "client_secret": "b"},
            {},
            (401, "invalid_client"),
        ),
    ],
)
def test_errors_are_those_of_rfc_6749(
    web: FlaskClient, form: dict[str, Any], headers: dict[str, str], expected: tuple[int, str]
) -> None:
    """3.2: no parameter twice; 2.3: one way to sign in a request; 5.2: the errors."""
    assert refused(web.post("/oauth2/token", data=form, headers=headers)) == expected


def test_only_a_form_by_post_is_read(served: Served, web: FlaskClient) -> None:
    client = client_of(served)
    body = {"grant_type": "client_credentials", "client_id": client.id, "client_secret": client.secret}
    assert refused(web.post("/oauth2/token", json=body)) == (400, "invalid_request")
    assert refused(web.post("/oauth2/token", query_string=body)) == (400, "invalid_request")
    assert web.get("/oauth2/token", query_string=body).status_code == 405
    with_scope = by_header(web, client.id, client.secret, scope="scim", resource="x", client_id=client.id)
    assert with_scope.status_code == 200  # scope and unknown parameters change nothing (RFC 6749 3.2)

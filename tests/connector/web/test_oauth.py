"""How does a client come to an access token? (RFC 6749 4.4, T22)"""

from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from connector.store import credentials
from connector.store.engine import writing
from tests.connector.web.ways_in import token


def client_of(engine: Engine) -> credentials.Issued:
    token(engine)
    with writing(engine) as connection:
        return credentials.client_create(connection, "entra", datetime.now(UTC))


def test_a_client_gets_a_token_for_an_hour(client: FlaskClient, engine: Engine) -> None:
    made = client_of(engine)
    form = {"grant_type": "client_credentials", "client_id": made.id, "client_secret": made.secret}
    answer = client.post("/oauth2/token", data=form)
    assert answer.status_code == 200
    assert (answer.headers["Cache-Control"], answer.headers["Pragma"]) == ("no-store", "no-cache")
    given = answer.get_json()
    assert (given["token_type"], given["expires_in"]) == ("Bearer", 3600)
    headers = {"Authorization": f"Bearer {given['access_token']}"}
    assert client.get("/scim/v2/Users", headers=headers).status_code == 200
    assert client.get("/scim/v2/Users", headers={"Authorization": f"Bearer {made.secret}"}).status_code == 401
    basic = client.post(
        "/oauth2/token", data={"grant_type": "client_credentials"}, auth=(made.id, made.secret)
    )
    assert basic.status_code == 200


def test_several_secrets_live_at_once_and_one_ends_alone_with_its_tokens(
    client: FlaskClient, engine: Engine
) -> None:
    """Rotation, as Entra's gallery asks for it."""
    old, new = client_of(engine), client_of(engine)

    def ask(made: credentials.Issued) -> TestResponse:
        form = {"grant_type": "client_credentials", "client_id": made.id, "client_secret": made.secret}
        return client.post("/oauth2/token", data=form)

    def opens(answer: TestResponse) -> int:
        headers = {"Authorization": f"Bearer {answer.get_json()['access_token']}"}
        return client.get("/scim/v2/Users", headers=headers).status_code

    by_old, by_new = ask(old), ask(new)
    assert (opens(by_old), opens(by_new)) == (200, 200)
    with writing(engine) as connection:
        credentials.revoke(connection, old.id, datetime.now(UTC))
    assert (opens(by_old), opens(by_new)) == (401, 200)
    assert (ask(old).status_code, ask(new).status_code) == (401, 200)


def test_a_request_names_one_client_by_one_way(client: FlaskClient, engine: Engine) -> None:
    """RFC 6749 2.3."""
    made, grant = client_of(engine), {"grant_type": "client_credentials"}
    for more, status in (
        ({"client_id": made.id}, 200),
        ({"client_id": "cli_another"}, 400),
        ({"client_secret": made.secret}, 400),
    ):
        answer = client.post("/oauth2/token", data=grant | more, auth=(made.id, made.secret))
        assert answer.status_code == status
        assert status == 200 or answer.get_json()["error"] == "invalid_request"
    twice = {**grant, "client_id": [made.id, made.id], "client_secret": made.secret}
    answer = client.post("/oauth2/token", data=twice)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_another_method_is_an_error_of_oauth(client: FlaskClient, method: str) -> None:
    """RFC 6749 5.2: a code, and a sentence beside it."""
    answer = client.open("/oauth2/token", method=method)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    told = answer.get_json()
    assert (told["error"], "POST" in told["error_description"]) == ("invalid_request", True)


def test_a_form_that_is_too_large_is_an_error_of_oauth(client: FlaskClient) -> None:
    answer = client.post("/oauth2/token", data={"grant_type": "x" * 70_000})
    assert (answer.status_code, answer.get_json()["error"]) == (413, "invalid_request")
    assert answer.get_json()["error_description"]


def test_a_slash_at_the_end_is_no_other_path(client: FlaskClient, engine: Engine) -> None:
    made = client_of(engine)
    form = {"grant_type": "client_credentials", "client_id": made.id, "client_secret": made.secret}
    assert client.post("/oauth2/token/", data=form).status_code == 200


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": "{id}"}, 401, "invalid_client"),
        (
            {"grant_type": "client_credentials", "client_id": "{id}", "client_secret": "no"},
            401,
            "invalid_client",
        ),
        (
            {"grant_type": "client_credentials", "client_id": "\x00", "client_secret": "{s}"},
            401,
            "invalid_client",
        ),
        (
            {"grant_type": "client_credentials", "client_id": "x" * 999, "client_secret": "é"},
            401,
            "invalid_client",
        ),
    ],
)
def test_a_bad_token_request_is_named(
    client: FlaskClient, engine: Engine, form: dict[str, str], status: int, error: str
) -> None:
    made = client_of(engine)
    filled = {k: v.replace("{id}", made.id).replace("{s}", made.secret) for k, v in form.items()}
    answer = client.post("/oauth2/token", data=filled or {"x": "y"})
    assert (answer.status_code, answer.get_json()["error"]) == (status, error)


@pytest.mark.parametrize("header", ["Basic !!!", "Basic /w==", "Basic YQ==", "Digest x", "Basic"])
def test_a_bad_basic_header_is_401(client: FlaskClient, engine: Engine, header: str) -> None:
    client_of(engine)
    answer = client.post(
        "/oauth2/token", data={"grant_type": "client_credentials"}, headers={"Authorization": header}
    )
    assert answer.status_code == 401
    assert client.post("/oauth2/token", json={}).status_code == 400

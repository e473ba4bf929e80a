"""What does the web process say to whom? (T18, T19, T22, T27, T28, T29)"""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from connector import scim_endpoint
from connector.app import create_app
from connector.store import credentials, first_run, migrations
from connector.store.engine import connect, writing
from tests.company import CENTRE, PRINT, Company
from tests.connector.places import prepared, settings_for
from tests.connector.web.ways_in import csrf, link, signed_in, token

#: without any credential (T19); all else is 401 or sends to the sign-in page
OPEN = {"/healthz", "/readyz", "/static/<path:filename>", "/sign-in", "/oauth2/token"}


def paths(app: Flask) -> list[tuple[str, str]]:
    """Each rule, with every method that it answers, and a path of it."""
    found: list[tuple[str, str]] = []
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<int(\(.*?\))?:id>", "1", rule.rule)
        path = path.replace("<path:filename>", "console.css").replace("<anything:rest>", "Users")
        found += [(m, path) for m in rule.methods or ("GET", "POST", "PUT", "PATCH", "DELETE", "BREW")]
    return found


def test_without_a_credential_there_is_nothing(app: Flask, client: FlaskClient) -> None:
    """T19: every rule of the URL map with each of its methods."""
    rules = {rule.rule for rule in app.url_map.iter_rules()}
    assert rules >= OPEN | {"/", "/runs", "/metrics", "/scim/v2/<anything:rest>", "/sign-out"}
    seen = set()
    for method, path in paths(app):
        if path in {p.replace("<path:filename>", "console.css") for p in OPEN} or method == "OPTIONS":
            continue
        answer = client.open(path, method=method, environ_base={"REMOTE_ADDR": "203.0.113.7"})
        seen.add(path)
        if path.startswith("/scim"):
            assert answer.status_code == 401, (method, path)
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            assert answer.content_type == "application/scim+json"
            assert method == "HEAD" or answer.get_json(force=True)["status"] == "401"
        elif path == "/metrics":
            assert answer.status_code == 401
        elif method in ("GET", "HEAD"):
            assert (answer.status_code, answer.location) == (303, "/sign-in"), (method, path)
        else:
            assert answer.status_code in (400, 401), (method, path)
    assert len(seen) > 8


@pytest.mark.parametrize(
    "header",
    [
        "Basic Zm9vOmJhcg==",
        "Bearer",
        "Bearer ",
        "Bearer nonsense",
        "Bearer eyJhbGciOiJub25lIn0.e30.",
        "Bearer " + "x" * 6_000,
        "Bearer \x00",
        "{good}x",
        "{swapped}",
        "Token {bare}",
    ],
)
def test_only_a_live_token_opens_scim(client: FlaskClient, engine: Engine, header: str) -> None:
    """T18, T22: every other form is 401; the scheme's case doesn't matter."""
    good = token(engine)
    header = header.replace("{good}", f"Bearer {good}").replace("{bare}", good)
    header = header.replace("{swapped}", f"Bearer {good.swapcase()}")
    assert client.get("/scim/v2/Users", headers={"Authorization": header}).status_code == 401
    assert client.get(f"/scim/v2/Users?access_token={good}").status_code == 401
    for scheme in ("Bearer", "bearer", "BEARER"):
        assert client.get("/scim/v2/Users", headers={"Authorization": f"{scheme} {good}"}).status_code == 200


def test_an_expired_and_a_revoked_token_are_refused(client: FlaskClient, engine: Engine) -> None:
    good = token(engine)
    now = datetime.now(UTC)
    with writing(engine) as connection:
        old = credentials.token_create(connection, "entra", now - timedelta(days=2), timedelta(days=1))
        gone = credentials.token_create(connection, "entra", now)
        credentials.revoke(connection, gone.id, now)
    for secret, status in ((good, 200), (old.secret, 401), (gone.secret, 401)):
        answer = client.get("/scim/v2/Users", headers={"Authorization": f"Bearer {secret}"})
        assert answer.status_code == status


def test_a_user_made_by_one_directory_isn_t_seen_by_another(client: FlaskClient, engine: Engine) -> None:
    """T18."""
    entra = {"Authorization": f"Bearer {token(engine)}"}
    okta = {"Authorization": f"Bearer {token(engine, 'okta', 'okta')}"}
    made = client.post("/scim/v2/Users", headers=entra, json={"userName": "ada@x.example", "active": True})
    assert made.status_code == 201
    assert made.headers["Location"].startswith("http://127.0.0.1:8080/scim/v2/Users/")
    path = f"/scim/v2/Users/{made.get_json(force=True)['id']}"
    assert client.get(path, headers=entra).status_code == 200
    for method in ("GET", "DELETE"):
        assert client.open(path, method=method, headers=okta).status_code == 404


def test_the_license_extension_is_shown_when_asked_for(client: FlaskClient, engine: Engine) -> None:
    urn = "urn:anysoft:params:scim:schemas:extension:license:2.0:User"
    headers = {"Authorization": f"Bearer {token(engine)}"}
    client.post("/scim/v2/Users", headers=headers, json={"userName": "ada@x.example", "active": True})
    plain = client.get("/scim/v2/Users", headers=headers).get_json(force=True)["Resources"][0]
    asked = client.get(f"/scim/v2/Users?attributes={urn}", headers=headers).get_json(force=True)
    assert urn not in plain
    assert asked["totalResults"] == 1


def test_more_than_the_rate_is_429_with_whole_seconds(
    folder: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T15: by a clock of the test's own, as a busy machine may be too slow to send more than the rate."""
    moment = 1_000.0
    monkeypatch.setattr(scim_endpoint, "monotonic", lambda: moment)
    monkeypatch.setenv("CONNECTOR_SCIM__RATE", "60")
    client = create_app(settings_for(folder)).test_client()
    headers = {"Authorization": f"Bearer {token(engine)}"}

    def ask() -> TestResponse:
        return client.get("/scim/v2/ServiceProviderConfig", headers=headers)

    assert {ask().status_code for _ in range(60)} == {200}
    refused = ask()
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    assert refused.content_type == "application/scim+json"
    assert refused.get_json(force=True)["status"] == "429"
    other = {"Authorization": f"Bearer {token(engine, 'okta', 'okta')}"}
    assert client.get("/scim/v2/ServiceProviderConfig", headers=other).status_code == 200
    for _ in range(100):  # 50 a second, right after the flood
        moment += 1 / 50
        assert ask().status_code == 200


def test_every_answer_has_the_headers(client: FlaskClient, engine: Engine) -> None:
    """T28."""
    signed_in(client, engine)
    for path in ("/", "/scim/v2/Users", "/nowhere", "/healthz", "/static/console.css", "/sign-in"):
        answer = client.get(path)
        answer.close()  # the file of /static
        headers = answer.headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert re.fullmatch(r"[0-9a-f]{32}", headers["X-Request-Id"])


def test_a_request_id_that_could_forge_a_line_isn_t_taken_over(client: FlaskClient) -> None:
    """T27."""
    assert (
        client.get("/healthz", headers={"X-Request-Id": "abc-12345"}).headers["X-Request-Id"] == "abc-12345"
    )
    for hostile in ("x y", "a" * 65, '"},{"'):
        assert client.get("/healthz", headers={"X-Request-Id": hostile}).headers["X-Request-Id"] != hostile


@pytest.mark.parametrize(
    ("public_url", "name", "secure"),
    [("http://127.0.0.1:8080", "connector_session", False), ("https://c.example", "__Host-session", True)],
)
def test_the_cookie_is_bound_to_the_host_over_https(
    folder: Path, engine: Engine, public_url: str, name: str, secure: bool
) -> None:
    """T28."""
    client = create_app(settings_for(folder, public_url)).test_client()
    page = client.get(f"/sign-in?link={link(engine)}", base_url=public_url)
    cookie = page.headers["Set-Cookie"]
    assert cookie.startswith(f"{name}=")
    assert ("Secure" in cookie) is secure
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert ("Strict-Transport-Security" in page.headers) is secure


def test_a_link_signs_in_once_and_only_by_the_button(client: FlaskClient, app: Flask, engine: Engine) -> None:
    secret = link(engine)
    for _ in range(3):  # mail scanners and previews
        page = client.get(f"/sign-in?link={secret}")
        assert page.status_code == 200
        assert "Sign in to the console" in page.text
    form = {"csrf_token": csrf(page), "link": secret}
    assert client.post("/sign-in", data={"link": secret}).status_code == 400  # no CSRF token
    assert client.post("/sign-in", data=form).status_code == 303
    assert client.get("/").status_code == 200
    other = app.test_client()
    page = other.get(f"/sign-in?link={secret}")
    assert page.status_code == 403
    assert "used already" in page.text
    assert other.get("/").status_code == 303


def test_signing_out_is_a_post_and_ends_the_session_for_every_copy(
    client: FlaskClient, app: Flask, engine: Engine
) -> None:
    signed_in(client, engine)
    copied = app.test_client()
    cookie = client.get_cookie("connector_session")
    assert cookie is not None
    copied.set_cookie("connector_session", cookie.value)
    assert copied.get("/").status_code == 200
    page = client.get("/")
    assert client.get("/sign-out").status_code == 405
    assert client.post("/sign-out").status_code == 400
    assert client.post("/sign-out", data={"csrf_token": csrf(page)}).status_code == 303
    assert client.get("/").status_code == 303
    assert copied.get("/").status_code == 303


def test_nothing_is_changed_by_a_get(app: Flask) -> None:
    """T28: what changes something is a POST; this version of the console has only signing in and out."""
    posts = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("console.") and "POST" in (rule.methods or ())
    }
    assert posts == {"/sign-in", "/sign-out"}


def test_r24_the_page_of_a_hold_of_several_products_says_who_would_lose_which(
    client: FlaskClient, engine: Engine
) -> None:
    company = Company(engine)
    company.buy(PRINT, 2)
    company.buy(CENTRE, 1)
    ids = company.hire("ann@x.example", "bob@x.example")
    company.map(company.group("Print", ids), PRINT)
    company.map(company.group("Centre", ids[:1]), CENTRE)
    company.round()
    for id in ids:
        company.delete(id)
    company.settle(grace_disabled_hours=1)
    company.round()
    with writing(engine) as connection:
        assert first_run.after_restore(connection, "cli:test", company.now) == 3
    signed_in(client, engine)
    [hold] = company.open_holds()
    rows = re.findall(r"<tr><td>(.*?)</td><td>(.*?)</td></tr>", client.get(f"/holds/{hold.id}").text)
    assert rows == [
        ("ann@x.example", "anyprint"),
        ("ann@x.example", "anyprint-centre"),
        ("bob@x.example", "anyprint"),
    ]


def test_metrics_are_for_this_machine_or_for_the_token(
    folder: Path, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = {"REMOTE_ADDR": "127.0.0.1"}, {"REMOTE_ADDR": "203.0.113.7"}
    assert client.get("/metrics", environ_base=here).status_code == 200
    assert client.get("/metrics", environ_base=there).status_code == 401
    for name in ("X-Forwarded-For", "Forwarded", "Via"):  # a proxy on this machine asks for somebody else
        assert client.get("/metrics", environ_base=here, headers={name: "x"}).status_code == 401
    monkeypatch.setenv("CONNECTOR_METRICS_TOKEN", "m" * 32)
    client = create_app(settings_for(folder)).test_client()
    assert client.get("/metrics", environ_base=here).status_code == 401
    answer = client.get("/metrics", environ_base=there, headers={"Authorization": "Bearer " + "m" * 32})
    assert answer.status_code == 200
    assert "connector_http_requests_total" in answer.text


def test_ids_don_t_become_time_series(client: FlaskClient) -> None:
    for n in range(5):
        client.get(f"/scim/v2/Users/{n}")
        client.get(f"/nowhere/{n}")
    shown = client.get("/metrics", environ_base={"REMOTE_ADDR": "127.0.0.1"}).text
    assert 'area="scim.Users",method="GET",status="401"} 5.0' in shown
    assert "nowhere" not in shown


def test_an_error_is_json_for_programs_and_a_page_for_browsers(client: FlaskClient) -> None:
    answer = client.get("/scim/v1/Users")
    assert (answer.status_code, answer.content_type) == (404, "application/scim+json")
    said = json.loads(answer.data)
    assert (said["status"], said["schemas"]) == ("404", ["urn:ietf:params:scim:api:messages:2.0:Error"])
    assert said["detail"].endswith("the SCIM base URL is http://127.0.0.1:8080/scim/v2")
    page = client.get("/nowhere", headers={"Accept": "text/html"})
    assert page.status_code == 404
    assert page.content_type.startswith("text/html")
    assert "<h1>404</h1>" in page.text


def test_a_fault_of_ours_shows_nothing_of_itself(app: Flask, client: FlaskClient) -> None:
    def broken() -> str:
        raise RuntimeError("c4nary")

    app.view_functions["healthz"] = broken
    answer = client.get("/healthz")
    assert answer.status_code == 500
    assert "c4nary" not in answer.text
    assert "X-Request-Id" in answer.headers


def test_a_large_form_is_413(client: FlaskClient) -> None:
    answer = client.post("/oauth2/token", data={"grant_type": "x" * 70_000})
    assert answer.status_code == 413


def test_the_database_s_absence_is_503_and_its_return_needs_no_restart(
    tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T29."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "data"
    settings = settings_for(folder)
    monkeypatch.setenv("CONNECTOR_SECRET_KEY", "k" * 40)
    client = create_app(settings_for(folder)).test_client()
    (folder / "secret.key").unlink(missing_ok=True)
    if folder.exists():
        folder.rmdir()
    headers = {"Authorization": "Bearer " + "x" * 43}
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503
    for method, path in (("GET", "/scim/v2/Users"), ("POST", "/scim/v2/Users")):
        answer = client.open(path, method=method, headers=headers)
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) >= 1
        assert answer.content_type == "application/scim+json"
    form = {"grant_type": "client_credentials", "client_id": "a", "client_secret": "b"}
    answer = client.post("/oauth2/token", data=form)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    prepared(folder, sqlite_template)
    assert client.get("/readyz").status_code == 200
    assert client.get("/scim/v2/Users", headers=headers).status_code == 401
    assert settings.on_sqlite


def test_another_schema_isn_t_ready(folder: Path) -> None:
    engine = connect(f"sqlite:///{folder / 'connector.sqlite'}")
    migrations.downgrade(engine, "base")
    engine.dispose()
    answer = create_app(settings_for(folder)).test_client().get("/readyz")
    assert answer.status_code == 503
    assert "schema" in answer.get_json()["why"]


# ---- /oauth2/token ----

"""What does a directory get from a PATCH, and who sees what of it was skipped?"""

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from connector.app import create_app
from connector.cli.root import main
from connector.settings import Overrides, load
from connector.store import credentials
from connector.store.engine import writing
from tests.connector.places import prepared
from tests.connector.web.ways_in import signed_in

_RENAME = {"Operations": [{"op": "replace", "path": "displayName", "value": "New"}]}


@pytest.fixture
def app(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    prepared(tmp_path / "data", sqlite_template)
    monkeypatch.chdir(tmp_path)
    app = create_app(load(Overrides(public_url="http://localhost")))
    yield app
    app.extensions["engine"].dispose()
    logging.getLogger().handlers.clear()


def client_of(app: Flask, directory: str) -> FlaskClient:
    with writing(app.extensions["engine"]) as connection:
        token = credentials.token_create(connection, directory, datetime.now(UTC)).secret
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return client


def patched(client: FlaskClient) -> tuple[int, int, bool]:
    """The statuses of a PATCH of a user and of a group, and whether the group's members are in the answer."""
    user = client.post("/scim/v2/Users", json={"userName": "ada@x.example"})
    if user.status_code == 409:
        found = client.get('/scim/v2/Users?filter=userName eq "ada@x.example"').get_json(force=True)
        id = found["Resources"][0]["id"]
    else:
        id = user.get_json(force=True)["id"]
    made = client.post("/scim/v2/Groups", json={"displayName": "LIC", "members": [{"value": id}]})
    group = f"/scim/v2/Groups/{made.get_json(force=True)['id']}"
    of_user = client.patch(f"/scim/v2/Users/{id}", json=_RENAME)
    of_group = client.patch(group, json=_RENAME)
    shown = of_group.status_code == 200 and "members" in of_group.get_json(force=True)
    client.delete(group)
    return of_user.status_code, of_group.status_code, shown


@pytest.mark.parametrize(
    ("kind", "options", "usual", "told"),
    [
        ("entra", ["--patch-group", "full"], (200, 204, False), (200, 200, True)),
        ("okta", ["--patch-group", "nothing"], (200, 200, False), (200, 204, False)),
        ("scim", ["--patch-user", "nothing", "--patch-group", "brief"], (200, 200, True), (204, 200, False)),
    ],
)
def test_each_kind_has_its_usual_answer_and_can_be_told_another(
    app: Flask, kind: str, options: list[str], usual: tuple[int, int, bool], told: tuple[int, int, bool]
) -> None:
    assert main(["directory", "add", "usual", "--kind", kind]) == 0
    assert main(["directory", "add", "told", "--kind", kind, *options]) == 0
    assert patched(client_of(app, "usual")) == usual
    assert patched(client_of(app, "told")) == told
    back = [part if part.startswith("--") else "usual" for part in options]
    assert main(["directory", "set", "told", *back]) == 0
    assert patched(client_of(app, "told")) == usual
    assert main(["directory", "set", "usual", *options]) == 0
    assert patched(client_of(app, "usual")) == told


def test_setting_nothing_is_wrong_usage(app: Flask, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["directory", "add", "entra", "--kind", "entra"]) == 0
    assert main(["directory", "set", "entra"]) == 2
    assert "--patch-user" in capsys.readouterr().err
    assert main(["directory", "set", "nowhere", "--patch-user", "full"]) == 1


def test_what_is_skipped_is_told_by_the_command_line(app: Flask, capsys: pytest.CaptureFixture[str]) -> None:
    """A mapped custom attribute must not hinder a disable; it must not go unnoticed either."""

    def told(*arguments: str, code: int) -> Any:
        capsys.readouterr()
        assert main([*arguments, "--json"]) == code
        return json.loads(capsys.readouterr().out)

    assert main(["directory", "add", "entra", "--kind", "entra"]) == 0
    client = client_of(app, "entra")
    id = client.post("/scim/v2/Users", json={"userName": "ada@x.example"}).get_json(force=True)["id"]
    both = [
        {"op": "Replace", "path": "urn:acme:2.0:User:shoeSize", "value": "44"},
        {"op": "Replace", "path": "active", "value": "False"},
    ]
    for _ in range(3):
        assert client.patch(f"/scim/v2/Users/{id}", json={"Operations": both}).status_code == 200
    assert client.get(f"/scim/v2/Users/{id}").get_json(force=True)["active"] is False
    assert [row["warnings"] for row in told("directory", "list", code=0)] == [1]
    checked = told("directory", "check", "entra", code=0)
    (skipped,) = checked["skipped"]
    assert (checked["warnings"], skipped["code"], skipped["count"]) == (1, "unknown_path", 3)
    assert "shoeSize" in skipped["subject"]
    assert main(["directory", "check", "entra"]) == 0
    assert "shoeSize" in capsys.readouterr().out
    console = app.test_client()
    signed_in(console, app.extensions["engine"])
    assert "shoeSize" in console.get("/directories").text

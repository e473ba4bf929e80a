"""Does a directory see and touch only its own, on every route? (T18, T19, T20)"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from connector.store import credentials
from connector.store.engine import writing
from tests.connector.endpoint.conftest import Served

_BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("Users", "PUT"): {"userName": "mallory"},
    ("Groups", "PUT"): {"displayName": "Mallory's", "members": []},
    ("Users", "PATCH"): {"Operations": [{"op": "replace", "path": "active", "value": False}]},
    ("Groups", "PATCH"): {"Operations": [{"op": "remove", "path": "members"}]},
}
_METHODS = ("GET", "HEAD", "PUT", "PATCH", "DELETE")


def made(client: FlaskClient) -> dict[str, str]:
    user = client.post("/scim/v2/Users", json={"userName": "ada", "externalId": "7"}).get_json(force=True)
    members = [{"value": user["id"]}]
    group = client.post("/scim/v2/Groups", json={"displayName": "LIC", "members": members})
    return {"Users": user["id"], "Groups": group.get_json(force=True)["id"]}


def everything(client: FlaskClient) -> Any:
    return [client.get(f"/scim/v2/{name}").get_json(force=True)["Resources"] for name in ("Users", "Groups")]


def test_a_foreign_id_is_404_on_every_route_and_method(served: Served) -> None:
    mine, theirs = served.client("mine"), served.client("theirs")
    made(mine)
    foreign = made(theirs)
    before = everything(theirs)
    for name in ("Users", "Groups"):
        other = {"Users": "Groups", "Groups": "Users"}[name]
        for id in (foreign[name], foreign[other], "00000000-0000-4000-8000-000000000000", "1", "7"):
            for method in _METHODS:
                for path in (f"/scim/v2/{name}/{id}", f"/scim/v2/{name.lower()}/{id}/"):
                    answer = mine.open(path, method=method, json=_BODIES.get((name, method)))
                    assert answer.status_code == 404, (method, path)
    assert everything(theirs) == before


def test_a_foreign_id_is_nobody_in_bodies_and_filters(served: Served) -> None:
    """T20: no id in a body, no equal name and no external id links anything."""
    mine, theirs = served.client("mine"), served.client("theirs")
    own, foreign = made(mine), made(theirs)
    before = everything(theirs)
    group = f"/scim/v2/Groups/{own['Groups']}"
    for id in (foreign["Users"], foreign["Groups"], "7"):
        add = {"Operations": [{"op": "add", "path": "members", "value": [{"value": id}]}]}
        assert mine.patch(group, json=add).status_code == 200
    members = mine.get(group).get_json(force=True)["members"]
    assert [member["value"] for member in members] == [own["Users"]]
    for query in (
        f'Users?filter=id eq "{foreign["Users"]}"',
        f'Groups?filter=members eq "{foreign["Users"]}"',
        f'Users?filter=groups.value eq "{foreign["Groups"]}"',
        f'Users?filter=meta.location co "{foreign["Users"]}"',
    ):
        assert mine.get(f"/scim/v2/{query}").get_json(force=True)["totalResults"] == 0
    taken = mine.put(f"/scim/v2/Users/{own['Users']}", json={"userName": "ada", "id": foreign["Users"]})
    assert taken.get_json(force=True)["id"] == own["Users"]
    new = mine.post("/scim/v2/Users", json={"userName": "ivo", "id": foreign["Users"]})
    assert new.get_json(force=True)["id"] not in foreign.values()
    assert everything(theirs) == before


@pytest.mark.parametrize("kind", ["none", "expired", "revoked", "access of a revoked client"])
def test_without_a_live_token_every_route_is_401(served: Served, kind: str) -> None:
    """T19, unknown paths and methods included: who has no credential doesn't learn what exists."""
    ids, now = made(served.client()), datetime.now(UTC)
    client = served.app.test_client()
    with writing(served.engine) as connection:
        if kind == "expired":
            secret = credentials.token_create(
                connection, "northmill", now - timedelta(days=2), timedelta(days=1)
            ).secret
        elif kind == "revoked":
            token = credentials.token_create(connection, "northmill", now)
            credentials.revoke(connection, token.id, now)
            secret = token.secret
        else:
            issued = credentials.client_create(connection, "northmill", now)
            access = credentials.exchange(connection, issued.id, issued.secret, now)
            assert access is not None
            credentials.revoke(connection, issued.id, now)
            secret = access.token
    headers = {} if kind == "none" else {"Authorization": f"Bearer {secret}"}
    for path in (
        "Users", f"Users/{ids['Users']}", "Groups", f"Groups/{ids['Groups']}", ".search", "Users/.search",
        "Groups/.search", "ServiceProviderConfig", "ResourceTypes", "ResourceTypes/User", "Schemas", "Me",
        "Bulk", "", "nowhere", "Users/x/y",
    ):  # fmt: skip
        for method in (*_METHODS, "POST", "OPTIONS", "BREW"):
            answer = client.open(f"/scim/v2/{path}", method=method, headers=headers)
            assert answer.status_code == 401, (method, path)
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")

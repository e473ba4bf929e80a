"""Are the advertised limits the enforced ones? The limit is served, one more is refused (T17)."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from scim.body import MAX_GROUP_BYTES
from scim.membership import MAX_MEMBERS
from scim.values import MAX_VALUES
from tests.connector.endpoint.conftest import Served

#: what counts here happens before any database
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def client(served: Served) -> FlaskClient:
    return served.client()


@pytest.fixture
def said(client: FlaskClient) -> dict[str, Any]:
    told: dict[str, Any] = client.get("/scim/v2/ServiceProviderConfig").get_json(force=True)
    return told


def made(client: FlaskClient, name: str = "ada") -> str:
    return str(client.post("/scim/v2/Users", json={"userName": name}).get_json(force=True)["id"])


def refused(answer: Any, status: int, scim_type: str = "") -> None:
    told = answer.get_json(force=True)
    assert (answer.status_code, told["status"], told.get("scimType", "")) == (status, str(status), scim_type)


def test_a_page_holds_as_many_as_is_said(client: FlaskClient, said: dict[str, Any]) -> None:
    most = said["filter"]["maxResults"]
    assert said["filter"]["supported"]
    for n in range(most + 1):
        made(client, f"u{n}")
    for count in (most, most + 1, 10**9):
        page = client.get(f"/scim/v2/Users?count={count}").get_json(force=True)
        assert (page["totalResults"], page["itemsPerPage"], len(page["Resources"])) == (most + 1, most, most)
    rest = client.get(f"/scim/v2/Users?startIndex={most + 1}&count={most}").get_json(force=True)
    assert (rest["startIndex"], len(rest["Resources"])) == (most + 1, 1)


def test_a_body_is_as_large_as_is_said(client: FlaskClient, said: dict[str, Any]) -> None:
    most = said["bulk"]["maxPayloadSize"]
    assert not said["bulk"]["supported"]
    whole = b'{"userName":"ada"}'.ljust(most)
    assert client.post("/scim/v2/Users", data=whole).status_code == 201
    refused(client.post("/scim/v2/Users", data=whole + b" "), 413)
    refused(client.post("/scim/v2/.search", data=b"{}".ljust(most + 1)), 413)
    id = client.get("/scim/v2/Users").get_json(force=True)["Resources"][0]["id"]
    refused(client.patch(f"/scim/v2/Users/{id}", data=b"{}".ljust(most + 1)), 413)
    refused(client.put(f"/scim/v2/Users/{id}", data=whole + b" "), 413)


def test_a_patch_has_as_many_operations_as_is_said(client: FlaskClient, said: dict[str, Any]) -> None:
    most = said["bulk"]["maxOperations"]
    path = f"/scim/v2/Users/{made(client)}"
    one = {"op": "add", "path": "title", "value": "x"}
    assert client.patch(path, json={"Operations": [one] * most}).status_code == 200
    refused(client.patch(path, json={"Operations": [one] * (most + 1)}), 400, "tooMany")


def test_what_isn_t_supported_is_said_to_be_so(client: FlaskClient, said: dict[str, Any]) -> None:
    assert said["patch"]["supported"]
    assert said["sort"]["supported"]
    assert said["etag"]["supported"]
    assert not said["changePassword"]["supported"]
    refused(client.post("/scim/v2/Bulk", json={"Operations": []}), 501)
    refused(client.get("/scim/v2/Me"), 501)


def test_a_group_takes_200000_members_and_16_mb(client: FlaskClient) -> None:
    members = [{"value": f"00000000-0000-4000-8000-{n:012}"} for n in range(MAX_MEMBERS)]
    members[-1]["value"] = made(client)
    group = {"displayName": "Everybody", "members": members}
    answer = client.post("/scim/v2/Groups", json=group)
    assert answer.status_code == 201
    (member,) = answer.get_json(force=True)["members"]  # the others are unknown here
    assert member["value"] == members[-1]["value"]
    group["members"] = [*members, {"value": "one-more"}]
    refused(client.post("/scim/v2/Groups", json=group), 400, "invalidValue")
    whole = b'{"displayName":"Padded"}'.ljust(MAX_GROUP_BYTES)
    assert client.post("/scim/v2/Groups", data=whole).status_code == 201
    refused(client.post("/scim/v2/Groups", data=whole + b" "), 413)
    assert client.get("/scim/v2/Groups").get_json(force=True)["totalResults"] == 2


def test_an_attribute_has_so_many_values_at_most(client: FlaskClient) -> None:
    emails = [{"value": f"e{n}@x.example"} for n in range(MAX_VALUES)]
    more = [*emails, {"value": "one-more@x.example"}]
    body = {"userName": "ada", "emails": emails}
    refused(client.post("/scim/v2/Users", json={**body, "emails": more}), 400, "invalidValue")
    path = f"/scim/v2/Users/{client.post('/scim/v2/Users', json=body).get_json(force=True)['id']}"
    refused(client.put(path, json={**body, "emails": more}), 400, "invalidValue")
    add = {"op": "add", "path": "emails", "value": more[-1:]}
    answer = client.patch(path, json={"Operations": [add]})
    refused(answer, 400, "invalidValue")
    assert answer.get_json(force=True)["detail"] == f"emails can have {MAX_VALUES} values at most"
    assert client.patch(path, json={"Operations": [{**add, "value": emails[:1]}]}).status_code == 200
    first = {"op": "remove", "path": "emails", "value": emails[:1]}
    assert client.patch(path, json={"Operations": [first, add]}).status_code == 200


def test_a_resource_stays_as_small_as_a_body(client: FlaskClient) -> None:
    path = f"/scim/v2/Users/{made(client)}"
    for name in ("title", "nickName"):
        half = [{"op": "add", "path": name, "value": "x" * 499_000}]
        assert client.patch(path, json={"Operations": half}).status_code == 200
    refused(client.patch(path, json={"Operations": [{**half[0], "path": "displayName"}]}), 413)
    assert "displayName" not in client.get(path).get_json(force=True)

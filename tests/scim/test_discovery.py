"""Is what the endpoint says about itself complete, and true? (RFC 7644 section 4, T17)"""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from scim.schema import LICENSE, TYPES, USER
from tests.scim.exchange import BASE_URL, PREFIX, client_of
from tests.scim.memory import Memory


@pytest.fixture
def client() -> FlaskClient:
    return client_of(Memory(), "scim")


def _nulls(value: Any) -> int:
    if isinstance(value, dict):
        return sum(map(_nulls, value.values()))
    return sum(map(_nulls, value)) if isinstance(value, list) else value is None


@pytest.mark.parametrize(("name", "count"), [("Schemas", 7), ("ResourceTypes", 2)])
def test_lists_have_a_total_and_each_entry_is_where_it_says(
    name: str, count: int, client: FlaskClient
) -> None:
    told = client.get(f"{PREFIX}/{name}").get_json(force=True)
    assert told["totalResults"] == told["itemsPerPage"] == len(told["Resources"]) == count
    assert _nulls(told) == 0
    for each in told["Resources"]:
        location = each["meta"]["location"]
        assert location == f"{BASE_URL}/{name}/{each['id']}"
        assert client.get(PREFIX + location.removeprefix(BASE_URL)).get_json(force=True) == each


def test_the_group_schema_is_there_as_entras_gallery_demands(client: FlaskClient) -> None:
    ids = {each["id"] for each in client.get(PREFIX + "/Schemas").get_json(force=True)["Resources"]}
    assert {each.core for each in TYPES.values()} <= ids
    assert set(USER.extensions) <= ids


def test_the_license_extension_can_only_be_read_on_request(client: FlaskClient) -> None:
    [licenses] = client.get(f"{PREFIX}/Schemas/{LICENSE}").get_json(force=True)["attributes"]
    assert (licenses["mutability"], licenses["returned"]) == ("readOnly", "request")
    assert {sub["name"] for sub in licenses["subAttributes"]} == {
        "product",
        "state",
        "reason",
        "since",
        "position",
    }


def test_t17_the_advertised_limits_are_the_enforced_ones(client: FlaskClient) -> None:
    config = client.get(PREFIX + "/ServiceProviderConfig").get_json(force=True)
    most = config["filter"]["maxResults"]
    for n in range(most + 1):
        client.post(PREFIX + "/Users", json={"userName": f"u{n}"})
    told = client.get(f"{PREFIX}/Users?count={most + 1}&attributes=id").get_json()
    assert (told["totalResults"], told["itemsPerPage"], len(told["Resources"])) == (most + 1, most, most)

    largest = config["bulk"]["maxPayloadSize"]
    fits = json.dumps({"userName": "large"}).ljust(largest)
    assert client.post(PREFIX + "/Users", data=fits).status_code == 201
    assert client.post(PREFIX + "/Users", data=fits + " ").status_code == 413

    group = client.post(PREFIX + "/Groups", json={"displayName": "G"}).get_json()["id"]
    operations = [{"op": "replace", "path": "displayName", "value": "H"}] * config["bulk"]["maxOperations"]
    path = f"{PREFIX}/Groups/{group}"
    assert client.patch(path, json={"Operations": operations}).status_code == 200
    assert client.patch(path, json={"Operations": [*operations, operations[0]]}).status_code == 400


def test_what_isnt_supported_is_said_so(client: FlaskClient) -> None:
    config = client.get(PREFIX + "/ServiceProviderConfig").get_json(force=True)
    assert config["bulk"]["supported"] is False
    assert client.post(PREFIX + "/Bulk", json={}).status_code == 501
    assert client.get(PREFIX + "/Me").status_code == 501


@pytest.mark.parametrize("kind", list(TYPES))
def test_every_writable_attribute_that_is_published_can_be_patched(kind: Any, client: FlaskClient) -> None:
    resource_type = TYPES[kind]
    required = {"userName": "ada"} if resource_type is USER else {"displayName": "G"}
    made = client.post(f"{PREFIX}/{resource_type.endpoint}", json=required).get_json()
    samples = {"string": "x", "boolean": True, "reference": "https://x.example", "binary": "QQ=="}
    for type_ in client.get(PREFIX + "/ResourceTypes").get_json(force=True)["Resources"]:
        if type_["id"] != kind:
            continue
        for urn in (type_["schema"], *(each["schema"] for each in type_["schemaExtensions"])):
            for each in client.get(f"{PREFIX}/Schemas/{urn}").get_json(force=True)["attributes"]:
                if each["mutability"] == "readOnly":
                    continue
                value: Any = samples.get(each["type"]) or {
                    sub["name"]: samples[sub["type"]]
                    for sub in each["subAttributes"]
                    if sub["mutability"] != "readOnly"
                }
                operation = {"op": "add", "path": f"{urn}:{each['name']}", "value": value}
                path = f"{PREFIX}/{resource_type.endpoint}/{made['id']}"
                answer = client.patch(path, json={"Operations": [operation]})
                assert answer.status_code == 200, answer.get_data(as_text=True)
                if each["returned"] == "never" or each["name"] == "members":
                    continue
                told = answer.get_json()
                held = told[each["name"]] if urn == resource_type.core else told[urn][each["name"]]
                assert held == ([value] if each["multiValued"] else value)

"""Does hostile and sloppy input get its refusal or its service, and does a refusal change nothing? (T16)"""

import json

import pytest
from flask.testing import FlaskClient

from scim.body import MAX_BYTES
from scim.operations import MAX_OPERATIONS
from tests.scim.case import Case
from tests.scim.cases_reading import READING, URL
from tests.scim.cases_writing import WRITING
from tests.scim.exchange import PREFIX, client_of
from tests.scim.memory import Memory

_USER = {"userName": "ada@x.example", "displayName": "Ada", "title": "Clerk"}


@pytest.fixture
def store() -> Memory:
    return Memory()


@pytest.fixture
def client(store: Memory) -> FlaskClient:
    return client_of(store, "scim")


def _made(client: FlaskClient) -> dict[str, str]:
    user = client.post(PREFIX + "/Users", json=_USER).get_json()["id"]
    group = client.post(PREFIX + "/Groups", json={"displayName": "G", "members": [user]}).get_json()["id"]
    return {"USER": user, "GROUP": group}


@pytest.mark.parametrize("case", (READING + WRITING), ids=lambda case: case.name)
def test_the_input_is_refused_or_served_as_written(case: Case, client: FlaskClient, store: Memory) -> None:
    ids = _made(client)
    path, raw = case.path, case.raw
    if case.body is not None:
        text = json.dumps(case.body)
        for name, id in ids.items():
            text = text.replace(name, id)
        raw = text.encode()
    for name, id in ids.items():
        path = path.replace(name, id)
    before = (dict(store.resources), {id: dict(members) for id, members in store.belongs.items()})
    headers = {"Content-Type": "application/scim+json", **case.headers}
    answer = client.open(PREFIX + path, method=case.method, data=raw, headers=headers)
    told = answer.get_json(force=True)
    assert (answer.status_code, told.get("scimType", "")) == (case.status, case.scim_type), told
    assert answer.content_type == "application/scim+json"
    if case.status >= 400:
        assert told["status"] == str(case.status)
        assert told["detail"]
        assert (store.resources, store.belongs) == before
    if case.path.startswith(URL):
        assert isinstance(told.get("Resources", []), list)


def test_the_battery_is_large_and_its_names_are_unique() -> None:
    names = [case.name for case in (READING + WRITING)]
    assert len(names) == len(set(names)) >= 120


def test_10000_operations_and_10000_members_are_served(client: FlaskClient) -> None:
    ids = _made(client)
    operations = [
        {"op": "add", "path": f'members[value eq "{n}"]', "value": {}} for n in range(MAX_OPERATIONS)
    ]
    assert client.patch(f"{PREFIX}/Groups/{ids['GROUP']}", json={"Operations": operations}).status_code == 200
    members = [{"value": str(n)} for n in range(10_000)]
    one = {"Operations": [{"op": "add", "path": "members", "value": members}]}
    assert client.patch(f"{PREFIX}/Groups/{ids['GROUP']}", json=one).status_code == 200


def test_200000_members_in_16_mb_are_read(client: FlaskClient) -> None:
    members = [{"value": f"00000000-0000-4000-8000-{n:012}"} for n in range(200_000)]
    answer = client.post(PREFIX + "/Groups", json={"displayName": "Everybody", "members": members})
    assert answer.status_code == 201
    assert answer.get_json()["members"] == []  # nobody of them is known here


def test_a_body_without_a_length_is_bounded_too(client: FlaskClient) -> None:
    class Endless:
        given = 0

        def read(self, size: int = -1) -> bytes:
            self.given += size
            assert size > 0, "all of an endless body was asked for"
            assert self.given < 2 * MAX_BYTES, "reading went on beyond the limit"
            return b" " * size

    environ = {"wsgi.input": Endless(), "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    answer = client.open(
        PREFIX + "/Users", method="POST", environ_overrides=environ, content_type="application/json"
    )
    assert answer.status_code == 413

"""Do many writers at once leave one user per userName and the exact members? Over the whole app (T14)."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.connector.endpoint.conftest import Served

Request = Callable[[FlaskClient], TestResponse]


def together(served: Served, token: str, shares: Sequence[Sequence[Request]]) -> list[TestResponse]:
    """Each share by a thread of its own; all begin at once."""
    barrier = Barrier(len(shares))

    def work(share: Sequence[Request]) -> list[TestResponse]:
        client = served.app.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        barrier.wait()
        return [request(client) for request in share]

    with ThreadPoolExecutor(len(shares)) as pool:
        return [answer for answers in pool.map(work, shares) for answer in answers]


def create(name: str) -> Request:
    return lambda client: client.post("/scim/v2/Users", json={"userName": name})


def patch(group: str, operation: dict[str, Any]) -> Request:
    return lambda client: client.patch(f"/scim/v2/Groups/{group}", json={"Operations": [operation]})


@pytest.mark.parametrize(("threads", "names"), [(10, 20), pytest.param(50, 100, marks=pytest.mark.long)])
def test_each_name_is_created_once_and_is_taken_for_the_others(
    served: Served, threads: int, names: int
) -> None:
    """Half of the writers spell the names in capitals."""
    token = served.token()
    spelled = [f"user{n}@x.example" for n in range(names)]
    shares = [[create(name.upper() if thread % 2 else name) for name in spelled] for thread in range(threads)]
    answers = together(served, token, shares)
    assert Counter(a.status_code for a in answers) == {201: names, 409: names * (threads - 1)}
    refused = [a.get_json(force=True) for a in answers if a.status_code == 409]
    assert {(told["status"], told["scimType"]) for told in refused} == {("409", "uniqueness")}
    listed = served.client().get("/scim/v2/Users?count=200&attributes=userName").get_json(force=True)
    assert listed["totalResults"] == names
    assert {user["userName"].lower() for user in listed["Resources"]} == set(spelled)


@pytest.mark.parametrize(("adds", "removes"), [(20, 10), pytest.param(100, 50, marks=pytest.mark.long)])
def test_adds_and_removes_in_one_group_leave_the_exact_set(served: Served, adds: int, removes: int) -> None:
    token, client = served.token(), served.client()
    ids = [
        client.post("/scim/v2/Users", json={"userName": f"u{n}"}).get_json(force=True)["id"]
        for n in range(adds + removes)
    ]
    members = [{"value": id} for id in ids[adds:]]
    made = client.post("/scim/v2/Groups", json={"displayName": "LIC", "members": members})
    group = made.get_json(force=True)["id"]
    shares = [
        [patch(group, {"op": "add", "path": "members", "value": [{"value": id}]})] for id in ids[:adds]
    ] + [[patch(group, {"op": "remove", "path": f'members[value eq "{id}"]'})] for id in ids[adds:]]
    answers = together(served, token, shares)
    assert Counter(a.status_code for a in answers) == {200: adds + removes}
    left = client.get(f"/scim/v2/Groups/{group}").get_json(force=True)["members"]
    assert {member["value"] for member in left} == set(ids[:adds])
    assert len(left) == adds

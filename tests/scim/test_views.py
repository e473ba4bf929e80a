"""Does every path and method under the prefix answer in SCIM, and only to whom it should? (T18, T19)"""

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from scim import views
from scim.dialects import Answer
from scim.endpoints import Caller
from scim.errors import TooManyRequests, Unauthorized
from scim.store import Kind, Reference
from scim.views import Config, blueprint
from tests.scim.exchange import BASE_URL, PREFIX, client_of
from tests.scim.memory import Memory

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "NONSENSE")
_PATHS = (
    "", "/", "//", "/Users", "/Users/", "/users", "/Users/nobody", "/Users/.search", "/Users/a/b", "/Users//",
    "/Groups", "/Groups/nobody", "/Groups/.SEARCH", "/.search", "/.search/x", "/Me", "/me/x", "/Bulk",
    "/bulk/x", "//Users", "/Users///",
    "/ServiceProviderConfig", "/serviceproviderconfig/", "/ServiceProviderConfig/x",
    "/ServiceProviderConfigs",
    "/ResourceTypes", "/ResourceTypes/User", "/ResourceTypes/nobody", "/Schemas", "/Schemas/nobody",
    "/Schemas/urn:ietf:params:scim:schemas:core:2.0:User", "/Schemas?filter=id%20pr", "/nowhere", "/%00",
    "/%FF",
    "/Users/%2E%2E/Groups", "/Users/é", "/a/b/c/d/e",
)  # fmt: skip
_BODIES = (None, b"", b"{}", b"[]", b'{"Operations":[{"op":"add","value":{}}]}', b'{"userName":"a"}')


def _app(authenticate: Any, **config: Any) -> FlaskClient:
    app = Flask(__name__)
    app.register_blueprint(blueprint(Config(BASE_URL, authenticate, **config)), url_prefix=PREFIX)
    return app.test_client()


def _stores(**stores: Memory) -> FlaskClient:
    """One directory for each token."""

    def authenticate(authorization: str | None) -> Caller:
        name = (authorization or "").removeprefix("Bearer ")
        if name not in stores:
            raise Unauthorized("send a token")
        return Caller(name, "scim", stores[name])

    return _app(authenticate)


@pytest.mark.parametrize("path", _PATHS)
def test_no_path_and_method_gives_anything_but_scim(path: str) -> None:
    client = client_of(Memory(), "scim")
    for method, body in itertools.product(_METHODS, _BODIES):
        answer = client.open(PREFIX + path, method=method, data=body)
        where = f"{method} {path} {body!r}: {answer.status_code}"
        assert answer.status_code < 500 or answer.status_code == 501, where
        assert answer.content_type == "application/scim+json", where
        if answer.status_code >= 400 and method != "HEAD":
            told = answer.get_json(force=True)
            assert told["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"], where
            assert told["status"] == str(answer.status_code), where
            assert told["detail"], where


@pytest.mark.parametrize("path", _PATHS)
def test_t19_without_a_token_there_is_nothing_but_401(path: str) -> None:
    client = _stores(own=Memory())
    for method, authorization in itertools.product(
        _METHODS, (None, "", "Bearer", "Bearer other", "Basic own")
    ):
        headers = {} if authorization is None else {"Authorization": authorization}
        answer = client.open(PREFIX + path, method=method, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        if method != "HEAD":
            assert answer.get_json(force=True)["status"] == "401"


def test_t18_another_directorys_resources_are_404_on_every_route() -> None:
    own, foreign = Memory(), Memory()
    client = _stores(own=own, foreign=foreign)
    theirs = {"Authorization": "Bearer foreign"}
    user = client.post(PREFIX + "/Users", json={"userName": "ada"}, headers=theirs).get_json()["id"]
    group = client.post(PREFIX + "/Groups", json={"displayName": "G"}, headers=theirs).get_json()["id"]
    ours = {"Authorization": "Bearer own"}
    patch = {"Operations": [{"op": "replace", "value": {"displayName": "X"}}]}
    body = {"userName": "x", "displayName": "X"}
    for path in (f"/Users/{user}", f"/Groups/{group}"):
        for method, sent in (("GET", None), ("PUT", body), ("PATCH", patch), ("DELETE", None)):
            assert client.open(PREFIX + path, method=method, json=sent, headers=ours).status_code == 404
    assert client.get(PREFIX + "/", headers=ours).get_json()["totalResults"] == 0
    mine = client.post(PREFIX + "/Groups", json={"displayName": "M", "members": [user]}, headers=ours)
    assert mine.get_json()["members"] == []
    assert own.warnings == [("unknown_member", f"M: {user}")]
    assert client.get(PREFIX + "/", headers=theirs).get_json()["totalResults"] == 2


def test_t15_too_many_requests_say_when_to_come_back_in_whole_seconds() -> None:
    def authenticate(authorization: str | None) -> Caller:
        raise TooManyRequests("slower", retry_after=3)

    answer = _app(authenticate).get(PREFIX + "/Users")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3")
    assert answer.get_json(force=True)["status"] == "429"


class _Down(Exception):
    pass


class _Broken(Memory):
    def reading(self) -> Any:
        raise _Down

    writing = reading


def test_t29_a_database_that_is_down_is_503_with_retry_after() -> None:
    client = _app(lambda authorization: Caller("d", "entra", _Broken()), unavailable={_Down: "it is down"})
    for method, path in (("GET", "/Users"), ("POST", "/Users"), ("DELETE", "/Users/a"), ("GET", "/Groups/a")):
        answer = client.open(PREFIX + path, method=method, json={"userName": "a"})
        assert (answer.status_code, answer.get_json(force=True)["status"]) == (503, "503")
        assert answer.get_json(force=True)["detail"] == "it is down"
        assert int(answer.headers["Retry-After"]) > 0


def test_a_fault_of_ours_is_a_scim_error_that_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    answer = client_of(_Broken(), "scim").get(PREFIX + "/Users")
    assert answer.status_code == 500
    assert "_Down" not in answer.get_data(as_text=True)
    assert "_Down" in caplog.text


@pytest.mark.parametrize(
    "content_type", [None, "", "application/json", "APPLICATION/SCIM+JSON; Charset=UTF-8"]
)
def test_a_body_needs_no_content_type(content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    answer = client_of(Memory(), "okta").post(PREFIX + "/Users", data=b'{"userName":"a"}', headers=headers)
    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("kind", "set_to", "status", "members"),
    [
        ("entra", None, 204, None),
        ("okta", None, 200, False),
        ("scim", None, 200, True),
        ("entra", Answer.FULL, 200, True),
        ("scim", Answer.NOTHING, 204, None),
    ],
)
def test_the_answer_to_patching_a_group_can_be_set(
    kind: str, set_to: Answer | None, status: int, members: bool | None
) -> None:
    store = Memory()
    client = _app(lambda authorization: Caller("d", kind, store, patched_group=set_to))
    id = client.post(PREFIX + "/Groups", json={"displayName": "G"}).get_json()["id"]
    sent = {"Operations": [{"op": "replace", "path": "displayName", "value": "H"}]}
    answer = client.patch(f"{PREFIX}/Groups/{id}", json=sent)
    assert answer.status_code == status
    if members is not None:
        assert ("members" in answer.get_json()) is members
    asked = client.patch(f"{PREFIX}/Groups/{id}?attributes=displayName", json=sent)
    assert (asked.status_code, asked.get_json()["displayName"]) == (200, "H")


def test_licenses_are_shown_only_when_asked_for_and_once_for_a_page() -> None:
    calls: list[tuple[str, list[str]]] = []

    def licenses(directory: str, ids: Any) -> dict[str, list[dict[str, Any]]]:
        calls.append((directory, list(ids)))
        return {ids[0]: [{"product": "anyprint", "state": "waiting", "position": 3}]}

    urn = "urn:anysoft:params:scim:schemas:extension:license:2.0:User"
    client = client_of(Memory(), "scim", licenses=licenses)
    ids = [client.post(PREFIX + "/Users", json={"userName": name}).get_json()["id"] for name in "ab"]
    assert urn not in client.get(f"{PREFIX}/Users/{ids[0]}").get_json()
    assert calls == []
    for asked in (urn, f"{urn}:licenses", f"{urn}:licenses.state"):
        first, second = client.get(f"{PREFIX}/Users?attributes={asked}").get_json()["Resources"]
        assert first[urn]["licenses"][0]["state"] == "waiting"
        assert ("product" in first[urn]["licenses"][0]) is ("state" not in asked)
        assert urn not in second or second[urn]["licenses"] == []
    assert calls == [("the-directory", ids)] * 3


def test_a_group_not_read_again_is_304_and_a_user_with_groups_is_not() -> None:
    client = client_of(Memory(), "scim")
    group = client.post(PREFIX + "/Groups", json={"displayName": "G"})
    path, tag = f"{PREFIX}/Groups/{group.get_json()['id']}", group.headers["ETag"]
    unnamed = f"{path}?excludedAttributes=members.display"
    assert client.get(unnamed, headers={"If-None-Match": tag}).status_code == 304
    client.patch(path, json={"Operations": [{"op": "replace", "value": {"displayName": "H"}}]})
    assert client.get(unnamed, headers={"If-None-Match": tag}).status_code == 200
    user = client.post(PREFIX + "/Users", json={"userName": "a"})
    path, tag = f"{PREFIX}/Users/{user.get_json()['id']}", user.headers["ETag"]
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 200
    assert client.get(f"{path}?attributes=userName", headers={"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 200),
        ("?attributes=members", 200),
        ("?attributes=members.display,members.value", 200),
        ('?attributes=members[type eq "User"]', 200),
        ('?excludedAttributes=members[type eq "User"].display', 200),
        ("?excludedAttributes=members", 304),
        ("?excludedAttributes=members.display", 304),
        ("?attributes=members.value", 304),
        ("?attributes=displayName", 304),
    ],
)
def test_an_answer_with_the_names_of_members_is_never_304(query: str, status: int) -> None:
    """Renaming a member changes the answer, but not the group's version."""
    client = client_of(Memory(), "scim")
    user = client.post(PREFIX + "/Users", json={"userName": "a", "displayName": "A"}).get_json()["id"]
    group = client.post(PREFIX + "/Groups", json={"displayName": "G", "members": [user]})
    rename = {"Operations": [{"op": "replace", "path": "displayName", "value": "B"}]}
    assert client.patch(f"{PREFIX}/Users/{user}", json=rename).status_code == 200
    path = f"{PREFIX}/Groups/{group.get_json()['id']}{query}"
    assert client.get(path, headers={"If-None-Match": group.headers["ETag"]}).status_code == status


def test_what_has_no_body_has_no_type_and_no_length() -> None:
    """RFC 9110 8.6, 15.4.5"""
    client = client_of(Memory(), "entra")
    group = client.post(PREFIX + "/Groups", json={"displayName": "G"})
    path = f"{PREFIX}/Groups/{group.get_json()['id']}"
    named = {"If-None-Match": group.headers["ETag"]}
    for answer in (
        client.get(f"{path}?attributes=displayName", headers=named),
        client.patch(path, json={"Operations": [{"op": "replace", "path": "displayName", "value": "H"}]}),
        client.delete(path),
    ):
        assert answer.status_code in (204, 304)
        assert not {"Content-Type", "Content-Length"} & set(answer.headers.keys())


def test_head_is_get_without_a_body() -> None:
    answer = client_of(Memory(), "scim").head(PREFIX + "/Users")
    assert (answer.status_code, answer.get_data()) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 0


@pytest.mark.parametrize("whole_bytes", [1_000_000, 10_000])  # from memory, from a file
def test_a_large_group_is_sent_whole_and_keeps_the_store_no_longer_than_needed(
    whole_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "_WHOLE_BYTES", whole_bytes)
    open_now: list[bool] = []

    class Closing(Memory):
        @contextmanager
        def reading(self) -> Iterator[Memory]:
            open_now.append(True)
            yield self
            open_now.pop()

    store = Closing()
    client = client_of(store, "scim")
    ids = [store.create(Kind.USER, {"userName": f"u{n}"}).id for n in range(1_201)]
    made = client.post(PREFIX + "/Groups?attributes=id", json={"displayName": "G", "members": ids})
    path = f"{PREFIX}/Groups/{made.get_json()['id']}"
    answer = client.get(path, buffered=False)
    assert open_now == []  # though nothing of it was read yet
    length = int(answer.headers["Content-Length"])
    whole = answer.get_data()
    answer.close()
    assert len(whole) == length
    assert [member["value"] for member in json.loads(whole)["members"]] == ids
    client.get(path, buffered=False).close()  # a client that goes away
    with client.head(path) as head:
        assert head.headers["Content-Length"] == str(length)
    with client.get(PREFIX + "/Groups") as listed:
        assert len(listed.get_json()["Resources"][0]["members"]) == 1_201


@pytest.mark.parametrize("count", [1, 8_000])  # in memory, in a file
def test_an_answer_that_breaks_off_in_the_store_is_a_scim_error(count: int) -> None:
    class Breaking(Memory):
        def members(self, group_id: str) -> Iterator[Reference]:
            for n in range(count):
                yield Reference(Kind.USER, f"00000000-0000-4000-8000-{n:012}", "")
            raise _Down

    store = Breaking()
    group = store.create(Kind.GROUP, {"displayName": "G"})
    client = _app(lambda authorization: Caller("d", "scim", store), unavailable={_Down: "it is down"})
    answer = client.get(f"{PREFIX}/Groups/{group.id}")
    assert (answer.status_code, answer.get_json(force=True)["status"]) == (503, "503")

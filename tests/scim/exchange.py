"""What does a file under exchanges/ say, and does the endpoint do it?

A file is an object:

- `why`: the sentence that the test shows; `kind`: scim, entra or okta
- `given`: `users` and `groups` in the directory, each with an `id` of its own ("u-ada") and its attributes; a
  group also with `members`. The store gives its own ids: the runner puts them into requests and answers.
- `request` and `answer`, or several of them in `steps`. A request has `method`, `path`, and perhaps
  `headers`, `body` (JSON) or `raw` (text). An answer has `status`, and perhaps `body` (each key
  must be so; lists in order and in full), `absent` (keys, parted by "/"), `headers`,
  `empty` (no body at all). The id of a created resource is "$new" afterwards.
- `leaves`: `users` and `groups` by id with `has`, `lacks`, and for groups `members` (in full, any order);
  `gone` (ids), `unchanged` (ids whose version is as before), `count`, `warnings` (codes and subjects, in
  full), `members_read` (how many members were read from the store)
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from scim.endpoints import Caller
from scim.query import Query
from scim.store import Kind, MemberOp, MemberVerb, NotFound, Reader, Reference, Store, Writer
from scim.views import Config, blueprint

PREFIX = "/scim/v2"
BASE_URL = "https://connector.example" + PREFIX
_KINDS = {"users": Kind.USER, "groups": Kind.GROUP}
_EVERYTHING = Query(count=0)

#: The name of an empty directory, and its kind, to its store
MakeStore = Callable[[str, str], Store]


@dataclass
class Watched:
    """A Store that tells what passed through it."""

    store: Store
    warnings: list[list[str]] = field(default_factory=list)
    members_read: int = 0

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        with self.store.reading() as reader:
            yield _WatchedReader(self, reader)

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        with self.store.writing() as writer:
            yield _WatchedReader(self, writer)


class _WatchedReader:
    def __init__(self, watched: Watched, inner: Any) -> None:
        self._watched = watched
        self._inner = inner

    def members(self, group_id: str) -> Iterator[Reference]:
        for member in self._inner.members(group_id):
            self._watched.members_read += 1
            yield member

    def warn(self, code: str, subject: str) -> None:
        self._watched.warnings.append([code, subject])
        self._inner.warn(code, subject)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def client_of(store: Store, kind: str, **config: Any) -> FlaskClient:
    """A client of an endpoint at which everybody is one directory."""
    app = Flask(__name__)
    caller = Caller("the-directory", kind, store)
    app.register_blueprint(
        blueprint(Config(BASE_URL, lambda authorization: caller, **config)), url_prefix=PREFIX
    )
    return app.test_client()


def files(folder: str) -> list[Path]:
    return sorted((Path(__file__).parent / "exchanges" / folder).glob("*.json"))


def play(path: Path, make_store: MakeStore) -> None:
    exchange = json.loads(path.read_text("utf-8"))
    watched = Watched(make_store("the-directory", exchange["kind"]))
    ids = _fill(watched, exchange.get("given", {}))
    versions = {id: _version(watched, real) for id, real in ids.items()}
    client = client_of(watched, exchange["kind"])
    for step in exchange.get("steps", [exchange]):
        _step(client, step, ids)
    _check_leaves(watched, exchange.get("leaves", {}), ids, versions)


def _fill(store: Store, given: Mapping[str, Any]) -> dict[str, str]:
    ids: dict[str, str] = {}
    with store.writing() as writer:
        for name, kind in _KINDS.items():
            for each in given.get(name, ()):
                attributes = json.loads(_real(json.dumps(each), ids))
                attributes = {key: attributes[key] for key in each if key not in ("id", "members")}
                if kind is Kind.USER:
                    attributes = {"active": True, **attributes}
                ids[each["id"]] = writer.create(kind, attributes).id
        for each in given.get("groups", ()):
            members = tuple(ids[id] for id in each.get("members", ()))
            if members:
                writer.change_members(ids[each["id"]], [MemberOp(MemberVerb.ADD, members)])
    return ids


def _step(client: FlaskClient, step: Mapping[str, Any], ids: dict[str, str]) -> None:
    sent, expected = step["request"], step["answer"]
    body = sent.get("raw")
    if "body" in sent:
        body = _real(json.dumps(sent["body"]), ids)
    headers = {"Content-Type": "application/scim+json", **sent.get("headers", {})}
    path = _real(sent["path"], ids)
    got = client.open(PREFIX + path, method=sent["method"], headers=headers, data=body)
    said = got.get_data(as_text=True)
    assert got.status_code == expected["status"], f"{sent['method']} {path}: {got.status_code} {said}"
    if expected.get("empty") or got.status_code == 204:
        assert said == ""
        return
    assert got.content_type == "application/scim+json"
    answer = json.loads(said)
    if sent["method"] == "POST" and got.status_code == 201:
        ids["$new"] = answer["id"]
    for name, value in expected.get("headers", {}).items():
        assert got.headers[name] == _real(value, ids)
    wanted = json.loads(_real(json.dumps(expected.get("body", {})), ids))
    assert_within(wanted, answer, "answer")
    for key in expected.get("absent", ()):
        assert not _has(answer, _real(key, ids).split("/")), f"{key} is in {said}"
    if got.status_code >= 400:
        assert answer["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
        assert answer["status"] == str(got.status_code)
        assert answer["detail"]


def _check_leaves(
    watched: Watched, leaves: Mapping[str, Any], ids: Mapping[str, str], versions: Mapping[str, int]
) -> None:
    if "members_read" in leaves:
        assert watched.members_read == leaves["members_read"]
    if "warnings" in leaves:
        assert sorted(watched.warnings) == sorted(json.loads(_real(json.dumps(leaves["warnings"]), ids)))
    for id in leaves.get("unchanged", ()):
        assert _version(watched, ids[id]) == versions[id], f"{id} changed"
    with watched.store.reading() as reader:
        for name, kind in _KINDS.items():
            for id, expected in leaves.get(name, {}).items():
                attributes = reader.get(kind, ids[id]).attributes
                assert_within(json.loads(_real(json.dumps(expected.get("has", {})), ids)), attributes, id)
                for key in expected.get("lacks", ()):
                    assert not _has(attributes, key.split("/")), f"{key} is in {attributes}"
                if "members" in expected:
                    members = sorted(member.id for member in reader.members(ids[id]))
                    assert members == sorted(ids[each] for each in expected["members"]), f"members of {id}"
        for id in leaves.get("gone", ()):
            assert _version(watched, ids[id]) == 0, f"{id} is still there"
        for name, number in leaves.get("count", {}).items():
            assert reader.find(_KINDS[name], _EVERYTHING).total == number


def assert_within(expected: Any, actual: Any, where: str) -> None:
    """Each key that is expected is so; lists in order and in full."""
    if isinstance(expected, dict):
        assert isinstance(actual, dict), f"{where} is {actual!r}"
        for key, value in expected.items():
            assert key in actual, f"{where} lacks {key}: {actual!r}"
            assert_within(value, actual[key], f"{where}/{key}")
    elif isinstance(expected, list):
        assert isinstance(actual, list), f"{where} is {actual!r}"
        assert len(actual) == len(expected), f"{where} is {actual!r}"
        for number, value in enumerate(expected):
            assert_within(value, actual[number], f"{where}/{number}")
    else:
        assert (type(actual), actual) == (type(expected), expected), f"{where} is {actual!r}"


def _has(value: Any, keys: Sequence[str]) -> bool:
    for key in keys:
        if isinstance(value, list):
            value = dict(enumerate(value)).get(int(key))
        elif isinstance(value, dict) and key in value:
            value = value[key]
        else:
            return False
    return value is not None


def _real(text: str, ids: Mapping[str, str]) -> str:
    """The text with the store's ids for the file's; longer names first, as one may begin another."""
    for id in sorted(ids, key=len, reverse=True):
        text = text.replace(id, ids[id])
    return text


def _version(store: Store | Watched, id: str) -> int:
    """0: gone."""
    with store.reading() as reader:
        for kind in Kind:
            try:
                return reader.get(kind, id).version
            except NotFound:
                continue
    return 0

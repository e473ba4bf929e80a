"""How much memory does a large group take? Read, replaced, put and read again, by one client."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

import orjson

from benchmarks.scim.servers import HOST, Server
from benchmarks.scim.world import CORE, TOKEN, World

#: people in the directory, all of them in one group
LARGE = World(100_000, (100_000,))
_TIMES = 3
_PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@dataclass(frozen=True, slots=True)
class Taken:
    """Bytes resident, of all the server's processes; what was asked three times in a row."""

    what: str
    sent: int  #: bytes of the body
    got: int
    before: int
    peak: int
    after: int
    seconds: float  #: of the quickest


def measure(server: Server) -> Iterator[Taken]:
    """Raises RuntimeError for a wrong answer."""
    path = f"/Groups/{LARGE.group_id(100_000)}"
    ids = [LARGE.user_id(number) for number in range(1, LARGE.people + 1)]
    members = [{"value": id} for id in ids]
    group = {"schemas": [f"{CORE}Group"], "displayName": LARGE.group_name(100_000)}
    replace = {"schemas": [_PATCH], "Operations": [{"op": "Replace", "path": "members", "value": members}]}

    def whole(status: int, raw: bytes) -> bool:
        return status == 200 and {each["value"] for each in orjson.loads(raw)["members"]} == set(ids)

    def done(status: int, raw: bytes) -> bool:
        return status == 204 or (status == 200 and "members" not in orjson.loads(raw))

    bare = f"{path}?excludedAttributes=members"
    _ask(server, "GET", bare, b"", lambda status, raw: status == 200)
    yield _taken(server, "GET of the group", "GET", path, b"", whole)
    yield _taken(server, "PATCH that replaces all members", "PATCH", bare, orjson.dumps(replace), done)
    yield _taken(
        server, "PUT with all members", "PUT", bare, orjson.dumps({**group, "members": members}), done
    )
    yield _taken(server, "GET of the group again", "GET", path, b"", whole)


def _taken(
    server: Server, what: str, method: str, path: str, body: bytes, right: Callable[[int, bytes], bool]
) -> Taken:
    before = server.memory_bytes()
    server.forget_peak()
    took, got = [], 0
    for _ in range(_TIMES):
        began = time.monotonic()
        got = _ask(server, method, path, body, right)
        took.append(time.monotonic() - began)
    return Taken(what, len(body), got, before, server.peak_bytes(), server.memory_bytes(), min(took))


def _ask(server: Server, method: str, path: str, body: bytes, right: Callable[[int, bytes], bool]) -> int:
    """Bytes of the answer."""
    headers: dict[str, Any] = {
        "Authorization": f"Bearer {TOKEN}",
        "Content-Type": "application/scim+json",
    }
    with closing(HTTPConnection(HOST, server.port, timeout=300)) as connection:
        connection.request(method, server.base + path, body, headers)
        answer = connection.getresponse()
        raw = answer.read()
    if not right(answer.status, raw):
        raise RuntimeError(f"{method} {path}: {answer.status} {raw[:300]!r}")
    return len(raw)

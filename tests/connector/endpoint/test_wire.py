"""Does the running program survive what comes over the wire? (T16, T18, T22; the battery over real HTTP)"""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from connector.store import credentials, directories
from connector.store.engine import connect, writing
from scim.body import MAX_BYTES
from tests.connector.processes import started
from tests.scim.case import Case
from tests.scim.cases_reading import READING
from tests.scim.cases_writing import WRITING

_PREFIX = "/scim/v2"
#: a small request is answered within so many seconds, on a busy machine too
_SOON = 10.0
_LATEST = 30.0


@dataclass(frozen=True)
class Wire:
    """The program in a process of its own, and its database."""

    host: str
    port: int
    engine: Engine
    numbers: Iterator[int]

    def token(self, *, kind: str = "scim") -> str:
        """Of a fresh directory."""
        name, now = f"d{next(self.numbers)}", datetime.now(UTC)
        with writing(self.engine) as connection:
            directories.add(connection, name, kind, now)
            return credentials.token_create(connection, name, now).secret

    def ask(
        self, method: str, path: str, headers: dict[str, str], body: bytes | None = None
    ) -> tuple[int, str, bytes]:
        """Status, media type and body."""
        with closing(HTTPConnection(self.host, self.port, timeout=_LATEST)) as connection:
            connection.putrequest(method, _PREFIX + path, skip_accept_encoding=True)
            length = {} if body is None else {"Content-Length": str(len(body))}
            for name, value in (length | headers).items():
                connection.putheader(name, value.encode("latin-1"))
            with suppress(ConnectionError):  # it needn't listen to all of a body that is too large
                connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.headers.get_content_type(), answer.read()

    def say(self, raw: bytes, *, end: bool = False) -> tuple[int, bytes]:
        """What comes back for these bytes; 0: nothing but a closed connection. `end`: nothing follows."""
        with closing(socket.create_connection((self.host, self.port), timeout=_LATEST)) as sock:
            with suppress(OSError):  # it may have hung up before the end
                sock.sendall(raw)
                if end:
                    sock.shutdown(socket.SHUT_WR)
            return _first_answer(sock)


def _first_answer(sock: socket.socket) -> tuple[int, bytes]:
    got = b""
    try:
        while b"\r\n\r\n" not in got and (piece := sock.recv(65_536)):
            got += piece
    except TimeoutError:
        raise AssertionError("no answer, and the connection is still open") from None
    except OSError:
        pass
    return (int(got.split()[1]) if got.startswith(b"HTTP/") else 0), got


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    folder: Path = tmp_path_factory.mktemp("wire")
    with started(folder, "web", "--port", "0", CONNECTOR_SCIM__RATE="0") as running:
        host, port = running.url.removeprefix("http://").split(":")
        engine = connect(f"sqlite:///{folder / 'data' / 'connector.sqlite'}")
        yield Wire(host, int(port), engine, count())
        engine.dispose()
        assert "Traceback" not in "".join(running.err)


def _made(wire: Wire, headers: dict[str, str]) -> dict[str, str]:
    user = {"userName": "ada@x.example", "displayName": "Ada", "title": "Clerk"}
    ids = {}
    for name, path, body in (
        ("USER", "/Users", user),
        ("GROUP", "/Groups", {"displayName": "G", "members": []}),
    ):
        status, _, told = wire.ask("POST", path, headers, json.dumps(body).encode())
        assert status == 201
        ids[name] = json.loads(told)["id"]
    return ids


def _state(wire: Wire, headers: dict[str, str]) -> list[Any]:
    return [json.loads(wire.ask("GET", path, headers)[2])["Resources"] for path in ("/Users", "/Groups")]


def test_the_whole_battery_over_http(wire: Wire) -> None:
    """Each case in a directory of its own; what is refused changes nothing."""
    served = 0
    for case in (*READING, *WRITING):
        served += 1
        _play(wire, case)
    assert served >= 120


def _play(wire: Wire, case: Case) -> None:
    headers = {"Authorization": f"Bearer {wire.token()}"}
    ids = _made(wire, headers)
    body = case.raw if case.body is None else json.dumps(case.body).encode()
    path = case.path
    for name, id in ids.items():
        path = path.replace(name, id)
        if case.body is not None and body is not None:
            body = body.replace(name.encode(), id.encode())
    before = _state(wire, headers)
    sent = {"Content-Type": "application/scim+json", **headers, **case.headers}
    begun = time.monotonic()
    status, media_type, told = wire.ask(case.method, path, sent, body)
    assert time.monotonic() - begun < _SOON, case.name
    answer = json.loads(told)
    assert (status, answer.get("scimType", "")) == (case.status, case.scim_type), (case.name, answer)
    assert media_type == "application/scim+json"
    if case.status >= 400:
        assert answer["status"] == str(case.status)
        assert _state(wire, headers) == before, case.name


@pytest.mark.parametrize(
    "header",
    [
        None, "", "Bearer", "Bearer ", "Basic {token}", "Token {token}", "{token}", "Bearer {token}x",
        "Bearer x{token}", "Bearer {swapped}", "Bearer {short}", "Bearer {token} {token}", "Bearer,{token}",
        "Bearer {long}", "Bearer {token}\u00e9", "Bearer %61{token}",
        "Bearer eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJhZG1pbiJ9.",
        "Bearer null", "Bearer undefined", "Bearer ' OR 1=1 --", "Bearer *", "Digest username=admin",
        "Negotiate AAAA", "bearer{token}",
    ],
)  # fmt: skip
def test_only_the_token_itself_opens(wire: Wire, header: str | None) -> None:
    token = wire.token()
    headers = {}
    if header is not None:
        spelled = header.replace("{swapped}", token.swapcase()).replace("{short}", token[:-1])
        headers["Authorization"] = spelled.replace("{token}", token).replace("{long}", "x" * 6_000)
    status, media_type, told = wire.ask("GET", "/Users", headers)
    assert (status, media_type) == (401, "application/scim+json")
    assert json.loads(told)["detail"]
    for query in (f"access_token={token}", f"token={token}", f"Authorization=Bearer%20{token}"):
        assert wire.ask("GET", f"/Users?{query}", headers)[0] == 401


def test_the_scheme_is_known_in_any_case_and_after_more_than_one_blank(wire: Wire) -> None:
    token = wire.token()
    for header in (f"bearer {token}", f"BEARER {token}", f"Bearer  {token}", f"Bearer {token} "):
        assert wire.ask("GET", "/Users", {"Authorization": header})[0] == 200


def test_odd_requests_get_an_answer_or_a_closed_connection_and_never_a_fault(wire: Wire) -> None:
    """What HTTP itself refuses is refused before us: 400 and the like without a SCIM Error."""
    auth = f"Host: x\r\nAuthorization: Bearer {wire.token()}\r\n".encode()
    post = b"POST /scim/v2/Users HTTP/1.1\r\n" + auth + b"Content-Type: application/scim+json\r\n"
    user = b'{"userName":"odd"}'
    chunked = post + b"Transfer-Encoding: chunked\r\n"
    refusals = {
        "negative length": post + b"Content-Length: -1\r\n\r\n",
        "length a word": post + b"Content-Length: many\r\n\r\n" + user,
        "length beyond 2^64": post + b"Content-Length: 99999999999999999999999\r\n\r\n",
        "two lengths": post + b"Content-Length: 18\r\nContent-Length: 19\r\n\r\n" + user,
        "a chunk's size a word": chunked + b"\r\nzz\r\n" + user,
        "a chunk's size negative": chunked + b"\r\n-5\r\n" + user,
        "not HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64 + b"\r\n\r\n",
        "HTTP 9": b"GET /scim/v2/Users HTTP/9.9\r\n" + auth + b"\r\n",
        "NUL in the path": b"GET /scim/v2/\0 HTTP/1.1\r\n" + auth + b"\r\n",
        "NUL in a header": b"GET /scim/v2/Users HTTP/1.1\r\n" + auth + b"X: a\0b\r\n\r\n",
        "a header without a colon": b"GET /scim/v2/Users HTTP/1.1\r\n" + auth + b"nonsense\r\n\r\n",
        "a megabyte of header": b"GET /scim/v2/Users HTTP/1.1\r\n" + auth + b"X: " + b"x" * 1_000_000,
        "100 kB of path": b"GET /scim/v2/" + b"a" * 100_000 + b" HTTP/1.1\r\n" + auth + b"\r\n",
        "5,000 headers": b"GET /scim/v2/Users HTTP/1.1\r\n" + auth + b"X: y\r\n" * 5_000 + b"\r\n",
        "a body announced as 17 MB": post + b"Content-Length: 17000000\r\n\r\n",
        "a body cut off": post + b"Content-Length: 500\r\n\r\n" + user,
        "a chunked body cut off": chunked + b"\r\n12\r\n" + user[:9],
    }
    for name, raw in refusals.items():
        status, answer = wire.say(raw, end=True)
        assert status == 0 or 400 <= status < 500, (name, answer[:300])
    served = {
        "an unknown method": b"BREW /scim/v2/Users HTTP/1.1\r\n" + auth + b"\r\n",
        "a lower case method": b"get /scim/v2/Users HTTP/1.1\r\n" + auth + b"\r\n",
        "a whole URL": b"GET http://elsewhere.example/scim/v2/Users HTTP/1.1\r\n" + auth + b"\r\n",
        "nothing but what is needed": b"GET /scim/v2/Users HTTP/1.1\r\n" + auth + b"\r\n",
        "HTTP 1.0": b"GET /scim/v2/Users HTTP/1.0\r\n" + auth + b"\r\n",
        "in chunks": chunked + b"\r\n9\r\n" + user[:9] + b"\r\n9\r\n" + user[9:] + b"\r\n0\r\n\r\n",
    }
    statuses = {name: wire.say(raw)[0] for name, raw in served.items()}
    assert statuses == {
        "an unknown method": 405,
        "a lower case method": 200,
        "a whole URL": 200,
        "nothing but what is needed": 200,
        "HTTP 1.0": 200,
        "in chunks": 201,
    }


def test_a_body_that_never_ends_is_413_at_the_limit(wire: Wire) -> None:
    """In chunks, so that no length tells beforehand."""
    head = f"POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {wire.token()}\r\n"
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    with closing(socket.create_connection((wire.host, wire.port), timeout=_LATEST)) as sock:
        sock.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        sent = 0
        try:
            while sent < 50 * MAX_BYTES:
                sock.sendall(chunk)
                sent += len(chunk)
        except OSError:
            pass  # it doesn't listen any more
        status, answer = _first_answer(sock)
    assert sent < 50 * MAX_BYTES or status == 413
    assert status in (0, 413), answer[:300]


def test_450_bodies_that_trickle_delay_nobody_else_by_a_second(wire: Wire) -> None:
    """Each holds a thread; with a token and, where forms are read, without one."""
    token = wire.token()
    heads = (
        f"POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n",
        "POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n",
    )
    headers = {"Authorization": f"Bearer {token}"}
    slow = [socket.create_connection((wire.host, wire.port), timeout=_LATEST) for _ in range(450)]
    try:
        for n, sock in enumerate(slow):
            sock.sendall(f"{heads[n % 2]}Content-Length: 1000\r\n\r\n{{".encode())
        assert wire.ask("GET", "/Users", headers)[0] == 200  # behind all of them
        waits = []
        for n in range(5):
            for sock in slow:
                sock.sendall(b" ")
            begun = time.monotonic()
            assert wire.ask("POST", "/Users", headers, f'{{"userName":"u{n}"}}'.encode())[0] == 201
            waits.append(time.monotonic() - begun)
        assert sorted(waits)[2] < 1  # the median: the machine may have something else to do once
        assert max(waits) < _SOON
    finally:
        for sock in slow:
            sock.close()

"""What does a stand-in answer, and how can an answer be spoiled?"""

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    cut: int | None = None  #: the connection ends after so many bytes of the body
    endless: bool = False  #: the body is sent again and again
    slow: float = 0.0  #: seconds before each byte of the body

    @property
    def json(self) -> object:
        return json.loads(self.body)

    def with_json(self, value: object) -> "Answer":
        return replace(self, body=json.dumps(value).encode())

    def with_header(self, name: str, *values: str) -> "Answer":
        kept = tuple((n, v) for n, v in self.headers if n.lower() != name.lower())
        return replace(self, headers=kept + tuple((name, value) for value in values))


def answer(status: int, value: object, *headers: tuple[str, str]) -> Answer:
    return Answer(status, json.dumps(value).encode(), (("Content-Type", "application/json"), *headers))


Spoil = Callable[[Answer], Answer]


@dataclass(slots=True)
class Fault:
    """Spoils what answers a request whose `METHOD path?query` has `where` (a regular expression) in it."""

    where: str
    spoil: Spoil
    times: int = 1_000_000
    skip: int = 0  #: so many answers are left whole before

    def takes(self, line: str) -> bool:
        if self.times <= 0 or re.search(self.where, line) is None:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        return True


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it came in."""

    line: str  #: METHOD path?query, decoded, to be read
    target: str  #: path?query as it was sent
    headers: dict[str, str]  #: names in lower case
    body: bytes = field(repr=False, default=b"")


def send(handler: BaseHTTPRequestHandler, given: Answer) -> None:
    """Write the answer out; a peer that went away is its own business."""
    handler.close_connection = handler.close_connection or given.cut is not None or given.endless
    try:
        handler.send_response_only(given.status)
        for name, value in given.headers:
            handler.send_header(name, value)
        if not given.endless:
            handler.send_header("Content-Length", str(len(given.body)))
        handler.end_headers()
        if given.slow:
            for byte in given.body:
                handler.wfile.write(bytes([byte]))
                time.sleep(given.slow)
        else:
            handler.wfile.write(given.body[: given.cut])
        while given.endless:
            handler.wfile.write(given.body)
    except OSError:
        handler.close_connection = True

"""What does an Okta org answer over HTTP? A stateful stand-in: groups, members, people, tokens.

It keeps what Okta documents: Link paging with opaque cursors (one header line a rel), errors by errorCode,
rate limits by endpoint with their headers, `filter` on the times of groups and people, `expand=stats`.
"""

import ssl
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, quote, unquote_plus, urlencode, urlsplit

from tests.standins.answers import Answer, Fault, Seen, answer, send
from tests.standins.okta_filter import BadFilter, chooses
from tests.standins.okta_org import Org
from tests.standins.okta_token import ServiceApp

_SCOPES = {
    "groups": "okta.groups.read",
    "group": "okta.groups.read",
    "users": "okta.users.read",
    "user": "okta.users.read",
}
_EQ, _GT = frozenset({"eq"}), frozenset({"gt"})
_GROUP_FILTER = {"id": _EQ, "type": _EQ, "lastUpdated": _GT, "lastMembershipUpdated": _GT}
_USER_FILTER = {"id": _EQ, "status": _EQ, "lastUpdated": _GT, "profile.login": _EQ}
_WINDOW = timedelta(seconds=60)


@dataclass(slots=True)
class Bucket:
    """One endpoint's calls in one minute."""

    limit: int
    used: int = 0
    reset: datetime | None = None
    peak: int = 0  #: most calls in a window

    def take(self, now: datetime) -> bool:
        if self.reset is None or now >= self.reset:
            self.used, self.reset = 0, now + _WINDOW
        self.used += 1
        self.peak = max(self.peak, self.used)
        return self.used <= self.limit

    def headers(self) -> tuple[tuple[str, str], ...]:
        end = 0 if self.reset is None else int(self.reset.timestamp())
        left = max(0, self.limit - self.used)
        return (
            ("X-Rate-Limit-Limit", str(self.limit)),
            ("X-Rate-Limit-Remaining", str(left)),
            ("X-Rate-Limit-Reset", str(end)),
        )


@dataclass(slots=True)
class Okta:
    """A context: the server runs while it is open. `url` is the org URL."""

    org: Org = field(default_factory=Org)
    api_token: str = "00" + "k" * 40  #: what an SSWS request must bear
    app: ServiceApp | None = None
    faults: list[Fault] = field(default_factory=list)
    page: int = 200  #: what an answer has at most, whatever `limit` asks
    stats: bool = True
    real_time: bool = False  #: the org's clock is this machine's
    seen: list[Seen] = field(default_factory=list)
    buckets: dict[str, Bucket] = field(
        default_factory=lambda: {
            "groups": Bucket(500),
            "group": Bucket(1000),
            "users": Bucket(600),
            "user": Bucket(2000),
        }
    )
    tls: ssl.SSLContext | None = None
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)
    _server: ThreadingHTTPServer | None = None

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        if self.tls is not None:
            self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True)
        scheme = "http" if self.tls is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()

    def lines(self) -> list[str]:
        """The requests so far, as METHOD path?query."""
        return [seen.line for seen in self.seen]

    # ---- one request ----

    def serve(self, seen: Seen) -> Answer:
        with self.lock:
            self.seen.append(seen)
            if self.real_time:
                self.org.now = datetime.now(UTC)
            given = self._answer(seen).with_header("Date", format_datetime(self.org.now, usegmt=True))
            given = given.with_header("X-Okta-Request-Id", f"req{len(self.seen)}")
            for fault in self.faults:
                if fault.takes(seen.line):
                    given = fault.spoil(given)
            return given

    def _answer(self, seen: Seen) -> Answer:
        method, parts = seen.line.partition(" ")[0], urlsplit(seen.target)
        path = parts.path.strip("/").split("/")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if method == "POST" and path == ["oauth2", "v1", "token"] and self.app is not None:
            return self.app.answer(seen.body, seen.headers, f"{self.url}/oauth2/v1/token", self.org.now)
        if method != "GET" or path[:2] != ["api", "v1"]:
            return error(404, "E0000022", "The endpoint does not support the provided HTTP method")
        match path[2:]:
            case ["groups"]:
                return self._limited("groups", seen, lambda: self._groups(query))
            case ["groups", id]:
                return self._limited("group", seen, lambda: self._group(id))
            case ["groups", id, "users"]:
                return self._limited("group", seen, lambda: self._members(id, query))
            case ["users"]:
                return self._limited("users", seen, lambda: self._users(query))
            case ["users", id]:
                return self._limited("user", seen, lambda: self._user(id))
        return error(404, "E0000022", "The endpoint does not exist")

    def _limited(self, name: str, seen: Seen, make: Callable[[], Answer]) -> Answer:
        bucket = self.buckets[name]
        if not bucket.take(self.org.now):
            given = error(429, "E0000047", "API call exceeded rate limit due to too many requests.")
        else:
            given = self._refused(name, seen) or make()
        return Answer(given.status, given.body, given.headers + bucket.headers())

    def _refused(self, name: str, seen: Seen) -> Answer | None:
        scheme, _, token = seen.headers.get("authorization", "").partition(" ")
        if scheme + token == f"SSWS{self.api_token}":  # Okta's own SDK sends no space between the two
            return None
        if scheme == "Bearer" and self.app is not None:
            if self.app.tokens.get(token, self.org.now) <= self.org.now:
                return error(401, "E0000011", "Invalid token provided")
            if _SCOPES[name] not in self.app.scopes:
                return error(403, "E0000006", "You do not have the scope for the requested action")
            return (
                None if self.app.role else error(403, "E0000006", "You do not have permission for the action")
            )
        return error(401, "E0000011", "Invalid token provided")

    # ---- what there is ----

    def _groups(self, query: dict[str, str]) -> Answer:
        try:
            test = chooses(query["filter"], _GROUP_FILTER) if "filter" in query else lambda values: True
        except BadFilter as wrong:
            return error(400, "E0000031", f"Invalid search criteria: {wrong}")
        stats, begin = self.stats and query.get("expand") == "stats", query.get("q", "").lower()
        teams = self.org.teams

        def chosen(id: str) -> bool:
            return teams[id].name.lower().startswith(begin) and test(teams[id].filtered())

        show = lambda id: teams[id].json(stats=stats)  # noqa: E731
        return self._paged("/api/v1/groups", query, sorted(teams), show, 10_000, chosen)

    def _group(self, id: str) -> Answer:
        team = self.org.teams.get(id)
        return answer(200, team.json(stats=False)) if team else missing(id, "UserGroup")

    def _members(self, id: str, query: dict[str, str]) -> Answer:
        team = self.org.teams.get(id)
        if team is None:
            return missing(id, "UserGroup")
        path = f"/api/v1/groups/{quote(id)}/users"
        return self._paged(path, query, sorted(team.members), self._shown, 1000)

    def _users(self, query: dict[str, str]) -> Answer:
        try:
            test = chooses(query["filter"], _USER_FILTER) if "filter" in query else None
        except BadFilter as wrong:
            return error(400, "E0000031", f"Invalid search criteria: {wrong}")
        accounts = self.org.accounts

        def chosen(id: str) -> bool:
            account = accounts[id]
            return account.status != "DEPROVISIONED" if test is None else test(account.filtered())

        return self._paged("/api/v1/users", query, sorted(accounts), self._shown, 200, chosen)

    def _shown(self, id: str) -> dict[str, object]:
        return self.org.accounts[id].json()

    def _user(self, id: str) -> Answer:
        account = self.org.accounts.get(id)
        return answer(200, account.json()) if account else missing(id, "User")

    def _paged(
        self,
        path: str,
        query: dict[str, str],
        ids: Iterable[str],
        show: Callable[[str], object],
        most: int,
        chosen: Callable[[str], bool] = lambda id: True,
    ) -> Answer:
        """`ids` in their order; only the page that is asked for is made."""
        limit = query.get("limit", str(most))
        if not limit.isdecimal() or not 1 <= int(limit) <= most:
            return error(400, "E0000001", "Api validation failed: limit")
        after, size = query.get("after", ""), min(int(limit), self.page)
        if after and not after.startswith("c."):
            return error(400, "E0000001", "Api validation failed: after")
        found = list(islice((id for id in ids if id > after[2:] and chosen(id)), size + 1))
        kept = {name: value for name, value in query.items() if name != "after"}
        here = kept | ({"after": after} if after else {})
        links = [("Link", f'<{self.url}{path}?{urlencode(here)}>; rel="self"')]
        if len(found) > size:
            further = urlencode(kept | {"after": f"c.{found[size - 1]}"})
            links.append(("Link", f'<{self.url}{path}?{further}>; rel="next"'))
        return answer(200, [show(id) for id in found[:size]], *links)


def _handler(okta: Okta) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._serve(b"")

        def do_POST(self) -> None:
            self._serve(self.rfile.read(int(self.headers.get("Content-Length", "0"))))

        def _serve(self, body: bytes) -> None:
            line = f"{self.command} {unquote_plus(self.path)}"
            headers = {name.lower(): value for name, value in self.headers.items()}
            send(self, okta.serve(Seen(line, self.path, headers, body)))

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    return Handler


def error(status: int, code: str, summary: str, causes: Iterable[str] = ()) -> Answer:
    """Okta's form of an error."""
    return answer(
        status,
        {
            "errorCode": code,
            "errorSummary": summary,
            "errorLink": code,
            "errorId": "oae0000",
            "errorCauses": [{"errorSummary": cause} for cause in causes],
        },
    )


def missing(id: str, kind: str) -> Answer:
    return error(404, "E0000007", f"Not found: Resource not found: {id} ({kind})")

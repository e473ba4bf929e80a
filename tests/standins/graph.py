"""What do Entra ID's sign-in and Microsoft Graph answer over HTTPS? A stateful stand-in, with faults.

It keeps what is documented: only id equality in the filter of /groups/delta, at most 50, parameters on the
first call only, opaque tokens, `$batch` of 20, permissions by role, errors with their codes.
"""

import base64
import hashlib
import json
import re
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, unquote, unquote_plus, urlsplit

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.standins.answers import Answer, Fault, Seen, answer, send
from tests.standins.graph_tenant import EntraTenant, Someone, merged, user_json

TENANT = "11111111-2222-4333-8444-555555555555"
CLIENT = "66666666-7777-4888-9999-000000000000"
_ONLY_IDS = re.compile(r"id eq '([^']+)'(?: or id eq '([^']+)')*\Z")
_DELTA = {"delta", "delta()", "microsoft.graph.delta()"}
#: by which names it can be called: a sign-in may have another one than its Graph
HOSTS = ("127.0.0.1", "localhost")
LINK = ".canary-link-token"  #: ends each delta and skip token
MAY_READ = {"groups": "GroupMember.Read.All", "users": "User.Read.All"}


@dataclass(slots=True)
class Entra:
    """A context: the server runs while it is open. `url` is both the authority and Graph's; a token is good
    only at the host that it was asked for."""

    tls: ssl.SSLContext
    tenant: EntraTenant = field(default_factory=EntraTenant)
    secret: str = "canary-client-secret"
    certificates: list[x509.Certificate] = field(default_factory=list)  #: that were uploaded
    federated: set[str] = field(default_factory=set)  #: tokens of another issuer that are trusted
    roles: set[str] = field(default_factory=lambda: {"GroupMember.Read.All", "User.Read.All"})
    page: int = 100  #: memberships or people in a page
    faults: list[Fault] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)  #: that were given and are good
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)
    _port: int = 0
    _server: ThreadingHTTPServer | None = None
    _listed: dict[object, list[dict[str, object]]] = field(default_factory=dict)  #: the last list asked for

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._server.socket = self.tls.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self._port = self._server.server_port
        self.url = f"https://{HOSTS[0]}:{self._port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()

    def lines(self, part: str = "") -> list[str]:
        """The requests so far, as METHOD path?query, that have `part` in them."""
        return [seen.line for seen in self.seen if part in seen.line]

    # ---- one request ----

    def serve(self, seen: Seen) -> Answer:
        with self.lock:
            self.seen.append(seen)
            given = self._answer(seen).with_header("request-id", f"req-{len(self.seen)}")
            for fault in self.faults:
                if fault.takes(seen.line):
                    given = fault.spoil(given)
            return given

    def _answer(self, seen: Seen) -> Answer:
        method, parts = seen.line.partition(" ")[0], urlsplit(seen.target)
        path = [unquote(part) for part in parts.path.strip("/").split("/")]
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        match method, path:
            case "GET", [_, "v2.0", ".well-known", "openid-configuration"]:
                return self._discovery(seen.headers["host"])
            case "POST", [_, "oauth2", "v2.0", "token"]:
                return self._token(seen)
            case "GET", ["msi", "token"]:  # App Service's endpoint for a managed identity
                return answer(200, {"access_token": self._new_token(query["resource"]),
                                    "expires_on": "4102444800", "resource": query["resource"],
                                    "token_type": "Bearer"})  # fmt: skip
            case "POST", ["v1.0", "$batch"]:
                return self._allowed("", seen) or self._batch(seen)
            case "GET", ["v1.0", what, *rest] if what in MAY_READ:
                return self._allowed(what, seen) or self._get(what, rest, query, seen)
        return error(404, "ResourceNotFound")

    def _get(self, what: str, rest: list[str], query: dict[str, str], seen: Seen) -> Answer:
        people, teams = self.tenant.people, self.tenant.teams
        match what, rest:
            case _, [name] if name in _DELTA:
                return self._delta(what, query)
            case "users", []:
                return answer(200, {"value": [user_json(p) for p in list(people.values())[:1]]})
            case "users", [id]:
                one = people.get(id)
                return missing() if one is None or one.deleted else answer(200, self._shown(one))
            case "groups", []:
                return self._by_name(query)
            case "groups", [id]:
                team = teams.get(id)
                if team is None or team.deleted:
                    return missing()
                told = {"id": id, "displayName": team.name, "visibility": team.visibility}
                return answer(200, told)
            case "groups", [id, "members"]:
                team = teams.get(id)
                if team is None or team.deleted:
                    return missing()
                if seen.headers.get("consistencylevel") != "eventual":
                    return error(400, "Request_UnsupportedQuery")
                first = [{"id": member} for member in list(team.members)[:1]]
                return answer(200, {"@odata.count": len(team.members), "value": first})
        return error(404, "ResourceNotFound")

    def _shown(self, one: Someone) -> dict[str, object]:
        return user_json(one)

    def _by_name(self, query: dict[str, str]) -> Answer:
        chosen = query.get("$filter", "")
        wanted = re.fullmatch(r"displayName eq '(.*)'", chosen)
        name = wanted[1].replace("''", "'").lower() if wanted else None
        found = [t for t in self.tenant.teams.values() if not t.deleted and name in (None, t.name.lower())]
        return answer(200, {"value": [{"id": t.id, "displayName": t.name} for t in found]})

    # ---- delta ----

    def _delta(self, what: str, query: dict[str, str]) -> Answer:
        token = query.get("$skiptoken") or query.get("$deltatoken")
        if token is None:
            if set(query) - {"$select", "$filter"}:
                return error(400, "Request_UnsupportedQuery")
            chosen = query.get("$filter", "")
            if what == "groups" and not _ONLY_IDS.match(chosen):
                return error(400, "Request_UnsupportedQuery")
            ids = re.findall(r"id eq '([^']+)'", chosen)
            if len(ids) > 50:
                return error(400, "Request_UnsupportedQuery")
            place = {"ids": ids, "since": 0, "at": 0, "to": self.tenant.now, "epoch": self.tenant.epoch}
        else:
            if len(query) > 1:
                return error(400, "Request_BadRequest")
            try:
                place = json.loads(base64.urlsafe_b64decode(token.removesuffix(LINK)))
            except ValueError:
                return error(400, "Directory_UnsupportedQuery")
            if place["epoch"] != self.tenant.epoch:
                return error(410, "syncStateNotFound")
        return self._page(what, place)

    def _page(self, what: str, place: dict[str, object]) -> Answer:
        ids, since, at = place["ids"], place["since"], place["at"]
        assert isinstance(ids, list)
        assert isinstance(since, int)
        assert isinstance(at, int)
        tenant = self.tenant
        place = place | {"to": place["to"] if at else tenant.now}
        key = (what, tuple(ids), since, tenant.now)
        if at == 0 or key not in self._listed:
            items = tenant.group_items(ids, since) if what == "groups" else tenant.user_items(since)
            self._listed = {key: items}
        items = self._listed[key]
        here, further = items[at : at + self.page], len(items) > at + self.page
        told: dict[str, object] = {"value": merged(here) if what == "groups" else here}
        if further:
            told["@odata.nextLink"] = self._link(what, "$skiptoken", place | {"at": at + self.page})
        else:
            told["@odata.deltaLink"] = self._link(
                what, "$deltatoken", place | {"since": place["to"], "at": 0}
            )
        return answer(200, told)

    def _link(self, what: str, name: str, place: dict[str, object]) -> str:
        token = base64.urlsafe_b64encode(json.dumps(place).encode()).decode()
        return f"{self.url}/v1.0/{what}/delta?{name}={token}{LINK}"

    # ---- batch ----

    def _batch(self, seen: Seen) -> Answer:
        asked = json.loads(seen.body)["requests"]
        if len(asked) > 20:
            return error(400, "BadRequest")
        told = []
        for one in reversed(asked):  # in any order
            headers = seen.headers | {k.lower(): v for k, v in one.get("headers", {}).items()}
            target = "/v1.0" + one["url"]
            inner = Seen(f"{one['method']} {unquote_plus(target)}", target, headers, b"")
            given = self._answer(inner)
            for fault in self.faults:
                if fault.takes("BATCH " + inner.line):
                    given = fault.spoil(given)
            told.append(
                {"id": one["id"], "status": given.status, "headers": dict(given.headers), "body": given.json}
            )
        return answer(200, {"responses": told})

    # ---- sign-in ----

    def _discovery(self, host: str) -> Answer:
        base = f"https://{host}/{TENANT}"
        return answer(
            200,
            {
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
                "issuer": f"{base}/v2.0",
            },
        )

    def _token(self, seen: Seen) -> Answer:
        form = {name: values[0] for name, values in parse_qs(seen.body.decode()).items()}
        proved = form.get("client_secret") == self.secret or self._proves(form.get("client_assertion", ""))
        if form.get("client_id") != CLIENT or not proved:
            return answer(
                401, {"error": "invalid_client", "error_description": "no", "error_codes": [7000215]}
            )
        token = self._new_token(form.get("scope", "").removesuffix("/.default"))
        return answer(200, {"token_type": "Bearer", "expires_in": 3599, "access_token": token})

    def _proves(self, assertion: str) -> bool:
        """A trusted issuer's token, or one signed with the key of a certificate that was uploaded."""
        if assertion in self.federated:
            return True
        try:
            head = jwt.get_unverified_header(assertion)
            shown = str(head.get("x5t#S256", "")).rstrip("=")
            certificate = next(c for c in self.certificates if _thumbprint(c) == shown)
            audience = [f"https://{host}:{self._port}/{TENANT}/oauth2/v2.0/token" for host in HOSTS]
            told = jwt.decode(
                assertion,
                certificate.public_key(),  # type: ignore[arg-type]
                ["PS256", "RS256"],
                audience=audience,
                options={"require": ["exp", "iss", "sub", "jti"]},
            )
        except (jwt.PyJWTError, StopIteration):
            return False
        return bool(told["iss"] == told["sub"] == CLIENT)

    def _new_token(self, audience: str) -> str:
        told = json.dumps({"roles": sorted(self.roles), "aud": audience}).encode()
        payload = base64.urlsafe_b64encode(told).decode().rstrip("=")
        token = f"e30.{payload}.canary-access-token-{len(self.tokens)}"
        self.tokens.add(token)
        return token

    def _allowed(self, what: str, seen: Seen) -> Answer | None:
        token = seen.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.tokens:
            return error(401, "InvalidAuthenticationToken")
        payload = token.split(".")[1]
        told = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        if told["aud"] != f"https://{seen.headers['host']}":
            return error(401, "InvalidAuthenticationToken")  # a token for another cloud's Graph
        if what and MAY_READ[what] not in self.roles:
            return error(403, "Authorization_RequestDenied")
        return None


def _thumbprint(certificate: x509.Certificate) -> str:
    """x5t#S256 (RFC 7515)."""
    digest = hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A peer that hangs up is no news."""


def error(status: int, code: str) -> Answer:
    """Graph's form of an error."""
    inner = {"date": "2026-11-24T02:00:00", "request-id": "7c0e0000"}
    return answer(status, {"error": {"code": code, "message": "don't branch on this", "innerError": inner}})


def missing() -> Answer:
    return error(404, "Request_ResourceNotFound")


def _handler(entra: Entra) -> type[BaseHTTPRequestHandler]:
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
            send(self, entra.serve(Seen(line, self.path, headers, body)))

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    return Handler

"""How is the chaos tenant reached? AnySoft's contract over HTTP, in a process of its own; /chaos steers it.

`python -m tests.chaos.served '{"sold": {"anyprint": 5}, "seed": 1, …}'` prints its port and serves until its
standard input closes.
"""

import json
import random
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from connector.points import clock
from tests.chaos.faults import LOST, Fault, Weather
from tests.chaos.office import Json, Office, Refusal, Sold

CLIENT, SECRET = "connector", "chaos-secret"


@dataclass(slots=True)
class Tenant:
    office: Office
    weather: Weather
    keys: bool  #: idempotency keys are honored
    token: int = 0
    answers: dict[str, tuple[str, int, Json]] = field(default_factory=dict)
    #: path -> answers as they were, with their time
    history: dict[str, list[tuple[float, Json]]] = field(default_factory=dict)

    def answer(
        self, method: str, path: str, query: dict[str, list[str]], body: Any, key: str
    ) -> tuple[int, Json]:
        if method == "GET" or not self.keys:
            return self._act(method, path, query, body, key)
        said = f"{method} {path} {json.dumps(body, sort_keys=True)}"
        if key in self.answers:
            before, status, answer = self.answers[key]
            return (status, answer) if before == said else (422, _problem(422, "idempotency_mismatch"))
        status, answer = self._act(method, path, query, body, key)
        self.answers[key] = (said, status, answer)
        return status, answer

    def _act(
        self, method: str, path: str, query: dict[str, list[str]], body: Any, key: str
    ) -> tuple[int, Json]:
        office, parts = self.office, path.strip("/").split("/")[1:]
        if method != "GET" and not office.role:
            return 403, _problem(403, "role_required")
        try:
            match method, parts:
                case "GET", ["tenant"]:
                    roles = ["GlobalAdministration"] if office.role else []
                    return 200, {"id": "chaos", "name": "Chaos", "roles": roles}
                case "GET", ["products"]:
                    return 200, _page(office.products())
                case "GET", ["subscriptions"]:
                    return 200, _page([office.subscription(p) for p in office.sold])
                case "GET", ["subscriptions", id]:
                    return 200, office.subscription(id)
                case "PATCH", ["subscriptions", id]:
                    return 202, office.change(id, body["quantity"], key)
                case "GET", ["subscriptions", id, "assignments"]:
                    return 200, _page(office.assignments(id), query)
                case "POST", ["subscriptions", id, "assignments"]:
                    return 200, {"results": office.assign(id, body["user_ids"], key)}
                case "POST", ["subscriptions", id, "unassignments"]:
                    return 200, {"results": office.unassign(id, body["user_ids"], key)}
                case "GET", ["users"]:
                    return 200, _page(office.find(query["user_name"][0]))
                case "POST", ["users"]:
                    return 201, office.create(body, key)
                case "PATCH", ["users", id]:
                    return 200, office.set_active(id, body["active"], key)
                case _:
                    return 404, _problem(404, "not_found")
        except Refusal as error:
            return error.status, _problem(error.status, error.code) | error.more

    def old(self, path: str, fresh: Json, *, oldest: bool) -> Json:
        """What was answered to it up to `old_seconds` ago; lists may lag behind writes (T11)."""
        since = self.office.now() - self.weather.old_seconds
        kept = [answer for at, answer in self.history.get(path, []) if at >= since]
        return (kept[0] if oldest else self.weather.rng.choice(kept)) if kept else fresh

    def remember(self, path: str, answer: Json) -> None:
        kept = self.history.setdefault(path, [])
        kept.append((self.office.now(), answer))
        del kept[:-200]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    disable_nagle_algorithm = True
    tenant: Tenant

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def do_PATCH(self) -> None:
        self._serve("PATCH")

    def log_message(self, format: str, *args: object) -> None:
        return

    def _serve(self, method: str) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        tenant, office = self.tenant, self.tenant.office
        if parts.path.startswith("/chaos"):
            with office.lock:
                answer = steer(tenant, parts.path, json.loads(raw or b"{}"))
            return self._send(200, answer)
        with office.lock:
            fault = tenant.weather.draw(_kinds(method, parts.path), writes=method != "GET")
            down = tenant.weather.down
        time.sleep(tenant.weather.every_seconds)
        if down:
            return self._send(503, _problem(503, "unavailable"))
        if fault is Fault.TOKEN:
            with office.lock:
                tenant.token += 1
        signs_in = parts.path == "/oauth2/token"
        if not signs_in and self.headers.get("Authorization") != f"Bearer t{tenant.token}":
            return self._send(401, _problem(401, "invalid_token"))
        with office.lock:
            tenant.weather.watch(office.now())
        match fault:
            case Fault.SLOW:
                time.sleep(tenant.weather.slow_seconds)
            case Fault.BUSY:
                with office.lock:
                    wait = tenant.weather.ask_to_wait(office.now())
                return self._send(429, _problem(429, "rate_limited"), {"Retry-After": str(wait)})
            case Fault.BUSY_UNSAID:
                return self._send(429, _problem(429, "rate_limited"))
            case Fault.BEFORE:
                return self._send(500, _problem(500, "broken"))
            case Fault.CUT_BEFORE:
                return self._cut()
        if signs_in:
            token = {"access_token": f"t{tenant.token}", "token_type": "Bearer", "expires_in": 3600}
            return self._send_faulty(fault, 200, token)
        with office.lock:
            query = parse_qs(parts.query)
            body = json.loads(raw) if raw else None
            status, answer = tenant.answer(
                method, parts.path, query, body, self.headers.get("Idempotency-Key", "")
            )
            if method == "GET" and status == 200:
                tenant.remember(self.path, answer)
                if fault in (Fault.OLD, Fault.OLDEST):
                    answer = tenant.old(self.path, answer, oldest=fault is Fault.OLDEST)
                if fault is Fault.DOUBLED and parts.path.endswith("/assignments"):
                    items = [*answer["items"], *answer["items"][:3]]
                    tenant.weather.rng.shuffle(items)
                    answer = answer | {"items": items}
        self._send_faulty(fault, status, answer)

    def _send_faulty(self, fault: Fault, status: int, answer: Json) -> None:
        if fault not in LOST:
            return self._send(status, answer)
        match fault:
            case Fault.AFTER:
                self._send(500, _problem(500, "broken"))
            case Fault.CUT_AFTER:
                self._cut()
            case Fault.HTML:
                self._bytes(200, b"<html>Please sign in</html>")
            case _:
                text = json.dumps(answer).encode()
                self._bytes(status, text[: len(text) // 2])

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _send(self, status: int, answer: Json, headers: dict[str, str] | None = None) -> None:
        self._bytes(status, json.dumps(answer).encode(), headers)

    def _bytes(self, status: int, text: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(text)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)


def steer(tenant: Tenant, path: str, given: Json) -> Json:
    """What the harness, not the connector, asks for."""
    office, weather = tenant.office, tenant.weather
    match path.removeprefix("/chaos"):
        case "/weather":
            for name, value in given.items():
                setattr(weather, name, value)
        case "/script":
            weather.script = {kind: [Fault(f) for f in faults] for kind, faults in given.items()}
        case "/office":
            for name, value in given.items():
                setattr(office, name, value)
        case "/stranger":
            office.stranger()
        case "/account":
            office.users[given["id"]] = given | {"active": True}
        case "/seen":
            return dict(weather.seen)
        case "/dump":
            return office.dump()
    return {}


def _kinds(method: str, path: str) -> tuple[str, ...]:
    """What a call is to `Weather.draw`."""
    match method, path.strip("/").split("/")[1:]:
        case "POST", ["subscriptions", product, "assignments"]:
            return f"assign {product}", "assign"
        case "POST", ["subscriptions", product, "unassignments"]:
            return f"unassign {product}", "unassign"
        case "POST", ["users"]:
            return ("account_create",)
        case "POST", ["token"]:
            return ("token",)
        case "PATCH", ["users", _]:
            return ("account_update",)
        case "PATCH", _:
            return ("quantity",)
        case _, ["subscriptions", product]:
            return f"count {product}", "read"
        case _, ["subscriptions", product, "assignments"]:
            return f"list {product}", "read"
        case _:
            return ("read",)


def _problem(status: int, code: str) -> Json:
    return {"type": "about:blank", "title": code, "status": status, "code": code, "detail": code}


def _page(items: list[Json], query: dict[str, list[str]] | None = None, size: int = 20) -> Json:
    """Small pages, so that lists have several; the cursor is the last account."""
    after = (query or {}).get("cursor", [""])[0]
    rest = [item for item in items if item.get("user_id", "~") > after]
    return {"items": rest[:size], "next": rest[size - 1]["user_id"] if len(rest) > size else None}


def build(given: Json, now: Callable[[], Any] = clock) -> Tenant:
    rng = random.Random(given.get("seed", 0))
    sold = {product: Sold(quantity) for product, quantity in given["sold"].items()}
    office = Office(now, sold, rng, lax=given.get("lax", False), refused=given.get("refused", 0.0))
    if "change_seconds" in given:
        office.change_seconds = tuple(given["change_seconds"])
    return Tenant(office, Weather(random.Random(given.get("seed", 0) + 1)), given.get("keys", True))


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed; anything else shows as calls that fail."""


def main() -> None:
    handler = type("Bound", (Handler,), {"tenant": build(json.loads(sys.argv[1]))})
    server = Server(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()

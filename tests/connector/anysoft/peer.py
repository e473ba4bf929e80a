"""Who answers the client in its tests? A peer that says what the test wants."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from werkzeug.wrappers import Request, Response

from connector.anysoft.client import HttpTenant
from connector.anysoft.transport import Transport
from sync.model import AccountId, SubscriptionId

ID = SubscriptionId("sub-1")
TOKEN = Response(json.dumps({"access_token": "t0k", "token_type": "Bearer", "expires_in": 3600}), 200)


@dataclass
class Peer:
    """Answers the token call, and everything else with what the test says; remembers what came."""

    answer: Callable[[Request], Response]
    token: Callable[[], Response] = lambda: TOKEN
    seen: list[tuple[str, str, str]] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        request = Request(environ)
        request.get_data()
        path = environ["RAW_URI"].partition("?")[0]
        self.seen.append((request.method, path, request.headers.get("Authorization", "")))
        return (self.token() if path == "/oauth2/token" else self.answer(request))(environ, start)

    @property
    def calls(self) -> list[str]:
        return [f"{method} {path}" for method, path, _ in self.seen if path != "/oauth2/token"]


Reach = Callable[..., HttpTenant]


def says(status: int, body: object = None, **headers: str) -> Callable[[Request], Response]:
    raw = body if isinstance(body, str | bytes) else json.dumps(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: Response(raw, status, named, content_type="application/problem+json")


def problem(code: str, **more: object) -> dict[str, object]:
    return {"type": "t", "title": "t", "status": 0, "code": code, "detail": "because\nof it"} | more


def transport_of(tenant: HttpTenant) -> Transport:
    assert isinstance(tenant._transport, Transport)
    return tenant._transport


def read(tenant: HttpTenant) -> object:
    return tenant.tenant()


def write(tenant: HttpTenant) -> object:
    return tenant.assign(ID, [AccountId("u")], "k")

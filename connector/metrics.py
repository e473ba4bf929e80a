"""What is counted, and who may read it? Whoever has the metrics token; without one, this machine."""

import hmac
from functools import cache
from ipaddress import ip_address
from typing import TYPE_CHECKING

from flask import Flask, Response, abort, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest

from connector.access import Seen
from connector.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


def set_up(app: Flask, settings: Settings) -> Seen:
    """Gives back what counts an answer."""
    registry = CollectorRegistry()
    requests = Counter(
        "connector_http_requests_total", "Requests answered", ["area", "method", "status"], registry=registry
    )
    seconds = Histogram(
        "connector_http_request_seconds", "Time until the answer began", ["area"], registry=registry
    )
    requests_of, seconds_of = cache(requests.labels), cache(seconds.labels)
    token = settings.metrics_token.get_secret_value() if settings.metrics_token else None

    def count(environ: "WSGIEnvironment", status: int, headers: list[tuple[str, str]], took: float) -> None:
        area, method = _area(environ["PATH_INFO"]), environ["REQUEST_METHOD"]
        requests_of(area, method if method in _METHODS else "other", str(status)).inc()
        seconds_of(area).observe(took)

    def metrics() -> Response:
        near = not any(name in request.headers for name in _FORWARDED)
        address = request.remote_addr if near else None
        if not _may_read(token, request.headers.get("Authorization", ""), address):
            abort(401, "set CONNECTOR_METRICS_TOKEN, and send it as a Bearer token")
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    app.add_url_rule("/metrics", "metrics", metrics)
    return count


#: what a proxy says of whom it asks for: the address is the proxy's then, which may well be on this machine
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via")
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def _area(path: str) -> str:
    """A few labels, whatever is asked for: ids must not become time series."""
    parts = path.split("/", 4)
    match parts[1:]:
        case ["scim", "v2", ("Users" | "Groups") as kind, *_]:
            return f"scim.{kind}"
        case ["scim", *_]:
            return "scim.other"
        case [("healthz" | "readyz" | "metrics" | "oauth2") as name, *_]:
            return name
        case _:
            return "console"


def _may_read(token: str | None, authorization: str, address: str | None) -> bool:
    if token is None:
        return address is not None and ip_address(address).is_loopback
    scheme, _, given = authorization.partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode())

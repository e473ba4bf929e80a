"""What is counted, and who may read it? Whoever has the metrics token; without one, this machine."""

import hmac
from ipaddress import ip_address
from time import perf_counter

from flask import Flask, Response, abort, g, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest

from connector.settings import Settings


def set_up(app: Flask, settings: Settings) -> None:
    registry = CollectorRegistry()
    requests = Counter(
        "connector_http_requests_total", "Requests answered", ["area", "method", "status"], registry=registry
    )
    seconds = Histogram(
        "connector_http_request_seconds", "Time until the answer began", ["area"], registry=registry
    )
    token = settings.metrics_token.get_secret_value() if settings.metrics_token else None

    def begin() -> None:
        g.began = perf_counter()

    def count(response: Response) -> Response:
        area = _area(request.path)
        method = request.method if request.method in _METHODS else "other"
        requests.labels(area, method, str(response.status_code)).inc()
        seconds.labels(area).observe(perf_counter() - g.began)
        return response

    def metrics() -> Response:
        if not _may_read(token, request.headers.get("Authorization", ""), request.remote_addr):
            abort(401, "send the token of CONNECTOR_METRICS_TOKEN as a Bearer token")
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    app.before_request(begin)
    app.after_request(count)
    app.add_url_rule("/metrics", "metrics", metrics)


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

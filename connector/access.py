"""What is written down of each request? One line: no query string, which may name people, no body (T27)."""

import re
import uuid
from time import perf_counter

from flask import Flask, Response, g, request
from structlog.contextvars import bind_contextvars, clear_contextvars
from structlog.stdlib import get_logger

#: a caller's own id is taken over only if it can't forge anything
_ID = re.compile(r"[A-Za-z0-9._-]{8,64}\Z")


def set_up(app: Flask) -> None:
    log = get_logger(__name__)

    def begin() -> None:
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if _ID.match(given) else uuid.uuid4().hex
        g.received = perf_counter()
        clear_contextvars()
        bind_contextvars(request=g.request_id)

    def end(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.request_id
        quiet = request.path in ("/healthz", "/readyz", "/metrics") or request.path.startswith("/static/")
        say = log.warning if response.status_code >= 500 else log.debug if quiet else log.info
        say(
            "request",
            method=request.method,
            path=request.path[:300],
            status=response.status_code,
            ms=round((perf_counter() - g.received) * 1000, 1),
            directory=g.get("directory_name"),
        )
        return response

    app.before_request(begin)
    app.after_request(end)

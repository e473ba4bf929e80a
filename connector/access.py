"""What is written down of each request? One line: no query string, which may name people, no body (T27).

Around the app as WSGI: hooks of Flask cost a SCIM request a sixth of its time.
"""

import logging
import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any

from flask import Flask
from structlog.contextvars import bind_contextvars, clear_contextvars

from connector import log

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

Headers = list[tuple[str, str]]
Write = Callable[[bytes], object]
#: Of each answer: environ, status, headers to be added to, seconds until it began
Seen = Callable[["WSGIEnvironment", int, Headers, float], None]
#: names in the environ: the request's id in the log; the directory that a token speaks for
REQUEST_ID = "connector.request_id"
DIRECTORY = "connector.directory"

_log = logging.getLogger(__name__)
#: a caller's own id is taken over only if it can't forge anything
_ID = re.compile(r"[A-Za-z0-9._-]{8,64}\Z")
_QUIET = ("/healthz", "/readyz", "/metrics")


def set_up(app: Flask, others: Sequence[Seen]) -> None:
    """`others` see each answer too, before it is sent."""
    inner = app.wsgi_app

    def serve(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        began = perf_counter()
        given = environ.get("HTTP_X_REQUEST_ID", "")
        id = environ[REQUEST_ID] = given if _ID.match(given) else secrets.token_hex(16)
        clear_contextvars()
        bind_contextvars(request=id)

        def start(status: str, headers: Headers, *failed: Any) -> Write:
            seconds = perf_counter() - began
            headers.append(("X-Request-Id", id))
            for seen in (*others, _write):
                seen(environ, int(status[:3]), headers, seconds)
            return start_response(status, headers, *failed)

        return inner(environ, start)

    app.wsgi_app = serve  # type: ignore[method-assign]


def _write(environ: "WSGIEnvironment", status: int, headers: Headers, seconds: float) -> None:
    """The line. Structlog's own way there takes three times as long."""
    path = environ.get("PATH_INFO", "")
    quiet = path in _QUIET or path.startswith("/static/")
    level = logging.WARNING if status >= 500 else logging.DEBUG if quiet else logging.INFO
    if not _log.isEnabledFor(level):
        return
    name = logging.getLevelName(level)
    said = {
        "event": "request", "method": environ["REQUEST_METHOD"], "path": path[:300], "status": status,
        "ms": round(seconds * 1000, 1), "directory": environ.get(DIRECTORY), "request": environ[REQUEST_ID],
        "level": name.lower(), "logger": _log.name,
    }  # fmt: skip
    record = logging.LogRecord(_log.name, level, "", 0, said, None, None)
    record.__dict__ |= {log.COMPLETE: said, "_logger": _log, "_name": name.lower()}
    _log.handle(record)

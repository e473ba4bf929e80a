"""What does the web process serve? A list of set-ups; each adds its routes and its hooks to the Flask app."""

from flask import Flask, Response, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Engine
from structlog.stdlib import get_logger
from werkzeug.exceptions import HTTPException, NotFound

from connector import access, console, metrics, oauth, scim_endpoint, security
from connector.settings import Settings
from connector.store import migrations
from connector.store.engine import Unavailable, connect
from scim.errors import ERROR_URN
from scim.views import MEDIA_TYPE

#: bodies of what isn't SCIM: forms and token requests; SCIM has its own limits
MAX_FORM_BYTES = 64_000
RETRY_SECONDS = 5


def create_app(settings: Settings) -> Flask:
    """The WSGI application; connects to the database lazily, so that it starts while that is down (T29)."""
    app = Flask("connector", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_FORM_BYTES
    engine = app.extensions["engine"] = connect(settings.database)
    access.set_up(app, (metrics.set_up(app, settings), security.set_up(app, settings)))
    _set_up_health(app, engine)
    scim_endpoint.set_up(app, settings, engine)
    oauth.set_up(app, engine)
    console.set_up(app, settings, engine)
    _set_up_errors(app, scim_endpoint.base_url_of(settings))
    return app


def _set_up_health(app: Flask, engine: Engine) -> None:
    def alive() -> ResponseReturnValue:
        return jsonify(status="alive")

    def ready() -> ResponseReturnValue:
        try:
            current = migrations.is_current(engine)
        except Unavailable:
            return _not_ready("the database can't be reached")
        return (
            jsonify(status="ready") if current else _not_ready("the database's schema isn't this version's")
        )

    app.add_url_rule("/healthz", "healthz", alive)
    app.add_url_rule("/readyz", "readyz", ready)


def _not_ready(why: str) -> ResponseReturnValue:
    return jsonify(status="not ready", why=why), 503, {"Retry-After": str(RETRY_SECONDS)}


def _set_up_errors(app: Flask, base_url: str) -> None:
    """For what isn't SCIM; that blueprint answers its own."""

    def refused(error: HTTPException) -> ResponseReturnValue:
        said = error.description or error.name
        if said == NotFound.description:  # an identity provider with a wrong URL, perhaps
            said = f"there is nothing at this path; the SCIM base URL is {base_url}"
        return _error(error.code or 500, said, error.get_response())

    def unavailable(error: Unavailable) -> ResponseReturnValue:
        get_logger(__name__).warning(error.told, why=str(error))
        answer = _error(503, error.told)
        answer.headers["Retry-After"] = str(RETRY_SECONDS)
        return answer

    def failed(error: Exception) -> ResponseReturnValue:
        get_logger(__name__).exception("a request failed")
        return _error(500, "a fault of this server; it is in its log under the id of X-Request-Id")

    app.register_error_handler(HTTPException, refused)
    app.register_error_handler(Unavailable, unavailable)
    app.register_error_handler(Exception, failed)


def _error(status: int, said: str, original: object = None) -> Response:
    """A page for browsers, a SCIM Error for the rest: whoever has the wrong URL can read that, too."""
    if request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html":
        answer = Response(console.error_page(status, said), status, content_type="text/html; charset=utf-8")
    else:
        answer = jsonify(schemas=[ERROR_URN], status=str(status), detail=said)
        answer.status_code, answer.content_type = status, MEDIA_TYPE
    if isinstance(original, Response) or hasattr(original, "headers"):
        for name in ("Allow", "Retry-After", "WWW-Authenticate"):
            if value := original.headers.get(name):
                answer.headers[name] = value
    return answer

"""What does a person see in the browser? Pages behind a session, read-only in this version (T28)."""

from flask import Flask, render_template
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import Engine

from connector.console import filters, sessions, views
from connector.settings import Settings


def set_up(app: Flask, settings: Settings, engine: Engine) -> None:
    app.config.update(
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session
        WTF_CSRF_SSL_STRICT=False,  # it wants the Referer, which our own policy withholds
        WTF_CSRF_CHECK_DEFAULT=False,  # SCIM and token requests carry no form; the console checks its own
    )
    csrf = CSRFProtect(app)
    filters.set_up(app)
    pages = views.blueprint(settings, engine)
    sessions.guard(pages, engine, csrf)
    app.register_blueprint(pages)


def error_page(status: int, said: str) -> str:
    return render_template("error.html", status=status, said=said)

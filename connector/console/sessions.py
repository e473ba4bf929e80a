"""Who is looking at the console? A one-time link becomes a session; without one there is a sign-in page.

Looking at a link with GET uses nothing up: mail scanners and previews do that. Only the button does (POST).
"""

from datetime import UTC, datetime

from flask import Blueprint, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import Engine

from connector.store import sign_ins
from connector.store.engine import reading, writing

#: reachable without a session
_OPEN = ("console.sign_in", "console.use_link", "console.static")


def guard(pages: Blueprint, engine: Engine, csrf: CSRFProtect) -> None:
    """Add the sign-in routes, and let nobody else's request through."""

    def check() -> ResponseReturnValue | None:
        g.operator = _operator(engine)
        if request.method not in ("GET", "HEAD", "OPTIONS"):
            csrf.protect()
        if request.endpoint in _OPEN or g.operator is not None:
            return None
        if request.method in ("GET", "HEAD"):
            return redirect(url_for("console.sign_in"), 303)
        return render_template("sign_in.html", link="", over=False), 401

    def sign_in() -> ResponseReturnValue:
        link = request.args.get("link", "")
        with reading(engine) as connection:
            usable = bool(link) and sign_ins.is_open(connection, link, datetime.now(UTC))
        status = 200 if usable or not link else 403
        return render_template("sign_in.html", link=link if usable else "", over=bool(link)), status

    def use_link() -> ResponseReturnValue:
        with writing(engine) as connection:
            secret = sign_ins.use(connection, request.form.get("link", ""), datetime.now(UTC))
        if secret is None:
            return render_template("sign_in.html", link="", over=True), 403
        session.clear()
        session["id"] = secret
        return redirect(url_for("console.licenses"), 303)

    def sign_out() -> ResponseReturnValue:
        with writing(engine) as connection:
            sign_ins.end(connection, str(session.get("id", "")))
        session.clear()
        return redirect(url_for("console.sign_in"), 303)

    pages.before_request(check)
    pages.add_url_rule("/sign-in", "sign_in", sign_in, methods=["GET"])
    pages.add_url_rule("/sign-in", "use_link", use_link, methods=["POST"])
    pages.add_url_rule("/sign-out", "sign_out", sign_out, methods=["POST"])


def _operator(engine: Engine) -> sign_ins.Operator | None:
    secret = session.get("id")
    if not isinstance(secret, str):
        return None
    with reading(engine) as connection:
        return sign_ins.whose(connection, secret, datetime.now(UTC))

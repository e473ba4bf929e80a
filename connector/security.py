"""What is told to browsers so that they don't work against us? Headers, and the cookie (T28)."""

from typing import TYPE_CHECKING

from flask import Flask, Request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface

from connector.access import Seen
from connector.secret_key import secret_key
from connector.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",  # Pico's arrows
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)


class _Sessions(SecureCookieSessionInterface):
    """Of browsers. A SCIM client has none; opening one for it would take a twelfth of its request."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        return None if request.path.startswith("/scim/") else super().open_session(app, request)


def set_up(app: Flask, settings: Settings) -> Seen:
    """Gives back what adds the headers."""
    app.session_interface = _Sessions()
    secure = (settings.public_url or "").startswith("https://")
    app.config.update(
        SECRET_KEY=secret_key(settings),
        SESSION_COOKIE_NAME="__Host-session" if secure else "connector_session",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
    )

    always = [
        ("Content-Security-Policy", POLICY),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "no-referrer"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
    ]
    if secure:
        always.append(("Strict-Transport-Security", "max-age=31536000"))

    def protect(
        environ: "WSGIEnvironment", status: int, headers: list[tuple[str, str]], seconds: float
    ) -> None:
        headers += always
        if not environ["PATH_INFO"].startswith("/static/") and "Cache-Control" not in dict(headers):
            headers.append(("Cache-Control", "no-store"))

    return protect

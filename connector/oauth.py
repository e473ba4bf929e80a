"""How does a SCIM client get an access token? Client-credentials (RFC 6749 4.4), as Entra's gallery wants."""

import base64
import binascii
from datetime import UTC, datetime
from urllib.parse import unquote_plus

from flask import Flask, Response, jsonify, request
from sqlalchemy import Engine
from werkzeug.exceptions import RequestEntityTooLarge

from connector.store import credentials
from connector.store.engine import reading, writing

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def set_up(app: Flask, engine: Engine) -> None:
    def token() -> Response:
        if request.method != "POST":
            answer = _refuse("invalid_request", f"{request.method} can't be used here; use POST", 405)
            answer.headers["Allow"] = "POST"
            return answer
        try:
            return _exchanged()
        except RequestEntityTooLarge:
            return _refuse("invalid_request", "the form is too large; send only what RFC 6749 4.4 names", 413)

    def _exchanged() -> Response:
        if request.mimetype != "application/x-www-form-urlencoded":
            return _refuse("invalid_request", "send a form: application/x-www-form-urlencoded")
        form, header = request.form, request.headers.get("Authorization", "")
        for name, values in form.lists():
            if len(values) > 1:
                return _refuse("invalid_request", f"{name[:40]} is there twice; send it once")
        if not form.get("grant_type"):
            return _refuse("invalid_request", "send grant_type=client_credentials")
        if form["grant_type"] != "client_credentials":
            return _refuse("unsupported_grant_type", "grant_type must be client_credentials")
        if header and "client_secret" in form:
            return _refuse("invalid_request", "sign in by the header or by client_secret, not by both")
        given = _basic(header) if header else (form.get("client_id", ""), form.get("client_secret", ""))
        if given is None or not all(given):
            return _refuse("invalid_client", "send client_id and client_secret", 401)
        if form.get("client_id", given[0]) != given[0]:
            return _refuse("invalid_request", "client_id isn't the one of the header; send one of them")
        now, made = datetime.now(UTC), None
        with reading(engine) as connection:
            known = credentials.knows(connection, *given, now)
        if known:
            with writing(engine) as connection:
                made = credentials.exchange(connection, *given, now)
        if made is None:
            return _refuse("invalid_client", "this client is unknown, expired or revoked", 401)
        answer = jsonify(access_token=made.token, token_type="Bearer", expires_in=made.expires_in)  # noqa: S106
        answer.headers["Cache-Control"], answer.headers["Pragma"] = "no-store", "no-cache"  # RFC 6749 5.1
        return answer

    # Every method is answered here, as RFC 6749 5.2 wants errors; a slash at the end is often typed.
    app.add_url_rule("/oauth2/token", "oauth_token", token, methods=METHODS, strict_slashes=False)


def _basic(header: str) -> tuple[str, str] | None:
    """RFC 6749 2.3.1: both parts are form-encoded before they are put together."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        id, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (unquote_plus(id), unquote_plus(secret)) if colon else None


def _refuse(error: str, description: str, status: int = 400) -> Response:
    """RFC 6749 5.2."""
    answer = jsonify(error=error, error_description=description)
    answer.status_code = status
    if status == 401:
        answer.headers["WWW-Authenticate"] = 'Basic realm="oauth2"'
    return answer

"""How does a SCIM client get an access token? Client-credentials (RFC 6749 4.4), as Entra's gallery wants."""

import base64
import binascii
from datetime import UTC, datetime
from urllib.parse import unquote_plus

from flask import Flask, Response, jsonify, request
from sqlalchemy import Engine

from connector.store import credentials
from connector.store.engine import writing


def set_up(app: Flask, engine: Engine) -> None:
    def token() -> Response:
        if request.mimetype != "application/x-www-form-urlencoded":
            return _refuse("invalid_request", "send a form: application/x-www-form-urlencoded")
        if request.form.get("grant_type") != "client_credentials":
            return _refuse("unsupported_grant_type", "grant_type must be client_credentials")
        header = request.headers.get("Authorization", "")
        given = (
            _basic(header) if header else (request.form.get("client_id"), request.form.get("client_secret"))
        )
        if given is None or not given[0] or not given[1]:
            return _refuse("invalid_client", "send client_id and client_secret", 401)
        with writing(engine) as connection:
            made = credentials.exchange(connection, given[0], given[1], datetime.now(UTC))
        if made is None:
            return _refuse("invalid_client", "this client is unknown, expired or revoked", 401)
        return jsonify(access_token=made.token, token_type="Bearer", expires_in=made.expires_in)  # noqa: S106

    app.add_url_rule("/oauth2/token", "oauth_token", token, methods=["POST"])


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
    answer = jsonify(error=error, error_description=description)
    answer.status_code = status
    if status == 401:
        answer.headers["WWW-Authenticate"] = 'Basic realm="oauth2"'
    return answer

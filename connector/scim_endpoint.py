"""Who speaks for which directory? Between the SCIM blueprint and the database: credentials and overload."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import orjson
from flask import Flask, request
from sqlalchemy import Engine

from connector.access import DIRECTORY, REQUEST_ID
from connector.anysoft.licensing import CATALOG
from connector.overload import Buckets
from connector.settings import Settings
from connector.store import credentials
from connector.store.directory import DirectoryStore
from connector.store.engine import Full, Unavailable, reading
from connector.store.user_licenses import licenses_of
from scim.dialects import Answer
from scim.endpoints import Caller
from scim.errors import TooManyRequests, Unauthorized
from scim.views import Config, blueprint
from sync.plan import Catalog

PREFIX = "/scim/v2"
#: an honest token has 43 characters, an access token not many more
LONGEST = 4_096
ADVICE = "send a token of `anysoft-connector token create` as: Authorization: Bearer TOKEN"


def base_url_of(settings: Settings) -> str:
    return f"{settings.public_url or 'http://127.0.0.1:8080'}{PREFIX}"


def set_up(app: Flask, settings: Settings, engine: Engine) -> None:
    base_url = base_url_of(settings)
    buckets = Buckets(settings.scim.rate)
    catalog = Catalog(tuple(CATALOG.values()), frozenset())

    def authenticate(header: str | None) -> Caller:
        """Raises Unauthorized, TooManyRequests, Unavailable."""
        scheme, _, token = (header or "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token or len(token) > LONGEST:
            raise Unauthorized(ADVICE)
        found = credentials.admit(engine, token, datetime.now(UTC))
        if found is None:
            raise Unauthorized(f"this token is unknown, expired or revoked; {ADVICE}")
        request.environ[DIRECTORY] = found.name
        if wait := buckets.wait_for(found.pk, monotonic()):
            raise TooManyRequests(
                f"more than {settings.scim.rate} requests a second (CONNECTOR_SCIM__RATE)", retry_after=wait
            )
        store = DirectoryStore(
            engine, found.pk, lambda: datetime.now(UTC), request.environ[REQUEST_ID], base_url, found.heard_at
        )
        return Caller(found.name, found.kind, store, *_answers(found.options))

    def licenses(directory: str, ids: Sequence[str]) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        with reading(engine) as connection:
            return licenses_of(connection, directory, ids, catalog)

    config = Config(base_url, authenticate, licenses, {each: each.told for each in (Full, Unavailable)})
    app.register_blueprint(blueprint(config), url_prefix=PREFIX)


def _answers(options: str) -> tuple[Answer | None, Answer | None]:
    """What a PATCH of a user and of a group gives back, where the directory was told something unusual."""
    if "patched_" not in options:
        return None, None
    said = orjson.loads(options)
    user, group = said.get("patched_user"), said.get("patched_group")
    return Answer(user) if user else None, Answer(group) if group else None

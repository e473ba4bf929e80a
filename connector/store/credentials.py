"""Who speaks for which directory? Bearer tokens, and OAuth clients that exchange a secret for one.

Secrets are 256 random bits, shown once, kept as SHA-256; several may live at once, for rotation (T22).
A revoked one is refused from the next request on: each is looked up, nothing is cached.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    and_,
    bindparam,
    delete,
    insert,
    or_,
    select,
    update,
)

from connector.store.directories import Directory, Unknown, directory_of, named
from connector.store.engine import Unavailable, asking, trying
from connector.store.prepared import Prepared
from connector.store.tables import Moment, credentials, directories

#: easily found by secret scanners
PREFIXES = {"token": "asc_", "client": "ascs_", "access": "asca_"}
#: no credential of ours is as long
_LONGEST = 100
ACCESS_LIFE = timedelta(minutes=60)
#: `used_at` is no more exact than this: not each request shall write
_USED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token or client, the only time that its secret is seen."""

    id: str  #: of a client: its client_id
    secret: str
    directory: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class AccessToken:
    token: str
    expires_in: int  #: seconds


@dataclass(frozen=True, slots=True)
class Credential:
    """One of the list; its secret is known to nobody."""

    id: str
    kind: str  #: token, client
    directory: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    used_at: datetime | None  #: to the minute

    def is_live(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


def token_create(
    connection: Connection, directory: str, now: datetime, life: timedelta | None = None
) -> Issued:
    """A bearer token; without `life` until it is revoked. Raises Unknown."""
    return _issue(connection, directory, "token", f"tok_{secrets.token_hex(8)}", now, life)


def client_create(
    connection: Connection, directory: str, now: datetime, life: timedelta | None = None
) -> Issued:
    """An OAuth client: `id` is its client_id. Raises Unknown."""
    return _issue(connection, directory, "client", f"cli_{secrets.token_hex(8)}", now, life)


def all_of(connection: Connection, kind: str, directory: str | None = None) -> Sequence[Credential]:
    """`kind`: token or client; revoked and expired ones too, oldest first."""
    query = (
        select(credentials, directories.c.name.label("directory"))
        .join(directories, directories.c.pk == credentials.c.directory_pk)
        .where(credentials.c.kind == kind)
        .order_by(credentials.c.pk)
    )
    if directory is not None:
        query = query.where(directories.c.name == directory)
    return [
        Credential(r.id, r.kind, r.directory, r.created_at, r.expires_at, r.revoked_at, r.used_at)
        for r in connection.execute(query)
    ]


def revoke(connection: Connection, id: str, now: datetime) -> None:
    """A token; or a client, and with it every access token that it got. Twice is once. Raises Unknown."""
    which = and_(credentials.c.kind != "access", credentials.c.id == id)
    if connection.scalar(select(credentials.c.pk).where(which)) is None:
        raise Unknown(f"there is no token or client {id!r}: see `token list` and `client list`")
    connection.execute(
        update(credentials)
        .where(or_(which, credentials.c.issuer == id), credentials.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )


def exchange(connection: Connection, client_id: str, secret: str, now: datetime) -> AccessToken | None:
    """An access token of 60 minutes for a client's secret (RFC 6749 4.4); None: no such live client.

    Ask `knows` before, where anybody may come: a writing transaction is for those who are known.
    """
    row = _client(connection, client_id, secret, now)
    if row is None:
        return None
    connection.execute(  # the client's own old ones
        delete(credentials).where(credentials.c.issuer == client_id, credentials.c.expires_at <= now)
    )
    token = PREFIXES["access"] + secrets.token_urlsafe(32)
    connection.execute(
        insert(credentials).values(
            id=f"acc_{secrets.token_hex(8)}", directory_pk=row.directory_pk, kind="access",
            hash=_hash(token), issuer=client_id, created_at=now, expires_at=now + ACCESS_LIFE,
        )
    )  # fmt: skip
    connection.execute(update(credentials).where(credentials.c.pk == row.pk).values(used_at=now))
    return AccessToken(token, int(ACCESS_LIFE.total_seconds()))


def knows(connection: Connection, client_id: str, secret: str, now: datetime) -> bool:
    """Whether this is a live client's secret."""
    return _client(connection, client_id, secret, now) is not None


def _client(connection: Connection, client_id: str, secret: str, now: datetime) -> Row[Any] | None:
    if len(client_id) > _LONGEST or not client_id.isascii() or not client_id.isprintable():
        return None
    row = connection.execute(
        select(credentials).where(
            credentials.c.id == client_id, credentials.c.kind == "client", _is_live(now)
        )
    ).first()
    expected = row.hash if row is not None else bytes(32)
    return row if compare_digest(_hash(secret), expected) else None


def authenticate(connection: Connection, token: str, now: datetime) -> Directory | None:
    """The directory that a bearer token speaks for; None: none. One indexed read; see `admit`."""
    row = _bearer(connection, token, now)
    return None if row is None else directory_of(row)


def admit(engine: Engine, token: str, now: datetime) -> Directory | None:
    """As `authenticate`, and notes when the token was used, at most once a minute. Raises Unavailable."""
    with asking(engine) as connection:
        row = _bearer(connection, token, now)
    if row is None:
        return None
    if row.used_at is None or row.used_at <= now - _USED_EVERY:
        _note_use(engine, row.credential, now)
    return directory_of(row)


def _note_use(engine: Engine, pk: int, now: datetime) -> None:
    old = or_(credentials.c.used_at.is_(None), credentials.c.used_at < now)
    try:
        with trying(engine) as connection:
            connection.execute(update(credentials).where(credentials.c.pk == pk, old).values(used_at=now))
    except Unavailable:
        return  # left to the next request: one that only reads must not wait for who writes


def _bearer(connection: Connection, token: str, now: datetime) -> Any | None:
    if not token or len(token) > _LONGEST or not token.isascii():
        return None
    hashed = _hash(token)
    row = _BY_HASH.first(connection, {"hash": hashed, "now": now})
    return row if row is not None and compare_digest(row.hash, hashed) else None


def _is_live(now: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
    return and_(
        credentials.c.revoked_at.is_(None),
        or_(credentials.c.expires_at.is_(None), credentials.c.expires_at > now),
    )


# Built once: each request asks this.
_BY_HASH = Prepared(
    select(directories, credentials.c.hash, credentials.c.used_at, credentials.c.pk.label("credential"))
    .join(credentials, credentials.c.directory_pk == directories.c.pk)
    .where(
        credentials.c.hash == bindparam("hash"),
        credentials.c.kind != "client",
        _is_live(bindparam("now", type_=Moment)),
    )
)


def _issue(
    connection: Connection,
    directory: str,
    kind: str,
    id: str,
    now: datetime,
    life: timedelta | None,
) -> Issued:
    owner = named(connection, directory)
    secret = PREFIXES[kind] + secrets.token_urlsafe(32)
    expires_at = None if life is None else now + life
    connection.execute(
        insert(credentials).values(
            id=id, directory_pk=owner.pk, kind=kind, hash=_hash(secret),
            created_at=now, expires_at=expires_at,
        )
    )  # fmt: skip
    return Issued(id, secret, owner.name, expires_at)


def _hash(secret: str) -> bytes:
    return sha256(secret.encode(errors="surrogatepass")).digest()

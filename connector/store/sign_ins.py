"""Who may look at the console? One-time links that become sessions; both only as hashes (T22, T28)."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from connector.store.tables import sign_ins

LINK_LASTS = timedelta(minutes=15)
SESSION_LASTS = timedelta(hours=8)


@dataclass(frozen=True, slots=True)
class Operator:
    name: str
    role: str  #: viewer, operator, approver, admin


def new_link(connection: Connection, operator: Operator, now: datetime) -> str:
    """A secret of 256 bits that opens one session within 15 minutes. Links that are over are swept away."""
    connection.execute(delete(sign_ins).where(sign_ins.c.expires_at <= now))
    return _store(connection, "link", operator, now, now + LINK_LASTS)


def is_open(connection: Connection, link: str, now: datetime) -> bool:
    """Whether the link would still open a session; looking doesn't use it up."""
    return _find(connection, "link", link, now) is not None


def use(connection: Connection, link: str, now: datetime) -> str | None:
    """The secret of a new session; None: the link is wrong, used or over. Of two at once one gets it."""
    row = connection.execute(
        delete(sign_ins)
        .where(sign_ins.c.hash == _hash(link), sign_ins.c.kind == "link")
        .returning(sign_ins.c.operator, sign_ins.c.role, sign_ins.c.expires_at)
    ).first()
    if row is None or row.expires_at <= now:
        return None
    return _store(connection, "session", Operator(row.operator, row.role), now, now + SESSION_LASTS)


def whose(connection: Connection, session: str, now: datetime) -> Operator | None:
    return _find(connection, "session", session, now)


def end(connection: Connection, session: str) -> None:
    """Sign out: whoever has a copy of the cookie is out, too."""
    connection.execute(
        delete(sign_ins).where(sign_ins.c.hash == _hash(session), sign_ins.c.kind == "session")
    )


def end_all(connection: Connection, operator: str) -> None:
    """Links and sessions of one operator, when the operator goes or gets another role."""
    connection.execute(delete(sign_ins).where(sign_ins.c.operator == operator))


def _store(connection: Connection, kind: str, operator: Operator, now: datetime, until: datetime) -> str:
    secret = secrets.token_urlsafe(32)
    connection.execute(
        insert(sign_ins).values(
            hash=_hash(secret),
            kind=kind,
            operator=operator.name,
            role=operator.role,
            created_at=now,
            expires_at=until,
        )
    )
    return secret


def _find(connection: Connection, kind: str, secret: str, now: datetime) -> Operator | None:
    row = connection.execute(
        select(sign_ins.c.operator, sign_ins.c.role).where(
            sign_ins.c.hash == _hash(secret), sign_ins.c.kind == kind, sign_ins.c.expires_at > now
        )
    ).first()
    return Operator(row.operator, row.role) if row else None


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()

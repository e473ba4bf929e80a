"""What does the shell remember? The audit chain, leases, signals, operators."""

from sqlalchemy import (
    Column,
    LargeBinary,
    String,
    Table,
    Text,
)
from sqlalchemy.types import BigInteger

from connector.store.tables.columns import Key, at, key, metadata

audit = Table(  # hash chain; triggers refuse UPDATE and DELETE
    "audit",
    metadata,
    key(),
    at("at"),
    Column("actor", String(100), nullable=False),
    Column("action", String(40), nullable=False),
    Column("subject", String(64), nullable=False, server_default=""),  # salted hash of a person, or an id
    Column("detail", Text, nullable=False, server_default="{}"),  # JSON without personal data
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
)
subjects = Table(  # personal data that the chain refers to by salted hash; erased here (R30)
    "subjects",
    metadata,
    Column("subject", String(64), primary_key=True),
    Column("person_pk", Key, nullable=True, index=True),
    Column("salt", LargeBinary(16), nullable=False),
    Column("user_name", Text, nullable=False),
)
leases = Table(
    "leases",
    metadata,
    Column("name", String(60), primary_key=True),
    Column("owner", String(80), nullable=False),
    Column("fence", Key, nullable=False),
    Column("expires_at", BigInteger, nullable=False),  # the database's clock, microseconds
)
state = Table(  # small facts: salts, subscriptions last seen, last full round, signals such as "run now"
    "state",
    metadata,
    Column("name", String(60), primary_key=True),
    Column("value", Text, nullable=False),
    at("at"),
)
operators = Table(
    "operators",
    metadata,
    key(),
    Column("name", String(100), nullable=False, unique=True),
    Column("role", String(10), nullable=False),
    Column("password", Text, nullable=False, server_default=""),
    at("created_at"),
)
sign_ins = Table(  # one-time console links and live sessions, hashed
    "sign_ins",
    metadata,
    Column("hash", LargeBinary(32), primary_key=True),
    Column("kind", String(10), nullable=False),  # link, session
    Column("operator", String(100), nullable=False),
    Column("role", String(10), nullable=False),
    at("created_at"),
    at("expires_at"),
)

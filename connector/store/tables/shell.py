"""What does the shell remember? The audit chain, leases, signals, operators."""

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
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
notices = Table(  # the outbox: what somebody is told, one row a matter and channel
    "notices",
    metadata,
    key(),
    Column("matter", String(80), nullable=False),  # request:7, hold:3, removal:12:40, digest:2027-03-01
    Column("channel", String(40), nullable=False),  # operators, person, webhook:HASH
    Column("address", Text, nullable=False, server_default=""),  # of a person
    Column("kind", String(20), nullable=False),
    Column("stage", String(40), nullable=False),  # a mail is sent once for each
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("link", String(80), nullable=False, server_default=""),  # a page of the console
    Column("facts", Text, nullable=False, server_default="{}"),  # JSON: for webhooks
    Column("over", Boolean, nullable=False),  # nothing more will be said of it
    Column("revision", Integer, nullable=False),
    Column("sent_revision", Integer, nullable=False, server_default="0"),  # 0: nobody was told yet
    at("created_at"),
    at("sent_at", nullable=True),
    at("next_try", nullable=True),  # None: nothing to send
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("failure", Text, nullable=False, server_default=""),  # of the last try
    UniqueConstraint("matter", "channel"),
    Index(
        "ix_notices_next_try",
        "next_try",
        sqlite_where=text("next_try IS NOT NULL"),
        postgresql_where=text("next_try IS NOT NULL"),
    ),
    Index("ix_notices_kind", "kind", "over"),
)

"""How is everything stored? One schema for SQLite and PostgreSQL; migrations follow it (alembic check)."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import BigInteger

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Moment(TypeDecorator[datetime]):
    """An aware UTC time as whole microseconds since 1970: sorts alike and exactly on both databases."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone can't be stored")
        delta = value - _EPOCH
        return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return datetime.fromtimestamp(value // 1_000_000, UTC).replace(microsecond=value % 1_000_000)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: INTEGER PRIMARY KEY on SQLite (rowid), BIGINT identity on PostgreSQL
Key = BigInteger().with_variant(Integer, "sqlite")
#: text that compares and sorts by code point on both databases, so that an index serves `starts with`
Folded = Text().with_variant(Text(collation="C"), "postgresql")


def _key() -> Column[int]:
    return Column("pk", Key, primary_key=True, autoincrement=True)


def _at(name: str, *, nullable: bool = False) -> Column[datetime]:
    return Column(name, Moment, nullable=nullable)


# ---- directories, and who may speak for them ----

directories = Table(
    "directories",
    metadata,
    _key(),
    Column("name", String(100), nullable=False, unique=True),
    Column("kind", String(10), nullable=False),  # scim, entra, okta
    Column("options", Text, nullable=False, server_default="{}"),  # JSON: answers of PATCH, pull options
    _at("created_at"),
    _at("heard_at", nullable=True),  # last write by its IdP
)
credentials = Table(  # static bearer tokens and OAuth clients' secrets
    "credentials",
    metadata,
    _key(),
    Column("id", String(40), nullable=False, unique=True),
    Column("directory_pk", Key, ForeignKey("directories.pk", ondelete="CASCADE"), nullable=False),
    Column("kind", String(10), nullable=False),  # token, client, access (a client's access token)
    Column("hash", LargeBinary(32), nullable=False, unique=True),  # SHA-256 of 256 random bits
    Column("issuer", String(40), nullable=True, index=True),  # of an access token: its client's id
    _at("created_at"),
    _at("expires_at", nullable=True),
    _at("revoked_at", nullable=True),
    _at("used_at", nullable=True),
)
warnings = Table(  # what the IdP sent that was skipped
    "warnings",
    metadata,
    _key(),
    Column("directory_pk", Key, ForeignKey("directories.pk", ondelete="CASCADE"), nullable=False),
    Column("code", String(40), nullable=False),
    Column("subject", String(500), nullable=False),
    Column("count", Integer, nullable=False, server_default="1"),
    _at("first_at"),
    _at("last_at"),
    UniqueConstraint("directory_pk", "code", "subject"),
)

# ---- the mirror ----

persons = Table(
    "persons",
    metadata,
    _key(),
    Column("user_name", Text, nullable=False),  # as last seen; display only
    Column("folded", Folded, nullable=False, index=True),  # NFKC + casefold
    Column("display_name", Text, nullable=False, server_default=""),
    Column("email", Text, nullable=False, server_default=""),
    Column("account_id", String(64), nullable=True, index=True),  # at AnySoft
    Column("account_made", Boolean, nullable=False, server_default=text("false")),  # by us (R05)
    Column("account_disabled", Boolean, nullable=False, server_default=text("false")),  # by us
    Column("conflict", Boolean, nullable=False, server_default=text("false")),  # R06
    _at("epoch"),
    sqlite_autoincrement=True,
)
users = Table(
    "users",
    metadata,
    _key(),
    Column("directory_pk", Key, ForeignKey("directories.pk"), nullable=False),
    Column("id", String(36), nullable=False, unique=True),  # ours, a uuid
    Column("person_pk", Key, ForeignKey("persons.pk"), nullable=False, index=True),
    Column("user_name", Text, nullable=False),
    Column("folded", Folded, nullable=False),
    Column("display_name", Text, nullable=False, server_default=""),
    Column("external_id", Text, nullable=True),
    Column("active", Boolean, nullable=False),
    Column("document", Text, nullable=False),  # JSON: the SCIM attributes without id, meta, groups
    Column("version", Integer, nullable=False),
    _at("created_at"),
    _at("modified_at"),
    UniqueConstraint("directory_pk", "folded"),
    Index("ix_users_external", "directory_pk", "external_id"),
    Index("ix_users_folded", "folded"),
    sqlite_autoincrement=True,
)
groups = Table(
    "groups",
    metadata,
    _key(),
    Column("directory_pk", Key, ForeignKey("directories.pk"), nullable=False),
    Column("id", String(36), nullable=False, unique=True),
    Column("display_name", Text, nullable=False),
    Column("folded", Folded, nullable=False),
    Column("external_id", Text, nullable=True),
    Column("document", Text, nullable=False),
    Column("version", Integer, nullable=False),
    _at("created_at"),
    _at("modified_at"),
    _at("deleted_at", nullable=True),  # kept while a mapping or a reason names it
    Index("ix_groups_folded", "directory_pk", "folded"),
    Index("ix_groups_external", "directory_pk", "external_id"),
    sqlite_autoincrement=True,
)
memberships = Table(
    "memberships",
    metadata,
    Column("group_pk", Key, ForeignKey("groups.pk"), primary_key=True),
    Column("user_pk", Key, ForeignKey("users.pk"), primary_key=True, index=True),
    _at("since"),
    sqlite_with_rowid=False,
)
nestings = Table(
    "nestings",
    metadata,
    Column("group_pk", Key, ForeignKey("groups.pk"), primary_key=True),
    Column("child_pk", Key, ForeignKey("groups.pk"), primary_key=True, index=True),
    _at("since"),
)
marks = Table(  # persons the next round must look at (architecture: level, not edge)
    "marks",
    metadata,
    Column("person_pk", Key, ForeignKey("persons.pk"), primary_key=True),
    Column("generation", Key, nullable=False),  # grows with each mark; taken off only if unchanged
    _at("marked_at"),
    Index("ix_marks_marked_at", "marked_at"),
)
group_marks = Table(  # groups whose people must all be looked at; expanded in chunks by the worker
    "group_marks",
    metadata,
    Column("group_pk", Key, ForeignKey("groups.pk"), primary_key=True),
    Column("generation", Key, nullable=False),
    Column("after_pk", Key, nullable=False, server_default="0"),  # expanded up to this user
    _at("marked_at"),
)
changes = Table(  # what SCIM changed, 90 days; `explain` reads it (R30)
    "changes",
    metadata,
    _key(),
    _at("at"),
    Column("directory_pk", Key, nullable=False),
    Column("person_pk", Key, nullable=True),
    Column("group_pk", Key, nullable=True),
    Column(
        "what", String(40), nullable=False
    ),  # created, updated, disabled, enabled, deleted, joined, left, …
    Column("request", String(64), nullable=False, server_default=""),  # request id in the log
    Column("detail", Text, nullable=False, server_default=""),
    Index("ix_changes_person", "person_pk", "at"),
    Index("ix_changes_at", "at"),
)

# ---- mappings, the ledger, runs ----

mappings = Table(
    "mappings",
    metadata,
    _key(),
    Column("group_pk", Key, ForeignKey("groups.pk"), nullable=False, index=True),
    Column("product", String(64), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("transitive", Boolean, nullable=False),
    Column("grace_hours", Integer, nullable=True),
    Column("reserve", Integer, nullable=False, server_default="0"),
    _at("created_at"),
    UniqueConstraint("group_pk", "product"),
)
standings = Table(  # sync.model.Standing; the queue is its partial index
    "standings",
    metadata,
    Column("person_pk", Key, ForeignKey("persons.pk"), primary_key=True),
    Column("product", String(64), primary_key=True),
    Column("held", String(5), nullable=False),
    Column("origin", String(7), nullable=False),
    _at("assigned_at", nullable=True),
    Column("assigned_run", Key, nullable=True),
    Column("reasons", Text, nullable=False, server_default="[]"),  # JSON
    Column("priority", Integer, nullable=False),
    _at("since", nullable=True),
    Column("waiting", Boolean, nullable=False),
    Column("base_ready", Boolean, nullable=False),
    Column("moved_to", Integer, nullable=False, server_default="0"),
    Column("blocked", String(40), nullable=False, server_default=""),
    _at("lost_at", nullable=True),
    Column("lost_groups", Text, nullable=False, server_default="[]"),  # JSON
    Column("lost_why", String(20), nullable=False, server_default=""),
    _at("announced_at", nullable=True),
    _at("due_at", nullable=True),
    Column("hold", Key, nullable=True, index=True),
    Column("released", Boolean, nullable=False, server_default=text("false")),
    Column("kept", Boolean, nullable=False, server_default=text("false")),
    Column("failure", String(60), nullable=False, server_default=""),
    Column("attempts", Integer, nullable=False, server_default="0"),
    _at("next_try", nullable=True),
    _at("look_at", nullable=True),
    Column("seen_run", Key, nullable=True),  # the last full round in which AnySoft listed it
    Index(
        "ix_standings_queue",
        "product",
        "moved_to",
        "priority",
        "since",
        "person_pk",
        sqlite_where=text("waiting"),
        postgresql_where=text("waiting"),
    ),
    Index(
        "ix_standings_look",
        "look_at",
        sqlite_where=text("look_at IS NOT NULL"),
        postgresql_where=text("look_at IS NOT NULL"),
    ),
    Index("ix_standings_held", "product", "held"),
)
losses = Table(  # R24 counts these over 24 hours; one row per person, product and group that was lost
    "losses",
    metadata,
    _key(),
    Column("person_pk", Key, nullable=False),
    Column("product", String(64), nullable=False),
    Column("group_pk", Key, nullable=True),  # None: disabled, deleted, unmapped: counts for the product only
    _at("lost_at"),
    Column("excused", Boolean, nullable=False, server_default=text("false")),  # released, or came back
    Index("ix_losses_product", "product", "lost_at"),
    Index("ix_losses_group", "group_pk", "lost_at"),
    Index("ix_losses_person", "person_pk", "product"),
)
holds = Table(
    "holds",
    metadata,
    _key(),
    Column("state", String(10), nullable=False, index=True),  # open, released, rejected, healed
    Column("reason", String(40), nullable=False),  # group_emptied, group_share, product_share, first_run
    Column("group_pk", Key, nullable=True),
    Column("product", String(64), nullable=False),
    _at("opened_at"),
    _at("decided_at", nullable=True),
    Column("decided_by", String(100), nullable=False, server_default=""),
    Column("digest", String(64), nullable=False, server_default=""),  # of the set that was decided on
    Column("removals", Text, nullable=False, server_default="[]"),  # JSON: the decided set, for the record
    sqlite_autoincrement=True,
)
runs = Table(
    "runs",
    metadata,
    _key(),
    Column("cause", String(40), nullable=False),
    Column("scope", String(40), nullable=False),
    _at("started_at"),
    _at("finished_at", nullable=True),
    Column("outcome", String(20), nullable=False, server_default=""),  # done, failed, broken (crashed)
    Column("report", Text, nullable=False, server_default="{}"),  # JSON: counts, waiting, blocked, held, …
    Index("ix_runs_started_at", "started_at"),
    sqlite_autoincrement=True,
)
actions = Table(
    "actions",
    metadata,
    Column("run_pk", Key, ForeignKey("runs.pk", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("action", String(20), nullable=False),
    Column("person_pk", Key, nullable=True, index=True),
    Column("user_name", Text, nullable=False, server_default=""),
    Column("product", String(64), nullable=False, server_default=""),
    Column("because", Text, nullable=False, server_default=""),
    Column("outcome", String(40), nullable=False, server_default=""),  # "": planned, not yet carried out
)
intents = Table(  # written and committed before each AnySoft call (architecture 1.5)
    "intents",
    metadata,
    _key(),
    Column("run_pk", Key, nullable=True, index=True),
    Column(
        "kind", String(20), nullable=False
    ),  # assign, unassign, account_create, account_update, quantity, …
    Column("product", String(64), nullable=False, server_default=""),
    Column("subscription_id", String(64), nullable=False, server_default=""),
    Column("request_pk", Key, nullable=True, index=True),
    Column("idempotency_key", String(64), nullable=False, unique=True),
    Column("body", Text, nullable=False),  # exact JSON
    Column("state", String(10), nullable=False),  # open, settled, unknown
    _at("created_at"),
    _at("settled_at", nullable=True),
    Column("outcome", String(60), nullable=False, server_default=""),
    Index(
        "ix_intents_state",
        "state",
        sqlite_where=text("state <> 'settled'"),
        postgresql_where=text("state <> 'settled'"),
    ),
    sqlite_autoincrement=True,
)
intent_items = Table(
    "intent_items",
    metadata,
    Column("intent_pk", Key, ForeignKey("intents.pk", ondelete="CASCADE"), primary_key=True),
    Column("person_pk", Key, primary_key=True, index=True),
    Column("account_id", String(64), nullable=False, server_default=""),
    Column("status", String(30), nullable=False, server_default=""),
)
requests = Table(  # quantity requests R18-R22
    "requests",
    metadata,
    _key(),
    Column("product", String(64), nullable=False),
    Column("subscription_id", String(64), nullable=False),
    Column("state", String(10), nullable=False),
    Column("quantity", Integer, nullable=False),  # Q when last updated
    Column("waiting", Integer, nullable=False),
    Column("need", Integer, nullable=False),
    Column("proposed", Integer, nullable=False),
    Column("target", Integer, nullable=True),  # what was approved: absolute (R20)
    _at("opened_at"),
    _at("updated_at"),
    _at("expires_at", nullable=True),
    _at("reminded_at", nullable=True),
    _at("decided_at", nullable=True),
    Column("decided_by", String(100), nullable=False, server_default=""),
    Column("reason", Text, nullable=False, server_default=""),
    _at("due_at", nullable=True),  # scheduled
    _at("submitted_at", nullable=True),
    _at("effective_by", nullable=True),
    _at("ended_at", nullable=True),
    Column("follows", Key, nullable=True),  # the refused one that this one names
    Index("ix_requests_product", "product", "state"),
    Index(
        "uq_requests_alive",
        "product",
        unique=True,
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
    sqlite_autoincrement=True,
)
breaker = Table(  # R29; one row a peer
    "breaker",
    metadata,
    Column("peer", String(40), primary_key=True),
    Column("recent", String(20), nullable=False, server_default=""),  # last 20 calls, f or t
    _at("opened_at", nullable=True),
    _at("probe_at", nullable=True),
    Column("why", Text, nullable=False, server_default=""),
)

# ---- the shell's own ----

audit = Table(  # hash chain; triggers refuse UPDATE and DELETE
    "audit",
    metadata,
    _key(),
    _at("at"),
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
    _at("at"),
)
operators = Table(
    "operators",
    metadata,
    _key(),
    Column("name", String(100), nullable=False, unique=True),
    Column("role", String(10), nullable=False),
    Column("password", Text, nullable=False, server_default=""),
    _at("created_at"),
)
sign_ins = Table(  # one-time console links and live sessions, hashed
    "sign_ins",
    metadata,
    Column("hash", LargeBinary(32), primary_key=True),
    Column("kind", String(10), nullable=False),  # link, session
    Column("operator", String(100), nullable=False),
    Column("role", String(10), nullable=False),
    _at("created_at"),
    _at("expires_at"),
)

# ---- the built-in AnySoft tenant: connector/anysoft/tenant.py alone reads and writes these ----

tenant_roles = Table(
    "tenant_roles",
    metadata,
    Column("role", String(40), primary_key=True),
    Column("granted", Boolean, nullable=False),  # a row once made stays: its lock serializes license actions
)
tenant_accounts = Table(
    "tenant_accounts",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("user_name", Text, nullable=False),
    Column("folded", Text, nullable=False, unique=True),
    Column("display_name", Text, nullable=False, server_default=""),
    Column("email", Text, nullable=False, server_default=""),
    Column("external_id", Text, nullable=False, server_default=""),
    Column("active", Boolean, nullable=False),
)
tenant_prices = Table(
    "tenant_prices",
    metadata,
    Column("product", String(64), primary_key=True),
    Column("amount", String(20), nullable=True),  # decimal; NULL: unknown (L11)
    Column("currency", String(3), nullable=False),
)
tenant_subscriptions = Table(
    "tenant_subscriptions",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("product", String(64), nullable=False, unique=True),
    Column("quantity", Integer, nullable=False),
    Column("assigned", Integer, nullable=False, server_default="0"),
    Column("started_on", String(10), nullable=False),
    Column("billed_on", String(10), nullable=False),  # upfront, or the last renewal that was charged
    Column("billing", Text, nullable=False),  # JSON
    Column("address", Text, nullable=False),  # JSON
    Column("settings", Text, nullable=False, server_default="{}"),  # JSON
    Column("pending_quantity", Integer, nullable=True),
    _at("pending_at", nullable=True),
    _at("pending_by", nullable=True),
    Column("pending_refused", Boolean, nullable=False, server_default=text("false")),  # ends without effect
)
tenant_assignments = Table(
    "tenant_assignments",
    metadata,
    Column("subscription_id", String(40), ForeignKey("tenant_subscriptions.id"), primary_key=True),
    Column("account_id", String(40), ForeignKey("tenant_accounts.id"), primary_key=True, index=True),
    _at("assigned_at"),
)
tenant_destinations = Table(
    "tenant_destinations",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("name", Text, nullable=False),
    _at("created_at"),
)
tenant_charges = Table(
    "tenant_charges",
    metadata,
    _key(),
    _at("at"),
    Column("subscription_id", String(40), nullable=False),
    Column("product", String(64), nullable=False),
    Column("kind", String(10), nullable=False),  # upfront, increase, renewal
    Column("seats", Integer, nullable=False),
    Column("amount", String(20), nullable=True),  # decimal; NULL: price unknown
    Column("currency", String(3), nullable=False),
)
tenant_answers = Table(  # idempotency keys, 24 hours
    "tenant_answers",
    metadata,
    Column("key", String(100), primary_key=True),
    Column("request", String(64), nullable=False),  # SHA-256 of method, path and body
    Column("status", Integer, nullable=False),
    Column("answer", Text, nullable=False),
    _at("at"),
    Index("ix_tenant_answers_at", "at"),
)

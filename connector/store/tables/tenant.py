"""What does the built-in AnySoft tenant keep? connector/anysoft alone reads and writes these."""

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    text,
)

from connector.store.tables.columns import at, key, metadata

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
    at("pending_at", nullable=True),
    at("pending_by", nullable=True),
    Column("pending_refused", Boolean, nullable=False, server_default=text("false")),  # ends without effect
)
tenant_assignments = Table(
    "tenant_assignments",
    metadata,
    Column("subscription_id", String(40), ForeignKey("tenant_subscriptions.id"), primary_key=True),
    Column("account_id", String(40), ForeignKey("tenant_accounts.id"), primary_key=True, index=True),
    at("assigned_at"),
)
tenant_destinations = Table(
    "tenant_destinations",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("name", Text, nullable=False),
    at("created_at"),
)
tenant_charges = Table(
    "tenant_charges",
    metadata,
    key(),
    at("at"),
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
    at("at"),
    Index("ix_tenant_answers_at", "at"),
)

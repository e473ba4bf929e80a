"""What did we decide, ask for, and get?"""

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from connector.store.tables.columns import Key, Moment, at, key, metadata

mappings = Table(
    "mappings",
    metadata,
    key(),
    Column("group_pk", Key, ForeignKey("groups.pk"), nullable=False, index=True),
    Column("product", String(64), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("transitive", Boolean, nullable=False),
    Column("grace_hours", Integer, nullable=True),
    Column("reserve", Integer, nullable=False, server_default="0"),
    at("created_at"),
    Column("changed_by", String(100), nullable=False, server_default=""),
    Column("reason", Text, nullable=False, server_default=""),  # why it was changed last
    UniqueConstraint("group_pk", "product"),
    sqlite_autoincrement=True,
)
standings = Table(  # sync.model.Standing; the queue is its partial index
    "standings",
    metadata,
    Column("person_pk", Key, ForeignKey("persons.pk"), primary_key=True),
    Column("product", String(64), primary_key=True),
    Column("held", String(5), nullable=False),
    Column("origin", String(7), nullable=False),
    at("assigned_at", nullable=True),
    Column("assigned_run", Key, nullable=True),
    Column("reasons", Text, nullable=False, server_default="[]"),  # JSON
    Column("priority", Integer, nullable=False),
    at("since", nullable=True),
    Column("waiting", Boolean, nullable=False),
    Column("base_ready", Boolean, nullable=False),
    Column("moved_to", Integer, nullable=False, server_default="0"),
    Column("blocked", String(40), nullable=False, server_default=""),
    at("lost_at", nullable=True),
    Column("lost_groups", Text, nullable=False, server_default="[]"),  # JSON
    Column("lost_why", String(20), nullable=False, server_default=""),
    at("announced_at", nullable=True),
    at("due_at", nullable=True),
    Column("hold", Key, nullable=True, index=True),
    Column("released", Boolean, nullable=False, server_default=text("false")),
    Column("kept", Boolean, nullable=False, server_default=text("false")),
    Column("failure", String(60), nullable=False, server_default=""),
    Column("attempts", Integer, nullable=False, server_default="0"),
    at("next_try", nullable=True),
    at("look_at", nullable=True),
    Column("seen_run", Key, nullable=True),  # the last full round in which AnySoft listed it
    Index(
        "ix_standings_queue",
        "product",
        "moved_to",
        "priority",
        "since",
        "person_pk",
        "waiting",  # always true, but with it SQLite counts in the index alone
        sqlite_where=text("waiting"),
        postgresql_where=text("waiting"),
    ),
    Index(
        "ix_standings_look",
        "look_at",
        sqlite_where=text("look_at IS NOT NULL"),
        postgresql_where=text("look_at IS NOT NULL"),
    ),
    Index("ix_standings_held", "product", "held", "person_pk"),
    Index(
        "ix_standings_blocked",
        "blocked",
        sqlite_where=text("blocked <> ''"),
        postgresql_where=text("blocked <> ''"),
    ),
    Index(
        "ix_standings_failing",
        "person_pk",
        "product",
        sqlite_where=text("failure <> '' OR attempts > 0"),
        postgresql_where=text("failure <> '' OR attempts > 0"),
    ),
)
tallies = Table(  # counted with each write of standings
    "tallies",
    metadata,
    Column("product", String(64), primary_key=True),
    Column("surely", Integer, nullable=False),  # how many surely hold it
)
losses = Table(  # R24 counts these over 24 hours; one row per person, product and group that was lost
    "losses",
    metadata,
    key(),
    Column("person_pk", Key, nullable=False),
    Column("product", String(64), nullable=False),
    Column("group_pk", Key, nullable=True),  # None: disabled, deleted, unmapped: counts for the product only
    at("lost_at"),
    Column("excused", Boolean, nullable=False, server_default=text("false")),  # released, or came back
    Index("ix_losses_product", "product", "lost_at"),
    Index("ix_losses_group", "group_pk", "lost_at"),
    Index("ix_losses_person", "person_pk", "product"),
)
holds = Table(
    "holds",
    metadata,
    key(),
    Column("state", String(10), nullable=False, index=True),  # open, released, rejected, healed
    Column("reason", String(40), nullable=False),  # group_emptied, group_share, product_share, first_run
    Column("group_pk", Key, nullable=True),
    Column("product", String(64), nullable=False),
    at("opened_at"),
    at("decided_at", nullable=True),
    Column("decided_by", String(100), nullable=False, server_default=""),
    Column("digest", String(64), nullable=False, server_default=""),  # of the set that was decided on
    Column("removals", Text, nullable=False, server_default="[]"),  # JSON: the decided set, for the record
    sqlite_autoincrement=True,
)
runs = Table(
    "runs",
    metadata,
    key(),
    Column("cause", String(40), nullable=False),
    Column("scope", String(40), nullable=False),
    at("started_at"),
    at("finished_at", nullable=True),
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
    key(),
    Column("run_pk", Key, nullable=True, index=True),
    Column(
        "kind", String(20), nullable=False
    ),  # assign, unassign, account_create, account_update, quantity, …
    Column("product", String(64), nullable=False, server_default=""),
    Column("subscription_id", String(64), nullable=False, server_default=""),
    Column("request_pk", Key, nullable=True, index=True),
    Column("idempotency_key", String(64), nullable=False, unique=True),
    Column("body", Text, nullable=False),  # exact JSON
    Column("actor", String(100), nullable=False, server_default=""),  # whose command; "": a round's
    Column("state", String(10), nullable=False),  # open, settled, unknown
    at("created_at"),
    at("settled_at", nullable=True),
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
    key(),
    Column("product", String(64), nullable=False),
    Column("subscription_id", String(64), nullable=False),
    Column("state", String(10), nullable=False),
    Column("quantity", Integer, nullable=False),  # Q when last updated
    Column("waiting", Integer, nullable=False),
    Column("need", Integer, nullable=False),
    Column("proposed", Integer, nullable=False),
    Column("target", Integer, nullable=True),  # what was approved: absolute (R20)
    at("opened_at"),
    at("updated_at"),
    at("expires_at", nullable=True),
    at("reminded_at", nullable=True),
    at("decided_at", nullable=True),
    Column("decided_by", String(100), nullable=False, server_default=""),
    Column("reason", Text, nullable=False, server_default=""),
    at("due_at", nullable=True),  # scheduled
    at("submitted_at", nullable=True),
    at("effective_by", nullable=True),
    at("ended_at", nullable=True),
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
seat_history = Table(  # a row where a product's seats aren't as they were at the last round
    "seat_history",
    metadata,
    Column("product", String(64), primary_key=True),
    Column("at", Moment, primary_key=True),
    Column("quantity", Integer, nullable=False),
    Column("assigned", Integer, nullable=False),
    Column("waiting", Integer, nullable=False),
)
breaker = Table(  # R29; one row a peer
    "breaker",
    metadata,
    Column("peer", String(40), primary_key=True),
    Column("recent", String(20), nullable=False, server_default=""),  # last 20 calls, f or t
    at("opened_at", nullable=True),
    at("probe_at", nullable=True),
    Column("why", Text, nullable=False, server_default=""),
)

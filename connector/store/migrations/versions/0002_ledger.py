"""Mappings, the ledger, runs and quantity requests."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.BigInteger()  # microseconds since 1970


def upgrade() -> None:
    op.create_table(
        "breaker",
        sa.Column("peer", sa.String(length=40), nullable=False),
        sa.Column("recent", sa.String(length=20), server_default="", nullable=False),
        sa.Column("opened_at", MOMENT, nullable=True),
        sa.Column("probe_at", MOMENT, nullable=True),
        sa.Column("why", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("peer", name=op.f("pk_breaker")),
    )
    op.create_table(
        "holds",
        sa.Column("pk", KEY, autoincrement=True, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("group_pk", KEY, nullable=True),
        sa.Column("product", sa.String(length=64), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("decided_by", sa.String(length=100), server_default="", nullable=False),
        sa.Column("digest", sa.String(length=64), server_default="", nullable=False),
        sa.Column("removals", sa.Text(), server_default="[]", nullable=False),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_holds")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_holds_state"), "holds", ["state"], unique=False)
    op.create_table(
        "intents",
        sa.Column("pk", KEY, autoincrement=True, nullable=False),
        sa.Column("run_pk", KEY, nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("product", sa.String(length=64), server_default="", nullable=False),
        sa.Column("subscription_id", sa.String(length=64), server_default="", nullable=False),
        sa.Column("request_pk", KEY, nullable=True),
        sa.Column("idempotency_key", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("settled_at", MOMENT, nullable=True),
        sa.Column("outcome", sa.String(length=60), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_intents")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_intents_idempotency_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_intents_request_pk"), "intents", ["request_pk"], unique=False)
    op.create_index(op.f("ix_intents_run_pk"), "intents", ["run_pk"], unique=False)
    op.create_index(
        "ix_intents_state",
        "intents",
        ["state"],
        unique=False,
        sqlite_where=sa.text("state <> 'settled'"),
        postgresql_where=sa.text("state <> 'settled'"),
    )
    op.create_table(
        "losses",
        sa.Column("pk", KEY, autoincrement=True, nullable=False),
        sa.Column("person_pk", KEY, nullable=False),
        sa.Column("product", sa.String(length=64), nullable=False),
        sa.Column("group_pk", KEY, nullable=True),
        sa.Column("lost_at", MOMENT, nullable=False),
        sa.Column("excused", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_losses")),
    )
    op.create_index("ix_losses_group", "losses", ["group_pk", "lost_at"], unique=False)
    op.create_index("ix_losses_person", "losses", ["person_pk", "product"], unique=False)
    op.create_index("ix_losses_product", "losses", ["product", "lost_at"], unique=False)
    op.create_table(
        "requests",
        sa.Column("pk", KEY, autoincrement=True, nullable=False),
        sa.Column("product", sa.String(length=64), nullable=False),
        sa.Column("subscription_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("need", sa.Integer(), nullable=False),
        sa.Column("proposed", sa.Integer(), nullable=False),
        sa.Column("target", sa.Integer(), nullable=True),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=True),
        sa.Column("reminded_at", MOMENT, nullable=True),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("decided_by", sa.String(length=100), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.Column("submitted_at", MOMENT, nullable=True),
        sa.Column("effective_by", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("follows", KEY, nullable=True),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_requests")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_requests_product", "requests", ["product", "state"], unique=False)
    op.create_index(
        "uq_requests_alive",
        "requests",
        ["product"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "runs",
        sa.Column("pk", KEY, autoincrement=True, nullable=False),
        sa.Column("cause", sa.String(length=40), nullable=False),
        sa.Column("scope", sa.String(length=40), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.Column("outcome", sa.String(length=20), server_default="", nullable=False),
        sa.Column("report", sa.Text(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_runs")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_runs_started_at", "runs", ["started_at"], unique=False)
    op.create_table(
        "actions",
        sa.Column("run_pk", KEY, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("person_pk", KEY, nullable=True),
        sa.Column("user_name", sa.Text(), server_default="", nullable=False),
        sa.Column("product", sa.String(length=64), server_default="", nullable=False),
        sa.Column("because", sa.Text(), server_default="", nullable=False),
        sa.Column("outcome", sa.String(length=40), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["run_pk"], ["runs.pk"], name=op.f("fk_actions_run_pk"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_pk", "seq", name=op.f("pk_actions")),
    )
    op.create_index(op.f("ix_actions_person_pk"), "actions", ["person_pk"], unique=False)
    op.create_table(
        "intent_items",
        sa.Column("intent_pk", KEY, nullable=False),
        sa.Column("person_pk", KEY, nullable=False),
        sa.Column("account_id", sa.String(length=64), server_default="", nullable=False),
        sa.Column("status", sa.String(length=30), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["intent_pk"], ["intents.pk"], name=op.f("fk_intent_items_intent_pk"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("intent_pk", "person_pk", name=op.f("pk_intent_items")),
    )
    op.create_index(op.f("ix_intent_items_person_pk"), "intent_items", ["person_pk"], unique=False)
    op.create_table(
        "standings",
        sa.Column("person_pk", KEY, nullable=False),
        sa.Column("product", sa.String(length=64), nullable=False),
        sa.Column("held", sa.String(length=5), nullable=False),
        sa.Column("origin", sa.String(length=7), nullable=False),
        sa.Column("assigned_at", MOMENT, nullable=True),
        sa.Column("assigned_run", KEY, nullable=True),
        sa.Column("reasons", sa.Text(), server_default="[]", nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("since", MOMENT, nullable=True),
        sa.Column("waiting", sa.Boolean(), nullable=False),
        sa.Column("base_ready", sa.Boolean(), nullable=False),
        sa.Column("moved_to", sa.Integer(), server_default="0", nullable=False),
        sa.Column("blocked", sa.String(length=40), server_default="", nullable=False),
        sa.Column("lost_at", MOMENT, nullable=True),
        sa.Column("lost_groups", sa.Text(), server_default="[]", nullable=False),
        sa.Column("lost_why", sa.String(length=20), server_default="", nullable=False),
        sa.Column("announced_at", MOMENT, nullable=True),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.Column("hold", KEY, nullable=True),
        sa.Column("released", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("kept", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("failure", sa.String(length=60), server_default="", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_try", MOMENT, nullable=True),
        sa.Column("look_at", MOMENT, nullable=True),
        sa.Column("seen_run", KEY, nullable=True),
        sa.ForeignKeyConstraint(["person_pk"], ["persons.pk"], name=op.f("fk_standings_person_pk")),
        sa.PrimaryKeyConstraint("person_pk", "product", name=op.f("pk_standings")),
    )
    op.create_index("ix_standings_held", "standings", ["product", "held"], unique=False)
    op.create_index(op.f("ix_standings_hold"), "standings", ["hold"], unique=False)
    op.create_index(
        "ix_standings_look",
        "standings",
        ["look_at"],
        unique=False,
        sqlite_where=sa.text("look_at IS NOT NULL"),
        postgresql_where=sa.text("look_at IS NOT NULL"),
    )
    op.create_index(
        "ix_standings_queue",
        "standings",
        ["product", "moved_to", "priority", "since", "person_pk"],
        unique=False,
        sqlite_where=sa.text("waiting"),
        postgresql_where=sa.text("waiting"),
    )
    op.create_table(
        "mappings",
        sa.Column("pk", KEY, autoincrement=True, nullable=False),
        sa.Column("group_pk", KEY, nullable=False),
        sa.Column("product", sa.String(length=64), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("transitive", sa.Boolean(), nullable=False),
        sa.Column("grace_hours", sa.Integer(), nullable=True),
        sa.Column("reserve", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["group_pk"], ["groups.pk"], name=op.f("fk_mappings_group_pk")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_mappings")),
        sa.UniqueConstraint("group_pk", "product", name=op.f("uq_mappings_group_pk_product")),
    )
    op.create_index(op.f("ix_mappings_group_pk"), "mappings", ["group_pk"], unique=False)


def downgrade() -> None:
    op.drop_table("mappings")
    op.drop_table("standings")
    op.drop_table("intent_items")
    op.drop_table("actions")
    op.drop_table("runs")
    op.drop_table("requests")
    op.drop_table("losses")
    op.drop_table("intents")
    op.drop_table("holds")
    op.drop_table("breaker")

"""The built-in AnySoft tenant."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.BigInteger()  # microseconds since 1970


def upgrade() -> None:
    op.create_table(
        "tenant_accounts",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), server_default="", nullable=False),
        sa.Column("email", sa.Text(), server_default="", nullable=False),
        sa.Column("external_id", sa.Text(), server_default="", nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenant_accounts")),
        sa.UniqueConstraint("folded", name=op.f("uq_tenant_accounts_folded")),
    )
    op.create_table(
        "tenant_answers",
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("request", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_tenant_answers")),
    )
    op.create_index("ix_tenant_answers_at", "tenant_answers", ["at"], unique=False)
    op.create_table(
        "tenant_charges",
        sa.Column("pk", KEY, autoincrement=True, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("subscription_id", sa.String(length=40), nullable=False),
        sa.Column("product", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("seats", sa.Integer(), nullable=False),
        sa.Column("amount", sa.String(length=20), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_tenant_charges")),
    )
    op.create_table(
        "tenant_destinations",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenant_destinations")),
    )
    op.create_table(
        "tenant_prices",
        sa.Column("product", sa.String(length=64), nullable=False),
        sa.Column("amount", sa.String(length=20), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.PrimaryKeyConstraint("product", name=op.f("pk_tenant_prices")),
    )
    op.create_table(
        "tenant_roles",
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("role", name=op.f("pk_tenant_roles")),
    )
    op.create_table(
        "tenant_subscriptions",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("product", sa.String(length=64), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("assigned", sa.Integer(), server_default="0", nullable=False),
        sa.Column("started_on", sa.String(length=10), nullable=False),
        sa.Column("billed_on", sa.String(length=10), nullable=False),
        sa.Column("billing", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("settings", sa.Text(), server_default="{}", nullable=False),
        sa.Column("pending_quantity", sa.Integer(), nullable=True),
        sa.Column("pending_at", MOMENT, nullable=True),
        sa.Column("pending_by", MOMENT, nullable=True),
        sa.Column("pending_refused", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenant_subscriptions")),
        sa.UniqueConstraint("product", name=op.f("uq_tenant_subscriptions_product")),
    )
    op.create_table(
        "tenant_assignments",
        sa.Column("subscription_id", sa.String(length=40), nullable=False),
        sa.Column("account_id", sa.String(length=40), nullable=False),
        sa.Column("assigned_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["tenant_accounts.id"], name=op.f("fk_tenant_assignments_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["tenant_subscriptions.id"],
            name=op.f("fk_tenant_assignments_subscription_id"),
        ),
        sa.PrimaryKeyConstraint("subscription_id", "account_id", name=op.f("pk_tenant_assignments")),
    )
    op.create_index(
        op.f("ix_tenant_assignments_account_id"), "tenant_assignments", ["account_id"], unique=False
    )


def downgrade() -> None:
    op.drop_table("tenant_assignments")
    op.drop_table("tenant_subscriptions")
    op.drop_table("tenant_roles")
    op.drop_table("tenant_prices")
    op.drop_table("tenant_destinations")
    op.drop_table("tenant_charges")
    op.drop_table("tenant_answers")
    op.drop_table("tenant_accounts")

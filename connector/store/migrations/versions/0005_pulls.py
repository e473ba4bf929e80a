"""Directories that are read: how far, and what the open read has said."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.BigInteger()  # microseconds since 1970


def upgrade() -> None:
    op.add_column("users", sa.Column("pulled_id", sa.String(length=200), nullable=True))
    op.add_column("users", sa.Column("pulled", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_index("uq_users_pulled", "users", ["directory_pk", "pulled_id"], unique=True)
    op.add_column("groups", sa.Column("pulled_id", sa.String(length=200), nullable=True))
    op.create_index("uq_groups_pulled", "groups", ["directory_pk", "pulled_id"], unique=True)
    op.create_table(
        "pulls",
        sa.Column("directory_pk", KEY, autoincrement=False, nullable=False),
        sa.Column("generation", KEY, nullable=False),
        sa.Column("cursor", sa.String(length=10), nullable=False),
        sa.Column("state", sa.Text(), server_default="", nullable=False),
        sa.Column("reading", sa.String(length=10), server_default="", nullable=False),
        sa.Column("pages", sa.Integer(), server_default="0", nullable=False),
        sa.Column("pins", sa.Text(), server_default="{}", nullable=False),
        sa.Column("began_at", MOMENT, nullable=True),
        sa.Column("full_at", MOMENT, nullable=True),
        sa.Column("complete_at", MOMENT, nullable=True),
        sa.Column("tried_at", MOMENT, nullable=True),
        sa.Column("next_at", MOMENT, nullable=True),
        sa.Column("not_before", MOMENT, nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        _home("pulls"),
        sa.PrimaryKeyConstraint("directory_pk", name=op.f("pk_pulls")),
    )
    op.create_table(
        "staged_users",
        sa.Column("directory_pk", KEY, autoincrement=False, nullable=False),
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("user_name", sa.Text(), server_default="", nullable=False),
        sa.Column("display_name", sa.Text(), server_default="", nullable=False),
        sa.Column("email", sa.Text(), server_default="", nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        _home("staged_users"),
        sa.PrimaryKeyConstraint("directory_pk", "id", name=op.f("pk_staged_users")),
    )
    op.create_table(
        "staged_groups",
        sa.Column("directory_pk", KEY, autoincrement=False, nullable=False),
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("gone", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("whole", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("count", sa.Integer(), nullable=True),
        sa.Column("unread", sa.Text(), server_default="", nullable=False),
        _home("staged_groups"),
        sa.PrimaryKeyConstraint("directory_pk", "id", name=op.f("pk_staged_groups")),
    )
    op.create_table(
        "staged_members",
        sa.Column("directory_pk", KEY, autoincrement=False, nullable=False),
        sa.Column("group_id", sa.String(length=200), nullable=False),
        sa.Column("member_id", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=5), nullable=False),
        sa.Column("present", sa.Boolean(), nullable=False),
        _home("staged_members"),
        sa.PrimaryKeyConstraint("directory_pk", "group_id", "member_id", name=op.f("pk_staged_members")),
    )
    op.create_index("ix_staged_members_member", "staged_members", ["directory_pk", "member_id"])


def downgrade() -> None:
    for table in ("staged_members", "staged_groups", "staged_users", "pulls"):
        op.drop_table(table)
    op.drop_index("uq_groups_pulled", table_name="groups")
    op.drop_column("groups", "pulled_id")
    op.drop_index("uq_users_pulled", table_name="users")
    op.drop_column("users", "pulled")
    op.drop_column("users", "pulled_id")


def _home(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["directory_pk"], ["directories.pk"], name=op.f(f"fk_{table}_directory_pk"), ondelete="CASCADE"
    )

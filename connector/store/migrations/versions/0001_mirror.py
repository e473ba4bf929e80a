"""The directories, who may speak for them, and the mirror."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.BigInteger()  # microseconds since 1970
FOLDED = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "changes",
        sa.Column("pk", KEY, autoincrement=True, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("directory_pk", KEY, nullable=False),
        sa.Column("person_pk", KEY, nullable=True),
        sa.Column("group_pk", KEY, nullable=True),
        sa.Column("what", sa.String(length=40), nullable=False),
        sa.Column("request", sa.String(length=64), server_default="", nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_changes")),
    )
    op.create_index("ix_changes_at", "changes", ["at"], unique=False)
    op.create_index("ix_changes_person", "changes", ["person_pk", "at"], unique=False)
    op.create_table(
        "directories",
        sa.Column("pk", KEY, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("options", sa.Text(), server_default="{}", nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("heard_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_directories")),
        sa.UniqueConstraint("name", name=op.f("uq_directories_name")),
    )
    op.create_table(
        "persons",
        sa.Column("pk", KEY, autoincrement=True, nullable=False),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("folded", FOLDED, nullable=False),
        sa.Column("display_name", sa.Text(), server_default="", nullable=False),
        sa.Column("email", sa.Text(), server_default="", nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=True),
        sa.Column("account_made", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("account_disabled", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("conflict", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("epoch", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_persons")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_persons_account_id"), "persons", ["account_id"], unique=False)
    op.create_index(op.f("ix_persons_folded"), "persons", ["folded"], unique=False)
    op.create_table(
        "credentials",
        sa.Column("pk", KEY, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("directory_pk", KEY, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("issuer", sa.String(length=40), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=True),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["directory_pk"], ["directories.pk"], name=op.f("fk_credentials_directory_pk"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_credentials")),
        sa.UniqueConstraint("hash", name=op.f("uq_credentials_hash")),
        sa.UniqueConstraint("id", name=op.f("uq_credentials_id")),
    )
    op.create_index(op.f("ix_credentials_issuer"), "credentials", ["issuer"], unique=False)
    op.create_table(
        "groups",
        sa.Column("pk", KEY, autoincrement=True, nullable=False),
        sa.Column("directory_pk", KEY, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("folded", FOLDED, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("modified_at", MOMENT, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["directory_pk"], ["directories.pk"], name=op.f("fk_groups_directory_pk")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_groups")),
        sa.UniqueConstraint("id", name=op.f("uq_groups_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_groups_external", "groups", ["directory_pk", "external_id"], unique=False)
    op.create_index("ix_groups_folded", "groups", ["directory_pk", "folded"], unique=False)
    op.create_table(
        "marks",
        sa.Column("person_pk", KEY, nullable=False),
        sa.Column("generation", KEY, nullable=False),
        sa.Column("marked_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["person_pk"], ["persons.pk"], name=op.f("fk_marks_person_pk")),
        sa.PrimaryKeyConstraint("person_pk", name=op.f("pk_marks")),
    )
    op.create_index("ix_marks_marked_at", "marks", ["marked_at"], unique=False)
    op.create_table(
        "users",
        sa.Column("pk", KEY, autoincrement=True, nullable=False),
        sa.Column("directory_pk", KEY, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("person_pk", KEY, nullable=False),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("folded", FOLDED, nullable=False),
        sa.Column("display_name", sa.Text(), server_default="", nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("modified_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["directory_pk"], ["directories.pk"], name=op.f("fk_users_directory_pk")),
        sa.ForeignKeyConstraint(["person_pk"], ["persons.pk"], name=op.f("fk_users_person_pk")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_users")),
        sa.UniqueConstraint("directory_pk", "folded", name=op.f("uq_users_directory_pk_folded")),
        sa.UniqueConstraint("id", name=op.f("uq_users_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_users_external", "users", ["directory_pk", "external_id"], unique=False)
    op.create_index("ix_users_folded", "users", ["folded"], unique=False)
    op.create_index(op.f("ix_users_person_pk"), "users", ["person_pk"], unique=False)
    op.create_table(
        "warnings",
        sa.Column("pk", KEY, autoincrement=True, nullable=False),
        sa.Column("directory_pk", KEY, nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=500), nullable=False),
        sa.Column("count", sa.Integer(), server_default="1", nullable=False),
        sa.Column("first_at", MOMENT, nullable=False),
        sa.Column("last_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["directory_pk"], ["directories.pk"], name=op.f("fk_warnings_directory_pk"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_warnings")),
        sa.UniqueConstraint(
            "directory_pk", "code", "subject", name=op.f("uq_warnings_directory_pk_code_subject")
        ),
    )
    op.create_table(
        "group_marks",
        sa.Column("group_pk", KEY, nullable=False),
        sa.Column("generation", KEY, nullable=False),
        sa.Column("after_pk", KEY, server_default="0", nullable=False),
        sa.Column("marked_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["group_pk"], ["groups.pk"], name=op.f("fk_group_marks_group_pk")),
        sa.PrimaryKeyConstraint("group_pk", name=op.f("pk_group_marks")),
    )
    op.create_table(
        "memberships",
        sa.Column("group_pk", KEY, nullable=False),
        sa.Column("user_pk", KEY, nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["group_pk"], ["groups.pk"], name=op.f("fk_memberships_group_pk")),
        sa.ForeignKeyConstraint(["user_pk"], ["users.pk"], name=op.f("fk_memberships_user_pk")),
        sa.PrimaryKeyConstraint("group_pk", "user_pk", name=op.f("pk_memberships")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_memberships_user_pk"), "memberships", ["user_pk"], unique=False)
    op.create_table(
        "nestings",
        sa.Column("group_pk", KEY, nullable=False),
        sa.Column("child_pk", KEY, nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["child_pk"], ["groups.pk"], name=op.f("fk_nestings_child_pk")),
        sa.ForeignKeyConstraint(["group_pk"], ["groups.pk"], name=op.f("fk_nestings_group_pk")),
        sa.PrimaryKeyConstraint("group_pk", "child_pk", name=op.f("pk_nestings")),
    )
    op.create_index(op.f("ix_nestings_child_pk"), "nestings", ["child_pk"], unique=False)


def downgrade() -> None:
    op.drop_table("nestings")
    op.drop_table("memberships")
    op.drop_table("group_marks")
    op.drop_table("warnings")
    op.drop_table("users")
    op.drop_table("marks")
    op.drop_table("groups")
    op.drop_table("credentials")
    op.drop_table("persons")
    op.drop_table("directories")
    op.drop_table("changes")

"""Whose command an intent was, and an index of the standings that fail now."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("intents", sa.Column("actor", sa.String(100), nullable=False, server_default=""))
    failing = sa.text("failure <> '' OR attempts > 0")
    op.create_index(
        "ix_standings_failing",
        "standings",
        ["person_pk", "product"],
        sqlite_where=failing,
        postgresql_where=failing,
    )


def downgrade() -> None:
    op.drop_index("ix_standings_failing", table_name="standings")
    op.drop_column("intents", "actor")

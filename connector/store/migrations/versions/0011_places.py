"""The queue's index says that its rows wait: SQLite counts them in it, without looking at each row."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_ORDER = ["product", "moved_to", "priority", "since", "person_pk"]


def upgrade() -> None:
    _index([*_ORDER, "waiting"])


def downgrade() -> None:
    _index(_ORDER)


def _index(columns: list[str]) -> None:
    waiting = sa.text("waiting")
    op.drop_index("ix_standings_queue", table_name="standings")
    op.create_index(
        "ix_standings_queue", "standings", columns, sqlite_where=waiting, postgresql_where=waiting
    )

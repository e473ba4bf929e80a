"""A mapping says who changed it last, and why."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("mappings", sa.Column("changed_by", sa.String(100), nullable=False, server_default=""))
    op.add_column("mappings", sa.Column("reason", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("mappings", "reason")
    op.drop_column("mappings", "changed_by")

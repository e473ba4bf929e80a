"""Every user's document says whether they are active; who was said nothing of has been active all along."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    users = sa.table("users", sa.column("document", sa.Text()), sa.column("version", sa.BigInteger()))
    # No other key is called so, and in a text its quotes would be escaped.
    unsaid = sa.not_(users.c.document.contains('"active":'))
    said = sa.literal('{"active":true,') + sa.func.substr(users.c.document, 2)
    op.execute(sa.update(users).where(unsaid).values(document=said, version=users.c.version + 1))


def downgrade() -> None:
    """Nothing: a document that says it was right before, too."""

"""E-mail addresses of users, to find people by."""

import json
import unicodedata
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FOLDED = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    emails = op.create_table(
        "emails",
        sa.Column("user_pk", KEY, nullable=False),
        sa.Column("folded", FOLDED, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_pk"], ["users.pk"], name=op.f("fk_emails_user_pk"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_pk", "folded", name=op.f("pk_emails")),
        sqlite_with_rowid=False,
    )
    _fill(op.get_bind(), emails)
    op.create_index("ix_emails_folded", "emails", ["folded"])


def downgrade() -> None:
    op.drop_index("ix_emails_folded", table_name="emails")
    op.drop_table("emails")


def _fill(connection: sa.Connection, emails: sa.Table) -> None:
    users = sa.table("users", sa.column("pk", KEY), sa.column("document", sa.Text()))
    last = 0
    while True:
        query = sa.select(users).where(users.c.pk > last).order_by(users.c.pk).limit(1000)
        rows = connection.execute(query).all()
        if not rows:
            return
        last = rows[-1].pk
        found = [{"user_pk": pk, "folded": key} for pk, text in rows for key in _keys(json.loads(text))]
        if found:
            connection.execute(sa.insert(emails), found)


def _keys(document: dict[str, Any]) -> set[str]:
    """As connector.store.emails had them when this was written."""
    texts = (each.get("value") for each in document.get("emails") or () if isinstance(each, dict))
    folded = (unicodedata.normalize("NFKC", text).casefold() for text in texts if isinstance(text, str))
    return {key for key in folded if len(key.encode(errors="surrogatepass")) <= 1000}

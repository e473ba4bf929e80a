"""An e-mail address that is the userName, too, is found by the userName's index alone."""

import json
import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.execute("DELETE FROM emails WHERE folded = (SELECT folded FROM users WHERE users.pk = emails.user_pk)")


def downgrade() -> None:
    columns = sa.column("pk", KEY), sa.column("folded", sa.Text()), sa.column("document", sa.Text())
    users = sa.table("users", *columns)
    emails = sa.table("emails", sa.column("user_pk", KEY), sa.column("folded", sa.Text()))
    connection, last = op.get_bind(), 0
    while True:
        query = sa.select(users).where(users.c.pk > last).order_by(users.c.pk).limit(1000)
        rows = connection.execute(query).all()
        if not rows:
            return
        last = rows[-1].pk
        found = [{"user_pk": pk, "folded": name} for pk, name, text in rows if name in _addresses(text)]
        if found:
            connection.execute(sa.insert(emails), found)


def _addresses(document: str) -> set[str]:
    """As connector.store.emails had them when this was written."""
    sent = json.loads(document).get("emails") or ()
    texts = (each.get("value") for each in sent if isinstance(each, dict))
    folded = (unicodedata.normalize("NFKC", text).casefold() for text in texts if isinstance(text, str))
    return {key for key in folded if len(key.encode(errors="surrogatepass")) <= 1000}

"""The number of a removed mapping is never given again: the audit log and people's notes name it (R30)."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """SQLite only: PostgreSQL's numbers only grow."""
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        return
    _replace(autoincrement=True)
    audit = sa.table("audit", sa.column("subject", sa.Text()))
    named = sa.select(audit.c.subject).where(audit.c.subject.startswith("mapping:"))
    last = max((int(subject.partition(":")[2]) for subject in connection.scalars(named)), default=0)
    numbers = sa.table("sqlite_sequence", sa.column("name", sa.Text()), sa.column("seq", sa.Integer()))
    known = connection.scalar(sa.select(numbers.c.seq).where(numbers.c.name == "mappings"))
    connection.execute(sa.delete(numbers).where(numbers.c.name == "mappings"))
    connection.execute(sa.insert(numbers).values(name="mappings", seq=max(last, known or 0)))


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _replace(autoincrement=False)


def _replace(*, autoincrement: bool) -> None:
    kind = {"sqlite_autoincrement": autoincrement}
    with op.batch_alter_table("mappings", recreate="always", table_kwargs=kind):
        pass

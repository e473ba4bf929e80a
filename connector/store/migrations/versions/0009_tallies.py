"""How many hold each product, kept beside the rows; indexes that serve a full round by themselves."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tallies",
        sa.Column("product", sa.String(64), nullable=False),
        sa.Column("surely", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("product", name=op.f("pk_tallies")),
    )
    op.execute(
        "INSERT INTO tallies (product, surely) "
        "SELECT product, count(*) FROM standings WHERE held = 'yes' GROUP BY product"
    )
    _index(["product", "held", "person_pk"], ["person_pk", "active"], ["user_pk", "since"])
    some = sa.text("blocked <> ''")
    op.create_index(
        "ix_standings_blocked", "standings", ["blocked"], sqlite_where=some, postgresql_where=some
    )


def downgrade() -> None:
    op.drop_index("ix_standings_blocked", table_name="standings")
    _index(["product", "held"], ["person_pk"], ["user_pk"])
    op.drop_table("tallies")


def _index(of_standings: list[str], of_users: list[str], of_memberships: list[str]) -> None:
    for name, table, columns in (
        ("ix_standings_held", "standings", of_standings),
        ("ix_users_person_pk", "users", of_users),
        ("ix_memberships_user_pk", "memberships", of_memberships),
    ):
        op.drop_index(name, table_name=table)
        op.create_index(name, table, columns)

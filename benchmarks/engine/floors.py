"""What does it cost at least to find that nobody lacks a license? Once in SQL, once with Python's sets."""

from sqlalchemy import Engine

#: who should have what, and who has what at AnySoft: from the same tables that a full round reads
_WANTED = (
    "SELECT u.person_pk, m.product FROM memberships ms "
    "JOIN users u ON u.pk = ms.user_pk AND u.active JOIN mappings m ON m.group_pk = ms.group_pk"
)
_HELD = (
    "SELECT p.pk, s.product FROM tenant_assignments a "
    "JOIN tenant_subscriptions s ON s.id = a.subscription_id JOIN persons p ON p.account_id = a.account_id"
)


def by_sql(engine: Engine) -> int:
    """The size of the difference, both ways."""
    both = ((_WANTED, _HELD), (_HELD, _WANTED))
    with engine.connect() as connection:
        return sum(
            connection.exec_driver_sql(f"SELECT count(*) FROM ({a} EXCEPT {b}) AS d").scalar_one()
            for a, b in both
        )


def by_sets(engine: Engine) -> int:
    """The same, of rows that were read with the bare driver."""
    raw = engine.raw_connection()
    try:
        cursor = raw.cursor()
        cursor.execute(_WANTED)
        wanted = set(map(tuple, cursor.fetchall()))
        cursor.execute(_HELD)
        held = set(map(tuple, cursor.fetchall()))
        return len(wanted - held) + len(held - wanted)
    finally:
        raw.close()

"""How does the directory get into a database? By SQL in bulk."""

from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import orjson
from sqlalchemy import Connection, insert

from benchmarks.scim.world import TOKEN, World
from connector.store import migrations
from connector.store.engine import connect, writing
from connector.store.rows import chunks
from connector.store.tables import credentials, directories, groups, memberships, persons, users

_MANY = 5_000


def fill(url: str, world: World) -> None:
    """A new database at this URL."""
    engine = connect(url)
    migrations.upgrade(engine)
    now = datetime.now(UTC)
    with writing(engine) as connection:
        connection.execute(insert(directories).values(pk=1, name="bench", kind="entra", created_at=now))
        connection.execute(
            insert(credentials).values(
                id="tok_bench", directory_pk=1, kind="token", hash=sha256(TOKEN.encode()).digest(),
                created_at=now, used_at=now,
            )
        )  # fmt: skip
        _insert(connection, persons, (_person(world.user(n), n, now) for n in range(1, world.people + 1)))
        _insert(connection, users, (_user(world, n, now) for n in range(1, world.people + 1)))
        for pk, size in enumerate(world.sizes, 1):
            name = world.group_name(size)
            connection.execute(
                insert(groups).values(
                    pk=pk, directory_pk=1, id=world.group_id(size), display_name=name, folded=name.casefold(),
                    document=_json({"displayName": name}), version=1, created_at=now, modified_at=now,
                )
            )  # fmt: skip
            rows = ({"group_pk": pk, "user_pk": n, "since": now} for n in range(1, size + 1))
            _insert(connection, memberships, rows)
        if engine.dialect.name == "postgresql":
            for table in ("directories", "credentials", "persons", "users", "groups"):
                connection.exec_driver_sql(
                    f"SELECT setval(pg_get_serial_sequence('{table}', 'pk'), (SELECT max(pk) FROM {table}))"
                )
    with engine.connect() as analyzed:
        analyzed.exec_driver_sql("ANALYZE")
        analyzed.commit()
    engine.dispose()


def _insert(connection: Connection, table: Any, rows: Iterator[dict[str, Any]]) -> None:
    for chunk in chunks(rows, _MANY):
        connection.execute(insert(table), chunk)


def _person(seen: dict[str, Any], pk: int, now: datetime) -> dict[str, Any]:
    return {
        "pk": pk, "user_name": seen["userName"], "folded": seen["userName"].casefold(),
        "display_name": seen["displayName"], "email": seen["userName"], "epoch": now,
    }  # fmt: skip


def _user(world: World, pk: int, now: datetime) -> dict[str, Any]:
    seen = world.user(pk)
    return {
        "pk": pk, "directory_pk": 1, "id": world.user_id(pk), "person_pk": pk, "user_name": seen["userName"],
        "folded": seen["userName"].casefold(), "display_name": seen["displayName"],
        "external_id": seen["externalId"], "active": True, "document": _json(seen), "version": 1,
        "created_at": now, "modified_at": now,
    }  # fmt: skip


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()

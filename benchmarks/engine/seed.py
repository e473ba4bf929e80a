"""How does a company of a million get into a database? By SQL that counts, in a minute or two."""

from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Connection, insert

from benchmarks.engine.world import PRODUCTS, TOKEN, World, group_id
from connector.anysoft.office import open_tenant
from connector.store import migrations, signals, tallies
from connector.store.engine import connect, writing
from connector.store.rows import canonical
from connector.store.tables import credentials, directories, groups, mappings, runs, tenant_subscriptions

BEGAN = datetime(2026, 1, 5, 8, 0, 0, tzinfo=UTC)
#: in the rows: microseconds that a time of day has, so that they look like real ones
_FRACTION = 123456


def cached(folder: Path, world: World) -> Path:
    """A SQLite file with the world, made once; to be copied."""
    folder.mkdir(parents=True, exist_ok=True)
    found = folder / f"{world.name}-{migrations.newest()}.db"
    if not found.exists():
        making = found.with_suffix(".making")
        making.unlink(missing_ok=True)
        fill(f"sqlite:///{making}", world)
        making.rename(found)
    return found


def fill(url: str, world: World) -> None:
    """A database at this URL, migrated or new."""
    engine = connect(url)
    migrations.upgrade(engine)
    open_tenant(engine)
    with writing(engine) as connection:
        _frame(connection, world)
        for statement in _statements(connection.dialect.name, world):
            connection.exec_driver_sql(statement)
        if connection.dialect.name == "postgresql":
            for table in ("directories", "credentials", "persons", "users", "groups", "mappings", "runs"):
                connection.exec_driver_sql(
                    f"SELECT setval(pg_get_serial_sequence('{table}', 'pk'), (SELECT max(pk) FROM {table}))"
                )
        tallies.recount(connection)
        signals.put(connection, "full_round", datetime.now(UTC).isoformat(), datetime.now(UTC))
    with engine.connect() as analyzed:
        if analyzed.dialect.name == "postgresql":
            analyzed.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM ANALYZE")
        else:
            analyzed.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()


def _frame(connection: Connection, world: World) -> None:
    """What there are few of."""
    today = datetime.now(UTC).date().isoformat()
    connection.execute(insert(directories).values(pk=1, name="bench", kind="entra", created_at=BEGAN))
    connection.execute(
        insert(credentials).values(
            pk=1, id="tok_bench", directory_pk=1, kind="token", hash=sha256(TOKEN.encode()).digest(),
            created_at=BEGAN, used_at=BEGAN,
        )
    )  # fmt: skip
    connection.execute(
        insert(runs).values(pk=1, cause="seed", scope="everyone", started_at=BEGAN, finished_at=BEGAN)
    )
    for pk, product in enumerate(PRODUCTS, 1):
        name = f"LIC-{product}"
        connection.execute(
            insert(groups).values(
                pk=pk, directory_pk=1, id=group_id(product), display_name=name, folded=name.casefold(),
                document=canonical({"displayName": name}), version=1, created_at=BEGAN, modified_at=BEGAN,
            )
        )  # fmt: skip
        connection.execute(
            insert(tenant_subscriptions).values(
                id=f"sub-{product}", product=product, quantity=world.everybody,
                assigned=world.people if world.served else 0,
                started_on=today, billed_on=today,
                billing=canonical({"name": "Northmill", "email": "b@n.example", "purchase_order": ""}),
                address=canonical({"line1": "Quay 1", "line2": "", "city": "Malmo", "region": "",
                                   "postal_code": "211 20", "country": "SE"}),
            )
        )  # fmt: skip
        if world.served:
            connection.execute(
                insert(mappings).values(
                    pk=pk, group_pk=pk, product=product, priority=100, transitive=False, created_at=BEGAN
                )
            )


def _statements(dialect: str, world: World) -> list[str]:
    """One for each table with a row, or several, for everybody; person n is user n."""
    us = int(BEGAN.timestamp()) * 1_000_000
    counted = (
        "WITH RECURSIVE n(i) AS (SELECT CAST(1 AS BIGINT) "
        f"UNION ALL SELECT i + 1 FROM n WHERE i < {world.everybody}) "
    )
    name = "'person.' || substr(CAST(100000000 + i AS TEXT), 2) || '@northmill.example'"
    account = (
        "'usr-0000000000000000000000' || substr(CAST(10000000000 + (i * 48271) % 2147483647 AS TEXT), 2)"
    )
    document = (
        f"""'{{"userName":"' || {name} || '","externalId":"entra-' || i || '","active":true,"""
        """"displayName":"Person ' || i || '","title":"Clerk","name":{"familyName":"' || i || """
        f"""'","givenName":"Person"}},"emails":[{{"value":"' || {name} || '"}}]}}'"""
    )
    since = f"({us} + i * 1000000 + {_FRACTION})"
    seconds = f"{us // 1_000_000} + i"
    iso = f"strftime('%Y-%m-%dT%H:%M:%S', {seconds}, 'unixepoch')"
    if dialect == "postgresql":
        iso = f"""to_char(to_timestamp({seconds}) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS')"""
    no = "0" if dialect == "sqlite" else "false"
    yes = "1" if dialect == "sqlite" else "true"
    made = [
        f"INSERT INTO persons (pk, user_name, folded, display_name, email, account_id, account_made, epoch) "
        f"{counted} SELECT i, {name}, {name}, 'Person ' || i, {name}, {account}, {yes}, {us} FROM n",
        f"INSERT INTO users (pk, directory_pk, id, person_pk, user_name, folded, display_name, external_id, "
        f"active, document, version, created_at, modified_at) {counted} "
        f"SELECT i, 1, '00000000-0000-4000-8000-' || substr(CAST(1000000000000 + i AS TEXT), 2), i, {name}, "
        f"{name}, 'Person ' || i, 'entra-' || i, {yes}, {document}, 1, {us}, {us} FROM n",
        f"INSERT INTO tenant_accounts (id, user_name, folded, display_name, email, external_id, active) "
        f"{counted} SELECT {account}, {name}, {name}, 'Person ' || i, {name}, '', {yes} FROM n ORDER BY 1",
    ]
    here = f"FROM n WHERE i <= {world.people}"
    for pk, product in enumerate(PRODUCTS, 1):
        made.append(
            f"INSERT INTO memberships (group_pk, user_pk, since) {counted} SELECT {pk}, i, {since} {here}"
        )
        if world.served:
            made.append(
                f"INSERT INTO tenant_assignments (subscription_id, account_id, assigned_at) {counted} "
                f"SELECT 'sub-{product}', {account}, {since} {here} ORDER BY 2"
            )
    if world.served:
        made.append(
            "INSERT INTO standings (person_pk, product, held, origin, assigned_at, assigned_run, reasons, "
            f"priority, since, waiting, base_ready) {counted} "
            f"SELECT i, g.product, 'yes', 'managed', {since}, 1, "
            """'[{"group":' || g.pk || ',"mapping":' || g.pk || ',"name":"LIC-' || g.product || """
            f"""'","priority":100,"since":"' || {iso} || '.{_FRACTION}+00:00"}}]', """
            f"100, {since}, {no}, {yes} "
            "FROM n CROSS JOIN mappings g WHERE i <= " + str(world.people) + " ORDER BY i, g.product"
        )
    return made if dialect == "sqlite" else [each.replace("%", "%%") for each in made]

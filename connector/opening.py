"""Is everything there that a process needs: the data folder, the database with the newest schema, the key?"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import DatabaseError

from connector.anysoft.office import open_tenant
from connector.secret_key import secret_key
from connector.settings import BadSettings, Settings
from connector.store import migrations
from connector.store.engine import connect


class NotOpened(Exception):
    """The database can't be used as it is; the message says what to do."""


def prepare(settings: Settings, *, serves_tenant: bool = False) -> Engine:
    """For a start: makes the data folder, upgrades the schema, opens the built-in tenant, makes the key.

    Raises BadSettings, Unavailable.
    """
    if not serves_tenant:
        settings.refuse_no_url()
    _make_folder(settings.data_dir)
    secret_key(settings)
    engine = connect(settings.database)
    with _naming_the_file(engine):
        migrations.upgrade(engine)
    if settings.anysoft.url is None:
        open_tenant(engine)
    return engine


def attach(settings: Settings) -> Engine:
    """For a command: the database that a start has prepared. Raises NotOpened, Unavailable."""
    _refuse_missing(settings)
    engine = connect(settings.database)
    with _naming_the_file(engine):
        revision = migrations.current(engine)
    if revision is None:
        raise NotOpened("the database is empty: `anysoft-connector db upgrade` or `up` prepares it")
    if revision != migrations.newest():
        raise NotOpened(
            f"the database has schema {revision}, this version needs {migrations.newest()}: "
            "`anysoft-connector db upgrade` (after a `db backup`), or use the version that made it"
        )
    return engine


@contextmanager
def _naming_the_file(engine: Engine) -> Iterator[None]:
    try:
        yield
    except DatabaseError as error:
        if getattr(error.orig, "sqlite_errorname", "") != "SQLITE_NOTADB":
            raise
        raise NotOpened(
            f"{engine.url.database} is no database: mend CONNECTOR_DATABASE_URL or --data"
        ) from None


def _refuse_missing(settings: Settings) -> None:
    """SQLite would make an empty file wherever one points it to."""
    if settings.database_url is not None or (settings.data_dir / "connector.sqlite").exists():
        return
    raise NotOpened(
        f"there is no database in {settings.data_dir}: start `anysoft-connector up`, run `db upgrade`, "
        "or name the data folder with --data or CONNECTOR_DATA_DIR"
    )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise BadSettings(
            f"can't make the data folder {folder}: {error.strerror}; choose another: --data"
        ) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise BadSettings(f"the data folder {folder} isn't writable: chown it, or choose another with --data")

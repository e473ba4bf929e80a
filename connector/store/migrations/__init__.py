"""Is the schema what this version needs, and how does it get there? Alembic, run from within the program."""

from importlib.resources import as_file, files
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, String, column, func, inspect, select, table
from sqlalchemy.exc import DatabaseError

from connector.store.engine import asking, migrating, reading
from connector.store.tables import metadata

#: any fixed number: two processes that start at once take turns by it (PostgreSQL)
_LOCK = 4_106_318_552
#: Alembic's own
_REVISION_TABLE = "alembic_version"
_REVISION = select(column("version_num", String)).select_from(table(_REVISION_TABLE))


def upgrade(engine: Engine, revision: str = "head") -> None:
    """To the newest schema, or to `revision`; in one transaction, safe beside other starting processes."""
    _migrate(engine, revision, up=True)


def downgrade(engine: Engine, revision: str) -> None:
    """Back to `revision` ("base": nothing); what only newer tables hold is lost."""
    _migrate(engine, revision, up=False)


def current(engine: Engine) -> str | None:
    """The revision that the database has; None: an empty database. Each command asks: one statement."""
    try:
        with asking(engine) as connection:
            return connection.execute(_REVISION).scalar_one_or_none()
    except DatabaseError:
        if inspect(engine).has_table(_REVISION_TABLE):
            raise
        return None


def is_current(engine: Engine) -> bool:
    """Whether the schema is the one of this version."""
    return current(engine) == newest()


def newest() -> str:
    """The revision that this version needs. The files' names tell it: Alembic would run them all."""
    names = (file.name for file in (files(__name__) / "versions").iterdir())
    return max(name for name in names if name.endswith(".py")).partition("_")[0]


def differences(engine: Engine) -> list[object]:
    """What tables.py says and the database doesn't have, or the other way round; empty when they agree."""
    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": False})
        return list(compare_metadata(context, metadata))


def draft(engine: Engine, subject: str) -> None:
    """For whoever changes tables.py: write a new revision with the differences, to be read and corrected."""
    with as_file(files(__name__)) as folder, migrating(engine) as connection:
        config = _config(folder)
        config.attributes["connection"] = connection
        command.revision(config, subject, autogenerate=True, rev_id=f"{int(newest()) + 1:04}")


def _migrate(engine: Engine, revision: str, *, up: bool) -> None:
    with as_file(files(__name__)) as folder, migrating(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        config = _config(folder)
        config.attributes["connection"] = connection
        (command.upgrade if up else command.downgrade)(config, revision)


def _config(folder: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config

"""How is the database reached? One engine a process; `reading`, `writing`, … lead to a connection.

| | reading | writing |
| --- | --- | --- |
| SQLite | BEGIN: a snapshot, never blocked (WAL) | BEGIN IMMEDIATE: one writer, the others queue (turns.py) |
| PostgreSQL | REPEATABLE READ, read only: a snapshot | READ COMMITTED; who decides by a row locks it first |

Errors don't tell the values of a statement: they end in logs (T27).
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from connector.store.turns import TooLong, Turns

#: how long a writer waits for its turn before the database counts as busy
BUSY_SECONDS = 15
#: PostgreSQL's word for not waiting: 0 is for ever
_IMPATIENT_MILLISECONDS = 1

_PASSING_SQLITE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
    }
)
#: SQLSTATEs: connection, rolled back (deadlock), resources, stopped by an operator; lock time-out, read-only
_PASSING_SQLSTATES = ("08", "40", "53", "57", "55P03", "25006", "25P03")


class Unavailable(Exception):
    """The database can't be reached or is too busy now; nothing was changed. Try again later (HTTP: 503)."""

    #: what anybody may be told
    told = "the database can't be reached; try again in a few seconds"


class Full(Unavailable):
    """Its disk is full: nothing can be written before somebody makes room."""

    told = "the disk of the database is full; nothing can be written until its operator makes room"


def connect(url: str) -> Engine:
    """An engine for `sqlite:///FILE` or `postgresql+psycopg://…`; connects lazily.

    Raises ValueError, with what to write instead, for any other URL.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ValueError(_ADVICE) from None
    match parsed.drivername:
        case "sqlite" | "sqlite+pysqlite" if parsed.database and parsed.database != ":memory:":
            return _sqlite(parsed)
        case "postgresql+psycopg":
            return _postgresql(parsed)
        case _:
            raise ValueError(_ADVICE)


#: the engine's execution option that holds who writes next
_TURNS = "turns"
_ADVICE = (
    "the database URL must be sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/NAME "
    "(CONNECTOR_DATABASE_URL)"
)


def _sqlite(url: URL) -> Engine:
    if "timeout" not in url.query:
        url = url.update_query_dict({"timeout": str(BUSY_SECONDS)})
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_size=10,
        max_overflow=40,
        pool_timeout=BUSY_SECONDS,
        pool_use_lifo=True,  # each connection has a cache of its own: the warmest is next
        execution_options={_TURNS: Turns()},
    )
    event.listen(engine, "connect", _open_sqlite)
    return engine


def _open_sqlite(connection: sqlite3.Connection, record: object) -> None:
    connection.isolation_level = None  # the driver must not begin transactions by itself
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")  # an acknowledged write survives a power cut
    for attempt in range(50):  # two processes opening a new file: switching to WAL doesn't wait by itself
        try:
            connection.execute("PRAGMA journal_mode = WAL").close()
            return
        except sqlite3.OperationalError:
            if attempt == 49:
                raise
            time.sleep(0.02)


def _begin_sqlite(connection: Connection, how: str) -> None:
    """By the driver itself: each request does it, and SQLAlchemy's way, by an event, slows each statement."""
    driver: Any = connection.connection.dbapi_connection
    driver.execute(how)


def _postgresql(url: URL) -> Engine:
    try:
        engine = create_engine(
            url,
            hide_parameters=True,
            connect_args={"connect_timeout": 5},
            pool_pre_ping=True,  # a restarted server is noticed before the statement, not by it (T29)
            pool_size=10,
            max_overflow=20,
            pool_timeout=BUSY_SECONDS,
            use_native_hstore=False,  # no column has it, and each process would ask for it
        )
    except ModuleNotFoundError:
        raise ValueError(
            "PostgreSQL needs the driver: pip install 'anysoft-connector[postgres]', "
            "or use sqlite:///FILE (CONNECTOR_DATABASE_URL)"
        ) from None
    event.listen(engine, "connect", _open_postgresql)
    return engine


def _open_postgresql(connection: Any, record: object) -> None:
    connection.autocommit = True  # once to the server and back: each command has to connect
    # a process that was stopped inside a transaction must not hold its rows for ever (T13)
    connection.execute(
        f"SET lock_timeout = '{BUSY_SECONDS}s'; SET idle_in_transaction_session_timeout = '60s'"
    )
    connection.autocommit = False


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A consistent view of the database; writes are refused on PostgreSQL. Raises Unavailable."""
    with _failures_named(), engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        else:
            _begin_sqlite(connection, "BEGIN")
        yield connection


@contextmanager
def asking(engine: Engine) -> Iterator[Connection]:
    """As `reading`, for one statement: it needs no transaction around it. Raises Unavailable."""
    with _failures_named(), engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execution_options(isolation_level="AUTOCOMMIT")
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction: committed at the end, rolled back by any exception. Raises Unavailable."""
    turns: Turns | None = engine.get_execution_options().get(_TURNS)
    turn = turns.turn(BUSY_SECONDS) if turns is not None else nullcontext()
    with _failures_named(), turn, engine.connect() as connection, connection.begin():
        if turns is not None:
            _begin_sqlite(connection, "BEGIN IMMEDIATE")
        yield connection


@contextmanager
def trying(engine: Engine) -> Iterator[Connection]:
    """As `writing`, for what can be left to another time: nobody who writes is waited for.
    Raises Unavailable at once."""
    turns: Turns | None = engine.get_execution_options().get(_TURNS)
    turn = turns.turn(0) if turns is not None else nullcontext()
    with _failures_named(), turn, engine.connect() as connection:
        if turns is None:
            with connection.begin():
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_IMPATIENT_MILLISECONDS}ms'")
                yield connection
            return
        driver: Any = connection.connection.dbapi_connection
        (usual,) = driver.execute("PRAGMA busy_timeout").fetchone()
        driver.execute("PRAGMA busy_timeout = 0")
        try:
            with connection.begin():
                _begin_sqlite(connection, "BEGIN IMMEDIATE")
                yield connection
        finally:
            driver.execute(f"PRAGMA busy_timeout = {usual}")


@contextmanager
def migrating(engine: Engine) -> Iterator[Connection]:
    """As `writing`; SQLite checks references at the end only: changing a table there means replacing it."""
    with _failures_named(), engine.connect() as connection:
        if connection.dialect.name != "sqlite":
            with connection.begin():
                yield connection
            return
        driver: Any = (
            connection.connection.dbapi_connection
        )  # outside of a transaction, where alone this works
        driver.execute("PRAGMA foreign_keys = OFF")
        try:
            with connection.begin():
                _begin_sqlite(connection, "BEGIN IMMEDIATE")
                yield connection
                broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
                if broken is not None:
                    raise RuntimeError(f"the migration would leave a row of {broken[0]} without {broken[2]}")
        finally:
            driver.execute("PRAGMA foreign_keys = ON")


@contextmanager
def _failures_named() -> Iterator[None]:
    try:
        yield
    except TooLong as error:
        raise Unavailable("too many write at once: try again later") from error
    except PoolTimeout as error:
        raise Unavailable("all database connections are in use: try again later") from error
    except (DBAPIError, sqlite3.Error) as error:
        if _passes(error):
            said = error.orig if isinstance(error, DBAPIError) else error
            if _is_full(said):
                raise Full(f"the disk of the database is full, make room there: {said}") from error
            raise Unavailable(f"the database is unreachable or busy: {said}") from error
        raise


def _is_full(cause: BaseException | None) -> bool:
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL
    return getattr(cause, "sqlstate", None) == "53100"  # disk_full


def _passes(error: DBAPIError | sqlite3.Error) -> bool:
    """Whether a later attempt may do better: it isn't the statement that is wrong."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", None)  # None: raised by the driver itself
        return code is not None and code & 0xFF in _PASSING_SQLITE
    state = getattr(cause, "sqlstate", None)
    if state is None:  # no answer from the server: refused, cut or never reached
        return isinstance(error, DBAPIError) and (
            error.connection_invalidated or isinstance(error, OperationalError)
        )
    return str(state).startswith(_PASSING_SQLSTATES)

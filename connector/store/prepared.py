"""How is a statement run that each request asks? SQLite is given its text, compiled once.

SQLAlchemy takes three to four times as long to run such a statement as SQLite itself: it looks the compiled
form up, makes a context, a result, rows. What each request asks goes without them, by the same connection,
in the same transaction. PostgreSQL's driver costs more than all that, and gets the statement as usual.
"""

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Connection, Select
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.types import TypeEngine

from connector.store.rows import inserted

Values = Mapping[str, Any]
_Convert = tuple[tuple[Any, Callable[[Any], Any]], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A SELECT, INSERT, UPDATE or DELETE whose parameters are all `bindparam`s, none of them expanding.

    Rows have their columns as attributes, converted as SQLAlchemy would. What fails is the driver's error, or
    SQLAlchemy's; connector.store.engine makes Unavailable of those that pass.
    """

    statement: Select[Any] | CompoundSelect[Any] | UpdateBase

    def rows(self, connection: Connection, values: Values) -> Sequence[Any]:
        if connection.dialect.name != "sqlite":
            return connection.execute(self.statement, values).all()
        text = _text(self)
        return text.rows(text.run(connection, values).fetchall())

    def first(self, connection: Connection, values: Values) -> Any | None:
        found = self.rows(connection, values)
        return found[0] if found else None

    def run(self, connection: Connection, values: Values) -> None:
        """What returns nothing."""
        if connection.dialect.name == "sqlite":
            _text(self).run(connection, values)
        else:
            connection.execute(self.statement, values)

    def insert(self, connection: Connection, values: Values) -> int:
        """The pk of the one row that it makes."""
        if connection.dialect.name != "sqlite":
            return inserted(connection.execute(self.statement, values))
        return int(_text(self).run(connection, values).lastrowid)


@dataclass(frozen=True, slots=True)
class _Text:
    sql: str
    fixed: Mapping[str, Any]  #: what the statement says itself
    given: _Convert  #: which parameters are converted, and how
    found: _Convert  #: which columns are
    row: Callable[[Sequence[Any]], Any]

    def run(self, connection: Connection, values: Values) -> Any:
        """The driver's cursor."""
        sent = {**self.fixed, **values}
        for name, convert in self.given:
            sent[name] = convert(sent[name])
        driver: Any = connection.connection.dbapi_connection
        return driver.execute(self.sql, sent)

    def rows(self, raw: Sequence[Sequence[Any]]) -> Sequence[Any]:
        if not self.found:
            return [self.row(each) for each in raw]
        rows = []
        for each in raw:
            values = list(each)
            for position, convert in self.found:
                values[position] = convert(values[position])
            rows.append(self.row(values))
        return rows


#: its parameters have names, as those of PostgreSQL's have
_SQLITE = SQLiteDialect_pysqlite(paramstyle="named")


@cache
def _text(prepared: Prepared) -> _Text:
    compiled = prepared.statement.compile(dialect=_SQLITE)
    assert isinstance(compiled, SQLCompiler)
    binds = {name: bind for name, bind in compiled.binds.items() if name in compiled.params}
    columns = list(getattr(prepared.statement, "exported_columns", ()))
    return _Text(
        compiled.string,
        {name: bind.effective_value for name, bind in binds.items() if not bind.required},
        _conversions((name, _kind(bind).bind_processor(_SQLITE)) for name, bind in binds.items()),
        _conversions((at, _kind(one).result_processor(_SQLITE, None)) for at, one in enumerate(columns)),
        _row([one.key for one in columns]),
    )


def _row(names: Sequence[str]) -> Callable[[Sequence[Any]], Any]:
    row: Any = namedtuple("Row", names, rename=True)  # type: ignore[misc]
    make: Callable[[Sequence[Any]], Any] = row._make
    return make


def _kind(of: ColumnElement[Any]) -> TypeEngine[Any]:
    return of.type.dialect_impl(_SQLITE)


def _conversions(each: Iterable[tuple[Any, Callable[[Any], Any] | None]]) -> _Convert:
    return tuple((which, convert) for which, convert in each if convert is not None)

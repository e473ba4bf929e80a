"""Which kinds of columns are there? The same on SQLite and PostgreSQL."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    Column,
    Dialect,
    Integer,
    MetaData,
    Text,
    TypeDecorator,
)
from sqlalchemy.types import BigInteger

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Moment(TypeDecorator[datetime]):
    """An aware UTC time as whole microseconds since 1970: sorts alike and exactly on both databases."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone can't be stored")
        delta = value - _EPOCH
        return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return _EPOCH + timedelta(0, 0, value)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: INTEGER PRIMARY KEY on SQLite (rowid), BIGINT identity on PostgreSQL
Key = BigInteger().with_variant(Integer, "sqlite")
#: text that compares and sorts by code point on both databases, so that an index serves `starts with`
Folded = Text().with_variant(Text(collation="C"), "postgresql")


def key() -> Column[int]:
    return Column("pk", Key, primary_key=True, autoincrement=True)


def at(name: str, *, nullable: bool = False) -> Column[datetime]:
    return Column(name, Moment, nullable=nullable)

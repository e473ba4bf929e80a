"""Which statements read, lock, make and save one resource? Built once: that takes longer than running one."""

from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Table, bindparam, insert, select, update

from connector.store.find import own, table_of
from connector.store.prepared import Prepared
from connector.store.tables import Key, Moment, groups, users
from scim.store import Kind


@cache
def saving(kind: Kind, names: frozenset[str]) -> Prepared:
    """Of what changed only: SQLite writes anew each index of a column that is named. `key`: the row's pk."""
    table = table_of(kind)
    columns: dict[str, Any] = {name: bindparam(name) for name in sorted(names)}
    return Prepared(update(table).where(table.c.pk == bindparam("key")).values(columns))


def _creating(table: Table, *columns: str) -> Prepared:
    return Prepared(insert(table).values({name: bindparam(name) for name in columns}))


_OWNER: ColumnElement[int] = bindparam("directory", type_=Key)
_BY_ID = {
    kind: select(table_of(kind)).where(own(kind, _OWNER), table_of(kind).c.id == bindparam("id"))
    for kind in Kind
}
#: by `directory` and `id`
READING = {kind: Prepared(query) for kind, query in _BY_ID.items()}
#: members may join a group's or a user's row that is only being changed
LOCKING = {kind: Prepared(query.with_for_update(key_share=True)) for kind, query in _BY_ID.items()}
DELETING = {kind: Prepared(query.with_for_update()) for kind, query in _BY_ID.items()}
_STORED = ("id", "directory_pk", "document", "version", "created_at", "modified_at")
_KEYS = ("display_name", "folded", "external_id")
CREATE = {
    Kind.USER: _creating(users, *_STORED, *_KEYS, "user_name", "active", "person_pk"),
    Kind.GROUP: _creating(groups, *_STORED, *_KEYS),
}
#: a group whose members change, by `key`, is at its next version `now`
TOUCH = Prepared(
    update(groups)
    .where(groups.c.pk == bindparam("key"))
    .values(version=groups.c.version + 1, modified_at=bindparam("now", type_=Moment))
    .returning(*groups.c)
)

"""What did the directory change, and by which request? Kept 90 days, for `explain` (R30)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, String, Text, bindparam, insert, literal, select

from connector.store.prepared import Prepared
from connector.store.rows import chunks
from connector.store.tables import Key, Moment, changes, memberships, users

_COLUMNS = ["at", "directory_pk", "person_pk", "group_pk", "what", "request", "detail"]
_MANY = insert(changes)
_ONE = Prepared(_MANY.values({name: bindparam(name) for name in _COLUMNS}))


@dataclass(frozen=True, slots=True)
class Recorder:
    connection: Connection
    directory: int
    now: datetime
    request: str  #: its id in the log

    def note(
        self, what: str, *, person: int | None = None, group: int | None = None, detail: str = ""
    ) -> None:
        """One change of one person, one group, or one person in one group."""
        _ONE.run(self.connection, self._row(what, person, group, detail))

    def note_members(self, what: str, group: int, people: Collection[int]) -> None:
        """`joined` or `left`, one row a person."""
        for chunk in chunks(people):
            self.connection.execute(_MANY, [self._row(what, person, group, "") for person in chunk])

    def note_dissolved(self, group: int) -> None:
        """Everybody left, because the group is being deleted: to be called while they are still in it."""
        inside = users.c.pk.in_(select(memberships.c.user_pk).where(memberships.c.group_pk == group))
        self._select("left", literal(group, Key), inside, detail="group deleted")

    def note_gone(self, user_pk: int, group_pks: Collection[int]) -> None:
        """One person left all these groups, because the user is being deleted."""
        for group in group_pks:
            self._select("left", literal(group, Key), users.c.pk == user_pk, detail="user deleted")

    def _row(self, what: str, person: int | None, group: int | None, detail: str) -> dict[str, Any]:
        return {
            "at": self.now, "directory_pk": self.directory, "person_pk": person, "group_pk": group,
            "what": what, "request": self.request, "detail": detail,
        }  # fmt: skip

    def _select(self, what: str, group: object, which: object, detail: str) -> None:
        columns = (
            literal(self.now, Moment), literal(self.directory, Key), users.c.person_pk, group,
            literal(what, String), literal(self.request, String), literal(detail, Text),
        )  # fmt: skip
        self.connection.execute(
            insert(changes).from_select(_COLUMNS, select(*columns).where(which))  # type: ignore[call-overload]
        )

"""Who may work now? A row with an owner, an end and a fencing number; the clock is the database's (T13).

A lease can be had when it is over, when it is one's own, or when it ends further ahead than twice its
length: then the clock has jumped back. Each time it is had the fencing number grows, so that whoever had it
before and was paused finds out: in each writing transaction (`Lease.check_in`), and right before each send
(`Heartbeat.check`).
"""

from dataclasses import dataclass
from threading import Event, Thread
from time import monotonic
from types import TracebackType

from sqlalchemy import ColumnElement, Connection, Engine, and_, func, literal_column, or_, select, update
from sqlalchemy.types import BigInteger

from connector.points import reach
from connector.store.engine import Unavailable, reading, writing
from connector.store.rows import insert_into
from connector.store.tables import leases
from sync.ports import Fenced


@dataclass(frozen=True, slots=True)
class Lease:
    name: str
    owner: str  #: names one process, and one start of it
    fence: int
    seconds: float

    def check_in(self, connection: Connection) -> None:
        """In a writing transaction: raises Fenced if another has had the lease since. The row stays locked to
        the transaction's end, so nobody can take the lease over while it writes, even if its time is over."""
        row = connection.execute(
            select(leases.c.owner, leases.c.fence).where(leases.c.name == self.name).with_for_update()
        ).first()
        if row is None or (row.owner, row.fence) != (self.owner, self.fence):
            raise Fenced(
                f"the lease {self.name} went to {row.owner if row else 'nobody'}: nothing was written"
            )


def no_fence(connection: Connection) -> None:
    """For commands that write without the worker's lease: approve, release."""


def database_now(connection: Connection) -> ColumnElement[int]:
    """The database's clock in microseconds since 1970, as an expression."""
    if connection.dialect.name == "postgresql":
        sql = "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)"
    else:  # unixepoch('subsec') is newer than the SQLite of Debian 12
        sql = "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)"
    return literal_column(sql, BigInteger)


def acquire(engine: Engine, name: str, owner: str, seconds: float) -> Lease | None:
    """None: another has it. One who has it already gets it anew, with the next fencing number."""
    with writing(engine) as connection:
        connection.execute(
            insert_into(connection, leases)
            .values(name=name, owner="", fence=0, expires_at=0)
            .on_conflict_do_nothing()
        )
        now, length = database_now(connection), _micros(seconds)
        fence = connection.scalar(
            update(leases)
            .where(
                leases.c.name == name,
                or_(
                    leases.c.expires_at < now,
                    leases.c.owner == owner,
                    leases.c.expires_at > now + 2 * length,
                ),
            )
            .values(owner=owner, fence=leases.c.fence + 1, expires_at=now + length)
            .returning(leases.c.fence)
        )
    return None if fence is None else Lease(name, owner, fence, seconds)


def renew(engine: Engine, lease: Lease) -> bool:
    """Its full length from now on; False: another has had it since."""
    with writing(engine) as connection:
        ends = database_now(connection) + _micros(lease.seconds)
        return connection.execute(update(leases).where(_is(lease)).values(expires_at=ends)).rowcount == 1


def release(engine: Engine, lease: Lease) -> None:
    """Free for the next one at once. No error if another has it already."""
    with writing(engine) as connection:
        connection.execute(update(leases).where(_is(lease)).values(expires_at=0))


def holds_now(engine: Engine, lease: Lease) -> bool:
    """It is nobody else's, and not over."""
    with reading(engine) as connection:
        query = select(func.count()).where(_is(lease), leases.c.expires_at > database_now(connection))
        return connection.scalar(query) == 1


def _is(lease: Lease) -> ColumnElement[bool]:
    return and_(leases.c.name == lease.name, leases.c.owner == lease.owner, leases.c.fence == lease.fence)


def _micros(seconds: float) -> int:
    return round(seconds * 1_000_000)


class Heartbeat:
    """Renews a lease in its own thread, at a third of its length, while in `with`; then releases it.

    `lost` is set when the lease went to another, or couldn't be renewed for its whole length.
    """

    def __init__(self, engine: Engine, lease: Lease) -> None:
        self.engine = engine
        self.lease = lease
        self.lost = Event()
        self._stop = Event()
        self._thread = Thread(target=self._beat, name=f"lease {lease.name}", daemon=True)

    def __enter__(self) -> "Heartbeat":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        if not self.lost.is_set():
            try:
                release(self.engine, self.lease)
            except Unavailable:
                return  # it runs out by itself

    def check(self) -> None:
        """sync.ports.Fence: raises Fenced; right before each send. Asks the database, not this process:
        a process that was stopped for longer than the lease doesn't know it."""
        if self.lost.is_set() or not holds_now(self.engine, self.lease):
            raise Fenced(f"the lease {self.lease.name} is over or another's: nothing was sent")

    def _beat(self) -> None:
        try:
            self._renew_until_stopped()
        finally:
            if not self._stop.is_set():
                self.lost.set()

    def _renew_until_stopped(self) -> None:
        renewed = monotonic()
        while not self._stop.wait(self.lease.seconds / 3):
            try:
                if not renew(self.engine, self.lease):
                    return
                renewed = monotonic()
                reach("lease renewed")
            except Unavailable:
                if monotonic() - renewed > self.lease.seconds:
                    return

"""How is a directory read by the worker or a command? Under its own lease, one process at a time (T13)."""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Event, Lock
from typing import Any

from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import Engine
from structlog.stdlib import get_logger

from connector import points, wiring
from connector.settings import PulledDirectory, Settings
from connector.sources import declared, source, trigger
from connector.store import pulls
from connector.store.directory import Session
from connector.store.engine import Unavailable, reading, writing
from connector.store.leases import Heartbeat, acquire
from connector.store.staging import SqlStaging
from sync.delta import again_at
from sync.ports import DirectorySource, Fenced, Transient, Unauthorized
from sync.pull import Pull, Pulled, pull
from sync.pulled import Incomplete

#: how soon a directory that `directory add` made, or removed, is noticed
SCHEDULE_SECONDS = 30
#: how often the log says how far a long read has come
PROGRESS_SECONDS = 30.0
_JOB = "pull:"


@dataclass(slots=True)
class Puller:
    """Of one process; sources are kept, and with them their tokens."""

    settings: Settings
    engine: Engine
    owner: str
    stop: Event
    directories: Mapping[str, PulledDirectory] = field(default_factory=dict)
    _sources: dict[str, DirectorySource] = field(default_factory=dict)
    _busy: int = 0
    _lock: Lock = field(default_factory=Lock)

    def idle(self, patience: float) -> bool:
        """Whether nothing is being read any more; waits so many seconds for it."""
        until = time.monotonic() + patience
        while self._busy and time.monotonic() < until:
            time.sleep(0.05)
        return self._busy == 0

    def schedule(self, scheduler: BackgroundScheduler) -> None:
        """A job for each directory that is read; to be called again and again, as `directory add` makes some
        and `directory remove` takes some away."""
        self.directories = declared(self.settings, self.engine)
        known = {job.id.removeprefix(_JOB) for job in scheduler.get_jobs() if job.id.startswith(_JOB)}
        for name in known - self.directories.keys():
            scheduler.remove_job(_JOB + name)
        for name in sorted(self.directories.keys() - known):
            options: dict[str, Any] = {"max_instances": 1, "coalesce": True, "misfire_grace_time": None}
            when = trigger(name, self.directories[name])
            if self.directories[name].cron:
                first = when.get_next_fire_time(None, datetime.now(UTC))
                scheduler.add_job(self._note_next, args=[name, first])  # at once, and a failure is logged
            else:
                options["next_run_time"] = datetime.now(UTC)
            asks = partial(_next, scheduler, _JOB + name)
            scheduler.add_job(self.tick, when, args=[name, asks], id=_JOB + name, **options)

    def tick(self, name: str, next_at: Callable[[], datetime | None]) -> None:
        """What the scheduler does; a failure is logged, and the next tick looks anew."""
        log = get_logger(__name__)
        if self.stop.is_set():
            return
        with self._lock:
            self._busy += 1
        try:
            if self._is_due(name):
                done = self.pull(name, progress=_now_and_then(name))
                if done is not None:
                    say = log.info if done.whole else log.warning
                    say("directory read", directory=name, whole=done.whole, full=done.full, pages=done.pages,
                        why=done.why)  # fmt: skip
            self._note_next(name, next_at())
        except Fenced as error:
            log.warning("the lease went to another worker: the read was left", why=str(error), directory=name)
        except Unavailable as error:
            log.warning("a read was skipped", why=str(error), directory=name)
        except Exception:
            log.exception("a read failed", directory=name)
        finally:
            with self._lock:
                self._busy -= 1

    def pull(
        self,
        name: str,
        *,
        full: bool = False,
        progress: Callable[[str, int, int], None] = lambda what, done, of: None,
    ) -> Pulled | None:
        """One attempt; None: another process is reading it. Raises Fenced, Unavailable, BadSettings."""
        told = self.directories[name]
        pk = pulls.declared(self.engine, name, told.kind, wiring.clock())
        owner, seconds = f"{self.owner}/{uuid.uuid4().hex[:8]}", self.settings.sync.lease_seconds
        lease = acquire(self.engine, f"pull:{pk}", owner, seconds)
        if lease is None:
            return None
        with Heartbeat(self.engine, lease) as heartbeat:
            stopping = lambda: self.stop.is_set() or heartbeat.lost.is_set()  # noqa: E731
            request = uuid.uuid4().hex
            staging = SqlStaging(self.engine, pk, lease.check_in, (), request)
            read_by = self._source(name)
            try:
                staging.declared = self._named(pk, told.groups, read_by)
            except (Transient, Unauthorized, Incomplete) as error:
                now, asked = wiring.clock(), error.retry_after if isinstance(error, Transient) else None
                staging.failed(str(error), again_at(now, 0, told.every, asked), now)
                return Pulled(False, False, 0, str(error))
            return pull(
                Pull(
                    read_by,
                    staging,
                    wiring.clock,
                    told.every,
                    timedelta(hours=told.full_hours),
                    progress,
                    stopping,
                    points.reach,
                ),
                full=full,
            )

    def _source(self, name: str) -> DirectorySource:
        if name not in self._sources:
            self._sources[name] = source(
                self.settings, name, self.directories[name], self._pause, self.stop.is_set
            )
        return self._sources[name]

    def _pause(self, seconds: float) -> None:
        self.stop.wait(seconds)

    def _named(self, pk: int, names: Sequence[str], read_by: DirectorySource) -> set[str]:
        """Ids of the groups that the settings name; a name stays with the group that it first found (R02)."""
        with reading(self.engine) as connection:
            pins = pulls.pins(connection, pk)
        new: dict[str, str] = {}
        wrong: list[tuple[str, str]] = []
        for name in names:
            if name in pins:
                continue
            match read_by.find_groups([name]):
                case []:
                    wrong.append(("group_missing", name))
                case [one]:
                    new[name] = one.id
                case several:
                    wrong.append(("group_ambiguous", f"{name}: {', '.join(g.id for g in several)}"))
        if new or wrong:
            with writing(self.engine) as connection:
                pulls.pin(connection, pk, new)
                session = Session(connection, pk, wiring.clock(), "")
                for code, subject in wrong:
                    session.warn(code, subject)
                session.finish()
        return {id for name, id in (pins | new).items() if name in names}

    def _is_due(self, name: str) -> bool:
        """Another worker may have read it just now, or the directory asked to wait."""
        with reading(self.engine) as connection:
            seen = pulls.all_of(connection).get(name)
        if seen is None or seen.tried_at is None:
            return True
        now, told = wiring.clock(), self.directories[name]
        if seen.not_before is not None and now < seen.not_before <= now + timedelta(hours=1, minutes=1):
            return False
        gap = timedelta(seconds=45) if told.cron else told.every / 2
        return bool(seen.reading) or not timedelta() <= now - seen.tried_at < gap

    def _note_next(self, name: str, next_at: datetime | None) -> None:
        pk = pulls.declared(self.engine, name, self.directories[name].kind, wiring.clock())
        with writing(self.engine) as connection:
            pulls.set_next(connection, pk, next_at)


def _now_and_then(name: str) -> Callable[[str, int, int], None]:
    said = time.monotonic()

    def say(what: str, done: int, of: int) -> None:
        nonlocal said
        if time.monotonic() - said >= PROGRESS_SECONDS:
            said = time.monotonic()
            get_logger(__name__).info("reading", directory=name, so_far=f"{done} {what}")

    return say


def _next(scheduler: BackgroundScheduler, job: str) -> datetime | None:
    found = scheduler.get_job(job)
    return None if found is None else found.next_run_time

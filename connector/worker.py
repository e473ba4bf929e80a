"""When is a round made? APScheduler ticks; a tick takes the lease if it can be had, and does what is due.

A tick's failure is logged and never ends the worker: the next tick looks anew.
"""

import os
import signal
import socket
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Event
from types import FrameType

from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import Engine
from structlog.stdlib import get_logger

from connector import parent, rounds, wiring
from connector.due import PENDING_SECONDS, Look, Subscribed, due, patience, read_again, subscribed
from connector.notify.post import SECONDS, Post
from connector.opening import prepare
from connector.pulling import SCHEDULE_SECONDS, Puller
from connector.rounds import Made
from connector.settings import Overrides, Settings, load
from connector.store import breakers, progress, signals, trouble
from connector.store.engine import Unavailable, reading, writing
from connector.store.leases import Heartbeat, Lease, acquire
from connector.store.signals import Asked
from connector.store.sweep import sweep
from sync.breaker import Breaker, wait
from sync.model import LONG_AGO
from sync.ports import Busy, Fenced, Licensing, Ports, Transient, Unauthorized
from sync.reconcile import Scope
from sync.sold import check_role

#: a round that doesn't come to its end by then is left as it is (T30)
STOP_SECONDS = 6.0
#: and then one of a directory's
PULL_STOP_SECONDS = 2.0
#: how often it is noted, and logged, how far a long round is
NOTED_SECONDS, LOGGED_SECONDS = 1.0, 15.0
SWEEP_SECONDS = 3600


def run(overrides: Overrides, started_by: int | None = None) -> None:
    """Work until SIGTERM or SIGINT. Raises BadSettings, Unavailable."""
    settings = load(overrides)
    engine = prepare(settings)
    stop = Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    if started_by is not None:
        parent.watch(started_by)
    worker = Worker(settings, engine, stop)
    scheduler = BackgroundScheduler(timezone=UTC)
    scheduler.add_job(
        worker.tick,
        "interval",
        seconds=settings.sync.round_seconds,
        max_instances=1,
        coalesce=True,
        misfire_grace_time=None,
        next_run_time=datetime.now(UTC),
    )
    post = Post(settings, engine)
    if settings.notify.channel:  # beside the rounds: a mail server that doesn't answer never stops one
        scheduler.add_job(
            post.tick,
            "interval",
            args=[stop],
            seconds=SECONDS,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
            next_run_time=datetime.now(UTC),
        )
    scheduler.add_job(
        _sweep, "interval", args=[engine], seconds=SWEEP_SECONDS, max_instances=1, coalesce=True
    )
    puller = Puller(settings, engine, worker.owner, stop)
    puller.schedule(scheduler)
    scheduler.add_job(
        puller.schedule,
        "interval",
        args=[scheduler],
        seconds=SCHEDULE_SECONDS,
        max_instances=1,
        coalesce=True,
    )
    scheduler.start()
    log = get_logger(__name__)
    log.info("working", owner=worker.owner)
    stop.wait()
    scheduler.shutdown(wait=False)
    if not worker.idle.wait(STOP_SECONDS):
        log.warning("a call is still under way: its outcome is settled by the next round")
        os._exit(0)
    worker.close()
    read = puller.idle(PULL_STOP_SECONDS)
    engine.dispose()
    log.info("stopped")
    # a message is tried again by the next worker, a read goes on at the page where it was
    if post.under_way.is_set() or not read:
        os._exit(0)


@dataclass(slots=True)
class Worker:
    """One process that wants to work; `owner` names it and this start of it."""

    settings: Settings
    engine: Engine
    stop: Event
    owner: str = field(
        default_factory=lambda: f"{socket.gethostname()[:40]}/{os.getpid()}/{uuid.uuid4().hex[:8]}"
    )
    idle: Event = field(default_factory=Event)
    _heartbeat: Heartbeat | None = None
    _subscribed: Subscribed | None = None
    _moved: bool = False
    _owed: bool = False  #: a round that is whole, since one was begun or the lease was taken
    _in_vain: int = 0  #: rounds in a row that something was in the way of
    _patient_until: datetime | None = None
    _requests_again: datetime = LONG_AGO  #: one that AnySoft isn't ready for isn't tried at each tick

    _noted: float = 0.0  #: by time.monotonic
    _logged: float = 0.0

    _ports: Ports | None = None  #: of this lease
    _anysoft: Licensing = field(init=False)

    def __post_init__(self) -> None:
        self.idle.set()
        self._anysoft = wiring.licensing(self.settings, self.engine)

    def tick(self) -> None:
        """Look once, and make the round that is due."""
        log = get_logger(__name__)
        if self.stop.is_set():
            return
        self.idle.clear()
        try:
            heartbeat = self._hold_lease()
            if heartbeat is not None:
                self._work(heartbeat)
        except Fenced as error:
            log.warning("the lease went to another worker: the round was left", why=str(error))
            self._drop_lease()
        except Unavailable as error:
            log.warning("a tick was skipped", why=str(error))
        except Exception:
            log.exception("a tick failed")
        finally:
            self.idle.set()

    def close(self) -> None:
        """Give the lease back, so that another needn't wait for its end."""
        self._drop_lease()

    def _hold_lease(self) -> Heartbeat | None:
        if self._heartbeat is not None and not self._heartbeat.lost.is_set():
            return self._heartbeat
        self._drop_lease()
        lease = acquire(self.engine, rounds.LEASE, self.owner, self.settings.sync.lease_seconds)
        if lease is None:
            return None
        self._heartbeat = _beating(self.engine, lease)
        self._owed = True
        get_logger(__name__).info("the lease is mine", fence=lease.fence)
        return self._heartbeat

    def _drop_lease(self) -> None:
        self._ports = None
        if self._heartbeat is not None:
            self._heartbeat.__exit__(None, None, None)
            self._heartbeat = None

    def _work(self, heartbeat: Heartbeat) -> None:
        now = wiring.clock()
        with reading(self.engine) as connection:
            asked, breaker = signals.asked(connection), breakers.read(connection)
        if asked is None and self._is_patient(breaker, now):
            return
        made = None
        try:
            made = self._round_if_due(heartbeat, asked, breaker)
            if made is None:
                return
            if made.put_off:
                self._put_off(None, made.put_off)
            else:
                self._learn(heartbeat, None, made.trouble[0] if made.trouble else "", made.outage)
        except Busy as error:
            if error.outage:
                self._learn(heartbeat, error.retry_after, str(error), True)
            else:
                self._put_off(error.retry_after, str(error))
        except (Transient, Unauthorized) as error:
            self._learn(heartbeat, None, str(error), isinstance(error, Transient))
        if asked is not None:
            with writing(self.engine) as connection:
                heartbeat.lease.check_in(connection)
                signals.answer(connection, asked.number, made.run if made else None, wiring.clock())

    def _is_patient(self, breaker: Breaker, now: datetime) -> bool:
        """AnySoft is to be left alone, or the last rounds were in vain. A probe doesn't wait for them."""
        if wait(breaker, now) is not None:
            return True
        return not breaker.is_open and self._patient_until is not None and now < self._patient_until

    def _round_if_due(self, heartbeat: Heartbeat, asked: Asked | None, breaker: Breaker) -> Made | None:
        """None: none is due. Raises Transient, Unauthorized: AnySoft can't be read, or the probe failed."""
        if self._in_vain or breaker.is_open:
            check_role(self._anysoft)  # one call, and no run in the list while nothing can be done
        ports = self._ports_for(heartbeat)
        look = self._look(ports, asked)
        cause = due(look, timedelta(minutes=self.settings.sync.full_round_minutes))
        if cause is None:
            return None
        self._owed = True
        self._noted = self._logged = time.monotonic()
        made = rounds.make(ports, self.settings, self.engine, heartbeat, cause)
        if cause.scope is Scope.EVERYONE:
            self._ports = None  # the catalog may have changed
        if not made.trouble and not made.put_off:
            self._remember(ports)
        return made

    def _ports_for(self, heartbeat: Heartbeat) -> Ports:
        if self._ports is None:
            self._ports = wiring.ports(
                self.settings,
                self.engine,
                heartbeat,
                lambda: self.stop.is_set() or heartbeat.lost.is_set(),
                pause=self._pause,
                progress=self._progress,
                anysoft=self._anysoft,
            )
        return self._ports

    def _put_off(self, wait: float | None, why: str) -> None:
        """AnySoft asked to be left alone (429), which is no failure (R29); its breaker has it, too."""
        now = wiring.clock()
        self._in_vain, self._owed = max(self._in_vain, 1), True  # it is asked by one call first
        self._patient_until = patience(1, now) if wait is None else now + timedelta(seconds=wait)
        get_logger(__name__).info("a round was put off", why=why)

    def _learn(self, heartbeat: Heartbeat, wait: float | None, why: str, outage: bool) -> None:
        """Back off after a round that something was in the way of, and say so where `doctor` finds it."""
        now = wiring.clock()
        self._in_vain = self._in_vain + 1 if why else 0
        self._owed = self._owed or bool(why)
        self._patient_until = patience(self._in_vain, now) if wait is None else now + timedelta(seconds=wait)
        with writing(self.engine) as connection:
            heartbeat.lease.check_in(connection)
            if why:
                trouble.note(connection, why, self._patient_until, now, outage=outage)
        if why:
            get_logger(__name__).warning("a round was in vain", why=why, again_at=self._patient_until)

    def _look(self, ports: Ports, asked: Asked | None) -> Look:
        now = ports.clock()
        every = timedelta(seconds=self.settings.sync.subscriptions_seconds)
        if read_again(self._subscribed, now, every):
            before, self._subscribed = (
                self._subscribed,
                subscribed(tuple(ports.licensing.subscriptions()), now),
            )
            self._moved = self._moved or (before is not None and before.seen != self._subscribed.seen)
        with reading(self.engine) as connection:
            full_at = rounds.last_full(connection)
            work = rounds.people_are_due(connection, now)
            if not work and self._requests_again <= now:
                work = rounds.requests_are_due(connection, now)
                self._requests_again = now + timedelta(seconds=PENDING_SECONDS if work else 0)
        return Look(now, asked, full_at, self._moved, work, self._owed)

    def _remember(self, ports: Ports) -> None:
        """What our own calls changed is no news."""
        self._subscribed = subscribed(tuple(ports.licensing.subscriptions()), ports.clock())
        self._moved = self._owed = False

    def _pause(self, seconds: float) -> None:
        self.stop.wait(seconds)

    def _progress(self, what: str, done: int, of: int) -> None:
        """For `report show`, `sync --wait` and the log; a short round says nothing."""
        at = time.monotonic()
        if at - self._noted < NOTED_SECONDS:
            return
        self._noted = at
        try:
            with writing(self.engine) as connection:
                progress.note(connection, what, done, of, wiring.clock())
        except Unavailable:
            return
        if at - self._logged >= LOGGED_SECONDS:
            self._logged = at
            get_logger(__name__).info("a round is under way", what=what, done=done, of=of)


def _sweep(engine: Engine) -> None:
    try:
        gone = sweep(engine, wiring.clock())
    except Unavailable as error:
        get_logger(__name__).warning("old rows were not swept", why=str(error))
        return
    if gone:
        get_logger(__name__).info("old rows were swept", rows=gone)


def _beating(engine: Engine, lease: Lease) -> Heartbeat:
    return Heartbeat(engine, lease).__enter__()

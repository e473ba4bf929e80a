"""Which adapters does a round get? The only place that builds them."""

import os
import signal
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import Connection, Engine

from connector.anysoft.tenant import BuiltInTenant
from connector.settings import BadSettings, Settings
from connector.store.fold import folded
from connector.store.intents import Bases
from connector.store.leases import Heartbeat, no_fence
from connector.store.ledger import SqlLedger
from connector.store.mirror import SqlMirror
from sync.model import GuardPolicy, Policy
from sync.ports import Fence, Licensing, Ports


def clock() -> datetime:
    return datetime.now(UTC)


def licensing(settings: Settings, engine: Engine) -> Licensing:
    """AnySoft, as the settings say where it is."""
    if settings.anysoft.url is not None:
        raise BadSettings(
            "CONNECTOR_ANYSOFT__URL: not yet: a tenant elsewhere can't be used in this version; "
            "without it the built-in tenant is used"
        )
    return BuiltInTenant(engine, clock, timedelta(seconds=settings.tenant.change_seconds))


def bases(anysoft: Licensing) -> Bases:
    """Which product requires which others. Raises Transient, Unauthorized."""
    return {product.id: product.requires for product in anysoft.products()}


def policy(settings: Settings) -> Policy:
    sync, guard = settings.sync, settings.sync.guard
    return Policy(
        settle_seconds=sync.settle_seconds,
        grace_leaver_hours=sync.grace_leaver_hours,
        grace_disabled_hours=sync.grace_disabled_hours,
        protected=frozenset(folded(name) for name in sync.protected),
        guard=GuardPolicy(
            empty_from=guard.empty_from,
            group_min=guard.group_min,
            group_percent=guard.group_percent,
            product_min=guard.product_min,
            product_percent=guard.product_percent,
            hours=guard.hours,
        ),
    )


def ports(
    settings: Settings,
    engine: Engine,
    heartbeat: Heartbeat,
    stopping: Callable[[], bool],
    pause: Callable[[float], None] = time.sleep,
    progress: Callable[[str, int, int], None] = lambda what, done, of: None,
) -> Ports:
    """For a round under a lease. Raises Transient, Unauthorized: the catalog can't be read."""
    return _ports(settings, engine, heartbeat.lease.check_in, heartbeat, stopping, pause, progress)


def dry_ports(
    settings: Settings,
    engine: Engine,
    progress: Callable[[str, int, int], None] = lambda what, done, of: None,
) -> Ports:
    """For a dry run, which writes and sends nothing. Raises Transient, Unauthorized."""
    return _ports(settings, engine, no_fence, _NoFence(), lambda: False, time.sleep, progress)


@dataclass(frozen=True, slots=True)
class _NoFence:
    def check(self) -> None:
        """Nothing is sent."""


def _ports(
    settings: Settings,
    engine: Engine,
    check_in: Callable[[Connection], None],
    fence: Fence,
    stopping: Callable[[], bool],
    pause: Callable[[float], None],
    progress: Callable[[str, int, int], None],
) -> Ports:
    anysoft = licensing(settings, engine)
    return Ports(
        licensing=anysoft,
        mirror=SqlMirror(engine, check_in, clock),
        ledger=SqlLedger(engine, check_in, bases(anysoft)),
        fence=fence,
        clock=clock,
        new_key=lambda: uuid.uuid4().hex,
        pause=pause,
        progress=progress,
        stopping=stopping,
        at=partial(_die_at, os.environ.get("CONNECTOR_TEST_KILL_AT", "")),
    )


def _die_at(fatal: str, point: str) -> None:
    """The named points where the crash tests kill the worker; nothing is fatal outside of them."""
    if point == fatal:
        os.kill(os.getpid(), signal.SIGKILL)

"""Which adapters does a round get? The only place that builds them."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine

from connector import points
from connector.anysoft.client import HttpTenant
from connector.anysoft.gate import Gate
from connector.anysoft.last_said import LastSaid
from connector.anysoft.tenant import BuiltInTenant
from connector.anysoft.transport import Transport
from connector.settings import BadSettings, Settings
from connector.store.fold import folded
from connector.store.intents import Bases
from connector.store.leases import Heartbeat, no_fence
from connector.store.ledger import SqlLedger
from connector.store.mirror import SqlMirror
from sync.model import Buying, GrowthPolicy, GuardPolicy, Policy, ProductId
from sync.ports import Fence, Licensing, Ports


def clock() -> datetime:
    """Now, in UTC."""
    return points.clock()


def licensing(settings: Settings, engine: Engine) -> Licensing:
    """AnySoft, as the settings say where it is. Raises BadSettings."""
    settings.refuse_no_url()
    there = settings.anysoft
    if there.url is None:
        return BuiltInTenant(engine, clock, timedelta(seconds=settings.tenant.change_seconds))
    secret = "" if there.client_secret is None else there.client_secret.get_secret_value()
    verify = True if settings.ca_bundle is None else str(settings.ca_bundle)
    try:
        transport = Transport(there.url, there.client_id, secret, there.timeout_seconds, verify)
    except ValueError as error:
        raise BadSettings(f"CONNECTOR_ANYSOFT__URL: {error}") from None
    return HttpTenant(Gate(transport, engine, clock), LastSaid(engine, transport.url, clock))


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
        headroom=sync.headroom,
        decrease_days=sync.decrease_days,
        channel=settings.notify.channel,
        buying={
            ProductId(product): Buying(
                buy.mode, buy.seats_per_request, buy.seats_per_month, buy.money_per_month, buy.ceiling
            )
            for product, buy in sync.buy.items()
        },
        growth=GrowthPolicy(sync.growth.least, sync.growth.percent, sync.growth.hours),
        destinations_spare=sync.destinations_spare,
        guard=GuardPolicy(
            empty_from=guard.empty_from,
            group_min=guard.group_min,
            group_percent=guard.group_percent,
            product_min=guard.product_min,
            product_percent=guard.product_percent,
            hours=guard.hours,
            observe_first=sync.observe_first,
        ),
    )


def ports(
    settings: Settings,
    engine: Engine,
    heartbeat: Heartbeat,
    stopping: Callable[[], bool],
    pause: Callable[[float], None] = time.sleep,
    progress: Callable[[str, int, int], None] = lambda what, done, of: None,
    anysoft: Licensing | None = None,
) -> Ports:
    """For a round under a lease. Raises Transient, Unauthorized: the catalog can't be read."""
    anysoft = anysoft or licensing(settings, engine)
    return _ports(engine, anysoft, heartbeat.lease.check_in, heartbeat, stopping, pause, progress)


def dry_ports(
    settings: Settings,
    engine: Engine,
    progress: Callable[[str, int, int], None] = lambda what, done, of: None,
    anysoft: Licensing | None = None,
) -> Ports:
    """For a dry run, which writes and sends nothing. Raises Transient, Unauthorized."""
    anysoft = anysoft or licensing(settings, engine)
    return _ports(engine, anysoft, no_fence, _NoFence(), lambda: False, time.sleep, progress)


@dataclass(frozen=True, slots=True)
class _NoFence:
    def check(self) -> None:
        """Nothing is sent."""


def _ports(
    engine: Engine,
    anysoft: Licensing,
    check_in: Callable[[Connection], None],
    fence: Fence,
    stopping: Callable[[], bool],
    pause: Callable[[float], None],
    progress: Callable[[str, int, int], None],
) -> Ports:
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
        at=points.reach,
    )

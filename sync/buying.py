"""How is an approved quantity bought, once (R18-R20)? The rules are in quantity.py."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from sync import lowering, quantity
from sync.automatic import why_not
from sync.calls import once
from sync.model import (
    Buying,
    GroupId,
    Mode,
    Policy,
    ProductId,
    ProductType,
    Request,
    RequestState,
    RunId,
    Subscription,
)
from sync.plan import Shortage
from sync.ports import Busy, Intent, Missing, Ports, Rejected, Transient, Unauthorized
from sync.seats import destinations_short, seats_of, shortage_of
from sync.sold import Sold


def see_to_requests(
    ports: Ports, run: RunId, sold: Sold, reserved: dict[ProductId, int], policy: Policy
) -> Iterator[str]:
    """Open, update, withdraw, expire, send and settle; one a product. Yields what went wrong."""
    now = ports.clock()  # before the read: an answer that was lost is settled only by a later read (R20)
    subscriptions = ports.licensing.subscriptions()
    alive = {r.product: r for r in ports.ledger.requests()}
    for subscription, shortage, used in _shortages(ports, sold, subscriptions, reserved, policy):
        before = alive.get(shortage.product)
        after = _step(ports, before, subscription, shortage, used, now, policy)
        if before is not None and after is not None and after.ended_at is not None:
            ports.ledger.store_request(run, before, after, now)
            before, after = None, _step(ports, None, subscription, shortage, used, now, policy)
        after = _as_allowed(ports, sold, after, subscription, policy, now)
        if after is None:
            continue
        if after != before:
            after = ports.ledger.store_request(run, before, after, now)
        if quantity.to_send(after) and subscription.pending is None:
            yield from _send(ports, run, after, subscription)


#: states in which a smaller quantity is still to be sent
_UNSENT = (RequestState.OPEN, RequestState.SCHEDULED, RequestState.APPROVED)


def _step(
    ports: Ports,
    before: Request | None,
    subscription: Subscription,
    shortage: Shortage,
    used: int | None,
    now: datetime,
    policy: Policy,
) -> Request | None:
    """More seats, or fewer. `used`: what the quantity is never lowered below; None: it isn't lowered."""
    if before is not None and before.lowers and before.state in _UNSENT:
        return before if used is None else lowering.step(before, subscription, used, shortage, now)
    if before is not None or shortage.need:
        last = None if before else ports.ledger.last_request(shortage.product)
        return quantity.step(before, last, subscription, shortage, now, policy)
    if used is None or used >= subscription.quantity:
        return None
    last = ports.ledger.last_request(shortage.product)
    return lowering.propose(last, subscription, used, now, policy)


def _shortages(
    ports: Ports,
    sold: Sold,
    subscriptions: Sequence[Subscription],
    reserved: dict[ProductId, int],
    policy: Policy,
) -> Iterator[tuple[Subscription, Shortage, int | None]]:
    """Of seats, and of Destinations (R17); how many are used or reserved, where that can be told."""
    waiting, doubtful = ports.ledger.waiting(), ports.ledger.doubtful()
    surely = ports.ledger.surely_held()
    metered: list[Subscription] = []
    for subscription in subscriptions:
        product = sold.catalog.product(subscription.product)
        if product is None:
            continue
        if product.type is ProductType.METERED:
            metered.append(subscription)
            continue
        seats = seats_of(subscription, doubtful.get(product.id, 0), sold.catalog, surely.get(product.id, 0))
        usable = max(0, seats.free - reserved.get(product.id, 0))
        short = shortage_of(subscription, seats, waiting.get(product.id, 0), usable)
        used = lowering.floor(seats, short.waiting + reserved.get(product.id, 0), policy)
        yield subscription, short, used
    refused = bool(metered) and ports.ledger.destination_refused()
    missing = destinations_short(metered, refused, policy.destinations_spare)
    if missing is not None:
        if refused and missing.free:
            ports.ledger.destination_free()
        for subscription in metered:  # the others are short of nothing, which their request must hear of
            enough = replace(missing, product=subscription.product, need=0)
            yield subscription, missing if subscription.product == missing.product else enough, None


def _as_allowed(
    ports: Ports, sold: Sold, request: Request | None, sub: Subscription, policy: Policy, now: datetime
) -> Request | None:
    """Asked for, bought without a person, or only reported (R21); asked for again if it got dearer (R19)."""
    if request is None:
        return None
    product = sold.catalog.product(request.product)
    price = None if product is None else product.unit_price
    request = quantity.as_priced(request, price, now, policy)
    if request.state is not RequestState.OPEN or request.lowers:
        return request
    buying = policy.buying.get(request.product, Buying())
    match buying.mode:
        case Mode.ASK:
            return request
        case Mode.NEVER:
            return None if request.id is None else quantity.withdrawn(request, "set to never", now)
        case Mode.AUTO:
            if product is None or sub.pending is not None:
                return request
            view = ports.ledger.purchase_view(
                product.id,
                _giving(ports, product.id),
                now - timedelta(hours=policy.growth.hours),
                now,
            )
            why = why_not(request, sub, product, buying, view, policy.growth)
            return quantity.unattended(request, why, sub, price, now)
        case _:
            assert_never(buying.mode)


def _giving(ports: Ports, product: ProductId) -> set[GroupId]:
    """The groups whose members it is for, nested ones of transitive mappings included (R07)."""
    mappings = [m for m in ports.mirror.mappings() if m.product == product]
    deep = [m.group for m in mappings if m.transitive]
    nested = {child for _, child in ports.mirror.nestings(deep)} if deep else set()
    return {m.group for m in mappings} | nested


def _send(ports: Ports, run: RunId, request: Request, subscription: Subscription) -> Iterator[str]:
    """The absolute target, saved before it is sent, under a key of its own."""
    assert request.target is not None, "an approved request has a target"
    target = request.target
    key = ports.new_key()
    ports.fence.check()
    request = ports.ledger.store_request(run, request, quantity.sent(request, ports.clock()), ports.clock())
    intent = ports.ledger.intend(
        Intent(
            run=run,
            kind="quantity",
            product=request.product,
            subscription=subscription.id,
            key=key,
            body=json.dumps({"quantity": target}, separators=(",", ":")),
            request=request.id,
        ),
        ports.clock(),
    )
    ports.at("intent committed")
    try:
        changed = once(ports, lambda: ports.licensing.change_quantity(subscription.id, target, key))
        ports.at("quantity accepted")
        after, verdict = quantity.accepted(request, changed, ports.clock()), "accepted"
    except (Busy, Unauthorized) as error:
        left = "busy" if isinstance(error, Busy) else "unauthorized"
        ports.ledger.settle(run, intent, (), left, ports.clock())
        ports.ledger.store_request(run, request, quantity.postponed(request, ports.clock()), ports.clock())
        raise
    except Transient as error:
        after = (quantity.unknown if error.maybe_done else quantity.postponed)(request, ports.clock())
        verdict = "unknown" if error.maybe_done else "not_sent"
        yield f"the quantity of {request.product} could not be changed now, it is tried again: {error}"
    except (Rejected, Missing) as error:
        code = error.code if isinstance(error, Rejected) else "not_found"
        verdict = f"rejected:{code}"
        if code == "change_pending":
            after = quantity.postponed(request, ports.clock())
        else:
            after = quantity.refused(request, str(error), ports.clock())
            yield f"AnySoft refused {target} seats of {request.product}: {error}"
    ports.at("answer read")
    ports.ledger.settle(run, intent, (), verdict, ports.clock())
    ports.at("outcome stored")
    ports.ledger.store_request(run, request, after, ports.clock())

"""How is an approved quantity bought, once (R18-R20)? The rules are in quantity.py."""

import json
from collections.abc import Iterator

from sync import quantity
from sync.calls import repeat
from sync.model import Policy, ProductId, ProductType, Request, RunId, Subscription
from sync.ports import Intent, Missing, Ports, Rejected, Transient, Unauthorized
from sync.seats import seats_of, shortage_of
from sync.sold import Sold


def see_to_requests(
    ports: Ports, run: RunId, sold: Sold, reserved: dict[ProductId, int], policy: Policy
) -> Iterator[str]:
    """Open, update, withdraw, expire, send and settle; one a product. Yields what went wrong."""
    now = ports.clock()  # before the read: an answer that was lost is settled only by a later read (R20)
    subscriptions = ports.licensing.subscriptions()
    waiting, doubtful = ports.ledger.waiting(), ports.ledger.doubtful()
    surely = ports.ledger.surely_held()
    alive = {r.product: r for r in ports.ledger.requests()}
    for subscription in subscriptions:
        product = sold.catalog.product(subscription.product)
        if product is None or product.type is ProductType.METERED:
            continue
        seats = seats_of(subscription, doubtful.get(product.id, 0), sold.catalog, surely.get(product.id, 0))
        usable = max(0, seats.free - reserved.get(product.id, 0))
        shortage = shortage_of(subscription, seats, waiting.get(product.id, 0), usable)
        before = alive.get(product.id)
        last = None if before or not shortage.need else ports.ledger.last_request(product.id)
        after = quantity.step(before, last, subscription, shortage, now, policy)
        if after is None:
            continue
        if after != before:
            after = ports.ledger.store_request(run, before, after, now)
        if quantity.to_send(after) and subscription.pending is None:
            yield from _send(ports, run, after, subscription)


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
        changed, _ = repeat(ports, lambda: ports.licensing.change_quantity(subscription.id, target, key))
        ports.at("quantity accepted")
        after, verdict = quantity.accepted(request, changed, ports.clock()), "accepted"
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
    except Unauthorized:
        ports.ledger.settle(run, intent, (), "unauthorized", ports.clock())
        ports.ledger.store_request(run, request, quantity.postponed(request, ports.clock()), ports.clock())
        raise
    ports.at("answer read")
    ports.ledger.settle(run, intent, (), verdict, ports.clock())
    ports.at("outcome stored")
    ports.ledger.store_request(run, request, after, ports.clock())

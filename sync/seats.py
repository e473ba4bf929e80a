"""How many seats are there to give? Q, A and F of each product (license-rules: free = Q - A - F)."""

from collections.abc import Sequence
from dataclasses import dataclass

from sync.model import ProductType, Subscription
from sync.plan import Catalog, Shortage

#: what a metered product is said to have free: assigning never runs out (L4)
UNBOUNDED = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Seats:
    quantity: int  #: Q
    assigned: int  #: A
    doubtful: int  #: F
    coming: int  #: pending quantity less Q; below 0 for a decrease
    metered: bool = False

    @property
    def free(self) -> int:
        return UNBOUNDED if self.metered else max(0, self.quantity - self.assigned - self.doubtful)

    @property
    def over_allocated(self) -> bool:
        """Q was lowered from outside: no new assignments, nobody is evicted (R22)."""
        return not self.metered and self.assigned > self.quantity


def seats_of(subscription: Subscription, doubtful: int, catalog: Catalog, surely: int = 0) -> Seats:
    """`surely`: how many surely hold it by the ledger. AnySoft's count may be a minute old (T11): then our
    own assignments aren't in it yet, and A is at least what we know."""
    product = catalog.product(subscription.product)
    pending = subscription.pending
    return Seats(
        quantity=subscription.quantity,
        assigned=max(subscription.assigned, surely),
        doubtful=doubtful,
        coming=pending.quantity - subscription.quantity if pending else 0,
        metered=product is not None and product.type is ProductType.METERED,
    )


def destinations_short(metered: Sequence[Subscription], refused: bool, spare: int) -> Shortage | None:
    """R17: what is missing of Destinations, as a shortage of the product that is bought for them; None: no
    metered product is subscribed. Their quantities count together (L4)."""
    if not metered:
        return None
    buys = max(metered, key=lambda s: s.product)  # AnyScan Destination where it is subscribed, else AnyScan
    free = sum(s.quantity for s in metered) - max(s.destinations_created for s in metered)
    coming = sum(max(0, s.pending.quantity - s.quantity) for s in metered if s.pending)
    wanted = max(spare, 1 if refused and free <= 0 else 0)
    return Shortage(buys.product, waiting=0, free=max(0, free), need=max(0, wanted - free - coming))


def shortage_of(subscription: Subscription, seats: Seats, waiting: int, usable: int) -> Shortage:
    """`usable`: seats that stay free after allocation and that the waiting ones may have (add-ons whose base
    waits count for the add-on too, but not when its own seats are there: R10, R18). Where more are assigned
    than bought, whoever waits needs those seats bought, too (R22)."""
    short = waiting - usable
    if short > 0:
        short += max(0, seats.assigned - seats.quantity)
    need = 0 if seats.metered else max(0, short - max(0, seats.coming))
    return Shortage(product=subscription.product, waiting=waiting, free=usable, need=need)

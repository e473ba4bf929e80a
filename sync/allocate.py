"""Who gets the free seats of a product? (R12, R14)"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import merge

from sync.model import MappingId, PersonId, ProductId, Waiter


def allocate(
    product: ProductId, queue: Iterable[Waiter], free: int, reserves: Sequence[tuple[MappingId, int]]
) -> tuple[Waiter, ...]:
    """The winners, in the order of the queue; never more than `free`.

    `queue` is in the order of R14 and is read no further than needed. Who can't have it yet (their base
    isn't surely held) is passed over and takes no seat (R10). `reserves`: the last N free seats of a mapping
    are only for its people, and the queue passes over others; where the reserves exceed what is free, the
    smaller mapping id comes first.
    """
    kept, loose = _set_aside(free, reserves)
    winners: list[Waiter] = []
    left = iter(queue)
    while loose or any(kept.values()):
        waiter = next(left, None)
        if waiter is None:
            break
        if not waiter.base_ready:
            continue
        if loose:
            loose -= 1
        else:
            own = next((m for m in waiter.mappings if kept.get(m)), None)
            if own is None:
                continue
            kept[own] -= 1
        winners.append(waiter)
    return tuple(winners)


def _set_aside(free: int, reserves: Sequence[tuple[MappingId, int]]) -> tuple[dict[MappingId, int], int]:
    """How many seats each mapping keeps for its own, and how many are for everybody."""
    left = max(0, free)
    kept: dict[MappingId, int] = {}
    for mapping, wanted in sorted(reserves):
        kept[mapping] = min(left, wanted)
        left -= kept[mapping]
    return kept, left


def merged(stored: Iterable[Waiter], changes: Mapping[PersonId, Waiter | None]) -> Iterator[Waiter]:
    """The stored queue as it will be after the plan: `changes` has newcomers, movers, and None for leavers.

    `stored` is in the order of R14 and read lazily; the result is in that order.
    """
    staying = (waiter for waiter in stored if waiter.person not in changes)
    coming = sorted((w for w in changes.values() if w is not None), key=lambda w: w.place)
    return merge(staying, coming, key=lambda w: w.place)

"""Which removals are too many at once, or a first run's, and wait for a person? (R24, R26)

Counted are losses of the entitlement in the window, planned or done, that no person excused.

| hold          | when                                                               | which removals    |
| ------------- | ------------------------------------------------------------------ | ----------------- |
| first_run     | a directory's first read, the first full round after a restore     | all of its people |
| group_emptied | a group had `empty_from` or more of a product, and has none left   | the group's       |
| group_share   | more than max(group_min, group_percent of those before) of a group | the group's       |
| product_share | more than max(product_min, product_percent of those before)        | in no other hold  |

A removal is in one hold only. An open hold takes what joins it, also below the limits.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from sync.model import GroupId, GuardPolicy, Loss, PersonId, ProductId
from sync.plan import FIRST_RUN, HoldChange
from sync.ports import FirstRun, GuardView

Pair = tuple[PersonId, ProductId]


def check(
    view: GuardView, new: Sequence[Loss], regained: Collection[Pair], policy: GuardPolicy
) -> tuple[HoldChange, ...]:
    """The holds to open or to extend, in the order of product and group, a product's own last.

    `view.holders` were counted before this plan and after the directory's change: the newly lost are still
    among the product's, and among a group's if they are still its members.
    """
    back = frozenset(regained)
    known = tuple(loss for loss in view.losses if (loss.person, loss.product) not in back)
    changes = list(_first_run(view.first_run, new, policy))
    caught = {pair for change in changes for pair in change.addons}
    for product in _bases_first(new):
        count = _Count(product, view, known, tuple(loss for loss in new if loss.product == product), back)
        for group in sorted({group for loss in count.new for group in loss.groups}):
            tripped = _group_trips(count, group, policy)
            changes.extend(_change(count, group, tripped, caught))
        tripped = _product_trips(count, caught, policy)
        changes.extend(_change(count, None, tripped, caught))
    return tuple(changes)


def _first_run(first: FirstRun, new: Sequence[Loss], policy: GuardPolicy) -> Iterator[HoldChange]:
    """Who is deleted everywhere may be so by the directory that is observed: they are held, too."""
    if not policy.observe_first or not (first.everyone or first.directories):
        return
    joining = {
        (loss.person, loss.product)
        for loss in new
        if first.everyone or not loss.directories or first.directories.intersection(loss.directories)
    }
    if joining:
        yield HoldChange(first.hold, FIRST_RUN, None, ProductId(""), (), tuple(sorted(joining)))


def enough(lost: int, policy: GuardPolicy) -> int:
    """So many holders that `lost` losses reach no limit: whoever counts holders may stop there."""
    percent = min(policy.group_percent, policy.product_percent)
    return lost + 1 + (lost * 100 // percent if percent > 0 else 0)


@dataclass(frozen=True, slots=True)
class _Count:
    """One product's losses, against who held it before them."""

    product: ProductId
    view: GuardView
    known: tuple[Loss, ...]  #: of earlier rounds, all products
    new: tuple[Loss, ...]
    back: frozenset[Pair]

    def losses(self, group: GroupId | None) -> Iterator[Loss]:
        for loss in (*self.known, *self.new):
            if loss.product == self.product and (group is None or group in loss.groups):
                yield loss

    def lost(self, group: GroupId | None) -> set[PersonId]:
        return {loss.person for loss in self.losses(group)}

    def left(self, group: GroupId | None) -> int:
        """Who holds it when the plan is stored: less the newly lost, with those who came back."""
        earlier = {
            loss.person: (loss.person, self.product) in self.back
            for loss in self.view.losses
            if loss.product == self.product and loss.held and (group is None or group in loss.groups)
        }
        newly = {loss.person for loss in self.new if group is None or (group in loss.groups and loss.member)}
        fresh = sum(person not in earlier for person in newly)
        returned = sum(came_back and person not in newly for person, came_back in earlier.items())
        return max(0, self.view.holders.get((self.product, group), 0) - fresh + returned)


def _group_trips(count: _Count, group: GroupId, policy: GuardPolicy) -> str:
    lost, left = len(count.lost(group)), count.left(group)
    if left == 0 and lost >= policy.empty_from:
        return "group_emptied"
    return "group_share" if _too_many(lost, left + lost, policy.group_min, policy.group_percent) else ""


def _product_trips(count: _Count, caught: set[Pair], policy: GuardPolicy) -> str:
    own = count.view.open_holds.get((count.product, None))
    elsewhere = {loss.person for loss in count.losses(None) if loss.hold not in (None, own)}
    elsewhere |= {loss.person for loss in count.losses(None) if _is_caught(loss, caught)}
    elsewhere |= {person for person, product in caught if product == count.product}
    lost = count.lost(None)
    before = count.left(None) + len(lost)
    trips = _too_many(len(lost - elsewhere), before, policy.product_min, policy.product_percent)
    return "product_share" if trips else ""


def _too_many(lost: int, before: int, least: int, percent: int) -> bool:
    return lost > least and lost * 100 > before * percent


def _change(count: _Count, group: GroupId | None, tripped: str, caught: set[Pair]) -> Iterable[HoldChange]:
    """The hold to open or extend, if any; `caught` grows by who joins it."""
    open_hold = count.view.open_holds.get((count.product, group))
    if not tripped and open_hold is None:
        return
    joining = {
        loss.person
        for loss in count.losses(group)
        if loss.held and loss.hold is None and not _is_caught(loss, caught)
    }
    if joining:
        caught.update((person, count.product) for person in joining)
        reason = tripped or ("product_share" if group is None else "group_share")
        yield HoldChange(open_hold, reason, group, count.product, tuple(sorted(joining)))


def _is_caught(loss: Loss, caught: set[Pair]) -> bool:
    """In a hold of this plan: by itself, or with the base that it goes with (R10)."""
    return (loss.person, loss.product) in caught or (
        loss.base is not None and (loss.person, loss.base) in caught
    )


def _bases_first(new: Sequence[Loss]) -> Iterator[ProductId]:
    """The products of the losses, each after the bases whose loss it follows."""
    follows: dict[ProductId, set[ProductId]] = {}
    for loss in new:
        follows.setdefault(loss.product, set()).update({loss.base} if loss.base else ())
    while follows:
        ready = sorted(p for p, bases in follows.items() if not bases & follows.keys()) or sorted(follows)
        for product in ready:
            del follows[product]
        yield from ready

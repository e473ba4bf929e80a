"""What did the directory say, and whom did it entitle to what, since when? Kept beside it, to judge by."""

from collections import Counter
from dataclasses import dataclass, field

from tests.chaos.office import NEEDS

Pair = tuple[str, str]


@dataclass(slots=True)
class History:
    """`started`, `ended`: how often each user became entitled to each product, and ceased to be."""

    products: tuple[str, ...]
    active: dict[str, bool] = field(default_factory=dict)
    members: dict[str, set[str]] = field(default_factory=dict)  #: product -> who is in its group
    entitled: set[Pair] = field(default_factory=set)
    started: "Counter[Pair]" = field(default_factory=Counter)
    ended: "Counter[Pair]" = field(default_factory=Counter)
    stable: set[str] = field(default_factory=set)  #: nothing was ever said of them again

    def entitles(self, user: str, product: str) -> bool:
        """In the group, enabled, and entitled to each base."""
        inside = self.active.get(user, False) and user in self.members.get(product, set())
        return inside and all(self.entitles(user, base) for base in NEEDS[product])

    def note(self) -> None:
        """After each write of the directory."""
        now = {(u, p) for u in self.active for p in self.products if self.entitles(u, p)}
        self.started.update(now - self.entitled)
        self.ended.update(self.entitled - now)
        self.entitled = now

    def wanting(self, product: str) -> set[str]:
        return {user for user, of in self.entitled if of == product}

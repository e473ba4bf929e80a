"""What did AnySoft last say that it sells, and has sold to this tenant?

Two rows of `state`, noted by every process that is told, for while it can't be asked (R16, R29). No round
acts on them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine

from connector.anysoft import wire
from connector.anysoft.fields import Malformed
from connector.store import signals
from connector.store.engine import Unavailable, reading, writing
from sync.model import Product, Subscription

PRODUCTS, SUBSCRIPTIONS = "anysoft_products", "anysoft_subscriptions"
#: how old the note of what is said again may grow
FRESH = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Said:
    products: tuple[Product, ...]
    subscriptions: tuple[Subscription, ...]
    at: datetime  #: when the subscriptions were last told; what is sold changes rarely


@dataclass(frozen=True, slots=True)
class LastSaid:
    """`url`: of the tenant; what another one said is nothing. `now`: aware UTC."""

    engine: Engine
    url: str
    now: Callable[[], datetime]

    def products(self, said: Sequence[Product]) -> None:
        self._note(PRODUCTS, [wire.product_json(each) for each in said])

    def subscriptions(self, said: Sequence[Subscription]) -> None:
        self._note(SUBSCRIPTIONS, [wire.subscription_json(each) for each in said])

    def read(self) -> Said | None:
        """None: it never said both, or not to this version. Raises Unavailable."""
        with reading(self.engine) as connection:
            sells, sold = signals.get(connection, PRODUCTS), signals.get(connection, SUBSCRIPTIONS)
        if sells is None or sold is None or not sells["by"] == sold["by"] == self.url:
            return None
        try:
            products = tuple(wire.product_of(each) for each in sells["said"])
            subscriptions = tuple(wire.subscription_of(each) for each in sold["said"])
        except Malformed:
            return None
        return Said(products, subscriptions, datetime.fromisoformat(sold["at"]))

    def _note(self, name: str, said: list[wire.Json]) -> None:
        """A database that is busy is no reason not to answer who asked."""
        now = self.now()
        value = {"by": self.url, "at": now.isoformat(), "said": said}
        try:
            with reading(self.engine) as connection:
                before = signals.get(connection, name)
            if before is not None and {**value, "at": before["at"]} == before:
                age = now - datetime.fromisoformat(before["at"])
                if timedelta() <= age < FRESH:
                    return
            with writing(self.engine) as connection:
                signals.put(connection, name, value, now)
        except Unavailable:
            return

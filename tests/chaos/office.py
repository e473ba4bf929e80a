"""What does the chaos tenant sell, to whom, and what did it do? Written from the contract alone: a judge.

It shares no code with the connector's own tenant. Each change is an Effect of its ledger. A lax office takes
more assignments than were bought and add-ons without a base: it lets the connector's own counting be seen.
"""

import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

PRINT, CENTRE, RELEASE = "anyprint", "anyprint-centre", "anyprint-release"
NEEDS = {PRINT: (), CENTRE: (PRINT,), RELEASE: (PRINT,)}
Json = dict[str, Any]


class Refusal(Exception):
    def __init__(self, status: int, code: str, **more: object) -> None:
        super().__init__(code)
        self.status, self.code, self.more = status, code, more


@dataclass(frozen=True, slots=True)
class Effect:
    at: float  #: seconds since 1970, by the chaos clock
    by: str  #: connector, stranger, time
    what: str  #: assign, unassign, account, active, asked, quantity, dropped
    key: str  #: idempotency key of the call
    product: str = ""
    account: str = ""
    user: str = ""
    number: int = 0  #: the quantity; 1 and 0 for active


@dataclass(slots=True)
class Sold:
    quantity: int
    holders: dict[str, float] = field(default_factory=dict)  #: account -> since
    pending: tuple[int, float, float, bool] | None = None  #: quantity, asked, ends, whether it is refused


@dataclass(slots=True)
class Office:
    """`change_seconds`: how long a change of quantity takes, from and to; `refused`: the share in vain."""

    clock: Callable[[], datetime]
    sold: dict[str, Sold]
    rng: random.Random
    lax: bool = False
    change_seconds: tuple[float, float] = (5, 40)
    refused: float = 0.0
    role: bool = True
    users: dict[str, Json] = field(default_factory=dict)
    ledger: list[Effect] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def now(self) -> float:
        return self.clock().timestamp()

    # ---- what is seen ----

    def products(self) -> list[Json]:
        price = {"amount": "4.00", "currency": "EUR", "period": "month"}
        return [
            {"id": id, "family": "AnyPrint", "name": id, "type": "user", "requires": list(needs),
             "description": "", "unit_price": price}
            for id, needs in NEEDS.items()
        ]  # fmt: skip

    def subscription(self, product: str) -> Json:
        self.pass_time()
        sold = self._sold(product)
        pending = None
        if sold.pending:
            quantity, asked, ends, _ = sold.pending
            pending = {"quantity": quantity, "requested_at": _text(asked), "effective_by": _text(ends)}
        return {
            "id": product, "product_id": product, "quantity": sold.quantity, "assigned": len(sold.holders),
            "destinations_created": 0, "started_on": "2026-01-15", "renews_on": "2099-01-15",
            "pending_change": pending,
            "billing": {"name": "Northmill", "email": "billing@northmill.example"},
            "address": {"line1": "Quay 1", "city": "Malmo", "postal_code": "211 20", "country": "SE"},
        }  # fmt: skip

    def assignments(self, product: str) -> list[Json]:
        return [
            {"user_id": a, "user_name": self.users[a]["user_name"], "assigned_at": _text(at)}
            for a, at in sorted(self._sold(product).holders.items())
        ]

    def find(self, name: str) -> list[Json]:
        return [u for u in self.users.values() if u["user_name"].casefold() == name.casefold()]

    # ---- what is done ----

    def assign(self, product: str, accounts: Sequence[str], key: str, by: str = "connector") -> list[Json]:
        self.pass_time()
        return [{"user_id": a, "status": self._assign(product, a, key, by)} for a in accounts]

    def _assign(self, product: str, account: str, key: str, by: str) -> str:
        sold, user = self._sold(product), self.users.get(account)
        if user is None:
            return "unknown_user"
        if account in sold.holders:
            return "already_assigned"
        if not user["active"]:
            return "inactive_user"
        strict = not self.lax or by == "stranger"
        if strict and any(account not in self.sold[base].holders for base in NEEDS[product]):
            return "requires_product"
        if strict and len(sold.holders) >= sold.quantity:
            return "no_license_left"
        sold.holders[account] = self.now()
        self._note(by, "assign", key, product, account)
        return "assigned"

    def unassign(self, product: str, accounts: Sequence[str], key: str, by: str = "connector") -> list[Json]:
        self.pass_time()
        return [{"user_id": a, "status": self._unassign(product, a, key, by)} for a in accounts]

    def _unassign(self, product: str, account: str, key: str, by: str) -> str:
        if account not in self.users:
            return "unknown_user"
        if account not in self._sold(product).holders:
            return "not_assigned"
        strict = not self.lax or by == "stranger"
        if strict and any(
            product in needs and account in self.sold[addon].holders
            for addon, needs in NEEDS.items()
            if addon in self.sold
        ):
            return "required_by_addon"
        del self.sold[product].holders[account]
        self._note(by, "unassign", key, product, account)
        return "unassigned"

    def change(self, product: str, quantity: int, key: str) -> Json:
        self.pass_time()
        sold = self._sold(product)
        if sold.pending:
            raise Refusal(409, "change_pending")
        if quantity < len(sold.holders):
            raise Refusal(409, "below_assigned")
        if quantity != sold.quantity:
            ends = self.now() + self.rng.uniform(*self.change_seconds)
            sold.pending = (quantity, self.now(), ends, self.rng.random() < self.refused)
            self._note("connector", "asked", key, product, number=quantity)
        return self.subscription(product)

    def create(self, body: Json, key: str) -> Json:
        found = self.find(body["user_name"])
        if found:
            raise Refusal(409, "user_exists", user_id=found[0]["id"])
        id = f"acc-{len(self.users) + 1}"
        self.users[id] = {"id": id, **body, "active": True}
        self._note("connector", "account", key, account=id)
        return self.users[id]

    def set_active(self, account: str, active: bool, key: str) -> Json:
        if account not in self.users:
            raise Refusal(404, "not_found")
        if self.users[account]["active"] != active:
            self.users[account] = self.users[account] | {"active": active}
            self._note("connector", "active", key, account=account, number=int(active))
        return self.users[account]

    def stranger(self) -> None:
        """Somebody in the portal: takes a free seat for somebody else, or takes one away."""
        product = self.rng.choice(sorted(self.sold))
        holders = sorted(self.sold[product].holders)
        if holders and self.rng.random() < 0.5:
            self.unassign(product, [self.rng.choice(holders)], "portal", "stranger")
            return
        outsider = f"portal{self.rng.randrange(3)}@elsewhere.example"
        if not self.find(outsider):
            id = f"acc-{len(self.users) + 1}"
            self.users[id] = {"id": id, "user_name": outsider, "display_name": "", "email": "",
                              "external_id": "", "active": True}  # fmt: skip
        account = self.find(outsider)[0]["id"]
        for each in (*NEEDS[product], product):
            self.assign(each, [account], "portal", "stranger")

    def pass_time(self) -> None:
        """Pending changes end."""
        for product, sold in self.sold.items():
            if sold.pending and sold.pending[2] <= self.now():
                quantity, _, _, refused = sold.pending
                sold.pending = None
                self._note("time", "dropped" if refused else "quantity", "", product, number=quantity)
                if not refused:
                    sold.quantity = quantity

    def _sold(self, product: str) -> Sold:
        if product not in self.sold:
            raise Refusal(404, "not_found")
        return self.sold[product]

    def _note(
        self, by: str, what: str, key: str, product: str = "", account: str = "", number: int = 0
    ) -> None:
        user = self.users[account]["user_name"] if account else ""
        self.ledger.append(Effect(self.now(), by, what, key, product, account, user, number))

    def dump(self) -> Json:
        self.pass_time()
        return {
            "ledger": [asdict(effect) for effect in self.ledger],
            "sold": {
                p: {"quantity": s.quantity, "pending": s.pending is not None,
                    "users": sorted(self.users[a]["user_name"] for a in s.holders)}
                for p, s in self.sold.items()
            },
            "active": {u["user_name"]: u["active"] for u in self.users.values()},
        }  # fmt: skip


def _text(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")

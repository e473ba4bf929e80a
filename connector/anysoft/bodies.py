"""What does each writing call say? The contract's bodies, written exactly and read strictly."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from connector.anysoft.fields import MOST, Fields, Malformed
from connector.anysoft.licensing import BATCH
from connector.anysoft.wire import Json, address_json, address_of, billing_json, billing_of
from sync.model import AccountId, Address, Billing, ProductId

_ACCOUNT = ("user_name", "display_name", "email", "external_id")
_BILLING = ("name", "email", "purchase_order")
_ADDRESS = ("line1", "line2", "city", "region", "postal_code", "country")


def exact(body: Json) -> str:
    """One text for equal bodies: what an intent stores, and an idempotency key is held against."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


@dataclass(frozen=True, slots=True)
class AddProduct:
    product: ProductId
    quantity: int
    billing: Billing
    address: Address

    def body(self) -> Json:
        return {
            "product_id": self.product,
            "quantity": self.quantity,
            "billing": billing_json(self.billing),
            "address": address_json(self.address),
        }


@dataclass(frozen=True, slots=True)
class Change:
    """PATCH of a subscription: None leaves as it is."""

    quantity: int | None = None
    billing: Billing | None = None
    address: Address | None = None
    settings: Mapping[str, str] | None = None

    def body(self) -> Json:
        body: Json = {}
        if self.quantity is not None:
            body["quantity"] = self.quantity
        if self.billing is not None:
            body["billing"] = billing_json(self.billing)
        if self.address is not None:
            body["address"] = address_json(self.address)
        if self.settings is not None:
            body["settings"] = dict(self.settings)
        return body


@dataclass(frozen=True, slots=True)
class NewAccount:
    user_name: str
    display_name: str
    email: str
    external_id: str

    def body(self) -> Json:
        return {
            "user_name": self.user_name,
            "display_name": self.display_name,
            "email": self.email,
            "external_id": self.external_id,
        }


@dataclass(frozen=True, slots=True)
class AccountChange:
    """PATCH of a user: None leaves as it is."""

    user_name: str | None = None
    display_name: str | None = None
    email: str | None = None
    external_id: str | None = None
    active: bool | None = None

    def body(self) -> Json:
        return {name: value for name, value in asdict(self).items() if value is not None}


def accounts_body(accounts: Sequence[AccountId]) -> Json:
    return {"user_ids": list(accounts)}


def destination_body(name: str) -> Json:
    return {"name": name}


# ---- reading them ----


def add_product_of(json: object) -> AddProduct:
    fields = Fields.of(json)
    fields.only(("product_id", "quantity", "billing", "address"))
    return AddProduct(
        ProductId(fields.text("product_id", 64)),
        fields.whole("quantity", -MOST),
        _billing(fields),
        _address(fields),
    )


def change_of(json: object) -> Change:
    fields = Fields.of(json)
    fields.only(("quantity", "billing", "address", "settings"))
    return Change(
        fields.whole("quantity", -MOST) if "quantity" in fields.values else None,
        _billing(fields) if "billing" in fields.values else None,
        _address(fields) if "address" in fields.values else None,
        _settings(fields.inner("settings")) if "settings" in fields.values else None,
    )


def new_account_of(json: object) -> NewAccount:
    fields = Fields.of(json)
    fields.only(_ACCOUNT)
    return NewAccount(
        fields.text("user_name"),
        fields.text("display_name", default=""),
        fields.text("email", default=""),
        fields.text("external_id", default=""),
    )


def accounts_of(json: object) -> tuple[AccountId, ...]:
    fields = Fields.of(json)
    fields.only(("user_ids",))
    return tuple(AccountId(id) for id in fields.texts("user_ids", BATCH, 64))


def account_change_of(json: object) -> AccountChange:
    fields = Fields.of(json)
    fields.only((*_ACCOUNT, "active"))
    texts = {name: fields.text(name) for name in _ACCOUNT if name in fields.values}
    return AccountChange(**texts, active=fields.flag("active") if "active" in fields.values else None)


def destination_name_of(json: object) -> str:
    fields = Fields.of(json)
    fields.only(("name",))
    return fields.text("name")


def _billing(fields: Fields) -> Billing:
    inner = fields.inner("billing")
    inner.only(_BILLING)
    return billing_of(inner)


def _address(fields: Fields) -> Address:
    inner = fields.inner("address")
    inner.only(_ADDRESS)
    return address_of(inner)


def _settings(fields: Fields) -> dict[str, str]:
    if len(fields.values) > 100:
        raise Malformed(fields.at, "at most 100 at once")
    return {name: fields.text(name) for name in fields.values}

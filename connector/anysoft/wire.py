"""How do values look as the contract's JSON, and back? The contract: docs on the AnySoft licensing API.

`x_json(value)` gives what json.dumps takes; `x_of(json)` gives the value or raises Malformed with the field.
Answers may carry fields we don't know; requests may not (see bodies.py).
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from connector.anysoft.fields import Fields, Malformed
from connector.anysoft.licensing import BATCH
from sync.model import (
    Account,
    AccountId,
    Address,
    Assigned,
    Billing,
    Destination,
    Money,
    PendingChange,
    Product,
    ProductId,
    ProductType,
    Result,
    Status,
    Subscription,
    SubscriptionId,
    Tenant,
)
from sync.ports import Rejected

Json = dict[str, Any]
PAGE = 1000  #: items in one list answer
LONGEST_ID = 64

_AMOUNT = re.compile(r"\d{1,12}(?:\.\d{1,4})?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)


def moment_text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def money_json(money: Money) -> Json:
    return {"amount": f"{money.amount:f}", "currency": money.currency, "period": "month"}


def money_of(fields: Fields) -> Money:
    amount, currency = fields.text("amount", 20), fields.text("currency", 3)
    if not _AMOUNT.fullmatch(amount):
        raise Malformed(fields.path("amount"), "must be an amount such as 4.00")
    if not _CURRENCY.fullmatch(currency):
        raise Malformed(fields.path("currency"), "must be a currency's code such as EUR")
    if fields.text("period", 20) != "month":
        raise Malformed(fields.path("period"), "must be month")
    return Money(Decimal(amount), currency)


def tenant_json(tenant: Tenant) -> Json:
    return {"id": tenant.id, "name": tenant.name, "roles": list(tenant.roles)}


def tenant_of(json: object) -> Tenant:
    fields = Fields.of(json)
    return Tenant(fields.text("id", LONGEST_ID), fields.text("name"), fields.texts("roles", 100))


def product_json(product: Product) -> Json:
    price = product.unit_price
    return {
        "id": product.id,
        "family": product.family,
        "name": product.name,
        "type": product.type.value,
        "requires": list(product.requires),
        "description": product.description,
        "unit_price": None if price is None else money_json(price),
    }


def product_of(json: object, at: str = "") -> Product:
    fields = Fields.of(json, at)
    kind = fields.text("type", 20)
    if kind not in list(ProductType):
        raise Malformed(fields.path("type"), "must be user or metered")
    return Product(
        id=ProductId(fields.text("id", LONGEST_ID)),
        family=fields.text("family"),
        name=fields.text("name"),
        type=ProductType(kind),
        requires=tuple(ProductId(id) for id in fields.texts("requires", 100, LONGEST_ID)),
        description=fields.text("description", default=""),
        unit_price=money_of(fields.inner("unit_price")) if fields.has("unit_price") else None,
    )


def billing_json(billing: Billing) -> Json:
    return {"name": billing.name, "email": billing.email, "purchase_order": billing.purchase_order}


def billing_of(fields: Fields) -> Billing:
    return Billing(fields.text("name"), fields.text("email"), fields.text("purchase_order", default=""))


def address_json(address: Address) -> Json:
    return {
        "line1": address.line1,
        "line2": address.line2,
        "city": address.city,
        "region": address.region,
        "postal_code": address.postal_code,
        "country": address.country,
    }


def address_of(fields: Fields) -> Address:
    return Address(
        line1=fields.text("line1"),
        line2=fields.text("line2", default=""),
        city=fields.text("city"),
        region=fields.text("region", default=""),
        postal_code=fields.text("postal_code"),
        country=fields.text("country"),
    )


def pending_json(pending: PendingChange) -> Json:
    return {
        "quantity": pending.quantity,
        "requested_at": moment_text(pending.requested_at),
        "effective_by": moment_text(pending.effective_by),
    }


def pending_of(fields: Fields) -> PendingChange:
    return PendingChange(
        fields.whole("quantity"), fields.moment("requested_at"), fields.moment("effective_by")
    )


def subscription_json(subscription: Subscription) -> Json:
    pending = subscription.pending
    return {
        "id": subscription.id,
        "product_id": subscription.product,
        "quantity": subscription.quantity,
        "assigned": subscription.assigned,
        "destinations_created": subscription.destinations_created,
        "started_on": subscription.started_on.isoformat(),
        "renews_on": subscription.renews_on.isoformat(),
        "pending_change": None if pending is None else pending_json(pending),
        "billing": billing_json(subscription.billing),
        "address": address_json(subscription.address),
    }


def subscription_of(json: object, at: str = "") -> Subscription:
    fields = Fields.of(json, at)
    return Subscription(
        id=SubscriptionId(fields.text("id", LONGEST_ID)),
        product=ProductId(fields.text("product_id", LONGEST_ID)),
        quantity=fields.whole("quantity"),
        assigned=fields.whole("assigned"),
        destinations_created=fields.whole("destinations_created"),
        started_on=fields.day("started_on"),
        renews_on=fields.day("renews_on"),
        pending=pending_of(fields.inner("pending_change")) if fields.has("pending_change") else None,
        billing=billing_of(fields.inner("billing")),
        address=address_of(fields.inner("address")),
    )


def account_json(account: Account) -> Json:
    return {
        "id": account.id,
        "user_name": account.user_name,
        "display_name": account.display_name,
        "email": account.email,
        "external_id": account.external_id,
        "active": account.active,
    }


def account_of(json: object, at: str = "") -> Account:
    fields = Fields.of(json, at)
    return Account(
        id=AccountId(fields.text("id", LONGEST_ID)),
        user_name=fields.text("user_name"),
        display_name=fields.text("display_name", default=""),
        email=fields.text("email", default=""),
        external_id=fields.text("external_id", default=""),
        active=fields.flag("active"),
    )


def assigned_json(assigned: Assigned) -> Json:
    return {
        "user_id": assigned.account,
        "user_name": assigned.user_name,
        "assigned_at": moment_text(assigned.assigned_at),
    }


def assigned_of(json: object, at: str = "") -> Assigned:
    fields = Fields.of(json, at)
    return Assigned(
        AccountId(fields.text("user_id", LONGEST_ID)), fields.text("user_name"), fields.moment("assigned_at")
    )


def results_json(results: Sequence[Result]) -> Json:
    return {"results": [{"user_id": result.account, "status": result.status.value} for result in results]}


def results_of(json: object) -> tuple[Result, ...]:
    """The statuses that the contract names; another one is Malformed: what it would mean can't be guessed."""
    results = []
    for at, item in Fields.of(json).items("results", BATCH):
        fields = Fields.of(item, at)
        status = fields.text("status", 40)
        if status not in list(Status):
            raise Malformed(fields.path("status"), "is no status of the contract")
        results.append(Result(AccountId(fields.text("user_id", LONGEST_ID)), Status(status)))
    return tuple(results)


def destination_json(destination: Destination) -> Json:
    return {"id": destination.id, "name": destination.name}


def destination_of(json: object, at: str = "") -> Destination:
    fields = Fields.of(json, at)
    return Destination(fields.text("id", LONGEST_ID), fields.text("name"))


def page_json(items: Sequence[Json], next: str | None) -> Json:
    return {"items": list(items), "next": next}


def page_of(json: object) -> tuple[list[tuple[str, object]], str | None]:
    """The items, each with its path for product_of and its like; and the cursor of the next page."""
    fields = Fields.of(json)
    return fields.items("items", PAGE), fields.text("next") if fields.has("next") else None


#: codes that aren't a 409
_STATUS = {"invalid": 422, "idempotency_mismatch": 422}


def rejected_json(rejected: Rejected) -> Json:
    """A problem (RFC 9457). `user_exists` names the one there is in `user_id`."""
    problem: Json = {
        "type": f"urn:anysoft:licensing:{rejected.code}",
        "title": rejected.code.replace("_", " "),
        "status": _STATUS.get(rejected.code, 409),
        "code": rejected.code,
        "detail": str(rejected),
    }
    if rejected.code == "user_exists":
        problem |= dict(rejected.fields)
    elif rejected.fields:
        problem["errors"] = [{"field": field, "message": message} for field, message in rejected.fields]
    return problem


def rejected_of(json: object) -> Rejected:
    """Decided by `code` alone, never by text."""
    problem = Fields.of(json)
    code = problem.text("code", 60)
    errors = []
    for at, item in problem.items("errors", 200) if problem.has("errors") else []:
        error = Fields.of(item, at)
        errors.append((error.text("field"), error.text("message")))
    if problem.has("user_id"):
        errors.append(("user_id", problem.text("user_id", LONGEST_ID)))
    return Rejected(code, problem.text("detail", default=code), errors)

"""Do values survive the contract's JSON, and is everything else refused by the field's name?"""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.anysoft import bodies, wire
from connector.anysoft.fields import Fields, Malformed
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

TEXTS = st.text(max_size=40)
MOMENTS = st.datetimes(timezones=st.just(UTC))
MONEY = st.builds(Money, st.decimals(0, 99999, places=2), st.sampled_from(["EUR", "USD"]))
BILLINGS = st.builds(Billing, TEXTS, TEXTS, TEXTS)
ADDRESSES = st.builds(Address, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS)
NUMBERS = st.integers(0, 2**31 - 1)
SUBSCRIPTIONS = st.builds(
    Subscription,
    st.builds(SubscriptionId, TEXTS),
    st.builds(ProductId, TEXTS),
    NUMBERS,
    NUMBERS,
    NUMBERS,
    st.dates(),
    st.dates(),
    st.none() | st.builds(PendingChange, NUMBERS, MOMENTS, MOMENTS),
    BILLINGS,
    ADDRESSES,
)


def there_and_back(body: object) -> Any:
    return json.loads(json.dumps(body))


@given(SUBSCRIPTIONS)
def test_subscriptions_survive(subscription: Subscription) -> None:
    assert wire.subscription_of(there_and_back(wire.subscription_json(subscription))) == subscription


@given(
    st.builds(
        Product,
        st.builds(ProductId, TEXTS),
        TEXTS,
        TEXTS,
        st.sampled_from(ProductType),
        st.lists(st.builds(ProductId, TEXTS), max_size=3).map(tuple),
        TEXTS,
        st.none() | MONEY,
    )
)
def test_products_survive(product: Product) -> None:
    assert wire.product_of(there_and_back(wire.product_json(product))) == product


@given(st.builds(Account, st.builds(AccountId, TEXTS), TEXTS, TEXTS, TEXTS, TEXTS, st.booleans()))
def test_accounts_survive(account: Account) -> None:
    assert wire.account_of(there_and_back(wire.account_json(account))) == account


@given(st.builds(Assigned, st.builds(AccountId, TEXTS), TEXTS, MOMENTS))
def test_assignments_survive(assigned: Assigned) -> None:
    assert wire.assigned_of(there_and_back(wire.assigned_json(assigned))) == assigned


@given(st.lists(st.builds(Result, st.builds(AccountId, TEXTS), st.sampled_from(Status))).map(tuple))
def test_results_survive(results: tuple[Result, ...]) -> None:
    assert wire.results_of(there_and_back(wire.results_json(results))) == results


def test_tenants_destinations_and_pages_survive() -> None:
    tenant = Tenant("t", "T", ("GlobalAdministration",))
    assert wire.tenant_of(there_and_back(wire.tenant_json(tenant))) == tenant
    destination = Destination("d", "Scans")
    page = there_and_back(wire.page_json([wire.destination_json(destination)], "more"))
    items, cursor = wire.page_of(page)
    assert [wire.destination_of(item, at) for at, item in items] == [destination]
    assert cursor == "more"
    assert wire.page_of({"items": [], "next": None}) == ([], None)


@pytest.mark.parametrize(
    "rejected",
    [
        Rejected("below_assigned", "no"),
        Rejected("invalid", "two", [("quantity", "is required"), ("billing.name", "is required")]),
        Rejected("user_exists", "there is one", [("user_id", "usr-1")]),
    ],
)
def test_refusals_survive(rejected: Rejected) -> None:
    problem = there_and_back(wire.rejected_json(rejected))
    again = wire.rejected_of(problem)
    assert (again.code, str(again), again.fields) == (rejected.code, str(rejected), rejected.fields)
    assert problem["status"] == (422 if rejected.code == "invalid" else 409)


@given(TEXTS, NUMBERS, BILLINGS, ADDRESSES, st.lists(st.builds(AccountId, TEXTS), max_size=200))
def test_requests_survive(
    text: str, number: int, billing: Billing, address: Address, ids: list[AccountId]
) -> None:
    added = bodies.AddProduct(ProductId(text), number, billing, address)
    assert bodies.add_product_of(json.loads(bodies.exact(added.body()))) == added
    for change in (
        bodies.Change(quantity=number),
        bodies.Change(billing=billing, settings={text: text}),
        bodies.Change(address=address),
    ):
        assert bodies.change_of(json.loads(bodies.exact(change.body()))) == change
    account = bodies.NewAccount(text, text, text, text)
    assert bodies.new_account_of(json.loads(bodies.exact(account.body()))) == account
    assert bodies.accounts_of(json.loads(bodies.exact(bodies.accounts_body(ids)))) == tuple(ids)
    for wish in (bodies.AccountChange(user_name=text, active=False), bodies.AccountChange(email=text)):
        assert bodies.account_change_of(json.loads(bodies.exact(wish.body()))) == wish
    assert bodies.destination_name_of(bodies.destination_body(text)) == text


SUBSCRIPTION = wire.subscription_json(
    Subscription(
        SubscriptionId("s"), ProductId("anyprint"), 5, 2, 0, date(2026, 1, 31), date(2026, 2, 28),
        PendingChange(7, datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 2, 1, 1, tzinfo=UTC)),
        Billing("B", "b@x.example"), Address("l", "c", "p", "DE"),
    )
)  # fmt: skip


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("quantity", "5"), ("quantity", 5.0), ("quantity", True), ("quantity", -1), ("quantity", 2**31),
        ("quantity", None), ("id", 5), ("id", "x" * 65), ("id", None), ("started_on", "2026-02-30"),
        ("started_on", "20260131"), ("renews_on", "2026-01-31T00:00:00Z"), ("renews_on", "２０26-01-31"),
        ("pending_change", []), ("pending_change.quantity", None),
        ("pending_change.requested_at", "2026-02-01"),
        ("pending_change.effective_by", "2026-02-01T01:00:00"), ("pending_change.effective_by", 5),
        ("pending_change.effective_by", "0001-01-01T00:00:00+23:00"), ("billing", "B"), ("billing.name", {}),
        ("address", None), ("address.city", ["Leeds"]), ("address.line2", 5), ("address.line1", "x" * 2001),
    ],
)  # fmt: skip
def test_T25_a_wrong_value_is_refused_by_the_fields_name(path: str, value: object) -> None:
    message = there_and_back(SUBSCRIPTION)
    *outer, last = path.split(".")
    inner = message[outer[0]] if outer else message
    inner[last] = value
    with pytest.raises(Malformed) as refused:
        wire.subscription_of(message, "items[3]")
    assert refused.value.field == f"items[3].{path}"


@pytest.mark.parametrize("name", [name for name in SUBSCRIPTION if name != "pending_change"])
def test_T25_a_missing_key_is_refused_by_its_name(name: str) -> None:
    message = there_and_back(SUBSCRIPTION)
    del message[name]
    with pytest.raises(Malformed, match="is required") as refused:
        wire.subscription_of(message)
    assert refused.value.field == name


def test_an_answer_may_say_more_and_leave_out_what_is_optional() -> None:
    message = there_and_back(SUBSCRIPTION) | {"new": {"a": 1}}
    del message["pending_change"], message["billing"]["purchase_order"], message["address"]["line2"]
    assert wire.subscription_of(message).pending is None


@pytest.mark.parametrize("message", [None, [], "x", 5, True])
def test_T25_no_message_at_all(message: object) -> None:
    for read in (wire.subscription_of, wire.page_of, wire.results_of, wire.rejected_of, bodies.change_of):
        with pytest.raises(Malformed, match="must be an object"):
            read(message)


@pytest.mark.parametrize("amount", ["NaN", "-1", "1e9", "1.", ".5", "1.00001", "٣", "1" * 13, "Infinity", ""])
def test_T25_not_an_amount(amount: str) -> None:
    with pytest.raises(Malformed, match="amount"):
        wire.money_of(Fields.of({"amount": amount, "currency": "EUR", "period": "month"}))


def test_T25_unknown_statuses_types_periods_and_currencies_cant_be_guessed() -> None:
    with pytest.raises(Malformed, match=r"results\[0\]\.status"):
        wire.results_of({"results": [{"user_id": "u", "status": "maybe"}]})
    product = {"id": "x", "family": "f", "name": "n", "type": "site", "requires": []}
    with pytest.raises(Malformed, match="user or metered"):
        wire.product_of(product)
    for money in ({"currency": "eur", "period": "month"}, {"currency": "EUR", "period": "year"}):
        with pytest.raises(Malformed, match=r"currency|period"):
            wire.money_of(Fields.of({"amount": "1"} | money))


def test_T25_lists_are_bounded() -> None:
    with pytest.raises(Malformed, match="at most 1000"):
        wire.page_of({"items": [{}] * 1001, "next": None})
    with pytest.raises(Malformed, match="at most 200"):
        bodies.accounts_of({"user_ids": ["u"] * 201})
    with pytest.raises(Malformed, match=r"user_ids\[1\]"):
        bodies.accounts_of({"user_ids": ["u", 5]})


@pytest.mark.parametrize(
    ("read", "body", "field"),
    [
        (bodies.change_of, {"quantiy": 5}, "quantiy"),
        (bodies.change_of, {"quantity": None}, "quantity"),
        (bodies.change_of, {"settings": {"a": 1}}, "settings.a"),
        (bodies.change_of, {"billing": {"name": "n", "email": "e", "iban": "i"}}, "billing.iban"),
        (bodies.accounts_of, {"user_ids": "u"}, "user_ids"),
        (bodies.account_change_of, {"active": "true"}, "active"),
        (bodies.account_change_of, {"email": None}, "email"),
        (bodies.new_account_of, {"display_name": "x"}, "user_name"),
        (bodies.destination_name_of, {"name": "x", "id": "y"}, "id"),
    ],
)
def test_a_request_says_what_the_call_knows_and_nothing_else(read: Any, body: object, field: str) -> None:
    with pytest.raises(Malformed) as refused:
        read(body)
    assert refused.value.field == field


def test_amounts_keep_their_digits() -> None:
    money = Money(Decimal("4.00"), "EUR")
    assert wire.money_json(money) == {"amount": "4.00", "currency": "EUR", "period": "month"}
    assert str(wire.money_of(Fields.of(wire.money_json(money))).amount) == "4.00"

"""Is the tenant opened once, priced, seeded without harm, and honest when its database is gone?"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, select

from connector.anysoft import office
from connector.anysoft.tenant import BuiltInTenant
from connector.store.engine import connect, writing
from connector.store.tables import tenant_roles
from sync.model import AccountId, Address, Billing, Money, ProductId, SubscriptionId
from sync.ports import Missing, Transient, Unauthorized
from tests.contracts.licensing_racers import at_once

NOW = datetime(2026, 1, 31, 10, 0, tzinfo=UTC)
BILLING = Billing("Contoso Ltd", "billing@contoso.example")
ADDRESS = Address("1 High Street", "Leeds", "LS1 1AA", "GB")
ANYPRINT, CENTRE = ProductId("anyprint"), ProductId("anyprint-centre")


def tenant(engine: Engine) -> BuiltInTenant:
    return BuiltInTenant(engine, lambda: NOW, timedelta(minutes=10))


def test_L1_a_tenant_that_nobody_opened_has_no_role(engine: Engine) -> None:
    assert not tenant(engine).tenant().administers
    with pytest.raises(Unauthorized):
        tenant(engine).create_account("ada@contoso.example", "", "", "", "k")


def test_L1_many_open_the_tenant_at_once(engine: Engine) -> None:
    def start(_: int) -> str:
        office.open_tenant(engine)
        return "open"

    for _ in range(5):
        assert at_once(start, range(8)) == ["open"] * 8
        assert tenant(engine).tenant().roles == ("GlobalAdministration",)
        with writing(engine) as conn:
            assert len(conn.execute(select(tenant_roles)).all()) == 1
            conn.execute(delete(tenant_roles))


def test_the_demo_is_seeded_once_and_leaves_alone_what_there_is(engine: Engine) -> None:
    prices = {ANYPRINT: Money(Decimal("4.00"), "EUR"), CENTRE: Money(Decimal("2.00"), "EUR")}
    office.set_price(engine, ANYPRINT, Money(Decimal("3.00"), "EUR"))
    for quantity in (20, 30):
        quantities = {CENTRE: 5, ANYPRINT: quantity}  # the add-on first: the order is found all the same
        office.seed_demo(engine, tenant(engine), prices, quantities, BILLING, ADDRESS)
    bought = {each.product: each.quantity for each in tenant(engine).subscriptions()}
    assert bought == {ANYPRINT: 20, CENTRE: 5}
    assert [str(charge.amount.amount) for charge in tenant(engine).charges() if charge.amount] == [
        "60.00",
        "10.00",
    ]


def test_L11_only_products_of_the_catalog_have_prices(engine: Engine) -> None:
    with pytest.raises(Missing, match="anyprint-release"):
        office.set_price(engine, ProductId("anyfax"), None)


def test_L9_only_a_pending_change_can_be_refused(engine: Engine) -> None:
    office.seed_demo(engine, tenant(engine), {}, {ANYPRINT: 5}, BILLING, ADDRESS)
    (subscription,) = tenant(engine).subscriptions()
    with pytest.raises(Missing):
        office.refuse_pending(engine, subscription.id)


def test_a_database_that_is_gone_is_transient_and_a_write_may_be_done(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path / 'no such folder' / 'x.db'}")
    with pytest.raises(Transient) as read:
        tenant(engine).subscriptions()
    with pytest.raises(Transient) as write:
        tenant(engine).assign(SubscriptionId("s"), [AccountId("u")], "k")
    assert (read.value.maybe_done, write.value.maybe_done) == (False, True)
    engine.dispose()

"""Is the demo's scenario whole, and is a mistake in it named?"""

import tomllib
from decimal import Decimal

import pytest

from connector.anysoft.forms import address_mistakes, billing_mistakes
from connector.anysoft.licensing import CATALOG
from connector.demo.scenario import BadScenario, DemoSettings, parse, read
from connector.settings import BuiltInTenant, Sync
from sync.model import Money
from tests.connector.demo.files import CONFIG, scenario

TEXT = (CONFIG / "demo.toml").read_text()


def test_what_it_sets_up_is_what_anysoft_takes() -> None:
    wanted = scenario()
    assert (wanted.first, wanted.next) == (("entra-1", "okta-1"), ("entra-2", "entra-3", "entra-4"))
    assert wanted.quantities == {"anyprint": 30, "anyprint-centre": 10, "anyprint-release": 15, "anyscan": 2}
    assert wanted.prices.keys() == wanted.quantities.keys() <= CATALOG.keys()
    assert next(iter(wanted.prices.values())) == Money(Decimal("4.00"), "EUR")
    assert {mapping.product for mapping in wanted.mappings} == wanted.quantities.keys()
    assert billing_mistakes(wanted.billing) + address_mistakes(wanted.address) == []


def test_its_settings_are_a_settings_file() -> None:
    assert scenario().settings == DemoSettings(3, 20, 10)
    written = tomllib.loads(scenario().settings.as_toml())
    sync, tenant = Sync(**written["sync"]), BuiltInTenant(**written["tenant"])
    assert sync.settle_seconds == 3
    assert sync.grace_leaver_hours * 3600 == pytest.approx(20, abs=0.001)
    assert tenant.change_seconds == 10


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("first =", "frist =", "frist: is not a field"),
        ("quantity = 30", "quantity = 0", "subscriptions[0].quantity: must be from 1"),
        ('unit_price = "4.00"', 'unit_price = "cheap"', "subscriptions[0].unit_price: must be an amount"),
        ('unit_price = "4.00"', 'unit_price = "NaN"', "subscriptions[0].unit_price: must be an amount"),
        ('directory = "okta"', 'directory = "ldap"', "mappings[4].directory: must be one of entra, okta"),
        ("settle_seconds = 3", 'settle_seconds = "3"', "settings.settle_seconds: must be a whole number"),
        ("[billing]", "[billing", "demo.toml: "),
    ],
)
def test_a_mistake_names_its_field(old: str, new: str, says: str) -> None:
    assert old in TEXT
    with pytest.raises(BadScenario) as caught:
        parse(TEXT.replace(old, new, 1))
    assert says in str(caught.value)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(BadScenario, match=r"nowhere\.toml can't be read"):
        read(CONFIG / "nowhere.toml")

"""Which entries are refused, with which field? (L5, L9)"""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.anysoft.countries import COUNTRIES
from connector.anysoft.forms import (
    address_mistakes,
    billing_mistakes,
    plausible_mail,
    quantity_mistakes,
    settings_mistakes,
    storable,
)
from sync.model import Address, Billing

BILLING = Billing("Contoso", "billing@contoso.example")
ADDRESS = Address("1 High Street", "Leeds", "LS1 1AA", "GB")


def test_what_is_right_is_accepted() -> None:
    assert billing_mistakes(BILLING) == []
    assert address_mistakes(ADDRESS) == []
    assert address_mistakes(Address("銀座４丁目", "東京", "104-0061", "JP", region="東京都")) == []


@pytest.mark.parametrize("quantity", [1, 2, 10_000_000])
def test_L5_quantities(quantity: int) -> None:
    assert quantity_mistakes(quantity) == []


@pytest.mark.parametrize("quantity", [0, -5, 10_000_001, 1.0, "3", True, None])
def test_L5_not_a_quantity(quantity: int) -> None:
    assert [field for field, _ in quantity_mistakes(quantity)] == ["quantity"]


@pytest.mark.parametrize(
    "mail", ["a@b.de", "jo.doe+x@mail.contoso.local", "jürgen@bücher.example", "a@1.2", "o'hara@x.example"]
)
def test_mail_addresses(mail: str) -> None:
    assert plausible_mail(mail)


@pytest.mark.parametrize(
    "mail",
    [
        "", "a", "@b.de", "a@", "a@b", "a@@b.de", "a@b@c.de", "a b@c.de", "a@b..de", ".a@b.de", "a.@b.de",
        "a..b@c.de", "a@-b.de", "a@b-.de", "a@b.de\n", "a@b.de,c@d.de", "<a@b.de>", "a@b_.de",
        "a" * 65 + "@b.de",
        "a@" + "b." * 130 + "de",
    ],
)  # fmt: skip
def test_not_mail_addresses(mail: str) -> None:
    assert not plausible_mail(mail)


@given(st.text(max_size=300))
def test_any_text_is_judged_quickly_and_what_passes_has_one_at(text: str) -> None:
    if plausible_mail(text):
        assert text.count("@") == 1


@pytest.mark.parametrize("field", ["name", "email", "purchase_order"])
@pytest.mark.parametrize("bad", ["a\nb", "\0", "\ud800", "x" * 300, "a\u2028b"])
def test_billing_names_the_field(field: str, bad: str) -> None:
    assert [at for at, _ in billing_mistakes(replace(BILLING, **{field: bad}))] == [f"billing.{field}"]


@pytest.mark.parametrize("field", ["line1", "line2", "city", "region", "postal_code", "country"])
@pytest.mark.parametrize("bad", ["a\tb", "\x7f", "\udfff", "x" * 300])
def test_address_names_the_field(field: str, bad: str) -> None:
    assert [at for at, _ in address_mistakes(replace(ADDRESS, **{field: bad}))] == [f"address.{field}"]


@pytest.mark.parametrize("field", ["line1", "city", "postal_code", "country"])
def test_address_fields_that_are_required(field: str) -> None:
    assert [at for at, _ in address_mistakes(replace(ADDRESS, **{field: " "}))] == [f"address.{field}"]


@pytest.mark.parametrize("country", ["gb", "GBR", "UK", "XX", "", "G B", "EU"])
def test_not_a_country(country: str) -> None:
    assert country not in COUNTRIES
    assert len(COUNTRIES) == 249


def test_L9_settings_are_bounded() -> None:
    assert settings_mistakes({"pin": "on", "empty": ""}) == []
    assert settings_mistakes({str(n): "" for n in range(101)})
    assert settings_mistakes({"": "x"})
    assert settings_mistakes({"a": "x\ny"}) == [("settings.a", "must be one line without control characters")]


def test_storable() -> None:
    assert storable("x" * 5, 5)
    assert not storable("x" * 6, 5)
    assert not storable("\0", 5)

"""What does the demo set up? Subscriptions, directories, mappings and cycles, from config/demo.toml."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from importlib.resources.abc import Traversable
from pathlib import Path

from connector.anysoft.fields import Fields, Malformed
from sync.model import Address, Billing, Money, ProductId


class BadScenario(Exception):
    """The file isn't a scenario; says which field of it."""


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """Short times, so that what takes minutes and hours in earnest can be watched."""

    settle_seconds: int  #: R04
    grace_leaver_seconds: int  #: R27
    pending_change_seconds: int  #: L9: how long a change of quantity takes at the built-in tenant

    def as_toml(self) -> str:
        """As the settings file of a data folder has it."""
        return (
            f"[sync]\nsettle_seconds = {self.settle_seconds}\n"
            f"grace_leaver_hours = {self.grace_leaver_seconds / 3600:.8f}\n"
            f"\n[tenant]\nchange_seconds = {self.pending_change_seconds}\n"
        )


@dataclass(frozen=True, slots=True)
class DemoMapping:
    directory: str
    group: str  #: its name once the first cycles are played
    product: ProductId
    priority: int


@dataclass(frozen=True, slots=True)
class Scenario:
    first: tuple[str, ...]  #: recordings that `up --demo` plays, in order
    next: tuple[str, ...]  #: one for each `demo next`
    settings: DemoSettings
    directories: tuple[tuple[str, str], ...]  #: (name, kind)
    quantities: Mapping[ProductId, int]  #: subscriptions, bases first
    prices: Mapping[ProductId, Money]  #: per seat and month
    billing: Billing
    address: Address
    mappings: tuple[DemoMapping, ...]


def read(file: Path | Traversable) -> Scenario:
    """Raises BadScenario."""
    try:
        return parse(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadScenario(f"{file} can't be read: {error}") from None


def parse(text: str) -> Scenario:
    """Raises BadScenario."""
    try:
        fields = Fields.of(tomllib.loads(text))
        fields.only(
            ("first", "next", "settings", "directories", "billing", "address", "subscriptions", "mappings")
        )
        directories = tuple(_directory(Fields.of(item, at)) for at, item in fields.items("directories", 10))
        subscriptions = [
            _subscription(Fields.of(item, at)) for at, item in fields.items("subscriptions", 100)
        ]
        return Scenario(
            first=fields.texts("first", 100),
            next=fields.texts("next", 100),
            settings=_settings(fields.inner("settings")),
            directories=directories,
            quantities={product: quantity for product, quantity, _ in subscriptions},
            prices={product: price for product, _, price in subscriptions},
            billing=_billing(fields.inner("billing")),
            address=_address(fields.inner("address")),
            mappings=tuple(
                _mapping(Fields.of(item, at), [name for name, _ in directories])
                for at, item in fields.items("mappings", 1000)
            ),
        )
    except (Malformed, ValueError) as error:
        raise BadScenario(f"demo.toml: {error}") from None


def _settings(fields: Fields) -> DemoSettings:
    fields.only(("settle_seconds", "grace_leaver_seconds", "pending_change_seconds"))
    return DemoSettings(
        fields.whole("settle_seconds"),
        fields.whole("grace_leaver_seconds"),
        fields.whole("pending_change_seconds", most=3600),
    )


def _directory(fields: Fields) -> tuple[str, str]:
    fields.only(("name", "kind"))
    return fields.text("name", 100), fields.text("kind", 10)


def _subscription(fields: Fields) -> tuple[ProductId, int, Money]:
    fields.only(("product", "quantity", "unit_price", "currency"))
    try:
        amount = Decimal(fields.text("unit_price", 20))
    except InvalidOperation:
        raise Malformed(fields.path("unit_price"), 'must be an amount such as "4.00"') from None
    if not amount.is_finite() or amount < 0:
        raise Malformed(fields.path("unit_price"), 'must be an amount such as "4.00"')
    money = Money(amount, fields.text("currency", 3))
    return ProductId(fields.text("product", 64)), fields.whole("quantity", least=1), money


def _mapping(fields: Fields, directories: list[str]) -> DemoMapping:
    fields.only(("directory", "group", "product", "priority"))
    directory = fields.text("directory", 100)
    if directory not in directories:
        raise Malformed(fields.path("directory"), f"must be one of {', '.join(directories)}")
    priority = fields.whole("priority") if fields.has("priority") else 100
    return DemoMapping(directory, fields.text("group"), ProductId(fields.text("product", 64)), priority)


def _billing(fields: Fields) -> Billing:
    fields.only(("name", "email", "purchase_order"))
    return Billing(fields.text("name"), fields.text("email"), fields.text("purchase_order", default=""))


def _address(fields: Fields) -> Address:
    fields.only(("line1", "line2", "city", "region", "postal_code", "country"))
    return Address(
        line1=fields.text("line1"),
        city=fields.text("city"),
        postal_code=fields.text("postal_code"),
        country=fields.text("country"),
        line2=fields.text("line2", default=""),
        region=fields.text("region", default=""),
    )

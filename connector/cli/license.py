"""license: what is bought, and what a person does with it by hand."""

import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any, TypeVar

import click

from connector import known, shown, wiring
from connector.anysoft.forms import address_mistakes, billing_mistakes
from connector.anysoft.licensing import cost
from connector.anysoft.tenant import BuiltInTenant
from connector.cli.kinds import PRODUCT, QUANTITY, SETTING
from connector.cli.out import json_option, show_fields, show_note, show_rows
from connector.cli.shell import Failed, Shell, pass_shell, refusals
from connector.known import Known
from connector.manual import Desk
from connector.store.engine import reading
from connector.store.operators import Role
from sync.model import Address, Billing, Money, ProductId, Subscription
from sync.ports import Licensing, Rejected, Transient, Unauthorized


@click.group("license")
def license_() -> None:
    """What is bought, who has it, and changing it by hand."""


@license_.command("list")
@json_option
@pass_shell
def list_(shell: Shell, as_json: bool) -> None:
    """All products: quantity, assigned, waiting, free, price, renewal."""
    shell.actor()
    there = known_of(shell)
    found = licenses_of(shell, there)
    rows = [_row(each) | (there.marks() if as_json else _unknown(each)) for each in found]
    show_note(there.note, as_json=as_json)
    show_rows(rows, _COLUMNS, as_json=as_json, nothing="AnySoft sells nothing here.")


_COLUMNS = (
    "product", "type", "quantity", "assigned", "waiting", "free", "pending", "price", "renews_on",
    "next_bill",
)  # fmt: skip


@license_.command()
@click.argument("product", type=PRODUCT)
@json_option
@pass_shell
def show(shell: Shell, product: str, as_json: bool) -> None:
    """One product, with who is billed; `license users` shows who has it."""
    shell.actor()
    _show_one(shell, product, as_json)


def known_of(shell: Shell) -> Known:
    """What AnySoft sells and has sold: as it says now, else as it said last, marked. Raises Transient,
    Unauthorized."""
    return known.ask(anysoft_of(shell), shell.engine, wiring.clock())


def licenses_of(shell: Shell, there: Known) -> list[shown.License]:
    with reading(shell.engine) as connection:
        return shown.licenses(there.products, there.subscriptions, connection)


def _row(license: shown.License) -> dict[str, Any]:
    return asdict(license) | {"price": amount(license.price), "next_bill": amount(license.next_bill)}


def _unknown(license: shown.License) -> dict[str, str]:
    """What a person reads where a price isn't known: never nothing, never 0 (L11)."""
    if license.price is not None:
        return {}
    return {"price": UNKNOWN, **({"next_bill": UNKNOWN} if license.subscription else {})}


def amount(money: Money | None) -> str | None:
    """ "4.00 EUR"; None: unknown (L11)."""
    return f"{money.amount:.2f} {money.currency}" if money else None


def anysoft_of(shell: Shell) -> Licensing:
    return wiring.licensing(shell.settings, shell.engine)


def desk_of(shell: Shell) -> Desk:
    """Raises Failed without the role (L1)."""
    actor = shell.actor(Role.APPROVER)
    return Desk(shell.engine, anysoft_of(shell), actor.name)


_NEEDED = (
    "billing-name", "billing-email", "address-line1", "address-city", "address-postal-code",
    "address-country",
)  # fmt: skip
UNKNOWN = "unknown"


def _billing_options(command: Any) -> Any:
    """Of any text: all that is wrong with them is told together."""
    for name, text in reversed(_BILLING.items()):
        command = click.option(f"--{name}", help=text)(command)
    return command


_BILLING = {
    "billing-name": "Who is billed.",
    "billing-email": "Where the bill goes.",
    "billing-purchase-order": "The purchase order, if there is one.",
    "address-line1": "Street and number.",
    "address-line2": "The rest of it.",
    "address-city": "City.",
    "address-region": "Region or state.",
    "address-postal-code": "Postal code.",
    "address-country": "Country, two letters.",
}


@license_.command()
@click.argument("product", type=PRODUCT)
@click.option("--quantity", type=QUANTITY, required=True, help="Seats to buy.")
@click.option("--yes", is_flag=True, help="Don't ask (nor does it without a terminal).")
@_billing_options
@json_option
@pass_shell
def add(shell: Shell, /, product: str, quantity: int, yes: bool, as_json: bool, **given: str | None) -> None:
    """Buy a product: billed at once, then monthly (L5)."""
    desk = desk_of(shell)
    billing, address = _billing(given), _address(given)
    wrong = [*_mistakes(given, billing, address)]
    try:
        unknown = _not_sold(desk.anysoft, product)
    except (Transient, Unauthorized):
        if not wrong:
            raise
        unknown = ""
    if wrong:
        raise click.UsageError("\n  ".join(["not bought:", *([unknown] if unknown else []), *wrong]))
    if unknown:
        raise Failed(unknown)
    charge = _ask_before_buying(desk, product, quantity, yes)
    with refusals():
        desk.call(
            "license.add",
            product,
            {"quantity": quantity},
            lambda key: desk.anysoft.add_product(ProductId(product), quantity, billing, address, key),
        )
    _show_one(shell, product, as_json, charge)


def _not_sold(anysoft: Licensing, product: str) -> str:
    """ "" if it is sold."""
    known = [str(each.id) for each in anysoft.products()]
    return (
        "" if product in known else f"PRODUCT: there is no product {product}: use one of {', '.join(known)}"
    )


def _mistakes(given: dict[str, str | None], billing: Billing, address: Address) -> Iterator[str]:
    """All of them, each once, by the option's name."""
    missing = [name for name in _NEEDED if not (given[name.replace("-", "_")] or "").strip()]
    if missing:
        yield f"{', '.join(f'--{name}' for name in missing)}: needed to buy a product"
    for field, wrong in [*billing_mistakes(billing), *address_mistakes(address)]:
        if (option := _option(field)).removeprefix("--") not in missing:
            yield f"{option}: {wrong}"


def _option(field: str) -> str:
    """Which sets AnySoft's field: --billing-email for billing.email, --settings KEY for settings.KEY."""
    part, _, name = field.partition(".")
    if part == "settings":
        return f"--settings {name}".rstrip()
    return f"--{field.replace('.', '-').replace('_', '-')}"


#: what is charged now, to be told with the result
Charge = dict[str, str | None]


def _ask_before_buying(desk: Desk, product: str, more: int, yes: bool) -> Charge:
    """On a terminal a person is asked; a script that gives a number means it."""
    if more <= 0:
        return {}
    sold = next((each for each in desk.anysoft.products() if each.id == product), None)
    charge = amount(cost(sold.unit_price, more)) if sold else None
    if not yes and sys.stdin.isatty():
        click.confirm(
            f"{more} more seats of {product} are charged now: {charge or 'price unknown, ask AnySoft'}; "
            "nothing is pro rata or refunded. Buy?",
            abort=True,
            err=True,
        )
    return {"charge_now": charge}


T = TypeVar("T", Billing, Address)


def _changed(there: T, prefix: str, said: dict[str, str]) -> T | None:
    """None: nothing of it is to be changed."""
    new = {name.removeprefix(prefix): value for name, value in said.items() if name.startswith(prefix)}
    return replace(there, **new) if new else None


def _billing(given: dict[str, str | None]) -> Billing:
    name, email = given["billing_name"] or "", given["billing_email"] or ""
    return Billing(name, email, given["billing_purchase_order"] or "")


def _address(given: dict[str, str | None]) -> Address:
    line1, city = given["address_line1"] or "", given["address_city"] or ""
    postal_code, country = given["address_postal_code"] or "", given["address_country"] or ""
    line2, region = given["address_line2"] or "", given["address_region"] or ""
    return Address(line1, city, postal_code, country, line2=line2, region=region)


@license_.command()
@click.argument("product", type=PRODUCT)
@click.argument("quantity", type=QUANTITY)
@click.option("--yes", is_flag=True, help="Don't ask (nor does it without a terminal).")
@json_option
@pass_shell
def quantity(shell: Shell, product: str, quantity: int, yes: bool, as_json: bool) -> None:
    """Ask AnySoft for another quantity; it takes up to an hour (L9). More is charged at once."""
    desk = desk_of(shell)
    with refusals():
        subscription = desk.subscription(product)
        charge = _ask_before_buying(desk, product, quantity - subscription.quantity, yes)
        desk.call(
            "license.quantity",
            product,
            {"quantity": quantity},
            lambda key: desk.anysoft.change_quantity(subscription.id, quantity, key),
            look=lambda: _changing(desk, subscription, quantity),
        )
    _show_one(shell, product, as_json, charge)


def _changing(desk: Desk, before: Subscription, quantity: int) -> Subscription | None:
    """As AnySoft shows it, if it shows that the change was accepted."""
    now = desk.anysoft.subscription(before.id)
    there = now.quantity if now.pending is None else now.pending.quantity
    return now if there == quantity else None


@license_.command()
@click.argument("product", type=PRODUCT)
@_billing_options
@click.option("--settings", type=SETTING, multiple=True, help="KEY=VALUE; may be repeated.")
@json_option
@pass_shell
def manage(
    shell: Shell, /, product: str, settings: tuple[tuple[str, str], ...], as_json: bool, **given: str | None
) -> None:
    """Change billing, address or settings of what is bought; what isn't given stays as it is (L9)."""
    said = {name: value for name, value in given.items() if value is not None}
    if not said and not settings:
        raise click.UsageError("nothing to change: give --billing-…, --address-… or --settings")
    desk = desk_of(shell)
    with refusals():
        subscription = desk.subscription(product)
        billing = _changed(subscription.billing, "billing_", said)
        address = _changed(subscription.address, "address_", said)
        changed = [*(name.replace("_", ".", 1) for name in said), *(f"settings.{key}" for key, _ in settings)]
        try:
            desk.call(
                "license.manage",
                product,
                {"fields": sorted(changed)},
                lambda key: desk.anysoft.manage(
                    subscription.id, key, billing, address, dict(settings) or None
                ),
            )
        except Rejected as error:
            if not error.fields:
                raise
            wrong = (f"{_option(field)}: {what}" for field, what in error.fields)
            raise Failed("\n  ".join(["not changed:", *wrong])) from None
    _show_one(shell, product, as_json)


@license_.command()
@click.argument("product", type=PRODUCT, required=False)
@json_option
@pass_shell
def charges(shell: Shell, product: str | None, as_json: bool) -> None:
    """What the built-in tenant has billed: upfront, at increases, at renewals (L5, L9)."""
    shell.actor()
    anysoft = anysoft_of(shell)
    if not isinstance(anysoft, BuiltInTenant):
        raise Failed("AnySoft's contract has no call that lists charges: look at its bills")
    if product is not None and (unknown := _not_sold(anysoft, product)):
        raise Failed(unknown)
    booked = anysoft.charges(None if product is None else ProductId(product))
    rows = [
        {"at": c.at, "product": c.product, "kind": c.kind, "seats": c.seats, "amount": amount(c.amount)}
        for c in booked
    ]
    if not as_json:
        rows = [row | {"amount": row["amount"] or UNKNOWN} for row in rows]
    show_rows(rows, ("at", "product", "kind", "seats", "amount"), as_json=as_json, nothing="Nothing yet.")


def _show_one(shell: Shell, product: str, as_json: bool, charge: Charge | None = None) -> None:
    there = known_of(shell)
    found = next((each for each in licenses_of(shell, there) if each.product == product), None)
    if found is None:
        raise Failed(f"there is no product {product}: see `license list`")
    bought = next((s for s in there.subscriptions if s.product == product), None)
    billed = {} if bought is None else {"billing": asdict(bought.billing), "address": asdict(bought.address)}
    charged = charge or {}
    show_note(there.note, as_json=as_json)
    if as_json:
        show_fields(_row(found) | charged | billed | there.marks(), as_json=True)
        return
    told = {name: each or UNKNOWN for name, each in charged.items()}
    show_fields(_row(found) | _unknown(found) | told | billed, as_json=False)

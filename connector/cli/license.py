"""license: what is bought, and what a person does with it by hand."""

import sys
import uuid
from dataclasses import asdict
from typing import Any

import click

from connector import shown, wiring
from connector.anysoft.licensing import cost
from connector.cli.kinds import LINE, PRODUCT, QUANTITY, SETTING, USER
from connector.cli.out import json_option, show_fields, show_rows
from connector.cli.shell import Failed, Shell, pass_shell, refusals
from connector.manual import Desk, Told
from connector.store.engine import reading
from connector.store.operators import Role
from sync.model import Address, Billing, Money, ProductId
from sync.ports import Licensing


@click.group("license")
def license_() -> None:
    """What is bought, who has it, and changing it by hand."""


@license_.command("list")
@json_option
@pass_shell
def list_(shell: Shell, as_json: bool) -> None:
    """All products: quantity, assigned, waiting, free, price, renewal."""
    shell.actor()
    rows = [_row(each) for each in _licenses(shell)]
    if not as_json:
        rows = [row | {"price": row["price"] or "unknown"} for row in rows]
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
    """One product."""
    shell.actor()
    found = next((each for each in _licenses(shell) if each.product == product), None)
    if found is None:
        raise Failed(f"there is no product {product}: see `license list`")
    show_fields(_row(found), as_json=as_json)


def _licenses(shell: Shell) -> list[shown.License]:
    with reading(shell.engine) as connection:
        return shown.licenses(_anysoft(shell), connection)


def _row(license: shown.License) -> dict[str, Any]:
    return asdict(license) | {"price": amount(license.price), "next_bill": amount(license.next_bill)}


def amount(money: Money | None) -> str | None:
    """ "4.00 EUR"; None: unknown (L11)."""
    return f"{money.amount:.2f} {money.currency}" if money else None


def _anysoft(shell: Shell) -> Licensing:
    return wiring.licensing(shell.settings, shell.engine)


def _desk(shell: Shell) -> Desk:
    """Raises Failed without the role (L1)."""
    actor = shell.actor(Role.APPROVER)
    return Desk(shell.engine, _anysoft(shell), actor.name)


def _billing_options(command: Any) -> Any:
    for name, text in reversed(_BILLING.items()):
        command = click.option(f"--{name}", type=LINE, help=text)(command)
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
    billing, address = _billing(given), _address(given)
    if billing is None or address is None:
        needed = [f"--{name}" for name in _NEEDED if not given[name.replace("-", "_")]]
        raise click.UsageError(f"{', '.join(needed)}: needed to buy a product")
    desk = _desk(shell)
    known = [str(each.id) for each in desk.anysoft.products()]
    if product not in known:
        raise Failed(f"PRODUCT: there is no product {product}: use one of {', '.join(known)}")
    _ask_before_buying(desk, product, quantity, yes)
    with refusals(), desk.audited("license.add", product, {"quantity": quantity}):
        desk.anysoft.add_product(ProductId(product), quantity, billing, address, uuid.uuid4().hex)
    found = next(each for each in _licenses(shell) if each.product == product)
    show_fields(_row(found), as_json=as_json)


def _ask_before_buying(desk: Desk, product: str, more: int, yes: bool) -> None:
    """On a terminal a person is asked; a script that gives a number means it."""
    if more <= 0 or yes or not sys.stdin.isatty():
        return
    sold = next((each for each in desk.anysoft.products() if each.id == product), None)
    charge = amount(cost(sold.unit_price, more)) if sold else None
    click.confirm(
        f"{more} more seats of {product} are charged now: {charge or 'price unknown, ask AnySoft'}; "
        "nothing is pro rata or refunded. Buy?",
        abort=True,
        err=True,
    )


_NEEDED = (
    "billing-name", "billing-email", "address-line1", "address-city", "address-postal-code",
    "address-country",
)  # fmt: skip


def _billing(given: dict[str, str | None]) -> Billing | None:
    name, email = given["billing_name"], given["billing_email"]
    return Billing(name, email, given["billing_purchase_order"] or "") if name and email else None


def _address(given: dict[str, str | None]) -> Address | None:
    line1, city = given["address_line1"], given["address_city"]
    postal_code, country = given["address_postal_code"], given["address_country"]
    if not (line1 and city and postal_code and country):
        return None
    line2, region = given["address_line2"] or "", given["address_region"] or ""
    return Address(line1, city, postal_code, country, line2=line2, region=region)


@license_.command()
@click.argument("product", type=PRODUCT)
@click.argument("users", type=USER, nargs=-1, required=True)
@json_option
@pass_shell
def assign(shell: Shell, product: str, users: tuple[str, ...], as_json: bool) -> None:
    """Give users a license by hand; the sync never takes it away (R08)."""
    with refusals():
        told = _desk(shell).assign(product, users)
    _tell(told, as_json, ("assigned", "already_assigned"))


@license_.command()
@click.argument("product", type=PRODUCT)
@click.argument("users", type=USER, nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Don't ask.")
@json_option
@pass_shell
def unassign(shell: Shell, product: str, users: tuple[str, ...], yes: bool, as_json: bool) -> None:
    """Take the license from users, at once; they lose access (L8)."""
    desk = _desk(shell)
    if not yes:
        if not sys.stdin.isatty():
            raise Failed("--yes: needed where nobody can be asked; users lose access at once")
        whom = f"{len(users)} users lose" if len(users) > 1 else f"{users[0]} loses"
        click.confirm(f"{whom} {product} now: have they signed out?", abort=True, err=True)
    with refusals():
        told = desk.unassign(product, users)
    _tell(told, as_json, ("unassigned", "not_assigned"))


@license_.command()
@click.argument("product", type=PRODUCT)
@click.argument("users", type=USER, nargs=-1)
@click.option("--entitled", is_flag=True, help="Everybody whom a group entitles.")
@json_option
@pass_shell
def adopt(shell: Shell, product: str, users: tuple[str, ...], entitled: bool, as_json: bool) -> None:
    """Let the sync manage licenses that were assigned by hand."""
    if bool(users) == entitled:
        raise click.UsageError("USERS or --entitled: give one of the two")
    with refusals():
        told = _desk(shell).adopt(product, None if entitled else users)
    _tell(told, as_json, ("adopted",))


@license_.command()
@click.argument("product", type=PRODUCT)
@click.argument("quantity", type=QUANTITY)
@click.option("--yes", is_flag=True, help="Don't ask (nor does it without a terminal).")
@json_option
@pass_shell
def quantity(shell: Shell, product: str, quantity: int, yes: bool, as_json: bool) -> None:
    """Ask AnySoft for another quantity; it takes up to an hour (L9). More is charged at once."""
    desk = _desk(shell)
    with refusals():
        subscription = desk.subscription(product)
        _ask_before_buying(desk, product, quantity - subscription.quantity, yes)
        with desk.audited("license.quantity", product, {"quantity": quantity}):
            desk.anysoft.change_quantity(subscription.id, quantity, uuid.uuid4().hex)
    _show_one(shell, product, as_json)


@license_.command()
@click.argument("product", type=PRODUCT)
@_billing_options
@click.option("--settings", type=SETTING, multiple=True, help="KEY=VALUE; may be repeated.")
@json_option
@pass_shell
def manage(
    shell: Shell, /, product: str, settings: tuple[tuple[str, str], ...], as_json: bool, **given: str | None
) -> None:
    """Change billing, address or settings of what is bought."""
    billing, address = _billing(given), _address(given)
    if billing is None and any(given[n] for n in ("billing_name", "billing_email", "billing_purchase_order")):
        raise click.UsageError("--billing-name, --billing-email: give both")
    if address is None and any(value for name, value in given.items() if name.startswith("address_")):
        raise click.UsageError(
            "--address-line1, --address-city, --address-postal-code, --address-country: give all four"
        )
    if billing is None and address is None and not settings:
        raise click.UsageError("nothing to change: give --billing-…, --address-… or --settings")
    desk = _desk(shell)
    with refusals():
        subscription = desk.subscription(product)
        with desk.audited("license.manage", product, {}):
            desk.anysoft.manage(subscription.id, uuid.uuid4().hex, billing, address, dict(settings) or None)
    _show_one(shell, product, as_json)


@license_.group()
def destinations() -> None:
    """The Destinations of the metered products."""


@destinations.command("list")
@json_option
@pass_shell
def list_destinations(shell: Shell, as_json: bool) -> None:
    """What is there."""
    shell.actor()
    rows = [{"id": d.id, "name": d.name} for d in _anysoft(shell).destinations()]
    show_rows(rows, ("id", "name"), as_json=as_json, nothing="There is no Destination.")


@destinations.command("add")
@click.argument("name", type=LINE)
@json_option
@pass_shell
def add_destination(shell: Shell, name: str, as_json: bool) -> None:
    """Create one; the quantities of AnyScan and AnyScan Destination bound how many there are (L4)."""
    desk = _desk(shell)
    with refusals():
        made = desk.add_destination(name)
    show_fields({"id": made.id, "name": made.name}, as_json=as_json)


@destinations.command("remove")
@click.argument("id", type=PRODUCT)
@pass_shell
def remove_destination(shell: Shell, id: str) -> None:
    """Delete one."""
    desk = _desk(shell)
    with refusals(), desk.audited("destination.remove", "anyscan", {"id": id}):
        desk.anysoft.remove_destination(id)
    click.echo(f"Destination {id} is gone.")


def _show_one(shell: Shell, product: str, as_json: bool) -> None:
    show_fields(_row(next(x for x in _licenses(shell) if x.product == product)), as_json=as_json)


def _tell(told: list[Told], as_json: bool, fine: tuple[str, ...]) -> None:
    """Raises Failed when one of them didn't get what was asked."""
    rows = [asdict(each) for each in told]
    show_rows(rows, ("user", "status"), as_json=as_json, nothing="There was nobody to change.")
    left = [each for each in told if each.status not in fine]
    if left:
        why = "; ".join(
            f"{status}: {_REMEDY.get(status, status)}" for status in sorted({x.status for x in left})
        )
        raise Failed(f"{len(left)} of {len(told)} not done. {why}")


#: what AnySoft answered, and what to do about it
_REMEDY = {
    "no_license_left": "no seat is free; `license quantity` or `request approve` buys more",
    "requires_product": "assign the product that it requires first",
    "unknown_user": "AnySoft does not know the account; try again",
    "inactive_user": "the account is inactive at AnySoft: set it active there",
    "required_by_addon": "unassign the add-on first",
}

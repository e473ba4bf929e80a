"""license users, assign, unassign, adopt: who has a license, and giving and taking it by hand."""

import sys
from collections.abc import Sequence
from dataclasses import asdict

import click

from connector import holders
from connector.cli.kinds import PRODUCT, USER
from connector.cli.license import anysoft_of, desk_of, known_of
from connector.cli.out import json_option, show_note, show_rows, text
from connector.cli.shell import Failed, Shell, pass_shell, refusals
from connector.known import Known
from connector.manual import Desk, Told
from connector.store.engine import reading
from sync.model import Subscription
from sync.ports import Transient

#: users named in a question
NAMED = 10


@click.command("users")
@click.argument("product", type=PRODUCT)
@click.option("--lacking", is_flag=True, help="Who has it not, and can be given it.")
@json_option
@pass_shell
def users_(shell: Shell, product: str, lacking: bool, as_json: bool) -> None:
    """Who has a license, since when, by hand or because of which groups; or who could be given it (L7)."""
    shell.actor()
    if lacking:
        _lacking(shell, product, as_json)
        return
    there = known_of(shell)
    bought = _bought(there, product)
    try:
        found = [] if there.note else _listed(shell, bought)
    except Transient:
        there = known_of(shell)
        if not there.note:
            raise
    with reading(shell.engine) as connection:
        if there.note:
            found = list(holders.by_ledger(connection, bought.product))
    rows = [asdict(each) | there.marks() for each in found]
    columns = ("user", "since", "how", "groups")
    show_note(there.note, as_json=as_json)
    show_rows(rows, columns, as_json=as_json, nothing=f"Nobody has {product}: `license assign` gives it.")


def _listed(shell: Shell, bought: Subscription) -> list[holders.Holder]:
    with reading(shell.engine) as connection:
        return list(holders.holders(anysoft_of(shell), connection, bought.id, bought.product))


def _lacking(shell: Shell, product: str, as_json: bool) -> None:
    """Whom AnySoft has accounts of is kept nowhere here: it must be asked."""
    anysoft = anysoft_of(shell)
    bought = Desk(shell.engine, anysoft, "").subscription(product)
    with reading(shell.engine) as connection:
        rows = [{"user": user} for user in holders.lacking(anysoft, connection, bought.id)]
    nobody = f"There is nobody to give {product} to: whoever may have it has it."
    show_rows(rows, ("user",), as_json=as_json, nothing=nobody)


def _bought(there: Known, product: str) -> Subscription:
    sold = [str(each.id) for each in there.products]
    if product not in sold:
        raise Failed(f"there is no product {product}: use one of {', '.join(sold)}")
    for each in there.subscriptions:
        if each.product == product:
            return each
    raise Failed(f"{product} isn't bought: `license add {product} --quantity N …` buys it")


@click.command()
@click.argument("product", type=PRODUCT)
@click.argument("users", type=USER, nargs=-1, required=True)
@json_option
@pass_shell
def assign(shell: Shell, product: str, users: tuple[str, ...], as_json: bool) -> None:
    """Give users a license by hand; the sync never takes it away (R08)."""
    with refusals():
        told = desk_of(shell).assign(product, users)
    _tell(told, as_json, ("assigned", "already_assigned"))


@click.command()
@click.argument("product", type=PRODUCT)
@click.argument("users", type=USER, nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Don't ask.")
@json_option
@pass_shell
def unassign(shell: Shell, product: str, users: tuple[str, ...], yes: bool, as_json: bool) -> None:
    """Take the license from users, at once; they lose access (L8)."""
    desk = desk_of(shell)

    def ask(losing: Sequence[str]) -> None:
        if yes or not losing:
            return
        if not sys.stdin.isatty():
            raise Failed("--yes: needed where nobody can be asked; users lose access at once")
        click.confirm(_question(product, losing), abort=True, err=True)

    with refusals():
        told = desk.unassign(product, users, ask)
    _tell(told, as_json, ("unassigned", "not_assigned"))


def _question(product: str, losing: Sequence[str]) -> str:
    """Who loses what (L8)."""
    more = f" and {len(losing) - NAMED} more" if len(losing) > NAMED else ""
    names = text(", ".join(losing[:NAMED])) + more
    verb = "loses" if len(losing) == 1 else "lose"
    return f"{names} {verb} {product} now, and access to it. Have they been told, and signed out?"


@click.command()
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
        told = desk_of(shell).adopt(product, None if entitled else users)
    _tell(told, as_json, ("adopted",))


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

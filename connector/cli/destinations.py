"""license destinations: the Destinations of the metered products (L4)."""

import click

from connector.cli.kinds import LINE, PRODUCT
from connector.cli.license import anysoft_of, desk_of
from connector.cli.out import json_option, show_fields, show_rows
from connector.cli.shell import Shell, pass_shell, refusals


@click.group()
def destinations() -> None:
    """The Destinations of the metered products."""


@destinations.command("list")
@json_option
@pass_shell
def list_destinations(shell: Shell, as_json: bool) -> None:
    """What is there."""
    shell.actor()
    rows = [{"id": d.id, "name": d.name} for d in anysoft_of(shell).destinations()]
    show_rows(rows, ("id", "name"), as_json=as_json, nothing="There is no Destination.")


@destinations.command("add")
@click.argument("name", type=LINE)
@json_option
@pass_shell
def add_destination(shell: Shell, name: str, as_json: bool) -> None:
    """Create one; the quantities of AnyScan and AnyScan Destination bound how many there are (L4)."""
    desk = desk_of(shell)
    with refusals():
        made = desk.add_destination(name)
    show_fields({"id": made.id, "name": made.name}, as_json=as_json)


@destinations.command("remove")
@click.argument("id", type=PRODUCT)
@pass_shell
def remove_destination(shell: Shell, id: str) -> None:
    """Delete one."""
    desk = desk_of(shell)
    with refusals():
        desk.call(
            "destination.remove",
            "anyscan",
            {"id": id},
            lambda key: desk.anysoft.remove_destination(id),  # the contract has no key for it
            "license destinations list",
        )
    click.echo(f"Destination {id} is gone.")

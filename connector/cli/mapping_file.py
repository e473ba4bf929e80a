"""mapping apply, mapping export: all mappings from and to one file."""

from pathlib import Path

import click

from connector import mapping_file, wiring
from connector.cli.mapping import preview, reason_option, yes_option
from connector.cli.out import say
from connector.cli.shell import Failed, Shell, now, pass_shell, refusals
from connector.mapping_file import BadFile
from connector.store import holds, mappings
from connector.store.engine import reading, writing
from connector.store.operators import Role
from connector.store.unclear import dead
from sync.model import Mapping


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@reason_option
@yes_option
@pass_shell
def apply(shell: Shell, file: Path, reason: str | None, yes: bool) -> None:
    """Make the mappings what FILE says: those that it doesn't have are removed. All of it, or nothing."""
    actor = shell.actor(Role.OPERATOR)
    products = [str(p.id) for p in wiring.licensing(shell.settings, shell.engine).products()]
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Failed(f"{file} can't be read as UTF-8 text: {error}") from None
    try:
        with reading(shell.engine) as connection:
            before = mappings.list_mappings(connection)
            wanted = mapping_file.read(connection, text, products)
            what = mapping_file.difference(before, wanted)
    except BadFile as error:
        raise Failed(f"{file} is not applied:\n{error}") from None
    kept = {(m.group, m.product) for m in wanted if m.gone}
    for m in (m for m in before if (m.group, m.product) in kept):
        say(f"WARNING: {dead(m)}", err=True)
    if not what:
        click.echo("The mappings are as the file has them.")
        return
    for verb, those in (("add", what.add), ("change", what.change), ("remove", what.remove)):
        for m in those:
            say(f"{verb}: {_said(m)}", err=True)
    approved = preview(shell, mapping_file.supposed(before, what), yes, actor)
    with refusals(), writing(shell.engine) as connection:
        if mappings.list_mappings(connection) != before:
            raise Failed("the mappings were changed by somebody else meanwhile: run it again")
        holds.approve_ahead(connection, approved, actor.name, now())
        mappings.apply(connection, what.add, what.change, what.remove, actor.name, now(), reason or "")
    click.echo(f"{len(what.add)} added, {len(what.change)} changed, {len(what.remove)} removed.")


@click.command()
@pass_shell
def export(shell: Shell) -> None:
    """Print all mappings as a file that `mapping apply` takes."""
    shell.actor()
    with reading(shell.engine) as connection:
        found = mappings.list_mappings(connection)
        ids = mappings.group_ids(connection, [m.group for m in found])
    click.echo(mapping_file.export(found, ids), nl=False)


def _said(m: Mapping) -> str:
    terms = [f"priority {m.priority}"]
    terms += ["transitive"] if m.transitive else []
    terms += [] if m.grace_hours is None else [f"grace {m.grace_hours} h"]
    terms += [f"reserve {m.reserve}"] if m.reserve else []
    return f"{m.directory}: {m.group_name} gives {m.product} ({', '.join(terms)})"

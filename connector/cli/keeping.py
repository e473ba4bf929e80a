"""audit, db, operator, tenant: what is kept, who works with it, and the built-in tenant's own side."""

import json
import sqlite3
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import click

from connector.anysoft import office
from connector.cli.kinds import LINE, NAME, PRICE, PRODUCT, Whole
from connector.cli.later import later
from connector.cli.license import amount
from connector.cli.out import json_option, show_fields, show_rows
from connector.cli.serving_tenant import serve
from connector.cli.shell import Failed, Shell, now, pass_shell
from connector.opening import prepare
from connector.store import audit, migrations, operators
from connector.store.engine import connect, reading, writing
from connector.store.operators import Role
from sync.model import Money, ProductId


@click.group("audit")
def audit_() -> None:
    """The log that only grows (R30)."""


@audit_.command()
@json_option
@pass_shell
def verify(shell: Shell, as_json: bool) -> int:
    """Whether every entry is as it was written (T26)."""
    shell.actor()
    with reading(shell.engine) as connection:
        found = audit.verify(connection)
    if isinstance(found, audit.Broken):
        row = {"intact": False, "entries": found.entries, "entry": found.number, "why": found.why}
        show_fields(row, as_json=as_json)
        return 1
    show_fields({"intact": True, "entries": found, "entry": None, "why": ""}, as_json=as_json)
    return 0


@audit_.command("list")
@click.option("--action", type=NAME, help="What it begins with: mapping, hold, license.assign, …")
@click.option("--subject", type=LINE, help="What it is about: mapping:4, hold:2, …")
@click.option("--limit", type=Whole(1, 10_000), default=50, show_default=True, help="How many.")
@json_option
@pass_shell
def list_audit(shell: Shell, action: str | None, subject: str | None, limit: int, as_json: bool) -> None:
    """Who did what, when and why; the newest first."""
    shell.actor()
    with reading(shell.engine) as connection:
        found = audit.newest(connection, limit, action=action or "", subject=subject or "")
    rows = [asdict(each) | {"detail": json.loads(each.detail)} for each in found]
    columns = ("number", "at", "actor", "action", "subject", "detail")
    show_rows(rows, columns, as_json=as_json, nothing="There is no such entry.")


@audit_.command()
@pass_shell
def export(shell: Shell) -> None:
    """Every entry as a line of JSON, with all that is needed to verify it elsewhere."""
    shell.actor()
    with reading(shell.engine) as connection:
        for line in audit.export(connection):
            click.echo(line)


@click.group()
def db() -> None:
    """The database."""


@db.command()
@pass_shell
def upgrade(shell: Shell) -> None:
    """Bring the schema to this version; make the database if there is none."""
    prepare(shell.settings).dispose()
    click.echo(f"The schema is {migrations.newest()}.")


@db.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@pass_shell
def backup(shell: Shell, file: Path) -> None:
    """A whole copy in FILE, made while everything runs (SQLite)."""
    shell.actor(Role.ADMIN)
    source = _sqlite_file(shell)
    if file.exists():
        raise Failed(f"FILE: {file} is there already: choose another name, or move it away")
    try:
        with closing(sqlite3.connect(source)) as from_, closing(_create(file)) as to:
            from_.backup(to)
            (wrong,) = to.execute("PRAGMA integrity_check").fetchone()
    except sqlite3.Error as error:
        file.unlink(missing_ok=True)
        raise Failed(f"FILE: the backup failed: {error}") from None
    if wrong != "ok":
        raise Failed(f"the copy isn't whole: {wrong}; look at the disk, and run `db verify`")
    key = "" if shell.settings.secret_key else f"; keep {shell.settings.data_dir / 'secret.key'} with it"
    click.echo(f"{file} holds everything{key}.")


def _create(file: Path) -> sqlite3.Connection:
    try:
        file.touch(mode=0o600)
    except OSError as error:
        raise Failed(f"FILE: can't write {file}: {error.strerror}") from None
    return sqlite3.connect(file)


def _sqlite_file(shell: Shell) -> Path:
    engine = shell.engine
    if engine.dialect.name != "sqlite" or engine.url.database is None:
        raise Failed("this is PostgreSQL: back it up with pg_dump, see the guide")
    return Path(engine.url.database)


@db.command("verify")
@json_option
@pass_shell
def verify_db(shell: Shell, as_json: bool) -> int:
    """Whether the database is whole, and its schema this version's."""
    shell.actor()
    engine = connect(shell.settings.database) if shell.settings.database_url else shell.engine
    problems: list[str] = []
    if not migrations.is_current(engine):
        problems.append(
            f"the schema is {migrations.current(engine)}, not {migrations.newest()}: `db upgrade`"
        )
    if engine.dialect.name == "sqlite":
        with reading(engine) as connection:
            problems += [
                row[0] for row in connection.exec_driver_sql("PRAGMA integrity_check") if row[0] != "ok"
            ]
            problems += [
                f"{row[0]} names a row of {row[2]} that isn't there"
                for row in connection.exec_driver_sql("PRAGMA foreign_key_check")
            ]
    show_fields(
        {"whole": not problems, "schema": migrations.current(engine), "problems": problems}, as_json=as_json
    )
    return 1 if problems else 0


db.add_command(later("restore", "bringing a backup back; stop everything and copy the file instead"))


@click.group()
def operator() -> None:
    """People who work with the connector."""


@operator.command()
@click.argument("name", type=NAME)
@click.option(
    "--role", type=click.Choice([role.value for role in Role]), required=True, help="What they may do."
)
@json_option
@pass_shell
def add(shell: Shell, name: str, role: str, as_json: bool) -> None:
    """Add somebody; they sign in with a link of `sign-in --as NAME`."""
    actor = shell.actor(Role.ADMIN)
    if name.startswith("cli:") or name == "local":
        raise click.BadParameter("is the name of whoever uses the command line", param_hint="NAME")
    with writing(shell.engine) as connection:
        if not operators.add(connection, name, Role(role), now()):
            raise Failed(f"there is an operator {name} already: `operator remove` first, to change the role")
        audit.append(connection, actor.name, "operator.add", f"operator:{name}", {"role": role}, now())
    show_fields({"name": name, "role": role}, as_json=as_json)


@operator.command("list")
@json_option
@pass_shell
def list_(shell: Shell, as_json: bool) -> None:
    """All operators."""
    shell.actor()
    with reading(shell.engine) as connection:
        rows = [asdict(each) for each in operators.listed(connection)]
    show_rows(rows, ("name", "role", "created_at"), as_json=as_json, nothing="There is no operator.")


@operator.command()
@click.argument("name", type=NAME)
@pass_shell
def remove(shell: Shell, name: str) -> None:
    """Remove somebody; their sessions end."""
    actor = shell.actor(Role.ADMIN)
    with writing(shell.engine) as connection:
        if not operators.remove(connection, name):
            raise Failed(f"there is no operator {name}: see `operator list`")
        audit.append(connection, actor.name, "operator.remove", f"operator:{name}", {}, now())
    click.echo(f"Operator {name} is gone.")


@click.group()
def tenant() -> None:
    """The built-in AnySoft tenant's own side, for trials."""


@tenant.group()
def role() -> None:
    """Global Administration of the connector's own account (L1)."""


@role.command()
@pass_shell
def grant(shell: Shell) -> None:
    """Give it."""
    _set_role(shell, True)


@role.command()
@pass_shell
def revoke(shell: Shell) -> None:
    """Take it: every license action is refused from now on."""
    _set_role(shell, False)


def _set_role(shell: Shell, granted: bool) -> None:
    actor = shell.actor(Role.ADMIN)
    _check_built_in(shell, "its roles are given there")
    (office.grant_role if granted else office.revoke_role)(shell.engine)
    with writing(shell.engine) as connection:
        what = "tenant.role.grant" if granted else "tenant.role.revoke"
        audit.append(connection, actor.name, what, "tenant", {}, now())
    click.echo(f"Global Administration is {'granted' if granted else 'revoked'}.")


def _check_built_in(shell: Shell, instead: str) -> None:
    if shell.settings.anysoft.url is not None:
        raise Failed(f"the tenant is elsewhere (CONNECTOR_ANYSOFT__URL): {instead}")


@tenant.command()
@click.argument("product", type=PRODUCT)
@click.argument("price", type=PRICE)
@json_option
@pass_shell
def price(shell: Shell, product: str, price: Money | str, as_json: bool) -> None:
    """What a seat of PRODUCT costs each month from now on: 4.00:EUR, or `unknown` (L11)."""
    actor = shell.actor(Role.ADMIN)
    _check_built_in(shell, "it says its prices itself")
    agreed = price if isinstance(price, Money) else None
    office.set_price(shell.engine, ProductId(product), agreed)
    said = amount(agreed)
    with writing(shell.engine) as connection:
        audit.append(connection, actor.name, "tenant.price", f"product:{product}", {"price": said}, now())
    show_fields({"product": product, "price": said if as_json else said or "unknown"}, as_json=as_json)


tenant.add_command(serve)

"""directory, token, client: who may write a mirror, and with which secret."""

import json
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from connector import sources
from connector.cli import pulled
from connector.cli.kinds import LINE, NAME, Whole
from connector.cli.out import json_option, show_fields, show_rows
from connector.cli.rounds import NEEDS_A_PERSON
from connector.cli.shell import Failed, Shell, now, pass_shell, refusals
from connector.store import audit, credentials, directories, pulls, seen_directories, unclear
from connector.store.engine import reading, writing
from connector.store.operators import Role

#: a secret of an operator's own for ten years is one that nobody rotates
DAYS = Whole(1, 3650)
_PULLS = {
    "tenant-id": "Entra ID: of the tenant to read.",
    "client-id": "Of the app that reads.",
    "client-secret-file": "Entra ID: the app's secret …",
    "certificate-file": "… or its private key and certificate (PEM) …",
    "federated-token-file": "… or a projected token.",
    "authority": "Entra ID: another cloud's sign-in.",
    "graph-url": "Entra ID: another cloud's Microsoft Graph.",
    "org-url": "Okta: https://acme.okta.com.",
    "api-token-file": "Okta: an API token …",
    "private-key-file": "… or a service app's private key (with --client-id).",
    "key-id": "Okta: which of the app's keys it is.",
    "interval": "How often it is read: 30s, 5m, 2h (5m).",
    "cron": "Or when, in UTC: */10 6-20 * * 1-5.",
    "full-hours": "How often everything is read, changed or not (24).",
    "groups": "Names or ids, with commas (the mapped ones).",
}
_FLAGS = {
    "managed-identity": "Entra ID: the machine's identity (with --client-id: a user-assigned one).",
    "provisioned": "Okta: people who never signed in get licenses too.",
}


@click.group()
def directory() -> None:
    """Directories that push to this endpoint, or are read."""


def _pull_options(command: Any) -> Any:
    for name, text in reversed(_FLAGS.items()):
        command = click.option(f"--{name}", flag_value="true", default=None, help=text)(command)
    for name, text in reversed(_PULLS.items()):
        command = click.option(f"--{name}", type=LINE, help=text)(command)
    return command


def _pulled(shell: Shell, name: str, kind: str, given: dict[str, str | None]) -> dict[str, str]:
    """How it is read, checked; secrets stay in their files. Raises BadSettings."""
    options = {key: value for key, value in given.items() if value is not None}
    for key in options:
        if key.endswith("_file"):
            options[key] = str(Path(options[key]).resolve())
    if options and not (given.get("tenant_id") or given.get("org_url")):
        raise click.UsageError("say what to read: --tenant-id (kind entra) or --org-url (kind okta)")
    if options:
        told = sources.parse(name, kind, options)
        sources.trigger(name, told)
        sources.source(shell.settings, name, told)
    return options


def _answer_options(command: Any) -> Any:
    for name, values in (
        ("group", ["nothing", "brief", "full", "usual"]),
        ("user", ["nothing", "full", "usual"]),
    ):
        text = f"What a PATCH of a {name} gives back (usual: what its kind wants)."
        command = click.option(f"--patch-{name}", type=click.Choice(values), help=text)(command)
    return command


def _answers(patch_user: str | None, patch_group: str | None) -> dict[str, str | None]:
    """As the directory's options; what wasn't said is left out, the usual is None."""
    said = {"patched_user": patch_user, "patched_group": patch_group}
    return {key: None if value == "usual" else value for key, value in said.items() if value is not None}


@directory.command()
@click.argument("name", type=NAME)
@click.option("--kind", type=click.Choice(["scim", "entra", "okta"]), required=True, help="Whose it is.")
@_answer_options
@_pull_options
@json_option
@pass_shell
def add(
    shell: Shell,
    /,
    name: str,
    kind: str,
    patch_user: str | None,
    patch_group: str | None,
    as_json: bool,
    **pull: str | None,
) -> None:
    """Make a directory: it may push by SCIM, be read (--tenant-id, --org-url), or both."""
    actor = shell.actor(Role.OPERATOR)
    answers = _answers(patch_user, patch_group)
    detail: dict[str, object] = {"kind": kind, **answers}
    pulled_by = _pulled(shell, name, kind, pull)
    if pulled_by:
        answers["pull"] = json.dumps(pulled_by)
        detail["read"] = sorted(pulled_by)
    with refusals(), writing(shell.engine) as connection:
        made = directories.add(connection, name, kind, now())
        if pulled_by:
            pulls.open_row(connection, made.pk)
        if answers:
            directories.set_options(connection, name, answers)
        audit.append(connection, actor.name, "directory.add", f"directory:{name}", detail, now())
    show_fields({"name": made.name, "kind": made.kind, "state": "new"}, as_json=as_json)


@directory.command("set")
@click.argument("name", type=NAME)
@_answer_options
@json_option
@pass_shell
def set_(shell: Shell, name: str, patch_user: str | None, patch_group: str | None, as_json: bool) -> None:
    """Change what a directory's provider gets back from a PATCH."""
    actor = shell.actor(Role.OPERATOR)
    answers = _answers(patch_user, patch_group)
    if not answers:
        raise click.UsageError("say what to change: --patch-user or --patch-group")
    with refusals(), writing(shell.engine) as connection:
        changed = directories.set_options(connection, name, answers)
        audit.append(connection, actor.name, "directory.set", f"directory:{name}", answers, now())
    said = json.loads(changed.options)
    shown = {f"patch_{of}": said.get(f"patched_{of}", "usual") for of in ("user", "group")}
    show_fields({"name": name, **shown}, as_json=as_json)


@directory.command("list")
@json_option
@pass_shell
def list_(shell: Shell, as_json: bool) -> None:
    """All directories, and when each was last heard of."""
    shell.actor()
    with reading(shell.engine) as connection:
        rows = [asdict(each) for each in seen_directories.seen(connection, now())]
    show_rows(
        rows,
        (
            "name",
            "kind",
            "state",
            "fresh_at",
            "cursor",
            "reading",
            "pages",
            "next_at",
            "users",
            "groups",
            "warnings",
            "error",
        ),
        as_json=as_json,
        nothing="There is no directory: `directory add NAME --kind entra` makes one.",
    )


@directory.command()
@click.argument("name", type=NAME)
@json_option
@pass_shell
def check(shell: Shell, name: str, as_json: bool) -> int:
    """Whether the directory is heard of, may speak, is understood; and, if it is read, by which rights."""
    shell.actor()
    findings = pulled.check(shell, name)
    with reading(shell.engine) as connection:
        found = next((d for d in seen_directories.seen(connection, now()) if d.name == name), None)
        if found is None:
            raise Failed(f"there is no directory {name}: see `directory list`")
        warned = seen_directories.warned(connection, 1000, name)
        odd = unclear.unclear(connection)
        live = [
            c
            for kind in ("token", "client")
            for c in credentials.all_of(connection, kind, name)
            if c.is_live(now())
        ]
    wrong = [f"{each.what}: {each.say}" for each in findings if not each.ok]
    if found.error:
        wrong.append(found.error)
    if not live and not findings:
        wrong.append(f"nothing may speak for it: `token create {name}`")
    if found.state == "new" and not findings:
        wrong.append("nothing was heard of it yet: enter the SCIM base URL and a token at its provider")
    if found.state == "stale":
        wrong.append("nothing was heard of it for three days: look at its provider's provisioning log")
    wrong += [each.said for each in odd if each.directory == name]
    row = asdict(found) | {"credentials": len(live), "warnings": len(warned), "problems": wrong}
    if as_json:
        row["skipped"] = [asdict(each) for each in warned]
        row["findings"] = [asdict(each) for each in findings]
    show_fields(row, as_json=as_json)
    if findings and not as_json:
        show_rows([asdict(each) for each in findings], ("what", "ok", "say"), as_json=False, nothing="")
    if warned and not as_json:
        show_rows(
            [asdict(w) for w in warned[:20]],
            ("code", "subject", "count", "last_at"),
            as_json=False,
            nothing="",
        )
    return NEEDS_A_PERSON if wrong else 0


@directory.command()
@click.argument("name", type=NAME)
@click.option("--yes", is_flag=True, help="Don't ask.")
@pass_shell
def remove(shell: Shell, name: str, yes: bool) -> None:
    """Remove a directory without mappings and managed licenses, its mirror and its tokens (R26)."""
    actor = shell.actor(Role.OPERATOR)
    with refusals(), reading(shell.engine) as connection:
        directories.named(connection, name)
    if not yes:
        click.confirm(f"Remove {name}, all that it wrote, and its tokens?", abort=True, err=True)
    with refusals(), writing(shell.engine) as connection:
        directories.remove(connection, name, now())
        audit.append(connection, actor.name, "directory.remove", f"directory:{name}", {}, now())
    click.echo(f"Directory {name} is gone.")


@click.group()
def token() -> None:
    """Bearer tokens of directories."""


@token.command("create")
@click.argument("directory", type=NAME)
@click.option("--days", type=DAYS, help="How long it is good (until it is revoked).")
@json_option
@pass_shell
def create_token(shell: Shell, directory: str, days: int | None, as_json: bool) -> None:
    """Make a token; it is shown once. Several may live at once: to rotate, make a new one, give it to the
    directory, and revoke the old one."""
    actor = shell.actor(Role.OPERATOR)
    life = timedelta(days=days) if days is not None else None
    with refusals(), writing(shell.engine) as connection:
        made = credentials.token_create(connection, directory, now(), life)
        detail = {"id": made.id, "days": days}
        audit.append(connection, actor.name, "token.create", f"directory:{directory}", detail, now())
    row = {"id": made.id, "token": made.secret, "directory": made.directory, "expires_at": made.expires_at}
    show_fields(row, as_json=as_json)
    _once(as_json)


@token.command("list")
@json_option
@pass_shell
def list_tokens(shell: Shell, as_json: bool) -> None:
    """All tokens, without their secret."""
    _list(shell, "token", as_json)


@token.command("revoke")
@click.argument("id", type=NAME)
@pass_shell
def revoke_token(shell: Shell, id: str) -> None:
    """Refuse it from now on."""
    _revoke(shell, "token", id)


@click.group()
def client() -> None:
    """OAuth clients of directories (client-credentials)."""


@client.command("create")
@click.argument("directory", type=NAME)
@click.option("--days", type=DAYS, help="How long its secret is good (until it is revoked).")
@json_option
@pass_shell
def create_client(shell: Shell, directory: str, days: int | None, as_json: bool) -> None:
    """Make a client for /oauth2/token; its secret is shown once."""
    actor = shell.actor(Role.OPERATOR)
    life = timedelta(days=days) if days is not None else None
    with refusals(), writing(shell.engine) as connection:
        made = credentials.client_create(connection, directory, now(), life)
        audit.append(
            connection, actor.name, "client.create", f"directory:{directory}", {"id": made.id}, now()
        )
    row = {"id": made.id, "client_id": made.id, "client_secret": made.secret, "directory": made.directory}
    show_fields(row, as_json=as_json)
    _once(as_json)


@client.command("list")
@json_option
@pass_shell
def list_clients(shell: Shell, as_json: bool) -> None:
    """All clients, without their secret."""
    _list(shell, "client", as_json)


@client.command("revoke")
@click.argument("id", type=NAME)
@pass_shell
def revoke_client(shell: Shell, id: str) -> None:
    """Refuse it and all access tokens that it got, from now on."""
    _revoke(shell, "client", id)


def _once(as_json: bool) -> None:
    if not as_json:
        click.echo("Keep it now: it isn't shown again.", err=True)


def _list(shell: Shell, kind: str, as_json: bool) -> None:
    shell.actor()
    with reading(shell.engine) as connection:
        rows = [asdict(each) | {"live": each.is_live(now())} for each in credentials.all_of(connection, kind)]
    columns = ("id", "directory", "live", "created_at", "expires_at", "used_at")
    show_rows(
        rows, columns, as_json=as_json, nothing=f"There is no {kind}: `{kind} create DIRECTORY` makes one."
    )


def _revoke(shell: Shell, kind: str, id: str) -> None:
    actor = shell.actor(Role.OPERATOR)
    with refusals(), writing(shell.engine) as connection:
        if id not in {c.id for c in credentials.all_of(connection, kind)}:
            raise Failed(f"there is no {kind} {id}: see `{kind} list`")
        credentials.revoke(connection, id, now())
        audit.append(connection, actor.name, f"{kind}.revoke", id, {}, now())
    click.echo(f"The {kind} {id} is refused from now on.")

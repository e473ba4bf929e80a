"""How does each command end? Exit 0 done, 1 failed, 2 wrong usage, 3 something needs a person."""

import logging
import os
import sys
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from traceback import format_exception

import click

from connector import log
from connector.cli import nouns
from connector.cli.out import complain
from connector.cli.shell import Shell, everywhere
from connector.log import hide_secrets
from connector.manual import Refused
from connector.opening import NotOpened
from connector.settings import BadSettings
from connector.store.engine import Unavailable
from connector.web_address import PortTaken
from sync.ports import Missing, Rejected, Transient, Unauthorized

#: these say themselves what happened and what to do
_NAMED = (BadSettings, NotOpened, Unavailable, PortTaken, Refused, Rejected, Missing, Unauthorized)

_AGAIN = "try again when `doctor` finds it well"


def build() -> click.Command:
    root = click.Group(
        "anysoft-connector",
        help="Directory groups (Entra ID, Okta) become AnySoft licenses.",
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    )
    for command in nouns.all_commands():
        root.add_command(command)
    click.version_option(package_name="anysoft-connector")(root)
    return everywhere(root)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    shell = Shell()
    log.setup(level=logging.WARNING)  # what is printed stays clean; what serves sets it up anew
    try:
        for number, argument in enumerate(given, 1):
            if any("\ud800" <= c <= "\udfff" for c in argument):
                raise click.UsageError(f"argument {number} isn't UTF-8 text")
        result = build().main(given, prog_name="anysoft-connector", standalone_mode=False, obj=shell)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.exceptions.Exit as error:
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped: nothing more was done.", err=True)
        return 1
    except BrokenPipeError:  # `… | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Transient as error:
        complain(f"Error: {error}. Only AnySoft can tell or do this: {_AGAIN}")
        return 1
    except _NAMED as error:
        complain(f"Error: {error}")
        return 1
    except Exception as error:
        click.echo(_unexpected(error, shell, given), err=True)
        return 1
    finally:
        shell.close()


def _unexpected(error: Exception, shell: Shell, given: Sequence[str]) -> str:
    """Keep the details out of the terminal, and findable by an id."""
    id = uuid.uuid4().hex[:12]
    lines: Callable[[], str] = lambda: "".join(format_exception(error))  # noqa: E731
    said = f"Error: unexpected {type(error).__name__}, please report it"
    try:
        path = shell.settings.data_dir / "errors.log"
        event = hide_secrets(None, "", {"id": id, "at": datetime.now(UTC).isoformat(), "trace": lines()})
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8", errors="replace") as file:
            file.write(f"{event['at']} {id} {' '.join(given[:2])}\n{event['trace']}\n")
    except (OSError, BadSettings):
        return f"{said} (its details couldn't be written down)"
    return f"{said}: its details are in {path} under {id}"

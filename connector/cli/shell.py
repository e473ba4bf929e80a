"""What does every command have at hand? The settings, the database, and who is asking."""

import getpass
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click
from sqlalchemy import Engine

from connector.cli.out import complain
from connector.opening import attach
from connector.settings import Overrides, Settings, load
from connector.store import audit, directories, operators
from connector.store.engine import reading, writing
from connector.store.operators import Role
from sync.ports import Rejected

F = TypeVar("F", bound=Callable[..., Any])


class Failed(click.ClickException):
    """The command can't be done; the message says what to do next (exit 1)."""

    def show(self, file: Any = None) -> None:
        complain(f"Error: {self.format_message()}")


class NotYet(click.ClickException):
    """The command belongs to a later version (exit 2)."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        click.echo(f"not yet: {self.format_message()}", err=True)


@dataclass(frozen=True, slots=True)
class Actor:
    name: str  #: as the audit log has it: "cli:root" or an operator's name
    role: Role


@dataclass(slots=True)
class Shell:
    """One command's surroundings; opened when first asked for."""

    overrides: Overrides = field(default_factory=Overrides)
    as_operator: str | None = None
    _settings: Settings | None = None
    _engine: Engine | None = None

    @property
    def settings(self) -> Settings:
        """Raises BadSettings."""
        if self._settings is None:
            self._settings = load(self.overrides)
        return self._settings

    @property
    def engine(self) -> Engine:
        """Raises NotOpened, Unavailable, BadSettings."""
        if self._engine is None:
            self._engine = attach(self.settings)
        return self._engine

    def close(self) -> None:
        if self._engine is not None:
            self._engine.dispose()

    def actor(self, needed: Role = Role.VIEWER) -> Actor:
        """Who acts. Whoever can open the database is admin; `--as` acts with that operator's own role (L1).

        Raises Failed if the role isn't enough; a refusal is written into the audit log.
        """
        if self.as_operator is None:
            return Actor(f"cli:{_os_user()}", Role.ADMIN)
        with reading(self.engine) as connection:
            found = operators.find(connection, self.as_operator)
        if found is None:
            raise Failed(f"--as: there is no operator {self.as_operator}; see `operator list`")
        actor = Actor(found.name, Role(found.role))
        if not actor.role.may(needed):
            context = click.get_current_context()
            said = {"command": context.command_path.split(" ", 1)[-1], "role": actor.role.value}
            with writing(self.engine) as connection:
                audit.append(connection, actor.name, "refused", "", said | {"needs": needed.value}, now())
            raise Failed(
                f"{actor.name} is {actor.role.value}, this needs {needed.value}: ask one who is, or an admin"
            )
        return actor


def now() -> datetime:
    return datetime.now(UTC)


def _os_user() -> str:
    try:
        return getpass.getuser()[:90]
    except (OSError, KeyError):
        return "unknown"


pass_shell = click.make_pass_decorator(Shell, ensure=True)


@contextmanager
def refusals() -> Iterator[None]:
    """What the stores and AnySoft refuse, told as they say it."""
    try:
        yield
    except Rejected as error:
        unsaid = [
            f"\n  {name}: {wrong}" for name, wrong in error.fields if f"{name} {wrong}" not in str(error)
        ]
        fields = "".join(unsaid)
        raise Failed(f"{error}{fields}") from None
    except (directories.Unknown, directories.NameTaken, directories.InUse) as error:
        raise Failed(str(error)) from None
    except (LookupError, ValueError) as error:
        raise Failed(str(error.args[0]) if error.args else str(error)) from error


def _set_config(context: click.Context, option: click.Parameter, value: Path | None) -> None:
    if value is not None:
        shell = context.ensure_object(Shell)
        shell.overrides = replace(shell.overrides, config=value)


def _set_data(context: click.Context, option: click.Parameter, value: Path | None) -> None:
    if value is not None:
        shell = context.ensure_object(Shell)
        shell.overrides = replace(shell.overrides, data_dir=value)


def _set_operator(context: click.Context, option: click.Parameter, value: str | None) -> None:
    if value is not None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,99}", value):
            raise click.BadParameter(
                "an operator's name: letters, digits, dots, dashes, underscores", context, option
            )
        context.ensure_object(Shell).as_operator = value


_PATH = click.Path(path_type=Path)
#: made once: click asks for a translation of each option's type, which takes as long as all the rest
_COMMON = (
    click.Option(
        ["--config"], type=_PATH, callback=_set_config, expose_value=False, is_eager=True,
        help="The settings file (config/connector.toml).",
    ),
    click.Option(
        ["--data"], type=_PATH, callback=_set_data, expose_value=False, is_eager=True,
        help="The data folder (./data).",
    ),
    click.Option(
        ["--as", "as_operator"], callback=_set_operator, expose_value=False,
        help="Act as this operator, with that operator's role.",
    ),
)  # fmt: skip


def everywhere(command: click.Command) -> click.Command:
    """The command, and all below it, taking --config, --data and --as, before or after the noun."""
    taking = copy(command)
    taking.params = [*command.params, *_COMMON]
    if isinstance(command, click.Group) and isinstance(taking, click.Group):
        taking.commands = {name: everywhere(below) for name, below in command.commands.items()}
    return taking

"""Does every mistake on the command line end with a clear message that names the field, and change nothing?

Exit 2 for what can be seen at once, 1 for what only the database or AnySoft can tell; never a traceback.
"""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from sqlalchemy import func, select

from connector.cli.kinds import Day, Id, Name, Price, Setting, User, Whole, Words
from connector.cli.root import build, main
from connector.store.engine import reading
from connector.store.tables import metadata
from tests.connector.places import opened, prepared

#: start and serve: only what is refused before that
SERVING = ("up", "web", "worker")


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    yield
    logging.getLogger().handlers.clear()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Path]:
    """One for all: no refused command changes anything in the database."""
    folder = prepared(tmp_path_factory.mktemp("cli") / "data", sqlite_template)
    before = rows(folder)
    yield folder
    assert rows(folder) == before


@pytest.fixture(autouse=True)
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)


def rows(folder: Path) -> dict[str, int]:
    with opened(folder) as engine, reading(engine) as connection:
        return {
            name: connection.scalar(select(func.count()).select_from(table)) or 0
            for name, table in metadata.tables.items()
        }


def leaves(
    command: click.Command, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            yield from leaves(below, (*path, name))
    else:
        yield path, command


def is_later(command: click.Command) -> bool:
    return bool(command.context_settings.get("ignore_unknown_options"))


COMMANDS = list(leaves(build()))
NOW = [(path, command) for path, command in COMMANDS if not is_later(command)]
LATER = [path for path, command in COMMANDS if is_later(command)]


def bad_values(kind: click.ParamType[Any]) -> tuple[str, ...]:
    match kind:
        case Whole() | Id():
            return ("x", "1.5", "-1", "99999999999999999999999", "", "1_0", "\u0661")
        case click.IntRange():
            return ("x", "1.5", "-1", "99999999999999999999999", "")
        case click.Choice():
            return ("nonsense", "")
        case Name():
            return ("a b", "", "\x1b[31m", "x" * 101, "../x", "-")
        case Words():
            return ("", "  ", "a\nb", "\x1b]0;x", "x" * 1000, "\u2028")
        case User():
            return ("", "  ", "a\nb", "\x1b]0;x", "x" * 1000, "\u2028", r"\x00", r"\ud800")
        case Day():
            return ("tomorrow", "2026-13-01", "")
        case Setting():
            return ("x", "=y", "a b=c", "k=" + "v" * 501)
        case _:
            return ()


def filler(kind: click.ParamType[Any]) -> str:
    match kind:
        case click.IntRange():
            return str(max(1, int(kind.min or 1)))
        case Id():
            return "1"
        case click.Choice():
            return str(kind.choices[0])
        case Setting():
            return "a=b"
        case Price():
            return "unknown"
        case _:
            return "some"


def spelled(parameter: click.Parameter, value: str) -> list[str]:
    if isinstance(parameter, click.Option):
        return [f"{parameter.opts[-1] if parameter.opts[-1].startswith('--') else parameter.opts[0]}={value}"]
    return [value]


def call(path: tuple[str, ...], command: click.Command, bad: click.Parameter, value: str) -> list[str]:
    """All that the command needs, and one value that is wrong."""
    options: list[str] = []
    arguments: list[str] = []
    for each in command.params:
        if each is bad:
            (options if isinstance(each, click.Option) else arguments).extend(spelled(each, value))
        elif each.required:
            (options if isinstance(each, click.Option) else arguments).extend(
                spelled(each, filler(each.type))
            )
    return [*path, *options, "--", *arguments]


CASES = [
    pytest.param(path, command, each, value, id=f"{' '.join(path)} {each.name} {value[:12]!r}")
    for path, command in NOW
    for each in command.params
    for value in bad_values(each.type)
]


@pytest.mark.parametrize(("path", "command", "bad", "value"), CASES)
def test_a_bad_value_names_its_field(
    path: tuple[str, ...],
    command: click.Command,
    bad: click.Parameter,
    value: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(call(path, command, bad, value)) == 2
    told = capsys.readouterr()
    field = bad.opts[0] if isinstance(bad, click.Option) else bad.make_metavar(click.Context(command))
    assert field.strip("[]{}.").lower() in told.err.lower()
    assert told.out == ""
    assert "Traceback" not in told.err
    assert "integer range" not in told.err or not isinstance(bad.type, Whole | Id), "it says what to give"
    assert "\x1b" not in told.err.replace("\x1b[31m", "") or value == "\x1b[31m"


@pytest.mark.parametrize(("path", "command"), [pytest.param(p, c, id=" ".join(p)) for p, c in NOW])
def test_what_is_missing_or_unknown_is_named(
    path: tuple[str, ...], command: click.Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*path, "--nonsense"]) == 2
    assert "--nonsense" in capsys.readouterr().err
    needed = [each for each in command.params if each.required]
    if needed:
        assert main([*path]) == 2
        assert "Missing" in capsys.readouterr().err
    assert main([*path, "--help"]) == 0
    assert "Usage" in capsys.readouterr().out
    many = [str(n) for n in range(1, 31)]
    if not any(each.nargs == -1 for each in command.params):
        assert main([*path, *many]) == 2
        assert "unexpected extra" in capsys.readouterr().err or needed


@pytest.mark.parametrize("path", [pytest.param(path, id=" ".join(path)) for path in LATER])
def test_what_comes_later_says_so(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*path, "x", "--y", "z"]) == 2
    told = capsys.readouterr()
    assert told.err.startswith("not yet: ")
    assert told.out == ""


ADDRESS = (
    "--billing-name=A", "--billing-email=a@x.example", "--address-line1=B 1", "--address-city=C",
    "--address-postal-code=1", "--address-country=SE",
)  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["nonsense"], 2, "nonsense"),
        (["request", "show", "abc"], 2, "'abc' is no number: give the one that `request list` shows"),
        (["mapping", "remove", "LIC"], 2, "'LIC' is no number: give the one that `mapping list` shows"),
        (["report", "list", "--limit", "all"], 2, "'all' won't do: give a whole number from 1 to 10000"),
        ([], 2, "Usage"),
        (["license"], 2, "Usage"),
        (["directory", "check", "nowhere"], 1, "nowhere"),
        (["directory", "remove", "nowhere", "--yes"], 1, "nowhere"),
        (["directory", "add", "x", "--kind", "entra", "--interval", "5m"], 2, "--tenant-id"),
        (["token", "create", "nowhere"], 1, "nowhere"),
        (["token", "revoke", "tok_x"], 1, "tok_x"),
        (["client", "create", "nowhere"], 1, "nowhere"),
        (["client", "revoke", "cli_x"], 1, "cli_x"),
        (["mapping", "add", "--directory=x", "--group=g", "--product=anyprint", "--yes"], 1, "directory x"),
        (["mapping", "add", "--directory=x", "--group=g", "--product=anyfax", "--yes"], 1, "--product"),
        (["mapping", "add", "--directory=x", "--group=g", "--product=anyfax", "--yes"], 1, "directory x"),
        (["mapping", "add", "--directory=x", "--product=anyfax"], 2, "--group: is missing"),
        (["mapping", "add", "--directory=x", "--product=anyfax"], 2, "--product: there is no product anyfax"),
        (["mapping", "add", "--directory=x", "--product=anyfax"], 2, "no directory 'x'"),
        (["mapping", "add"], 2, "--directory: is missing\n--group: is missing\n--product: is missing"),
        (["mapping", "remove", "7", "--yes"], 1, "mapping 7"),
        (["mapping", "repin", "7", "g", "--yes"], 1, "mapping 7"),
        (["license", "show", "anyfax"], 1, "anyfax"),
        (["license", "add", "anyprint", "--quantity=3"], 2, "--billing-name"),
        (["license", "add", "anyfax", "--quantity=3", *ADDRESS], 1, "anyfax"),
        (["license", "assign", "anyprint", "ada@x.example"], 1, "isn't bought"),
        (["license", "unassign", "anyprint", "ada@x.example", "--yes"], 1, "isn't bought"),
        (["license", "adopt", "anyprint"], 2, "--entitled"),
        (["license", "adopt", "anyprint", "a", "--entitled"], 2, "--entitled"),
        (["license", "quantity", "anyprint", "5"], 1, "isn't bought"),
        (["license", "manage", "anyprint"], 2, "nothing to change"),
        (["license", "manage", "anyprint", "--billing-name=A"], 1, "isn't bought"),
        (["license", "users", "anyprint"], 1, "isn't bought"),
        (["license", "users", "anyfax"], 1, "anyfax"),
        (["queue", "list", "anyfax"], 1, "anyfax"),
        (["queue", "move", "anyprint", "ada", "--to=1"], 1, "ada"),
        (["explain", "ada@x.example"], 1, "ada@x.example"),
        (["request", "show", "7"], 1, "request 7"),
        (["request", "approve", "7"], 1, "request 7"),
        (["request", "decline", "7", "--reason=no"], 1, "request 7"),
        (["request", "schedule", "7"], 1, "request 7"),
        (["request", "schedule", "7", "--at=2001-01-01"], 2, "--at"),
        (["hold", "show", "7"], 1, "hold 7"),
        (["hold", "release", "7", "--digest=x"], 1, "hold 7"),
        (["hold", "reject", "7"], 1, "hold 7"),
        (["report", "show"], 1, "no round"),
        (["report", "show", "7"], 1, "run 7"),
        (["sync", "--directory=x"], 2, "--directory"),
        (["demo", "next"], 1, "up --demo"),
        (["operator", "remove", "nobody"], 1, "nobody"),
        (["operator", "add", "local", "--role=admin"], 2, "NAME"),
        (["license", "list", "--as=nobody"], 1, "--as"),
        (["--config=/no/such/file", "license", "list"], 1, "/no/such/file"),
        (["--data=/no/such/folder", "license", "list"], 1, "/no/such/folder"),
        (["db", "backup", "/no/such/folder/file"], 1, "FILE"),
        (["db", "backup", "data"], 2, "FILE"),
        (["db", "backup", "data/connector.sqlite"], 1, "FILE"),
        (["license", "assign", "any\udcff", "x"], 2, "argument 3"),
    ],
)  # fmt: skip
def test_what_only_the_database_can_tell_is_told(
    arguments: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == code
    told = capsys.readouterr()
    assert says in told.err + ("" if arguments else told.out)
    assert "Traceback" not in told.err
    assert "unexpected" not in told.err


#: what these need beside what they say is required
ENOUGH: dict[tuple[str, ...], tuple[str, ...]] = {
    ("license", "add"): ADDRESS,
    ("license", "adopt"): ("--entitled",),
    ("license", "manage"): ADDRESS,
    ("directory", "set"): ("--patch-user=full",),
}


@pytest.mark.parametrize(
    ("path", "command"),
    [
        pytest.param(p, c, id=" ".join(p))
        for p, c in NOW
        # they make a database, or look without one, or read their file first
        if p[0] not in SERVING
        and p not in (("db", "upgrade"), ("doctor",), ("tenant", "serve"), ("mapping", "apply"))
    ],
)
def test_without_a_database_every_command_says_how_to_get_one(
    path: tuple[str, ...],
    command: click.Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    needed = [part for each in command.params if each.required for part in spelled(each, filler(each.type))]
    options = [part for part in needed if part.startswith("--")]
    arguments = [part for part in needed if not part.startswith("--")]
    code = main([*path, *options, *ENOUGH.get(path, ()), *arguments])
    told = capsys.readouterr()
    assert code == 1, told
    assert "there is no database" in told.err
    assert list(tmp_path.iterdir()) == []


def test_a_broken_setting_stops_every_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CONNECTOR_SCIM__RATE", "7")
    for arguments in (["license", "list"], ["up", "--port", "0"], ["worker"], ["doctor"]):
        assert main(arguments) == 1
        assert "CONNECTOR_SCIM__RATE" in capsys.readouterr().err


def test_a_fault_of_ours_is_written_down_and_not_shown(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("token=c4nary")

    monkeypatch.setattr("connector.cli.keeping.operators.listed", broken)
    assert main(["operator", "list"]) == 1
    told = capsys.readouterr()
    kept = (folder / "errors.log").read_text()
    assert "RuntimeError" in told.err
    assert "c4nary" not in told.err + kept
    assert "Traceback" not in told.err
    assert told.err.strip().split()[-1] in kept
    assert (folder / "errors.log").stat().st_mode & 0o777 == 0o600

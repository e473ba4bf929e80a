"""How does one say what is wrong with a setting? Each mistake names the setting as the person wrote it."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails


def explain(error: ValidationError, environ: Mapping[str, str], source: Path) -> Iterator[str]:
    """One sentence for each mistake; never the value, which may be a secret."""
    for mistake in error.errors(include_url=False, include_context=False, include_input=False):
        path = [str(part) for part in mistake["loc"] if not str(part).startswith("function-")]
        what = _what(mistake)
        setting, colon, rest = what.partition(": ")
        if (
            mistake["type"] == "value_error" and colon and setting.isidentifier()
        ):  # of a section, on one in it
            path, what = [*path, setting], rest
        yield f"{_name(path, environ, source)}: {what}"


def _name(path: Sequence[str], environ: Mapping[str, str], source: Path) -> str:
    """A secret may have been given by the name of its file."""
    variable = "__".join(["CONNECTOR", *path]).upper().replace("CONNECTOR__", "CONNECTOR_", 1)
    for key in environ:
        if key.upper() in (variable, f"{variable}_FILE"):
            return key.upper()
    if not path:
        return "settings"
    return f"{'.'.join(path)} in {source} ({variable})"


def _what(mistake: ErrorDetails) -> str:
    match mistake["type"]:
        case "extra_forbidden":
            return "there is no such setting; see config/connector.example.toml, or remove it"
        case "missing":
            return "is missing"
        case "value_error":
            return mistake["msg"].removeprefix("Value error, ")
        case _:
            return mistake["msg"][:1].lower() + mistake["msg"][1:]

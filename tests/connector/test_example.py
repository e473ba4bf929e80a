"""Is config/connector.example.toml true and whole? With its comments taken off it loads, gives the defaults,
and names every setting."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from connector.setting_sections import PulledDirectory, is_secret
from connector.settings import Overrides, Settings, load

EXAMPLE = Path(__file__).parents[2] / "config" / "connector.example.toml"
#: shown with a value that is not the default, because there is none, or it is off
EXAMPLES_ONLY = re.compile(
    r"^# (database_url|public_url|secret_key_file|ca_bundle|metrics_token_file|url|client_id|"
    r"client_secret_file|protected|urls|secret_file|host|username|password_file|from|to) ="
)


#: read from the file, and used by nothing
UNUSED = "oidc"
HEADER = re.compile(r"^(?:# )?\[([a-z_.]+)\]")
NAMED = re.compile(r"^(?:# )?([a-z_]+) = ")
#: what can't stand beside the line's own setting: # or cron = …
INSTEAD = re.compile(r" # or (.*)")


def uncommented(tmp_path: Path, *, defaults: bool) -> Path:
    """The settings as lines of TOML; `defaults`: only those that show the default."""
    secret = tmp_path / "secret"
    secret.write_text("s" * 48)
    lines = []
    example_only = False
    for line in EXAMPLE.read_text(encoding="utf-8").splitlines():
        if HEADER.match(line):
            example_only = line.startswith("#")
        if defaults and (example_only or EXAMPLES_ONLY.match(line)):
            continue
        lines.append(re.sub(r"^# (?=[a-z_]+ = |\[[a-z_.]+\]$|\[[a-z_.]+\] #)", "", line))
    text = re.sub(r'"(/run/secrets|/etc/ssl)/[^"]*"', f'"{secret}"', "\n".join(lines))
    made = tmp_path / "connector.toml"
    made.write_text(text, encoding="utf-8")
    return made


def shown(text: str) -> set[str]:
    """`sync.guard.hours` for each line that has it, or that names it as another choice; a table whose
    name the operator chooses stands as `*`."""
    table, found = "", set()
    for line in text.splitlines():
        if header := HEADER.match(line):
            table = re.sub(r"^(sync\.buy|directories)\..*", r"\1.*", header[1]) + "."
        elif named := NAMED.match(line):
            others = INSTEAD.search(line)
            names = [named[1], *re.findall(r"[a-z_]+", others[1] if others else "")]
            found |= {table + name for name in names}
    return found


def there(model: type[BaseModel], table: str = "") -> Iterator[str]:
    """Each setting as the file names it; a secret by its file."""
    for name, field in model.model_fields.items():
        path = f"{table}{field.alias or name}"
        inner = [t for t in (field.annotation, *get_args(field.annotation)) if isinstance(t, type)]
        models = [t for t in inner if issubclass(t, BaseModel)]
        if models:
            is_named = models[0] is not field.annotation
            yield from there(models[0], f"{path}.*." if is_named else f"{path}.")
        else:
            yield f"{path}_file" if is_secret(field.annotation) else path


def read(file: Path) -> Settings:
    return load(Overrides(config=file))


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def test_every_line_of_the_example_is_a_setting(tmp_path: Path) -> None:
    settings = read(uncommented(tmp_path, defaults=False))
    assert settings.sync.buy["anyprint"].ceiling == 500
    assert set(settings.directories) == {"entra", "okta"}


def test_the_values_shown_are_the_defaults(tmp_path: Path) -> None:
    empty = tmp_path / "empty.toml"
    empty.write_text("")
    assert read(uncommented(tmp_path, defaults=True)) == read(empty)


def test_the_values_shown_of_a_directory_are_the_defaults(tmp_path: Path) -> None:
    of = read(uncommented(tmp_path, defaults=False)).directories
    plain = PulledDirectory(kind="scim")
    for name in ("authority", "graph_url", "every", "full_hours", "groups", "provisioned"):
        assert all(getattr(each, name) == getattr(plain, name) for each in of.values()), name


def test_every_setting_is_in_the_example() -> None:
    names = {name for name in there(Settings) if not name.startswith(f"{UNUSED}.")}
    assert {"data_dir", "sync.decrease_days", "sync.buy.*.mode", "notify.smtp.password_file"} <= names
    assert names - shown(EXAMPLE.read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize("name", ["sync.decrease_days", "tenant.change_seconds", "directories.*.cron"])
def test_a_setting_that_is_only_spoken_of_is_not_in_the_example(name: str) -> None:
    """The test above fails for it."""
    last = name.rpartition(".")[2]
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if last not in line)
    assert name not in shown(f"{text}\n# so much for {last} here")
    assert name in set(there(Settings))

"""Is config/connector.example.toml true? With its comments taken off it loads, and gives the defaults."""

import re
from pathlib import Path

import pytest

from connector.settings import Overrides, Settings, load

EXAMPLE = Path(__file__).parents[2] / "config" / "connector.example.toml"
#: shown with a value that is not the default, because there is none, or it is off
EXAMPLES_ONLY = re.compile(
    r"^# (database_url|public_url|secret_key_file|ca_bundle|metrics_token_file|url|client_id|"
    r"client_secret_file|protected|urls|secret_file|host|username|password_file|from|to) ="
)


def uncommented(tmp_path: Path, *, defaults: bool) -> Path:
    """The settings as lines of TOML; `defaults`: only those that show the default."""
    secret = tmp_path / "secret"
    secret.write_text("s" * 48)
    lines = []
    for line in EXAMPLE.read_text(encoding="utf-8").splitlines():
        if defaults and (
            EXAMPLES_ONLY.match(line) or line.startswith(("# [", "# mode", "# seats", "# money"))
        ):
            if line.startswith("# ["):
                break
            continue
        lines.append(re.sub(r"^# (?=[a-z_]+ = |\[)", "", line))
    text = re.sub(r'"(/run/secrets|/etc/ssl)/[^"]*"', f'"{secret}"', "\n".join(lines))
    made = tmp_path / "connector.toml"
    made.write_text(text, encoding="utf-8")
    return made


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
    assert read(uncommented(tmp_path, defaults=True)).sync == read(empty).sync
    assert read(uncommented(tmp_path, defaults=True)).scim == read(empty).scim

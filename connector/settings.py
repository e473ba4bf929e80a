"""Which settings are there, where do they come from, and what is wrong with them?

| source, the first that has it wins | form |
| --- | --- |
| the command line | `--data` and the like |
| the environment | `CONNECTOR_SYNC__SETTLE_SECONDS`; a secret also as `…_FILE` |
| `demo.toml` in the data folder | written by `up --demo`, so that every command of that folder agrees |
| `--config`, `CONNECTOR_CONFIG`, or config/connector.toml | TOML |
"""

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError as SourceError

from connector.setting_errors import explain
from connector.setting_sections import (
    Anysoft,
    BuiltInTenant,
    Notify,
    Oidc,
    PulledDirectory,
    Scim,
    Smtp,
    Sync,
    WebUrl,
    is_secret,
    read_secret_files,
)

__all__ = [
    "BadSettings",
    "BuiltInTenant",
    "Notify",
    "Overrides",
    "PulledDirectory",
    "Settings",
    "Smtp",
    "Sync",
    "load",
]

PREFIX = "CONNECTOR_"
DEFAULT_CONFIG = Path("config/connector.toml")
#: Kubernetes adds these for a service that is called "connector"; CONNECTOR_CONFIG names the file itself
_NOT_OURS = re.compile(r"CONNECTOR_(CONFIG|PORT|PORT_.*|SERVICE_(HOST|PORT|PORT_.*)|TEST_.*)\Z")


class BadSettings(Exception):
    """Settings that can't be used; args: one sentence for each mistake, all of them."""

    def __str__(self) -> str:
        return "\n".join(self.args)


def _database(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(("sqlite:///", "postgresql+psycopg://")):
        raise ValueError("write it as sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/NAME")
    return value


def _long_key(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < 32:
        raise ValueError("must have at least 32 characters; make one with: openssl rand -base64 48")
    return value


class Settings(BaseSettings):
    """All settings. `load` makes them; nothing else reads the environment or the file."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        nested_model_default_partial_update=False,
    )

    database_url: Annotated[SecretStr, AfterValidator(_database)] | None = None
    data_dir: Path = Path("data")
    public_url: WebUrl | None = None
    secret_key: Annotated[SecretStr, AfterValidator(_long_key)] | None = None
    metrics_token: Annotated[SecretStr, Field(min_length=16)] | None = None
    ca_bundle: Path | None = None
    anysoft: Anysoft = Anysoft()
    tenant: BuiltInTenant = BuiltInTenant()
    scim: Scim = Scim()
    sync: Sync = Sync()
    notify: Notify = Notify()
    oidc: Oidc = Oidc()
    directories: dict[str, PulledDirectory] = {}

    @model_validator(mode="before")
    @classmethod
    def _files(cls, given: Any) -> Any:
        return read_secret_files(cls, given)

    @model_validator(mode="after")
    def _key_for_several(self) -> "Settings":
        if self.database_url and not self.on_sqlite and self.secret_key is None:
            raise ValueError("secret_key must be given with PostgreSQL: all machines must share the same one")
        if self.ca_bundle is not None and not self.ca_bundle.is_file():
            raise ValueError(f"ca_bundle: there is no file {self.ca_bundle}")
        return self

    def refuse_no_url(self) -> None:
        """Who names a client means a tenant elsewhere: licenses of the built-in one would go to nobody.
        Only `tenant serve` takes a client without a URL. Raises BadSettings."""
        if self.anysoft.url is None and (self.anysoft.client_id or self.anysoft.client_secret):
            raise BadSettings(
                "CONNECTOR_ANYSOFT__CLIENT_ID or CONNECTOR_ANYSOFT__CLIENT_SECRET is given without "
                "CONNECTOR_ANYSOFT__URL: give the address of AnySoft, too, or remove them to work with the "
                "built-in tenant"
            )

    @property
    def database(self) -> str:
        """The URL of the database."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.data_dir / 'connector.sqlite'}"

    @property
    def on_sqlite(self) -> bool:
        return self.database.startswith("sqlite")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What `load` passes in holds the command line and the files; see the table above."""
        given = init_settings()
        layers = [given.get(layer, {}) for layer in ("command_line", "demo", "config")]
        command_line, demo, config = (_Layer(settings_cls, layer) for layer in layers)
        return (
            command_line,
            _Layer(settings_cls, _top_files(settings_cls, os.environ)),
            env_settings,
            demo,
            config,
        )


class _Layer(PydanticBaseSettingsSource):
    """A dict that was read already."""

    def __init__(self, settings_cls: type[BaseSettings], values: dict[str, Any]) -> None:
        super().__init__(settings_cls)
        self._values = values

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        return self._values.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        return self._values


def _top_files(model: type[BaseSettings], environ: Mapping[str, str]) -> dict[str, str]:
    """CONNECTOR_SECRET_KEY_FILE and the like: at the top level pydantic-settings reads only fields' names."""
    names = [name for name, field in model.model_fields.items() if is_secret(field.annotation)]
    return {
        f"{name}_file": environ[key] for name in names if (key := f"{PREFIX}{name.upper()}_FILE") in environ
    }


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the command line says about settings."""

    config: Path | None = None
    data_dir: Path | None = None
    public_url: str | None = None


def load(overrides: Overrides = Overrides()) -> Settings:
    """Read and check all settings. Raises BadSettings with every mistake."""
    given = overrides.config or _named(os.environ.get("CONNECTOR_CONFIG"))
    if given is not None and not given.is_file():
        raise BadSettings(f"there is no configuration file {given}: mend --config or CONNECTOR_CONFIG")
    source = given or DEFAULT_CONFIG
    config = _toml(source)
    command_line: dict[str, Any] = {}
    if overrides.data_dir is not None:
        command_line["data_dir"] = overrides.data_dir
    if overrides.public_url is not None:
        command_line["public_url"] = overrides.public_url
    folder = (
        command_line.get("data_dir")
        or os.environ.get("CONNECTOR_DATA_DIR")
        or config.get("data_dir")
        or "data"
    )
    demo = _toml(Path(str(folder)) / "demo.toml")
    unknown = tuple(_unknown(os.environ))
    try:
        settings = Settings(command_line=command_line, demo=demo, config=config)  # type: ignore[call-arg]
    except ValidationError as error:
        raise BadSettings(*unknown, *explain(error, os.environ, source)) from None
    except SourceError as error:
        raise BadSettings(
            *unknown, f"{error}: write nested settings one by one, as CONNECTOR_SYNC__…"
        ) from None
    if unknown:
        raise BadSettings(*unknown)
    return settings


def _named(path: str | None) -> Path | None:
    return Path(path) if path else None


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise BadSettings(f"can't read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadSettings(f"{path} is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(f"{path} is not valid TOML: {error}") from None


def _unknown(environ: Mapping[str, str]) -> Iterable[str]:
    """Variables that begin like ours and name no setting; nested ones pydantic finds itself."""
    fields = Settings.model_fields
    secrets = {f"{name}_file" for name, field in fields.items() if is_secret(field.annotation)}
    for key in sorted(environ):
        if not key.upper().startswith(PREFIX) or _NOT_OURS.match(key.upper()):
            continue
        name = key[len(PREFIX) :].lower()
        nested = name.split("__")[0]
        if name not in fields and name not in secrets and ("__" not in name or nested not in fields):
            yield f"{key}: there is no such setting; see config/connector.example.toml, or remove it"

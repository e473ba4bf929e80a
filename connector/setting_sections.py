"""Which tables of settings are there, and which values may each have?

A secret may lie in a file: `client_secret_file` stands for `client_secret`.
"""

import json
import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import NoDecode

from connector import addresses
from sync.model import Mode

_ADDRESS = re.compile(r"[^\s@<>,;\"]{1,64}@[^\s@<>,;\"]{1,253}")


def _split(value: Any) -> Any:
    """`a, b` in the environment is what ["a", "b"] is in the file; the latter's form is fine there, too."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except ValueError:
            raise ValueError('write a list as: a, b or ["a", "b"]') from None
    if set(value) & set("[]{}\"'"):
        raise ValueError('write a list as: a, b or ["a", "b"]')
    return [part.strip() for part in value.split(",") if part.strip()]


def _web_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("write it as https://HOST or http://HOST:PORT")
    if parts.username or parts.password:
        raise ValueError("leave the user name and the password out of it")
    return value.rstrip("/")


def _https_url(value: str) -> str:
    if urlsplit(value).scheme != "https":
        raise ValueError("must begin with https://: secrets are sent there")
    return value


def _rate(value: int) -> int:
    if 0 < value < 50:
        raise ValueError("must be 0 (off) or at least 50: Entra ID quarantines a job that is slowed down")
    return value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
WebUrl = Annotated[str, AfterValidator(_web_url)]
HttpsUrl = Annotated[WebUrl, AfterValidator(_https_url)]
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]


def read_secret_files(model: type[BaseModel], given: Any) -> Any:
    """`client_secret_file = PATH` stands for `client_secret = what PATH holds`; so for each secret."""
    if not isinstance(given, dict):
        return given
    given = dict(given)
    for name, field in model.model_fields.items():
        path = given.pop(f"{name}_file", None) if is_secret(field.annotation) else None
        if path is None:
            continue
        if given.get(name) is not None:
            raise ValueError(f"give either {name} or {name}_file, not both")
        try:
            given[name] = Path(str(path)).read_text(encoding="utf-8").strip()
            if not given[name]:
                raise ValueError(f"{name}_file: the file {path} is empty: write the secret into it")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise ValueError(f"{name}_file: can't read {path}: {reason}") from None
    return given


def is_secret(annotation: Any) -> bool:
    return annotation is SecretStr or any(is_secret(part) for part in get_args(annotation))


class Section(BaseModel):
    """A table of the file; a setting that it doesn't know is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _files(cls, given: Any) -> Any:
        return read_secret_files(cls, given)


class Anysoft(Section):
    url: WebUrl | None = None  #: None: the built-in tenant
    client_id: str = ""
    client_secret: SecretStr | None = None
    timeout_seconds: Seconds = 60

    @model_validator(mode="after")
    def _whole(self) -> "Anysoft":
        if self.url is not None and not (self.client_id and self.client_secret):
            raise ValueError("url needs client_id and client_secret beside it")
        return self


class BuiltInTenant(Section):
    #: how long a change of a quantity takes there (L9)
    change_seconds: Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)] = 3600


class Scim(Section):
    rate: Annotated[int, Field(ge=0, le=1_000_000), AfterValidator(_rate)] = 1000  #: requests a second (T15)


class Guard(Section):
    """R24."""

    empty_from: Annotated[int, Field(ge=1)] = 3
    group_min: Annotated[int, Field(ge=0)] = 5
    group_percent: Annotated[int, Field(ge=0, le=100)] = 20
    product_min: Annotated[int, Field(ge=0)] = 10
    product_percent: Annotated[int, Field(ge=0, le=100)] = 10
    hours: Annotated[int, Field(ge=1, le=24 * 90)] = 24


class Buy(Section):
    """R21, for one product; money in the currency of its price."""

    mode: Mode = Mode.ASK
    seats_per_request: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    seats_per_month: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    money_per_month: Annotated[Decimal, Field(ge=0, max_digits=15, decimal_places=2)] = Decimal(0)
    ceiling: Annotated[int, Field(ge=0, le=1_000_000)] = 0

    @model_validator(mode="after")
    def _capped(self) -> "Buy":
        caps = (self.seats_per_request, self.seats_per_month, self.money_per_month, self.ceiling)
        if self.mode is Mode.AUTO and not all(caps):
            raise ValueError(
                "auto needs all of seats_per_request, seats_per_month, money_per_month and ceiling: "
                "a cap that isn't given allows nothing"
            )
        return self


class Growth(Section):
    """R25."""

    least: Annotated[int, Field(ge=0)] = 10
    percent: Annotated[int, Field(ge=0, le=1000)] = 50
    hours: Annotated[int, Field(ge=1, le=24 * 90)] = 24


class Sync(Section):
    lease_seconds: Annotated[float, Field(ge=1, le=300, allow_inf_nan=False)] = 15
    subscriptions_seconds: Seconds = 60
    protected: Names = ()  #: user names (R08)
    settle_seconds: Annotated[int, Field(ge=0, le=86_400)] = 900  #: R04
    round_seconds: Annotated[float, Field(ge=0.1, le=3600, allow_inf_nan=False)] = 1
    full_round_minutes: Annotated[float, Field(gt=0, le=10_080, allow_inf_nan=False)] = 60
    grace_leaver_hours: Annotated[float, Field(ge=0, le=24 * 365, allow_inf_nan=False)] = 24  #: R27
    grace_disabled_hours: Annotated[float, Field(ge=0, le=24 * 365, allow_inf_nan=False)] = 0  #: R05
    observe_first: bool = True  #: R26
    guard: Guard = Guard()
    growth: Growth = Growth()
    headroom: Annotated[int, Field(ge=0, le=100_000)] = 0  #: seats proposed beyond the need (R18)
    decrease_days: Annotated[int, Field(ge=0, le=25)] = 7  #: before the renewal; 0: never (R22)
    destinations_spare: Annotated[int, Field(ge=0, le=100_000)] = 0  #: R17
    buy: dict[str, Buy] = {}  #: by product (R21)
    sales_contact: str = "AnySoft's sales"  #: named in prompts for many seats or an unknown price (R18)


class Smtp(Section):
    """Mail to operators, and to whoever is about to lose a license (R27); none without a host."""

    host: str = ""
    port: Annotated[int, Field(ge=1, le=65_535)] = 587
    username: str = ""
    password: SecretStr | None = None
    from_: Annotated[str, Field(alias="from")] = ""
    to: Names = ()  #: operators
    starttls: bool = True  #: port 465 speaks TLS from the beginning

    @model_validator(mode="after")
    def _whole(self) -> "Smtp":
        wrong = []
        if self.host and not (self.from_ and self.to):
            wrong.append("host needs from (an address) and to (the operators' addresses) beside it")
        odd = (a for a in (self.from_, *self.to) if a and not _ADDRESS.fullmatch(a))
        wrong += [f"{address[:60]!r} is no mail address" for address in odd]
        if self.username and not (self.starttls or self.port == 465):
            wrong.append("a password isn't sent in the clear: leave starttls on, or use port 465")
        if wrong:
            raise ValueError("; ".join(wrong))
        return self


class Notify(Section):
    allow_private: bool = False  #: webhooks inside the network (T24)
    secret: Annotated[SecretStr, Field(min_length=16)] | None = None  #: signs what is sent to the webhooks
    urls: Names = ()  #: webhooks; each gets every notice
    smtp: Smtp = Smtp()
    digest_hour: Annotated[int, Field(ge=0, le=23)] = 6  #: UTC; when the daily digest goes out

    @field_validator("urls")
    @classmethod
    def _checked(cls, urls: tuple[str, ...], beside: ValidationInfo) -> tuple[str, ...]:
        """With what is declared before them; of that, what is wrong itself isn't there."""
        wrong = []
        if urls and beside.data.get("secret", "wrong") is None:
            wrong.append("needs secret beside it: receivers tell by it that a notice is ours")
        for url in urls:
            try:
                addresses.check(url, beside.data.get("allow_private", True))
            except ValueError as error:
                wrong.append(str(error))
        if wrong:
            raise ValueError("; ".join(wrong))
        return urls

    @property
    def channel(self) -> bool:
        """Whether somebody can be told (R27)."""
        return bool(self.smtp.host or self.urls)


class Oidc(Section):
    issuer: WebUrl | None = None
    client_id: str = ""
    client_secret: SecretStr | None = None
    roles: dict[str, str] = {}


class PulledDirectory(Section):
    """A directory that is declared in the file; one with `tenant_id` or `org_url` is read, one of which
    only the kind is said may push."""

    kind: Literal["scim", "entra", "okta"]
    tenant_id: str = ""
    client_id: str = ""
    client_secret: SecretStr | None = None
    certificate_file: Path | None = None
    federated_token_file: Path | None = None
    managed_identity: bool = False
    authority: HttpsUrl = "https://login.microsoftonline.com"
    graph_url: HttpsUrl = "https://graph.microsoft.com"
    org_url: HttpsUrl | None = None
    api_token: SecretStr | None = None
    private_key: SecretStr | None = None
    key_id: str = ""
    provisioned: bool = False  #: Okta: people who never signed in get licenses too
    interval: Annotated[str, Field(pattern=r"^(\d{1,5}[smh])?$")] = ""  #: 5m where no cron is given
    cron: str = ""  #: in UTC
    full_hours: Annotated[float, Field(gt=0, le=168, allow_inf_nan=False)] = 24  #: between two full reads
    groups: Names = ()  #: names or ids; none: the mapped ones

    @property
    def is_read(self) -> bool:
        return bool(self.tenant_id or self.org_url)

    @property
    def every(self) -> timedelta:
        """Between two reads, where no cron says when."""
        text = self.interval or "5m"
        return timedelta(seconds=int(text[:-1]) * {"s": 1, "m": 60, "h": 3600}[text[-1]])

    @model_validator(mode="after")
    def _whole(self) -> "PulledDirectory":
        wrong = []
        if self.interval and self.cron:
            wrong.append("give either interval or cron, not both")
        if self.every < timedelta(seconds=10):
            wrong.append("interval must be 10s or more")
        if (self.kind != "entra" and self.tenant_id) or (self.kind != "okta" and self.org_url):
            wrong.append('tenant_id is for kind = "entra", org_url for kind = "okta"')
        elif self.is_read:
            wrong += self._lacking_of_entra() if self.kind == "entra" else self._lacking_of_okta()
        elif given := sorted(self.model_fields_set - {"kind"}):
            needs = {"entra": "tenant_id", "okta": "org_url"}.get(self.kind)
            said = (
                f"without {needs} it isn't read: give it" if needs else 'kind = "scim" isn\'t read: take out'
            )
            wrong.append(f"{said}{' beside' if needs else ''} {', '.join(given)}")
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    def _lacking_of_entra(self) -> list[str]:
        wrong = []
        files = (self.certificate_file, self.federated_token_file)
        if sum(map(bool, (self.client_secret, *files, self.managed_identity))) != 1:
            wrong.append(
                "tenant_id needs one of client_secret_file, certificate_file, federated_token_file, "
                "managed_identity = true beside it"
            )
        if not (self.client_id or self.managed_identity):
            wrong.append("tenant_id needs client_id beside it")
        return wrong

    def _lacking_of_okta(self) -> list[str]:
        wrong = []
        if bool(self.api_token) == bool(self.private_key):
            wrong.append("org_url needs either api_token_file, or client_id and private_key_file")
        if self.private_key and not self.client_id:
            wrong.append("private_key_file needs client_id beside it")
        return wrong

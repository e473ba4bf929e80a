"""Which directories are read, and through which source? From the settings and from `directory add`."""

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC

from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger
from pydantic import ValidationError
from sqlalchemy import Engine
from structlog.stdlib import get_logger

from connector import wiring
from connector.settings import BadSettings, PulledDirectory, Settings
from connector.store import directories
from connector.store.engine import reading
from sync.ports import DirectorySource
from sync.sources import graph_auth, okta, okta_api, okta_auth
from sync.sources.graph import Graph
from sync.sources.graph_api import Api
from sync.sources.graph_auth import SignIn
from sync.sources.http import Caller

#: seconds without a byte of an answer
TIMEOUT = 30.0


def declared(settings: Settings, engine: Engine) -> Mapping[str, PulledDirectory]:
    """By name. What the settings say of a name goes before what `directory add` stored.

    One that was stored and can't be used any more (its secret's file is gone) is left out, and logged: the
    others, and the rounds, don't depend on it.
    """
    found: dict[str, PulledDirectory] = {}
    with reading(engine) as connection:
        stored = directories.all_of(connection)
    for each in stored:
        options = json.loads(each.options).get("pull")
        if options and each.name not in settings.directories:
            try:
                found[each.name] = parse(each.name, each.kind, json.loads(options))
            except BadSettings as error:
                get_logger(__name__).error("a directory can't be read", why=str(error))
    return {name: d for name, d in (found | settings.directories).items() if d.is_read}


def parse(name: str, kind: str, options: Mapping[str, str]) -> PulledDirectory:
    """As `directory add` got them. Raises BadSettings."""
    try:
        return PulledDirectory.model_validate({"kind": kind, **options})
    except ValidationError as error:
        told = []
        for mistake in error.errors(include_url=False, include_context=False, include_input=False):
            where = "".join(f" {part}" for part in mistake["loc"])
            told.append(f"directory {name}:{where} {mistake['msg'].removeprefix('Value error, ')}")
        raise BadSettings(*told) from None


def trigger(name: str, declared: PulledDirectory) -> CronTrigger | IntervalTrigger:
    """When it is read; spread a little, so that several don't begin together. Raises BadSettings."""
    if not declared.cron:
        seconds = declared.every.total_seconds()
        return IntervalTrigger(seconds=int(seconds), jitter=int(seconds / 10), timezone=UTC)
    try:
        made = CronTrigger.from_crontab(declared.cron, timezone=UTC)
    except ValueError as error:
        raise BadSettings(f"directories.{name}.cron: {error}; write it as */10 6-20 * * 1-5") from None
    made.jitter = 30
    return made


def source(
    settings: Settings,
    name: str,
    declared: PulledDirectory,
    pause: Callable[[float], None] = time.sleep,
    stopping: Callable[[], bool] = lambda: False,
) -> DirectorySource:
    """Calls nothing yet. Raises BadSettings."""
    verify: str | bool = True if settings.ca_bundle is None else str(settings.ca_bundle)
    try:
        if declared.kind == "okta":
            return _okta(declared, verify, pause, stopping)
        return _graph(declared, verify, pause, stopping)
    except ValueError as error:
        raise BadSettings(f"directories.{name}: {error}") from None


def _graph(
    declared: PulledDirectory,
    verify: str | bool,
    pause: Callable[[float], None],
    stopping: Callable[[], bool],
) -> DirectorySource:
    url = declared.graph_url
    sign_in = SignIn(
        _credential(declared),
        declared.tenant_id,
        declared.client_id,
        declared.authority,
        url,
        verify,
        TIMEOUT,
    )
    return Graph(Api(Caller(url, "Microsoft Graph", verify, TIMEOUT), sign_in, wiring.clock, pause, stopping))


def _credential(declared: PulledDirectory) -> graph_auth.Credential:
    if declared.certificate_file is not None:
        return graph_auth.Certificate(declared.certificate_file)
    if declared.federated_token_file is not None:
        return graph_auth.FederatedToken(declared.federated_token_file)
    if declared.client_secret is not None:
        return graph_auth.ClientSecret(declared.client_secret.get_secret_value())
    return graph_auth.ManagedIdentity(declared.client_id)


def _okta(
    declared: PulledDirectory,
    verify: str | bool,
    pause: Callable[[float], None],
    stopping: Callable[[], bool],
) -> DirectorySource:
    caller = Caller(declared.org_url or "", "Okta", verify, TIMEOUT)
    sign_in: okta_auth.SignIn
    if declared.api_token is not None:
        sign_in = okta_auth.ApiToken(declared.api_token.get_secret_value())
    else:
        text = declared.private_key.get_secret_value() if declared.private_key else ""
        key = okta_auth.SigningKey.of(text, declared.key_id)
        sign_in = okta_auth.ServiceApp(caller, declared.client_id, key, wiring.clock)
    api = okta_api.Api(caller, sign_in, wiring.clock, pause, stopping=stopping)
    return okta.Okta(api, declared.provisioned)

"""How is PyPI scim2-server served? As its own command does, in Granian, with the users in memory.

Runs in an environment of its own, which knows neither the connector nor its libraries.
"""

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from scim2_models import ScimProvider
from scim2_server.memory import InMemoryStorage
from scim2_server.service import ScimService
from scim2_server.testserver.application import BEARER_TOKEN_SCHEME, BearerTokenApplication
from scim2_server.utils import (
    load_default_resource_types,
    load_default_schemas,
    load_default_service_provider_config,
)

sys.path.insert(0, os.environ["BENCH_ROOT"])
from benchmarks.scim.world import CORE, ENTERPRISE, TOKEN, World


def application() -> Callable[..., Any]:
    config = load_default_service_provider_config()
    config.authentication_schemes = [*(config.authentication_schemes or []), BEARER_TOKEN_SCHEME]
    provider = ScimProvider.from_discovery(
        load_default_schemas().values(), load_default_resource_types().values(), config=config
    )
    world = World(int(os.environ["BENCH_PEOPLE"]), tuple(map(int, os.environ["BENCH_SIZES"].split())))
    storage = InMemoryStorage()
    storage.resources = _resources(provider, world)
    served = BearerTokenApplication(
        storage, provider, service=ScimService(provider, secret="bench"), bearer_tokens=[TOKEN]
    )

    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        # It reads a body without a length by read(-1), which Granian's input refuses.
        environ.pop("wsgi.input_terminated", None)
        return served(environ, start_response)

    return answer


def _resources(provider: Any, world: World) -> list[Any]:
    models = {each.__name__: each for each in provider.models}
    person = models["User"][models["EnterpriseUser"]]
    now = datetime.now(UTC).isoformat()
    made = []
    for number in range(1, world.people + 1):
        meta = {"resourceType": "User", "created": now, "lastModified": now, "version": 'W/"0"'}
        sent = {"schemas": [f"{CORE}User", ENTERPRISE], "id": world.user_id(number), "meta": meta}
        made.append(person.model_validate(sent | world.user(number)))
    for size in world.sizes:
        meta = {"resourceType": "Group", "created": now, "lastModified": now, "version": 'W/"0"'}
        members = [{"value": world.user_id(n), "type": "User"} for n in range(1, size + 1)]
        group: dict[str, Any] = {"schemas": [f"{CORE}Group"], "id": world.group_id(size), "meta": meta}
        made.append(
            models["Group"].model_validate(
                group | {"displayName": world.group_name(size), "members": members}
            )
        )
    return made

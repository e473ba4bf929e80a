"""Which implementations must keep the contracts?"""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from connector.anysoft.tenant import BuiltInTenant
from connector.store.engine import connect
from sync.ports import Licensing
from tests.contracts.licensing_http import connected, served
from tests.contracts.licensing_world import World, world

#: in process on each database, and over HTTP
REACHED = ("sqlite", "postgresql", "http")


@pytest.fixture(params=REACHED)
def anysoft(request: pytest.FixtureRequest) -> Iterator[World]:
    """A tenant that has the role, prices for AnyPrint and Centre only, and nothing bought.

    In process on each database; or served over HTTP on loopback, as its client sees it.
    """
    url: str = request.getfixturevalue("postgres_url" if request.param == "postgresql" else "sqlite_url")
    with ExitStack() as running:

        def reached(tenant: BuiltInTenant) -> Licensing:
            if request.param != "http":
                return tenant
            return running.enter_context(connected(running.enter_context(served(tenant)).url))

        engine = connect(url)
        running.callback(engine.dispose)
        yield world(engine, reached)

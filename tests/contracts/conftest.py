"""Which implementations must keep the contracts?"""

import pytest
from sqlalchemy import Engine

from connector.anysoft.tenant import BuiltInTenant
from sync.ports import Licensing
from tests.contracts.licensing_world import Connect, World, world


def in_process(tenant: BuiltInTenant) -> Licensing:
    return tenant


@pytest.fixture(params=[in_process], ids=["in-process"])
def connect(request: pytest.FixtureRequest) -> Connect:
    chosen: Connect = request.param
    return chosen


@pytest.fixture
def anysoft(engine: Engine, connect: Connect) -> World:
    """A tenant that has the role, prices for AnyPrint and Centre only, and nothing bought."""
    return world(engine, connect)

"""A company that reads an Entra tenant, for one test."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.company import Company
from tests.standins.graph import Entra
from tests.standins.tls import Authority
from tests.sync.sources.entra.world import EntraCompany


@pytest.fixture
def company(sqlite_engine: Engine, entra: Entra, tls: Authority) -> Iterator[EntraCompany]:
    world = EntraCompany(Company(sqlite_engine), entra, tls.bundle)
    yield world
    world.restart()

"""Stand-ins of directories, each open for one test."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.company import Company
from tests.standins.okta import Okta
from tests.standins.tls import Authority, authority
from tests.sync.sources.northmill import Northmill
from tests.sync.sources.okta_world import Reader


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """One private authority a test process."""
    return authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def okta(tls: Authority) -> Iterator[Okta]:
    with Okta(tls=tls.server) as server:
        yield server


@pytest.fixture
def reader(okta: Okta, tls: Authority) -> Reader:
    return Reader(okta, tls.bundle)


@pytest.fixture
def northmill(sqlite_engine: Engine, okta: Okta, tls: Authority) -> Northmill:
    return Northmill(Company(sqlite_engine), okta, tls.bundle)

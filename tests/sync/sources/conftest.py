"""Stand-ins of directories, each open for one test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.company import Company
from tests.connector.places import prepared
from tests.standins.graph import Entra
from tests.standins.okta import Okta
from tests.standins.tls import Authority, authority
from tests.sync.sources.northmill import Northmill
from tests.sync.sources.okta_world import Reader
from tests.sync.sources.outside import EntraElsewhere, MakeOutside, OktaElsewhere, Outside


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """One private authority a test process."""
    return authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def entra(tls: Authority) -> Iterator[Entra]:
    with Entra(tls.server) as server:
        yield server


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


@pytest.fixture
def make(entra: Entra, okta: Okta, tls: Authority, tmp_path: Path, sqlite_template: Path) -> MakeOutside:
    """The whole program in a folder of its own, with a directory to read."""

    def made(kind: str) -> Outside:
        prepared(tmp_path / "data", sqlite_template)
        return Outside(tmp_path, EntraElsewhere(entra) if kind == "entra" else OktaElsewhere(okta), tls)

    return made

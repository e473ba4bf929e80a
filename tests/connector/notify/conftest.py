"""Which office is open? One on SQLite whose post goes in plain, one on PostgreSQL whose post goes by TLS."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from connector.store.engine import connect
from tests.connector.notify.office import Office, opened
from tests.standins.mailbox import Tls
from tests.standins.tls import Authority, authority


@pytest.fixture(scope="session")
def northmill(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The certificates of a private authority."""
    return authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(params=["sqlite in plain", "postgresql by tls"])
def office(request: pytest.FixtureRequest) -> Iterator[Office]:
    if request.param == "sqlite in plain":
        with opened(request.getfixturevalue("sqlite_engine")) as office:
            yield office
        return
    engine: Engine = connect(request.getfixturevalue("postgres_url"))
    northmill: Authority = request.getfixturevalue("northmill")
    with opened(engine, northmill.server, Tls.STARTTLS, northmill.bundle) as office:
        yield office
    engine.dispose()

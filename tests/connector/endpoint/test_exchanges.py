"""Do all requests of Entra ID, Okta and others do on both databases what their files say?"""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from connector.store import directories
from connector.store.directory import DirectoryStore
from connector.store.engine import writing
from scim.store import Store
from tests.scim.exchange import BASE_URL, files, play

_FILES = [path for folder in ("entra", "okta", "scim") for path in files(folder)]


@pytest.mark.parametrize("path", _FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_exchange_is_as_written_on_the_real_store(path: Path, engine: Engine) -> None:
    def make(name: str, kind: str) -> Store:
        with writing(engine) as connection:
            pk = directories.add(connection, name, kind, datetime.now(UTC)).pk
        return DirectoryStore(engine, pk, lambda: datetime.now(UTC), "", BASE_URL)

    play(path, make)

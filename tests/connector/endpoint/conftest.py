"""Which endpoint do these tests ask? The whole app over each database, with a real token."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from connector.app import create_app
from connector.settings import Overrides, load
from connector.store import credentials, directories
from connector.store.engine import writing

BASE_URL = "http://localhost/scim/v2"


@dataclass(frozen=True, slots=True)
class Served:
    """An app over one database; its engine is the app's own."""

    app: Flask

    @property
    def engine(self) -> Engine:
        engine: Engine = self.app.extensions["engine"]
        return engine

    def token(self, directory: str = "northmill", kind: str = "scim", options: str = "{}") -> str:
        """A new token; the directory is made where there is none."""
        now = datetime.now(UTC)
        with writing(self.engine) as connection:
            if directory not in {d.name for d in directories.all_of(connection)}:
                directories.add(connection, directory, kind, now, options)
            return credentials.token_create(connection, directory, now).secret

    def client(self, directory: str = "northmill", kind: str = "scim", options: str = "{}") -> FlaskClient:
        """A client that sends a token of the directory with each request."""
        client = self.app.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {self.token(directory, kind, options)}"
        return client


@pytest.fixture
def served(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("CONNECTOR_DATABASE_URL", database_url)
    monkeypatch.setenv("CONNECTOR_SECRET_KEY", "k" * 40)
    monkeypatch.chdir(tmp_path)
    app = create_app(load(Overrides(data_dir=tmp_path, public_url="http://localhost")))
    yield Served(app)
    app.extensions["engine"].dispose()
    logging.getLogger().handlers.clear()

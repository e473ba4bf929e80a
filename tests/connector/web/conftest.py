"""Which web process do these tests ask? An app on a fresh database."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from connector.app import create_app
from tests.connector.places import opened, prepared, settings_for


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    yield
    logging.getLogger().handlers.clear()


@pytest.fixture
def folder(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return prepared(tmp_path / "data", sqlite_template)


@pytest.fixture
def engine(folder: Path) -> Iterator[Engine]:
    with opened(folder) as engine:
        yield engine


@pytest.fixture
def app(folder: Path) -> Iterator[Flask]:
    app = create_app(settings_for(folder))
    yield app
    app.extensions["engine"].dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()

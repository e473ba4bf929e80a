"""Where do the shell's tests happen? A data folder with the newest schema, and settings for it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine

from connector.anysoft.office import open_tenant
from connector.settings import Overrides, Settings, load
from connector.store.engine import connect


def settings_for(folder: Path, public_url: str = "http://127.0.0.1:8080") -> Settings:
    return load(Overrides(data_dir=folder, public_url=public_url))


def prepared(folder: Path, template: Path) -> Path:
    """The folder, with a database as `up` would make it."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(template, folder / "connector.sqlite")
    with opened(folder) as engine:
        open_tenant(engine)
    return folder


@contextmanager
def opened(folder: Path) -> Iterator[Engine]:
    engine = connect(f"sqlite:///{folder / 'connector.sqlite'}")
    try:
        yield engine
    finally:
        engine.dispose()

"""How are the demo's directories served by the real endpoint, without the rest of the connector?"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from flask import Flask
from sqlalchemy import Engine, insert

from connector.store.directory import DirectoryStore
from connector.store.engine import writing
from connector.store.tables import directories
from scim.endpoints import Caller
from scim.views import Config, blueprint
from tests.connector.demo.files import scenario
from tests.connector.demo.world import serving


@contextmanager
def northmill(engine: Engine, clock: Callable[[], datetime]) -> Iterator[str]:
    """The SCIM base URL of both directories; a token is the directory's name."""
    callers = {}
    with writing(engine) as connection:
        for name, kind in scenario().directories:
            made = insert(directories).values(name=name, kind=kind, created_at=clock())
            pk = connection.execute(made.returning(directories.c.pk)).scalar_one()
            callers[f"Bearer {name}"] = Caller(name, kind, DirectoryStore(engine, pk, clock))
    app = Flask("scim-only")
    base_url = "http://connector.example/scim/v2"
    config = Config(base_url=base_url, authenticate=lambda header: callers[header or ""])
    app.register_blueprint(blueprint(config), url_prefix="/scim/v2")
    with serving(app) as url:
        yield url

"""How does a test get in? Tokens, sign-in links, sessions."""

import re
from datetime import UTC, datetime

from flask.testing import FlaskClient
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from connector.store import credentials, directories, sign_ins
from connector.store.engine import writing
from connector.store.sign_ins import Operator


def token(engine: Engine, directory: str = "entra", kind: str = "entra") -> str:
    with writing(engine) as connection:
        if directory not in {d.name for d in directories.all_of(connection)}:
            directories.add(connection, directory, kind, datetime.now(UTC))
        return credentials.token_create(connection, directory, datetime.now(UTC)).secret


def link(engine: Engine) -> str:
    with writing(engine) as connection:
        return sign_ins.new_link(connection, Operator("local", "admin"), datetime.now(UTC))


def csrf(response: TestResponse) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', response.text)
    assert found is not None
    return found[1]


def signed_in(client: FlaskClient, engine: Engine) -> TestResponse:
    secret = link(engine)
    page = client.get(f"/sign-in?link={secret}")
    return client.post("/sign-in", data={"csrf_token": csrf(page), "link": secret})

"""Does scim2-tester, which was not written here, find nothing? (On the store in memory.)"""

import pytest
from flask import Flask
from scim2_client.engines.wsgi import WSGISCIMClient
from scim2_tester import Status, check_server

from scim.dialects import Answer
from scim.endpoints import Caller
from scim.views import Config, blueprint
from tests.scim.memory import Memory

_BASE_URL = "http://localhost/scim/v2"


@pytest.mark.parametrize("kind", ["scim", "entra", "okta"])
def test_scim2_tester_passes_every_check(kind: str) -> None:
    store = Memory()
    app = Flask(__name__)
    # It wants to see the members that it added: Okta's answer without them is a setting away.
    answer = Answer.FULL if kind == "okta" else None
    caller = Caller("the-directory", kind, store, patched_group=answer)
    app.register_blueprint(blueprint(Config(_BASE_URL, lambda authorization: caller)), url_prefix="/scim/v2")
    client = WSGISCIMClient(app, base_url=_BASE_URL)
    client.discover()
    results = check_server(client)
    failed = [f"{one.title}: {one.reason}" for one in results if one.status is not Status.SUCCESS]
    assert failed == []
    assert len(results) >= 130

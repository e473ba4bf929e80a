"""Does scim2-tester, which was not written here, find nothing wrong with the whole app?"""

import pytest
from scim2_client.engines.wsgi import WSGISCIMClient
from scim2_tester import Status, check_server

from tests.connector.endpoint.conftest import BASE_URL, Served


def test_scim2_tester_passes_every_check(served: Served) -> None:
    """The two forgiving dialects are judged on a store in memory (tests/scim), and here in the long tests."""
    _judge(served, "scim")


@pytest.mark.long
@pytest.mark.parametrize("kind", ["scim", "entra", "okta"])
def test_scim2_tester_passes_ten_times_in_a_row(served: Served, kind: str) -> None:
    """Its values are random."""
    for _ in range(10):
        _judge(served, kind)


def _judge(served: Served, kind: str) -> None:
    # It wants to see the members that it added: answers without them are a setting away.
    token = served.token("northmill", kind, '{"patched_group": "full"}')
    client = WSGISCIMClient(served.app, base_url=BASE_URL, environ={"HTTP_AUTHORIZATION": f"Bearer {token}"})
    client.discover()
    results = check_server(client)
    failed = [f"{one.title}: {one.reason}" for one in results if one.status is not Status.SUCCESS]
    assert failed == []
    assert len(results) >= 130

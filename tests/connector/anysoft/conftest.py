"""How is a peer reached?"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from connector.anysoft.client import HttpTenant
from tests.connector.anysoft.peer import Peer
from tests.contracts.licensing_http import connected, serving


@pytest.fixture
def reach() -> Iterator[Callable[..., HttpTenant]]:
    with ExitStack() as running:

        def connect(peer: Peer, timeout: float = 10.0) -> HttpTenant:
            return running.enter_context(connected(running.enter_context(serving(peer)), timeout))

        yield connect

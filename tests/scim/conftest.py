"""Which store do the tests of scim run on? Ours in memory; another package runs the exchanges on its own."""

import pytest

from scim.store import Store
from tests.scim.exchange import MakeStore
from tests.scim.memory import Memory


@pytest.fixture
def make_store() -> MakeStore:
    def make(directory: str, kind: str) -> Store:
        return Memory()

    return make

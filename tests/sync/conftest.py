"""Which company do the tests of rounds work with? A fresh one, on each database."""

import pytest
from sqlalchemy import Engine

from tests.company import Company


@pytest.fixture
def company(engine: Engine) -> Company:
    return Company(engine)

"""Does each request of Entra ID, Okta and others get its answer, and leave the state it must leave?"""

from pathlib import Path

import pytest

from tests.scim.exchange import MakeStore, files, play

_FILES = [path for folder in ("entra", "okta", "scim") for path in files(folder)]


@pytest.mark.parametrize("path", _FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_exchange_is_as_written(path: Path, make_store: MakeStore) -> None:
    play(path, make_store)


def test_every_numbered_request_has_its_file() -> None:
    numbers = {path.stem.split("-")[0].upper() for path in _FILES}
    assert {f"E{n:02}" for n in range(1, 15)} | {f"O{n:02}" for n in range(1, 12)} <= numbers

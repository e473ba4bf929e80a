"""Does anything but an error of SCIM come out of slightly changed seeds? The short form of `make fuzz`."""

from random import Random

import pytest

from tests.fuzz.targets import TARGETS, seeds, tried

_BITS = (b'"', b"[", b"]", b"{", b"}", b"(", b")", b" and ", b" pr", b".", b":", b"\\", b"\0", b"\xff",
         b"null", b"members", b'"value":', b"-1e9", b",", b"eq")  # fmt: skip


@pytest.mark.parametrize("name", TARGETS)
def test_only_errors_of_scim_come_out(name: str) -> None:
    random = Random(7)
    start = list(seeds(name))
    outcomes = {tried(TARGETS[name], seed) for seed in start}
    for _ in range(1_500):
        outcomes.add(tried(TARGETS[name], _mutated(random, random.choice(start))))
    assert "" in outcomes
    assert len(outcomes) > 1


def _mutated(random: Random, data: bytes) -> bytes:
    for _ in range(random.randint(1, 4)):
        at = random.randint(0, len(data))
        match random.randrange(4):
            case 0:
                data = data[:at] + random.choice(_BITS) + data[at:]
            case 1:
                data = data[:at] + data[at + random.randint(1, 9) :]
            case 2:
                data = data[:at] + bytes([random.randrange(256)]) + data[at + 1 :]
            case _:
                data = data + data[at : at + random.randint(1, 40)]
    return data

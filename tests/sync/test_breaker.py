"""When may AnySoft be called? (R29)"""

from datetime import timedelta

import pytest

from sync.breaker import Breaker, answered, asked_to_wait, failed, sending, wait
from tests.moments import START


def after(calls: str) -> Breaker:
    """t answered, f failed; a second apart."""
    breaker = Breaker()
    for n, call in enumerate(calls):
        now = START + timedelta(seconds=n)
        breaker = answered(breaker) if call == "t" else failed(breaker, "503", now)
    return breaker


@pytest.mark.parametrize(
    ("calls", "is_open"),
    [
        ("f" * 9, False),  # at least 10
        ("f" * 10, True),
        ("tf" * 5, True),  # half of them
        ("t" * 6 + "f" * 5, False),
        ("t" * 20 + "f" * 9, False),
        ("t" * 20 + "f" * 10, True),  # only the last 20 count
        ("f" * 4 + "t" * 40 + "f" * 9, False),
    ],
)
def test_r29_it_opens_when_half_of_the_last_twenty_calls_failed(calls: str, is_open: bool) -> None:
    assert after(calls).is_open is is_open


def test_r29_while_open_one_probe_a_minute_is_sent() -> None:
    opened = after("f" * 10)
    now = START + timedelta(seconds=9)
    assert opened.opened_at == now
    assert wait(opened, now) == timedelta(seconds=60)
    probe_at = now + timedelta(seconds=60)
    assert wait(opened, probe_at) is None
    sent = sending(opened, probe_at)
    assert wait(sent, probe_at) == timedelta(seconds=60), "nobody else sends one"
    assert wait(failed(sent, "503", probe_at), probe_at) == timedelta(seconds=60)
    assert failed(sent, "503", probe_at).opened_at == now, "since when it fails stays"


def test_r29_the_first_success_closes_it() -> None:
    closed = answered(after("f" * 10))
    assert not closed.is_open
    assert wait(closed, START) is None
    assert not failed(closed, "503", START).is_open, "it counts anew"


@pytest.mark.parametrize(("asked", "waits"), [(7.0, 7), (None, 5), (31_536_000.0, 3600)])
def test_r29_retry_after_is_obeyed_up_to_an_hour_and_no_failure(asked: float | None, waits: int) -> None:
    breaker = asked_to_wait(after("f" * 9), asked, "429", START)
    assert not breaker.is_open
    assert breaker.recent == "f" * 9
    assert wait(breaker, START) == timedelta(seconds=waits)
    assert wait(breaker, START + timedelta(seconds=waits)) is None


def test_a_clock_that_went_back_is_no_reason_to_wait_for_days() -> None:
    assert wait(after("f" * 10), START - timedelta(days=2)) is None

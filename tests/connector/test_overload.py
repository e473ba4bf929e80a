"""Does one directory's flood stay its own, and is nobody slowed below the rate? (T15)"""

from connector.overload import Buckets


def test_a_second_s_worth_may_come_at_once_and_then_the_rate_holds() -> None:
    buckets = Buckets(60)
    assert [buckets.wait_for(1, 0.0) for _ in range(60)] == [0] * 60
    assert buckets.wait_for(1, 0.0) == 1
    assert buckets.wait_for(1, 1 / 60) == 0
    assert buckets.wait_for(1, 1 / 60) == 1


def test_a_steady_stream_at_the_rate_is_never_refused() -> None:
    buckets = Buckets(60)
    assert all(buckets.wait_for(1, n / 60) == 0 for n in range(6000))


def test_each_directory_has_its_own() -> None:
    buckets = Buckets(50)
    for _ in range(51):
        buckets.wait_for(1, 0.0)
    assert buckets.wait_for(1, 0.0) == 1
    assert buckets.wait_for(2, 0.0) == 0


def test_zero_is_off() -> None:
    buckets = Buckets(0)
    assert all(buckets.wait_for(1, 0.0) == 0 for _ in range(10_000))

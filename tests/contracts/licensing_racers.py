"""What does one of several processes do in a race for licenses? It runs its calls in threads, and tells."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from typing import TypeVar

from connector.anysoft.tenant import BuiltInTenant
from connector.store.engine import connect
from sync.model import AccountId, SubscriptionId

T = TypeVar("T")


def at_once(call: Callable[[T], str], each: Sequence[T]) -> list[str]:
    """The answers of one thread each; an exception fails the test."""
    with ThreadPoolExecutor(len(each)) as threads:
        return [future.result() for future in [threads.submit(call, one) for one in each]]


def take(url: str, id: SubscriptionId, accounts: Sequence[AccountId]) -> list[str]:
    """One call an account, all at once."""
    engine = connect(url)
    licensing = BuiltInTenant(engine, lambda: datetime.now(UTC))
    try:
        return at_once(lambda account: licensing.assign(id, [account], f"take-{account}")[0].status, accounts)
    finally:
        engine.dispose()


def in_processes(url: str, id: SubscriptionId, shares: Sequence[Sequence[AccountId]]) -> list[str]:
    """`take` in as many fresh processes as there are shares."""
    with get_context("spawn").Pool(len(shares)) as pool:
        answers = pool.starmap(take, [(url, id, share) for share in shares], chunksize=1)
    return [status for each in answers for status in each]

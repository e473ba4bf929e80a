"""How much processor time does a server spend on a request, and how many a second does it answer?

A closed loop on loopback: each client sends the next request when it has the answer to the last, and checks
each. Bounded in time and in number.
"""

import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection

import orjson

from benchmarks.scim.scenarios import Exchange, Scenario
from benchmarks.scim.servers import HOST, Server
from benchmarks.scim.world import TOKEN, World

_HEADERS = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/scim+json"}


class Wrong(Exception):
    """A server gave an answer that isn't the right one."""


@dataclass(frozen=True, slots=True)
class Measured:
    requests: int
    seconds: float
    cpu: float  #: seconds, of the server's processes

    @property
    def cpu_ms(self) -> float:
        return self.cpu / self.requests * 1000

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


@dataclass(slots=True)
class Client:
    """One connection that stays open, with its own stream of requests."""

    server: Server
    exchanges: Iterator[Exchange]
    sent: int = 0

    def run(self, until: float, most: int) -> None:
        """Raises Wrong, OSError."""
        connection = HTTPConnection(HOST, self.server.port, timeout=120)
        try:
            while self.sent < most and time.monotonic() < until:
                self._exchange(connection, next(self.exchanges))
                self.sent += 1
        finally:
            connection.close()

    def _exchange(self, connection: HTTPConnection, exchange: Exchange) -> None:
        connection.request(exchange.method, self.server.base + exchange.path, exchange.body, _HEADERS)
        answer = connection.getresponse()
        raw = answer.read()
        try:
            right = exchange.right(answer.status, orjson.loads(raw) if raw else {})
        except (KeyError, orjson.JSONDecodeError):
            right = False
        if not right:
            raise Wrong(
                f"{self.server.name}: {exchange.method} {exchange.path} {exchange.body[:300]!r}: "
                f"{answer.status} {raw[:500]!r}"
            )


@dataclass(slots=True)
class Stream:
    """One scenario against one server, through all its slices: what was written stays written."""

    scenario: Scenario
    server: Server
    exchanges: list[Iterator[Exchange]]

    @classmethod
    def of(cls, scenario: Scenario, server: Server, world: World) -> "Stream":
        seeds = range(scenario.writers)
        return cls(scenario, server, [scenario.make(world, random.Random(seed)) for seed in seeds])

    def slice(self, seconds: float, most: int) -> Measured:
        """As many requests as fit into the time, at most so many from each client. Raises Wrong."""
        clients = [Client(self.server, each) for each in self.exchanges]
        failed: list[BaseException] = []

        def run(client: Client) -> None:
            try:
                client.run(until, most)
            except (Wrong, OSError) as error:
                failed.append(error)

        threads = [threading.Thread(target=run, args=(client,)) for client in clients]
        before, began = self.server.cpu_seconds(), time.monotonic()
        until = began + seconds
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took, spent = time.monotonic() - began, self.server.cpu_seconds() - before
        if failed:
            raise failed[0]
        return Measured(sum(client.sent for client in clients), took, spent)

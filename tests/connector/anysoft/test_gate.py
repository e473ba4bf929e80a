"""What is sent while AnySoft fails, and who learns of it? (R29)"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select, update

from connector.anysoft.gate import Gate
from connector.anysoft.transport import NoSuchCall, Request
from connector.store import breakers
from connector.store.engine import reading, writing
from connector.store.tables import breaker, persons, standings
from sync.ports import Busy, Missing, Rejected, Transient
from tests.moments import START

GET = Request("GET", "/v1/tenant")


@dataclass
class Line:
    """Answers what the test says; counts what was sent."""

    answer: Callable[[], object] = lambda: {}
    sent: int = 0
    now: datetime = field(default=START)

    def send(self, request: Request) -> object:
        self.sent += 1
        return self.answer()

    def close(self) -> None:
        return

    def clock(self) -> datetime:
        return self.now


def fails(error: Exception) -> Callable[[], object]:
    def answer() -> object:
        raise error

    return answer


def call(gate: Gate, times: int = 1) -> list[type[Exception] | None]:
    """What came of each."""
    came: list[type[Exception] | None] = []
    for _ in range(times):
        try:
            gate.send(GET)
            came.append(None)
        except Exception as error:
            came.append(type(error))
    return came


def test_r29_after_ten_failures_only_a_probe_a_minute_is_sent_and_one_success_ends_it(engine: Engine) -> None:
    line = Line(fails(Transient("503")))
    gate, other = Gate(line, engine, line.clock), Gate(line, engine, line.clock)
    assert call(gate, 10) == [Transient] * 10
    assert call(gate, 3) + call(other, 3) == [Busy] * 6
    assert line.sent == 10
    line.now += timedelta(seconds=61)
    assert call(other) == [Transient]
    assert call(gate) == [Busy]
    assert line.sent == 11
    line.now += timedelta(seconds=61)
    line.answer = lambda: {}
    assert call(gate) + call(other) == [None, None]


def test_r29_closing_ends_the_back_offs_that_the_outage_caused_and_no_others(engine: Engine) -> None:
    later = START + timedelta(minutes=14)
    with writing(engine) as connection:
        for pk, failure in enumerate(("NO_ANSWER", "TRY_LATER", "ACCOUNT_INACTIVE"), 1):
            connection.execute(
                insert(persons).values(
                    pk=pk, user_name=f"u{pk}", folded=f"u{pk}", conflict=False, epoch=START
                )
            )
            values: dict[str, Any] = {"held": "no", "origin": "none", "priority": 100, "waiting": False}
            connection.execute(
                insert(standings).values(
                    person_pk=pk, product="anyprint", base_ready=True, failure=failure, attempts=9,
                    next_try=later, look_at=later, **values,
                )
            )  # fmt: skip
    line = Line(fails(Transient("503")))
    gate = Gate(line, engine, line.clock)
    call(gate, 10)
    line.now += timedelta(seconds=61)
    line.answer = lambda: {}
    call(gate)
    with reading(engine) as connection:
        query = select(standings.c.next_try).order_by(standings.c.person_pk)
        assert list(connection.scalars(query)) == [line.now, line.now, later]


def test_r29_what_a_429_asks_for_is_kept_by_every_process(engine: Engine) -> None:
    line = Line(fails(Busy("429", retry_after=30)))
    gate, other = Gate(line, engine, line.clock), Gate(line, engine, line.clock)
    assert call(gate) + call(other, 5) == [Busy] * 6
    assert line.sent == 1
    line.now += timedelta(seconds=31)
    line.answer = lambda: {}
    assert call(other) == [None]


@pytest.mark.parametrize("error", [Rejected("invalid", "no"), Missing("no"), NoSuchCall("no")])
def test_a_refusal_is_an_answer(engine: Engine, error: Exception) -> None:
    line = Line(fails(error))
    assert set(call(Gate(line, engine, line.clock), 30)) == {type(error)}
    assert line.sent == 30


def test_while_all_goes_well_nothing_more_is_written(engine: Engine) -> None:
    line = Line()
    gate = Gate(line, engine, line.clock)
    call(gate, 20)
    with writing(engine) as connection:
        connection.execute(update(breaker).values(why="untouched"))
    call(gate, 5)
    with reading(engine) as connection:
        assert breakers.read(connection).why == "untouched"

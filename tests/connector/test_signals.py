"""Is a round that somebody asks for made once, and heard of?"""

from datetime import UTC, datetime

from sqlalchemy import Engine

from connector.store import signals
from connector.store.engine import reading, writing
from connector.store.signals import Asked

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def ask(engine: Engine, full: bool = False, cause: str = "cli:a") -> int:
    with writing(engine) as connection:
        return signals.ask(connection, full, cause, NOW)


def asked(engine: Engine) -> Asked | None:
    with reading(engine) as connection:
        return signals.asked(connection)


def answer(engine: Engine, number: int, run: int) -> None:
    with writing(engine) as connection:
        signals.answer(connection, number, run, NOW)


def answered(engine: Engine, number: int) -> tuple[bool, int | None]:
    with reading(engine) as connection:
        return signals.answered(connection, number)


def test_nobody_asked(engine: Engine) -> None:
    assert asked(engine) is None
    assert answered(engine, 1) == (False, None)


def test_one_round_answers_all_who_asked_before_it(engine: Engine) -> None:
    first, second = ask(engine), ask(engine, cause="cli:b")
    assert asked(engine) == Asked(second, False, "cli:b")
    answer(engine, second, 7)
    assert asked(engine) is None
    assert answered(engine, first) == answered(engine, second) == (True, 7)


def test_who_asks_while_a_round_runs_gets_the_next(engine: Engine) -> None:
    first = ask(engine)
    second = ask(engine)
    answer(engine, first, 7)
    assert asked(engine) == Asked(second, False, "cli:a")
    assert answered(engine, second) == (False, None)


def test_a_full_round_that_was_asked_for_isn_t_made_smaller(engine: Engine) -> None:
    ask(engine, full=True)
    number = ask(engine, full=False)
    assert asked(engine) == Asked(number, True, "cli:a")
    answer(engine, number, 1)
    assert ask(engine, full=False) == number + 1
    found = asked(engine)
    assert found is not None
    assert not found.full

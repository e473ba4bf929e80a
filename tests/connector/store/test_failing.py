"""Is it told who fails, and is a command's doubt kept and settled, on both databases? (R29)"""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from connector.manual import Desk
from connector.store import failing, intents
from connector.store.engine import reading, writing
from sync.model import Held, Origin
from sync.ports import Transient
from tests.company import PRINT, Company
from tests.faulty import Faulty, lost_answer

ADA, BOB = "ada@x.example", "bob@x.example"


def test_who_fails_is_told_with_the_cause_since_when_and_the_next_try(engine: Engine) -> None:
    company = Company(engine)

    def refuses(name: str, arguments: tuple[Any, ...]) -> None:
        if name == "create_account":
            raise Transient("500", maybe_done=True)

    company.wrap = lambda real: Faulty(real, (), [], refuses).licensing()
    company.map(company.group("LIC", company.hire(ADA, BOB)), PRINT)
    company.buy(PRINT, 5)
    company.round()
    with writing(engine) as connection:
        found = failing.failing(connection)
        assert [(f.user_name, f.code) for f in found] == [(u, "ACCOUNT_NO_ANSWER") for u in (ADA, BOB)]
        failing.note(connection, {f.code for f in found}, company.now)
        failing.note(connection, {f.code for f in found}, company.now + timedelta(minutes=9))
    with reading(engine) as connection:
        (cause,) = failing.causes(connection)
    assert (cause.people, cause.since, cause.someone) == (2, company.now, ADA)
    assert cause.next_try == company.now + timedelta(seconds=5)

    company.wrap = lambda real: real
    company.go(minutes=1)
    company.round()
    with reading(engine) as connection:
        assert failing.causes(connection) == []


def test_what_a_command_left_in_doubt_is_settled_by_the_list(engine: Engine) -> None:
    company = Company(engine)
    company.hire(ADA)
    company.buy(PRINT, 5)
    anysoft = Faulty(company.tenant, ("assign",), [lost_answer] * 3).licensing()
    with pytest.raises(Transient, match="may have been carried out"):
        Desk(engine, anysoft, "ann", company.clock, lambda seconds: None).assign(PRINT, [ADA])
    with reading(engine) as connection:
        assert intents.doubted_by_hand(connection) == [PRINT]
    assert company.ports().ledger.doubtful() == {PRINT: 1}, "it counts against the seats (R12)"
    company.round()
    standing = company.standing(ADA, PRINT)
    assert (standing.held, standing.origin) == (Held.YES, Origin.MANUAL)
    with reading(engine) as connection:
        assert intents.doubted_by_hand(connection) == []

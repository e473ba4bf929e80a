"""R22: fewer seats, before the renewal, never below what is used."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from connector.store import requests
from connector.store.engine import reading, writing
from sync import lowering
from sync.lowering import TooLow
from sync.model import Figures, Request, RequestState
from sync.ports import Licensing
from sync.quantity import Changed, NotOpen, decline, schedule
from tests.company import PRINT, Company
from tests.faulty import Faulty, lost_answer, lost_request

#: AnyPrint was bought on 1 March; the next term begins on 1 April
RENEWAL = datetime(2027, 4, 1, tzinfo=UTC)


@pytest.fixture
def firm(engine: Engine) -> Company:
    """Ten seats, six used."""
    company = Company(engine)
    company.buy(PRINT, 10)
    group = company.group("LIC-AnyPrint", company.hire(*names(6)))
    company.map(group, PRINT)
    company.round()
    return company


def names(n: int, start: int = 0) -> list[str]:
    return [f"p{i:03}@northmill.example" for i in range(start, start + n)]


def before(company: Company, **lapse: float) -> Request | None:
    company.now = RENEWAL - timedelta(**lapse)
    company.round()
    return company.request(PRINT)


def agree(company: Company, target: int | None = None) -> None:
    asked = company.request(PRINT)
    assert asked is not None
    with writing(company.engine) as connection:
        after = lowering.approve(asked, target, company.sold(PRINT), "ada", company.now)
        requests.store(connection, asked, after, "ada", company.now)


def wrapped(company: Company, fault: object) -> list[Faulty]:
    made: list[Faulty] = []

    def wrap(real: Licensing) -> Licensing:
        made.append(Faulty(real, ("change_quantity",), [fault] * 3))  # type: ignore[list-item]
        return made[-1].licensing()

    company.wrap = wrap
    return made


def test_r22_it_is_proposed_in_the_week_before_the_renewal_and_sent_right_before_it(firm: Company) -> None:
    assert before(firm, days=8) is None
    asked = before(firm, days=6)
    assert asked is not None
    assert (asked.state, asked.quantity, asked.proposed, asked.lowers) == (RequestState.OPEN, 10, 6, True)
    agree(firm)
    scheduled = before(firm, hours=28)
    assert scheduled is not None
    assert (scheduled.state, firm.sold(PRINT).pending) == (RequestState.SCHEDULED, None)
    sent = before(firm, hours=26, minutes=30)
    assert sent is not None
    assert sent.state is RequestState.PENDING
    assert before(firm, hours=25) is None
    assert firm.sold(PRINT).quantity == 6
    assert len(firm.holders(PRINT)) == 6


def test_r22_who_joined_meanwhile_is_counted_when_it_is_sent(firm: Company) -> None:
    before(firm, days=6)
    agree(firm)
    firm.map(firm.group("New", firm.hire(*names(2, 50))), PRINT)
    before(firm, hours=26, minutes=30)
    before(firm, hours=25)
    assert firm.sold(PRINT).quantity == 8
    assert len(firm.holders(PRINT)) == 8


def test_r22_nothing_is_sent_when_all_are_used_or_somebody_waits(firm: Company) -> None:
    before(firm, days=6)
    agree(firm)
    firm.map(firm.group("New", firm.hire(*names(6, 50))), PRINT)
    asked = before(firm, days=5)
    assert asked is not None
    assert (asked.lowers, asked.need) == (False, 2), "one request a product: the other is withdrawn"
    assert firm.sold(PRINT).pending is None


@pytest.mark.parametrize("hours", [25.9, 1])
def test_r22_too_late_is_not_sent(firm: Company, hours: float) -> None:
    before(firm, days=6)
    agree(firm)
    assert before(firm, hours=hours) is None
    assert (firm.sold(PRINT).quantity, firm.sold(PRINT).pending) == (10, None)


def test_r22_declined_it_is_not_proposed_again_for_this_renewal(firm: Company) -> None:
    asked = before(firm, days=6)
    assert asked is not None
    with writing(firm.engine) as connection:
        requests.store(connection, asked, decline(asked, "ada", "growth ahead", firm.now), "ada", firm.now)
    assert before(firm, days=3) is None
    firm.now = RENEWAL + timedelta(days=25)
    firm.round()
    assert firm.request(PRINT) is not None, "but for the next one"


def test_r22_nobody_answers_then_it_expires(firm: Company) -> None:
    before(firm, days=6)
    assert before(firm, hours=26) is None
    assert firm.sold(PRINT).quantity == 10


def test_r22_an_answer_that_was_lost_is_read_and_not_sent_again(firm: Company) -> None:
    before(firm, days=6)
    agree(firm)
    made = wrapped(firm, lost_answer)
    before(firm, hours=26, minutes=30)
    before(firm, hours=26, minutes=25)
    calls = [args for each in made for name, args in each.calls if name == "change_quantity"]
    assert [quantity for _, quantity, _ in calls] == [6]
    assert before(firm, hours=25) is None
    assert firm.sold(PRINT).quantity == 6


def test_r22_a_call_that_was_lost_is_counted_anew_before_it_is_sent_again(firm: Company) -> None:
    before(firm, days=6)
    agree(firm)
    wrapped(firm, lost_request)
    before(firm, hours=26, minutes=50)
    firm.wrap = lambda real: real
    firm.map(firm.group("New", firm.hire(*names(1, 50))), PRINT)
    before(firm, hours=26, minutes=45)
    before(firm, hours=26, minutes=40)
    before(firm, hours=25)
    assert firm.sold(PRINT).quantity == 7


def test_r22_only_between_what_is_used_and_what_is_bought_can_be_approved(firm: Company) -> None:
    before(firm, days=6)
    for target in (5, 10, 11):
        with pytest.raises(TooLow):
            agree(firm, target)
    asked = firm.request(PRINT)
    assert asked is not None
    firm.tenant.change_quantity(firm.sold(PRINT).id, 12, "portal")
    with pytest.raises(NotOpen):
        agree(firm)
    firm.go(minutes=31)
    with pytest.raises(Changed):
        lowering.approve(asked, None, firm.sold(PRINT), "ada", firm.now)


def test_r22_r18_more_seats_that_were_scheduled_and_nobody_needs_any_more_stop_nothing(firm: Company) -> None:
    """They are withdrawn in the round that sees it, and fewer are proposed in the same one."""
    late = firm.group("Late", firm.hire(*names(6, 50)))
    firm.map(late, PRINT)
    asked = before(firm, days=6)
    assert asked is not None
    assert (asked.need, asked.lowers) == (2, False)
    sold = firm.sold(PRINT)
    with writing(firm.engine) as connection:
        seen = Figures(sold.quantity, asked.need, None)
        after = schedule(asked, None, seen, sold, None, "ada", firm.now)
        requests.store(connection, asked, after, "ada", firm.now)
    firm.tenant.change_quantity(sold.id, 20, firm.key())
    fewer = before(firm, days=5)
    assert fewer is not None
    assert (fewer.lowers, fewer.quantity, fewer.proposed) == (True, 20, 12)
    with reading(firm.engine) as connection:
        [ended] = [r for r in requests.list_requests(connection) if not r.state.alive]
    assert (ended.state, ended.reason) == (RequestState.WITHDRAWN, "nobody is short of it any more")

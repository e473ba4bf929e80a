"""Is an account that nobody needs any more set inactive in the end, whatever AnySoft does? (R05, R29)"""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from sync.ports import Missing, Rejected, Transient
from sync.reconcile import Scope
from tests.company import PRINT, Company
from tests.faulty import Fault, Faulty, busy, lost_answer, lost_request

ADA = "ada@northmill.example"


def refused(name: str, carry_out: Callable[[], Any]) -> Any:
    raise Rejected("invalid", "not now")


def gone(name: str, carry_out: Callable[[], Any]) -> Any:
    raise Missing("no such user")


def not_sent(name: str, carry_out: Callable[[], Any]) -> Any:
    raise Transient("connection refused")


def with_a_license(company: Company) -> str:
    company.buy(PRINT, 5)
    (ada,) = company.hire(ADA)
    company.map(company.group("LIC-AnyPrint", [ada]), PRINT)
    company.round()
    assert company.holders(PRINT) == {ADA}
    return ada


def is_active(company: Company) -> bool:
    account = company.tenant.find_account(ADA)
    assert account is not None
    return account.active


def failing(company: Company, *faults: Fault) -> list[datetime]:
    """Setting an account (in)active fails so, in order; gives when it was tried."""
    tried: list[datetime] = []
    faulty = Faulty(company.tenant, ("set_active",), list(faults))

    def note(name: str, args: tuple[Any, ...]) -> None:
        if name == "set_active":
            tried.append(company.now)

    faulty.refuses = note
    company.wrap = lambda licensing: faulty.licensing()
    return tried


@pytest.mark.parametrize("fault", [refused, gone, not_sent, busy])
@pytest.mark.parametrize("leaves", ["disabled", "deleted"])
def test_r05_a_failed_deactivation_is_tried_again_by_itself(
    company: Company, fault: Fault, leaves: str
) -> None:
    ada = with_a_license(company)
    tried = failing(company, fault)
    if leaves == "deleted":
        company.delete(ada)
    else:
        company.set_active(ada, False)
    company.round()
    assert company.holders(PRINT) == set()
    assert is_active(company)
    for _ in range(3):
        company.go(seconds=8)
        company.round(Scope.CHANGED)
    assert not is_active(company)
    assert len(tried) == 2, "and no more once it is done"


@pytest.mark.parametrize("fault", [lost_answer, lost_request])
def test_r05_t10_a_deactivation_whose_answer_is_lost_is_asked_again(company: Company, fault: Fault) -> None:
    ada = with_a_license(company)
    failing(company, fault, fault, fault)
    company.delete(ada)
    company.round()
    company.go(seconds=6)
    company.round()
    assert not is_active(company)
    account = company.tenant.find_account(ADA)
    assert account is not None


def test_r29_a_deactivation_that_always_fails_backs_off_also_in_full_rounds(company: Company) -> None:
    ada = with_a_license(company)
    tried = failing(company, *[refused] * 1000)
    company.delete(ada)
    company.round()
    for _ in range(9):
        due = company.standing(ADA, PRINT).look_at
        assert due is not None
        company.now = due - timedelta(seconds=1)
        company.round(Scope.EVERYONE)
        company.now = due
        company.round()
    waits = [(after - before).total_seconds() for before, after in pairwise(tried)]
    assert waits == [5, 10, 20, 40, 80, 160, 320, 640, 900]


def test_r05_who_comes_back_meanwhile_keeps_the_account_active(company: Company) -> None:
    ada = with_a_license(company)
    failing(company, not_sent)
    company.set_active(ada, False)
    company.round()
    company.set_active(ada, True)
    company.go(seconds=6)
    company.round()
    company.go(hours=1)
    company.round(Scope.EVERYONE)
    assert is_active(company)
    assert company.holders(PRINT) == {ADA}
    assert company.now - company.standing(ADA, PRINT).assigned_at == timedelta(hours=1)  # type: ignore[operator]

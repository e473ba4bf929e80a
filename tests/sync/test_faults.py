"""What if AnySoft doesn't answer, refuses, or forgets? Whole rounds against a Licensing that fails."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import select

from connector.store.engine import reading
from connector.store.tables import intents
from sync.apply import IN_VAIN
from sync.model import Held, Origin, RequestState, State
from sync.ports import Rejected, Transient
from sync.reconcile import Scope
from sync.settle import backoff
from tests.company import CENTRE, PRINT, Company
from tests.faulty import Fault, Faulty, busy, lost_answer, lost_request


def names(n: int) -> list[str]:
    return [f"user{i:03}@northmill.example" for i in range(n)]


def fail(company: Company, kinds: tuple[str, ...], *faults: Fault) -> Faulty:
    """From now on the company's AnySoft fails so."""
    faulty = Faulty(company.tenant, kinds, list(faults))
    company.wrap = lambda licensing: faulty.licensing()
    return faulty


def staffed(company: Company, people: int, seats: int) -> list[str]:
    company.buy(PRINT, seats)
    ids = company.hire(*names(people))
    company.map(company.group("LIC-AnyPrint", ids), PRINT)
    return ids


def unsettled(company: Company) -> list[str]:
    with reading(company.engine) as connection:
        return list(connection.scalars(select(intents.c.kind).where(intents.c.state != "settled")))


@pytest.mark.parametrize("fault", [lost_answer, lost_request])
def test_t10_r29_a_lost_answer_is_asked_for_again_with_the_same_key(company: Company, fault: Fault) -> None:
    staffed(company, 3, 3)
    faulty = fail(company, ("assign",), fault)
    company.round()
    assert company.holders(PRINT) == set(names(3))
    keys = [args[2] for name, args in faulty.calls if name == "assign"]
    assert len(keys) == 2
    assert len(set(keys)) == 1
    assert unsettled(company) == []


@pytest.mark.parametrize("fault", [lost_answer, lost_request])
def test_r29_a_doubt_counts_as_a_seat_is_no_base_and_is_settled_by_the_next_call(
    company: Company, fault: Fault
) -> None:
    ids = staffed(company, 2, 1)
    company.buy(CENTRE, 2)
    company.map(company.group("Centre", ids), CENTRE)
    fail(company, ("assign",), fault, fault, fault)
    company.round()
    first, second = names(2)
    assert company.held(first, PRINT) is Held.MAYBE
    assert company.state(first, PRINT) is State.FAILED
    assert company.held(second, PRINT) is Held.NO, "the doubt may hold the only seat"
    assert company.held(first, CENTRE) is Held.NO, "what is in doubt is no base"
    assert unsettled(company) == ["assign"]
    company.go(seconds=6)
    company.round()
    company.round()
    assert company.standing(first, PRINT).origin is Origin.MANAGED
    assert company.holders(PRINT) == company.holders(CENTRE) == {first}
    assert unsettled(company) == []


def test_r29_busy_is_no_failure_and_ends_the_round(company: Company) -> None:
    staffed(company, 2, 5)
    faulty = fail(company, ("assign",), busy)
    company.round()
    first = company.standing(names(1)[0], PRINT)
    assert first.state is State.WAITING
    assert (first.failure, first.attempts) == ("", 0)
    assert first.look_at == company.now + timedelta(seconds=7)
    assert [name for name, _ in faulty.calls].count("assign") == 1
    assert unsettled(company) == []
    company.go(seconds=7)
    company.round()
    assert company.holders(PRINT) == set(names(2))


def test_r29_busy_after_a_lost_answer_leaves_the_doubt(company: Company) -> None:
    staffed(company, 1, 1)
    fail(company, ("assign",), lost_answer, busy)
    company.round()
    assert company.held(names(1)[0], PRINT) is Held.MAYBE
    assert company.holders(PRINT) == set(names(1))
    company.go(seconds=6)
    company.round()
    assert company.standing(names(1)[0], PRINT).origin is Origin.MANAGED


def test_t10_r08_a_lost_answer_is_our_own_doing_where_keys_are_ignored(company: Company) -> None:
    staffed(company, 1, 1)

    def ignores_keys(name: str, carry_out: Any) -> Any:
        account = company.tenant.find_account(names(1)[0])
        assert account is not None
        company.tenant.assign(company.sold(PRINT).id, [account.id], company.key())
        raise Transient("assign: no answer", maybe_done=True)

    fail(company, ("assign",), ignores_keys)
    company.round()
    assert company.standing(names(1)[0], PRINT).origin is Origin.MANAGED


def test_r11_one_user_whom_anysoft_refuses_does_not_stop_the_rest(company: Company) -> None:
    staffed(company, 7, 10)
    cursed = company.tenant.create_account(names(4)[3], "", "", "", company.key()).id

    def refuses(name: str, args: tuple[Any, ...]) -> None:
        if name == "assign" and cursed in args[1]:
            raise Rejected("invalid", "user_ids: one of them is cursed")

    faulty = fail(company, ())
    faulty.refuses = refuses
    company.round()
    assert company.holders(PRINT) == set(names(7)) - {names(4)[3]}
    assert company.standing(names(4)[3], PRINT).failure == "INVALID"
    assert unsettled(company) == []


def test_r11_r15_who_is_refused_leaves_the_seat_to_the_next_in_line_at_once(company: Company) -> None:
    """AnySoft makes no account of the first two; each of their own tries would take the only seat again."""
    staffed(company, 4, 1)
    first = names(4)

    def refuses(name: str, args: tuple[Any, ...]) -> None:
        if name == "create_account" and args[0] in first[:2]:
            raise Rejected("invalid", "user_name: must be one line")

    faulty = fail(company, ())
    faulty.refuses = refuses
    company.round()
    assert company.holders(PRINT) == {first[2]}
    assert [company.standing(n, PRINT).failure for n in first[:2]] == ["ACCOUNT_INVALID"] * 2
    assert company.line(PRINT) == [first[3]]


def test_r11_where_everybody_is_refused_a_round_ends(company: Company) -> None:
    staffed(company, 60, 1)

    def refuses(name: str, args: tuple[Any, ...]) -> None:
        if name == "create_account":
            raise Rejected("invalid", "user_name: must be one line")

    faulty = fail(company, ())
    faulty.refuses = refuses
    company.round()
    assert [name for name, _ in faulty.calls].count("create_account") == IN_VAIN + 1


def test_r29_where_nobody_is_answered_the_next_in_line_is_not_tried(company: Company) -> None:
    staffed(company, 4, 1)
    faulty = fail(company, ("create_account",), *[lost_request] * 9)
    company.round()
    assert {args[0] for name, args in faulty.calls if name == "create_account"} == {names(4)[0]}


def test_r05_unknown_account_is_made_anew(company: Company) -> None:
    staffed(company, 1, 1)
    ledger = company.ports().ledger
    ledger.learned_account(company.person(names(1)[0]), "gone", made=True)  # type: ignore[arg-type]
    company.round()
    assert company.standing(names(1)[0], PRINT).failure == "UNKNOWN_USER"
    company.go(seconds=6)
    company.round()
    assert company.holders(PRINT) == set(names(1))


def test_r05_an_inactive_account_fails_visibly(company: Company) -> None:
    staffed(company, 1, 1)
    account = company.tenant.create_account(names(1)[0], "", "", "", company.key())
    company.tenant.set_active(account.id, False, company.key())
    company.round()
    assert company.standing(names(1)[0], PRINT).failure == "ACCOUNT_INACTIVE"


def test_t03_r20_an_increase_is_bought_once_when_the_answer_is_lost(company: Company) -> None:
    staffed(company, 5, 3)
    company.round()
    company.approve(PRINT)
    faulty = fail(company, ("change_quantity",), lost_answer)
    company.round()
    asked = company.request(PRINT)
    assert asked is not None
    assert asked.state is RequestState.SUBMITTED
    for _ in range(8):
        company.go(seconds=20)
        company.round()
    assert len([1 for name, _ in faulty.calls if name == "change_quantity"]) == 1, (
        "it is read, not sent again"
    )
    company.go(minutes=31)
    company.round()
    assert company.sold(PRINT).quantity == 5
    assert company.request(PRINT) is None
    assert company.holders(PRINT) == set(names(5))
    assert unsettled(company) == []


def test_r20_a_lost_request_is_sent_again_only_after_a_read_shows_nothing(
    company: Company,
) -> None:
    staffed(company, 5, 3)
    company.round()
    company.approve(PRINT)
    faulty = fail(company, ("change_quantity",), lost_request)
    sent = []
    for _ in range(5):
        company.round()
        sent.append(sum(name == "change_quantity" for name, _ in faulty.calls))
        company.go(seconds=20)
    assert sent == [1, 1, 1, 2, 2], "its key may be ignored: not before a read that is a minute later"
    company.go(minutes=31)
    company.round()
    assert company.sold(PRINT).quantity == 5
    assert company.holders(PRINT) == set(names(5))


def test_r09_a_base_stays_while_the_removal_of_its_add_on_is_in_doubt(company: Company) -> None:
    ids = staffed(company, 1, 1)
    company.buy(CENTRE, 1)
    company.map(company.group("Centre", ids), CENTRE)
    company.round()
    faulty = fail(company, ("unassign",), *[lost_request] * 3)
    company.set_active(ids[0], False)
    company.round()
    assert company.holders(PRINT) == company.holders(CENTRE) == set(names(1))
    asked = {args[0] for name, args in faulty.calls if name == "unassign"}
    assert asked == {company.sold(CENTRE).id}, "AnySoft isn't left to refuse the base"
    for seconds in (6, 11, 16 * 60):
        company.go(seconds=seconds)
        company.round()
    assert company.holders(PRINT) == company.holders(CENTRE) == set()


def test_r15_no_license_left_is_no_error_and_the_head_stays_the_head(company: Company) -> None:
    staffed(company, 2, 1)
    real = company.tenant
    stranger = real.create_account("stranger@northmill.example", "", "", "", company.key())

    def taken(name: str, carry_out: object) -> object:
        real.assign(company.sold(PRINT).id, [stranger.id], company.key())
        return carry_out()  # type: ignore[operator]

    fail(company, ("assign",), taken)
    company.round()
    assert company.holders(PRINT) == {"stranger@northmill.example"}
    assert company.line(PRINT) == names(2)
    assert company.standing(names(1)[0], PRINT).failure == ""


def test_t11_a_list_that_is_behind_frees_nobody(company: Company) -> None:
    staffed(company, 2, 2)
    company.round()
    fail(company, ("assigned",), lambda name, carry_out: iter(()))
    company.go(seconds=30)
    company.round(Scope.EVERYONE)
    assert company.held(names(1)[0], PRINT) is Held.YES


def test_r29_r20_a_429_of_a_quantity_puts_it_off(company: Company) -> None:
    staffed(company, 5, 3)
    company.round()
    company.approve(PRINT)
    fail(company, ("change_quantity",), busy)
    done = company.round()
    assert (done.trouble, done.put_off) == ((), "change_quantity: rate limited")
    asked = company.request(PRINT)
    assert asked is not None
    assert asked.state is RequestState.SCHEDULED
    assert unsettled(company) == []
    company.go(minutes=1)
    company.round()
    assert company.sold(PRINT).pending is not None


def test_anysoft_down_changes_nothing_and_says_why(company: Company) -> None:
    staffed(company, 2, 2)
    fail(company, ("tenant",), busy)
    done = company.round()
    assert (done.trouble, done.put_off) == ((), "tenant: rate limited"), "R29: a 429 is no failure"
    company.round()
    assert company.holders(PRINT) == set(names(2))


def test_backoff_doubles_to_a_quarter_of_an_hour() -> None:
    """R29."""
    delays = [backoff(n).total_seconds() for n in range(12)]
    assert delays[:4] == [5, 10, 20, 40]
    assert delays[-1] == 900
    assert all(a <= b for a, b in pairwise(delays))


def test_t11_r12_a_count_that_is_behind_our_own_assignments_gives_no_seat_twice(company: Company) -> None:
    staffed(company, 5, 3)
    before = company.tenant.subscriptions()
    faulty = fail(company, ("subscription", "subscriptions"))
    faulty.faults = [_old(before)] * 1000
    company.round()
    company.go(seconds=5)
    company.round(Scope.EVERYONE)
    asked = [account for name, args in faulty.calls if name == "assign" for account in args[1]]
    assert len(asked) == 3, "the fourth seat isn't there, whatever an old count says"
    assert len(company.holders(PRINT)) == 3


def test_r15_a_seat_freed_in_the_portal_is_given_in_the_round_that_sees_the_count(company: Company) -> None:
    staffed(company, 3, 2)
    company.round()
    company.go(minutes=2)
    first = company.tenant.find_account(names(1)[0])
    assert first is not None
    company.tenant.unassign(company.sold(PRINT).id, [first.id], company.key())
    company.round()
    company.round()
    assert len(company.holders(PRINT)) == 2
    assert company.sold(PRINT).assigned == 2


def _old(before: Any) -> Fault:
    def answer(name: str, carry_out: Any) -> Any:
        return before if name == "subscriptions" else before[0]

    return answer


def test_r09_t09_a_base_that_waited_for_its_failing_addon_goes_with_the_addons_next_try(
    company: Company,
) -> None:
    (ada,) = staffed(company, 1, 1)
    company.buy(CENTRE, 1)
    company.map(company.group("Centre", [ada]), CENTRE)
    company.round()
    fail(company, ("unassign",), lost_request, lost_request, lost_request)
    company.set_active(ada, False)
    company.round()
    company.go(seconds=1)
    company.round()
    assert company.holders(PRINT) == company.holders(CENTRE) == set(names(1))
    company.go(seconds=5)
    company.round()
    assert company.holders(PRINT) == company.holders(CENTRE) == set()

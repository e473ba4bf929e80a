"""What goes on when every seat is taken (R13, R22)? Is the plan what is done (R28), all logged (R30)?"""

import json

import pytest
from sqlalchemy import Engine, update

from connector.manual import Desk
from connector.store import audit
from connector.store.engine import reading, writing
from connector.store.tables import tenant_subscriptions
from sync.model import Held, State
from sync.plan import Verb
from sync.reconcile import Scope
from tests.company import CENTRE, PRINT, Company
from tests.faulty import Faulty, lost_request

ANNA, BEN, CLEO = names = [f"{name}@northmill.example" for name in ("anna", "ben", "cleo")]


@pytest.fixture
def full(sqlite_engine: Engine) -> tuple[Company, list[str], str]:
    """Two seats of AnyPrint and AnyPrint Centre, both taken; Cleo waits for both."""
    company = Company(sqlite_engine)
    company.buy(PRINT, 2)
    company.buy(CENTRE, 2)
    ids = company.hire(*names)
    group = company.group("All", ids)
    company.map(group, PRINT)
    company.map(group, CENTRE)
    company.round()
    assert company.holders(PRINT) == company.holders(CENTRE) == {ANNA, BEN}
    assert company.line(PRINT) == company.line(CENTRE) == [CLEO]
    return company, ids, group


def test_r13_moves_and_removals_go_on_although_no_seat_is_free(full: tuple[Company, list[str], str]) -> None:
    company, ids, group = full
    other = company.group("Other", ids[:1])
    company.map(other, PRINT)
    company.map(other, CENTRE)
    company.leave(group, ids[0])
    done = company.round()
    assert done.plan.actions == ()
    assert done.plan.losses == ()
    assert (company.state(ANNA, PRINT), company.line(PRINT)) == (State.ASSIGNED, [CLEO])
    company.set_active(ids[1], False)
    company.round()
    assert company.holders(PRINT) == company.holders(CENTRE) == {ANNA, CLEO}


def test_r13_by_hand_who_has_it_already_is_not_refused(full: tuple[Company, list[str], str]) -> None:
    company, _, _ = full
    desk = Desk(company.engine, company.tenant, "ada", company.clock)
    assert [told.status for told in desk.assign(PRINT, [ANNA, BEN])] == ["already_assigned"] * 2


def test_r13_a_doubt_is_settled_although_no_seat_is_free(full: tuple[Company, list[str], str]) -> None:
    """Asking again for what may be held takes no further seat."""
    company, ids, _ = full
    company.set_active(ids[1], False)
    company.wrap = lambda real: Faulty(real, ("assign",), [lost_request] * 3).licensing()
    company.round()
    assert (company.held(CLEO, PRINT), company.sold(PRINT).assigned) == (Held.MAYBE, 1)
    cleo = company.tenant.find_account(CLEO)
    assert cleo is not None
    company.tenant.assign(company.sold(PRINT).id, [cleo.id], company.key())  # it comes late, but it comes
    company.wrap = lambda real: real
    company.go(minutes=1)
    done = company.round()
    assert company.sold(PRINT).assigned == company.sold(PRINT).quantity
    assert Verb.CONFIRM in [a.verb for a in done.plan.actions if a.product == PRINT]
    assert (company.held(CLEO, PRINT), company.standing(CLEO, PRINT).failure) == (Held.YES, "")


def test_r22_over_allocated_nobody_gets_it_and_nobody_loses_it(full: tuple[Company, list[str], str]) -> None:
    company, _, _ = full
    with writing(company.engine) as connection:  # as somebody does elsewhere, against AnySoft's rule (L10)
        here = tenant_subscriptions.c.id == company.sold(PRINT).id
        connection.execute(update(tenant_subscriptions).where(here).values(quantity=1))
    company.wrap = lambda real: Faulty(real, (), [], refuses=_no_license_call).licensing()
    assert company.round(Scope.EVERYONE).plan.actions == ()
    assert (company.holders(PRINT), company.line(PRINT)) == ({ANNA, BEN}, [CLEO])


def test_r18_r22_one_approval_serves_who_waits_over_allocated_too(
    full: tuple[Company, list[str], str],
) -> None:
    """The seats that are used beyond what is bought are missing, too."""
    company, _, _ = full
    with writing(company.engine) as connection:
        here = tenant_subscriptions.c.id == company.sold(PRINT).id
        connection.execute(update(tenant_subscriptions).where(here).values(quantity=1))
    company.round(Scope.EVERYONE)
    asked = company.request(PRINT)
    assert asked is not None
    assert (asked.quantity, asked.waiting, asked.need, asked.proposed) == (1, 1, 2, 3)
    company.approve(PRINT)
    company.round()
    company.go(minutes=31)
    company.round()
    assert (company.holders(PRINT), company.line(PRINT)) == ({ANNA, BEN, CLEO}, [])
    assert company.request(PRINT) is None


def _no_license_call(name: str, args: tuple[object, ...]) -> None:
    assert name not in ("assign", "unassign"), args


def test_r28_what_is_planned_is_what_is_done_reserves_included(sqlite_engine: Engine) -> None:
    company = Company(sqlite_engine)
    company.buy(PRINT, 3)
    ids = company.hire(*(f"p{n}@northmill.example" for n in range(6)))
    company.map(company.group("Many", ids[:4]), PRINT)
    company.map(company.group("Few", ids[5:]), PRINT, reserve=2)
    company.ports().mirror.expand_marks(1000)
    planned = company.rehearse()
    done = company.round()
    assert planned == done.plan
    assert company.holders(PRINT) == {f"p{n}@northmill.example" for n in (0, 5)}
    assert {a.user_name for a in planned.actions} == company.holders(PRINT)


def test_r30_each_call_is_in_the_log_before_it_and_with_its_outcome(sqlite_engine: Engine) -> None:
    """Who, which round, which mapping; the newest entry at the moment of a call is its intent."""
    company = Company(sqlite_engine)
    company.buy(PRINT, 1)
    [anna] = company.hire(ANNA)
    mapping = company.map(company.group("Staff", [anna]), PRINT)
    seen: list[tuple[str, str]] = []

    def look(name: str, args: tuple[object, ...]) -> None:
        if name in ("assign", "create_account", "unassign", "change_quantity"):
            seen.append((name, entries(company)[-1].action))

    company.wrap = lambda real: Faulty(real, (), [], refuses=look).licensing()
    done = company.round()
    company.set_active(anna, False)
    company.round()
    assert seen == [
        ("create_account", "account_create.intent"),
        ("assign", "assign.intent"),
        ("unassign", "unassign.intent"),
    ]
    [intent] = [e for e in entries(company) if e.action == "assign.intent"]
    [outcome] = [e for e in entries(company) if e.action == "assign.outcome"]
    with reading(company.engine) as connection:
        assert intent.subject == audit.subject_of(connection, company.person(ANNA))
    said = json.loads(intent.detail)
    assert (said["run"], said["mappings"], said["product"]) == (done.run, [mapping], PRINT)
    assert json.loads(outcome.detail)["codes"] == {intent.subject: "assigned"}


def entries(company: Company) -> list[audit.Entry]:
    with reading(company.engine) as connection:
        return list(audit.entries(connection))

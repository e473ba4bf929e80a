"""Do whole rounds keep the rules? The real store, the real tenant, both databases."""

import pytest

from connector.anysoft.office import grant_role, revoke_role
from connector.store import holds
from connector.store.engine import reading
from scim.store import Kind
from sync.model import Held, Origin, RequestState, State
from sync.plan import Verb
from sync.reconcile import Scope, rehearse
from sync.report import compose
from sync.report_text import as_text
from tests.company import CENTRE, PRINT, RELEASE, SCAN, Company


def names(n: int, start: int = 0) -> list[str]:
    return [f"user{i:03}@northmill.example" for i in range(start, start + n)]


def staffed(company: Company, people: int, seats: int) -> tuple[list[str], str]:
    """A mapped group of `people`, and `seats` of AnyPrint."""
    company.buy(PRINT, seats)
    ids = company.hire(*names(people))
    group = company.group("LIC-AnyPrint", ids)
    company.map(group, PRINT)
    return ids, group


def test_people_of_a_mapped_group_get_the_license(company: Company) -> None:
    staffed(company, 3, 10)
    company.round()
    assert company.holders(PRINT) == set(names(3))
    assert company.standing(names(1)[0], PRINT).origin is Origin.MANAGED
    assert company.sold(PRINT).assigned == 3


def test_r01_r04_one_license_for_two_groups_and_a_move_is_free(company: Company) -> None:
    ids, first = staffed(company, 1, 5)
    second = company.group("Sales", ids)
    company.map(second, PRINT)
    company.round()
    assert company.sold(PRINT).assigned == 1
    assert {r.group_name for r in company.standing(names(1)[0], PRINT).reasons} == {"LIC-AnyPrint", "Sales"}
    company.leave(first, ids[0])
    done = company.round()
    assert done.plan.actions == ()
    company.leave(second, ids[0])
    company.go(minutes=1)
    company.round()
    company.join(first, ids[0])
    company.go(days=3)
    done = company.round()
    assert [a for a in done.plan.actions if a.verb is Verb.REMOVE] == []
    assert company.state(names(1)[0], PRINT) is State.ASSIGNED


def test_r03_resent_is_not_new(company: Company) -> None:
    ids, group = staffed(company, 3, 5)
    company.round()
    for _ in range(10):
        company.join(group, *ids)
        for id in ids:
            company.set_active(id, True)
    done = company.round()
    assert done.plan.changes == ()
    assert done.plan.actions == ()


def test_r05_r27_a_leaver_goes_after_settle_and_grace_a_disabled_one_at_once(company: Company) -> None:
    ids, group = staffed(company, 8, 8)
    company.round()
    company.leave(group, ids[0])
    company.set_active(ids[1], False)
    company.round()
    assert company.held(names(8)[0], PRINT) is Held.YES
    assert company.held(names(8)[1], PRINT) is Held.NO
    assert names(8)[1] not in company.holders(PRINT)
    company.go(minutes=16)
    done = company.round()
    assert [a.verb for a in done.plan.actions] == [Verb.ANNOUNCE]
    company.go(hours=23)
    company.round()
    assert company.state(names(8)[0], PRINT) is State.REMOVING
    company.go(hours=1, minutes=1)
    company.round()
    assert company.holders(PRINT) == set(names(8)) - {names(8)[0], names(8)[1]}


def test_r09_r10_add_on_waits_with_its_base_and_goes_before_it(company: Company) -> None:
    company.buy(PRINT, 1)
    company.buy(CENTRE, 5)
    ids = company.hire(*names(2))
    group = company.group("All", ids)
    company.map(group, PRINT)
    company.map(group, CENTRE)
    company.round()
    first, second = names(2)
    assert (company.state(first, PRINT), company.state(first, CENTRE)) == (State.ASSIGNED, State.ASSIGNED)
    assert (company.state(second, PRINT), company.state(second, CENTRE)) == (State.WAITING, State.WAITING)
    assert company.holders(CENTRE) == {first}
    assert company.request(CENTRE) is None, "its own seats are there"
    company.set_active(ids[0], False)
    done = company.round()
    assert [(a.verb, a.product) for a in done.plan.actions if a.verb in (Verb.REMOVE, Verb.ASSIGN)] == [
        (Verb.REMOVE, CENTRE),
        (Verb.REMOVE, PRINT),
        (Verb.ASSIGN, PRINT),
        (Verb.ASSIGN, CENTRE),
    ]
    assert company.holders(PRINT) == company.holders(CENTRE) == {second}


def test_r10_without_the_base_an_add_on_is_blocked_and_follows_when_it_comes(company: Company) -> None:
    company.buy(PRINT, 5)
    company.buy(RELEASE, 5)
    ids = company.hire(*names(1))
    company.map(company.group("Rel", ids), RELEASE)
    company.round()
    assert company.standing(names(1)[0], RELEASE).blocked == "MISSING_BASE"
    assert company.request(RELEASE) is None
    company.map(company.group("Print", ids), PRINT)
    company.round()
    assert company.holders(RELEASE) == company.holders(PRINT) == set(names(1))


@pytest.mark.parametrize("seats", [1, 3])
def test_r12_r14_r15_seats_go_in_order_and_the_queue_drains_by_itself(company: Company, seats: int) -> None:
    ids, _ = staffed(company, 5, seats)
    company.round()
    assert company.holders(PRINT) == set(names(seats))
    assert company.line(PRINT) == names(5 - seats, seats)
    company.set_active(ids[0], False)
    company.round()
    assert company.holders(PRINT) == set(names(seats, 1))


def test_r14_priority_goes_before_time(company: Company) -> None:
    company.buy(PRINT, 1)
    late, early = company.hire(*names(2))
    company.map(company.group("Early", [early]), PRINT, priority=200)
    company.go(hours=1)
    company.map(company.group("Late", [late]), PRINT, priority=10)
    company.round()
    assert company.holders(PRINT) == {names(2)[0]}


def test_r18_r19_r20_one_prompt_approved_bought_once_and_the_waiting_are_served(company: Company) -> None:
    """T02: 30 entitled, 20 seats."""
    staffed(company, 30, 20)
    company.round()
    company.round(Scope.EVERYONE)
    asked = company.request(PRINT)
    assert asked is not None
    assert (asked.state, asked.quantity, asked.waiting, asked.need, asked.proposed) == (
        RequestState.OPEN, 20, 10, 10, 30,
    )  # fmt: skip
    company.approve(PRINT)
    company.round()
    pending = company.request(PRINT)
    assert pending is not None
    assert pending.state is RequestState.PENDING
    assert pending.id == asked.id
    company.round()
    assert company.sold(PRINT).quantity == 20
    assert len(company.holders(PRINT)) == 20
    company.go(minutes=31)
    company.round()
    assert company.sold(PRINT).quantity == 30
    assert company.holders(PRINT) == set(names(30))
    assert company.request(PRINT) is None
    done = company.round(Scope.EVERYONE)
    assert done.plan.actions == ()
    assert company.sold(PRINT).quantity == 30


def test_r18_the_prompt_is_withdrawn_when_the_need_goes(company: Company) -> None:
    ids, _ = staffed(company, 3, 2)
    company.round()
    assert company.request(PRINT) is not None
    company.set_active(ids[2], False)
    company.round()
    assert company.request(PRINT) is None


def test_r24_an_emptied_group_is_held_and_heals_when_they_come_back(company: Company) -> None:
    ids, group = staffed(company, 6, 10)
    company.round()
    company.leave(group, *ids)
    company.round()
    [hold] = company.open_holds()
    assert hold.reason == "group_emptied"
    assert len(hold.removals) == 6
    company.go(days=9)
    company.round()
    assert company.holders(PRINT) == set(names(6))
    assert company.state(names(1)[0], PRINT) is State.HELD
    company.join(group, *ids)
    company.round()
    assert company.open_holds() == []
    company.go(days=9)
    company.round(Scope.EVERYONE)
    assert company.holders(PRINT) == set(names(6))


def test_r24_disabling_everybody_by_mistake_is_held_too(company: Company) -> None:
    ids, _ = staffed(company, 12, 12)
    company.round()
    for id in ids:
        company.set_active(id, False)
    company.round()
    assert len(company.holders(PRINT)) == 12
    assert len(company.open_holds()) == 1


def test_r24_a_held_base_keeps_its_add_on(company: Company) -> None:
    ids, group = staffed(company, 5, 5)
    company.buy(CENTRE, 5)
    company.map(company.group("Centre", ids[:2]), CENTRE)
    company.round()
    company.leave(group, *ids)
    company.go(hours=1)
    company.round()
    company.go(days=2)
    company.round()
    assert len(company.holders(CENTRE)) == 2
    assert len(company.holders(PRINT)) == 5
    [hold] = company.open_holds()
    with reading(company.engine) as connection:
        listed = holds.removals(connection, hold.id)
    assert sorted((r.user_name, r.product) for r in listed) == sorted(
        [*((name, PRINT) for name in names(5)), *((name, CENTRE) for name in names(2))]
    )


def test_r02_a_person_made_anew_takes_over_the_license(company: Company) -> None:
    ids, group = staffed(company, 1, 1)
    company.settle(grace_disabled_hours=1.0)
    company.round()
    company.delete(ids[0])
    company.round()
    [again] = company.hire(names(1)[0])
    company.join(group, again)
    company.round()
    company.go(days=2)
    company.round()
    assert company.holders(PRINT) == set(names(1))
    assert company.state(names(1)[0], PRINT) is State.ASSIGNED


def test_r02_a_renamed_group_is_named_as_it_is_called_now_and_no_license_call_is_made(
    company: Company,
) -> None:
    """R16: at the next round, whoever else bears the old name by then."""
    company.buy(PRINT, 1)
    [anna, bo, other] = company.hire("anna", "bo", "other")
    inner = company.group("Inner", [bo])
    group = company.group("Big", [anna, inner])
    unmapped = company.group("Clerks", [other])
    company.map(group, PRINT, transitive=True)
    company.round()
    with company.directory().writing() as writer:
        for id, name in ((group, "Big2"), (unmapped, "Scribes")):
            before = writer.lock(Kind.GROUP, id)
            writer.save(before, {**before.attributes, "displayName": name})
    company.group("Big", [other])
    done = company.round()
    assert done.plan.actions == ()
    assert len(done.plan.changes) == 2
    for name in ("anna", "bo"):
        assert [r.group_name for r in company.standing(name, PRINT).reasons] == ["Big2"]


def test_r08_r15_what_is_done_by_hand_in_the_portal_is_seen(company: Company) -> None:
    ids, group = staffed(company, 8, 9)
    company.round()
    tenant, sold = company.tenant, company.sold(PRINT)
    extra = tenant.create_account("guest@northmill.example", "Guest", "", "", company.key())
    tenant.assign(sold.id, [extra.id], company.key())
    (guest,) = company.hire("guest@northmill.example")
    company.go(minutes=5)
    company.round(Scope.EVERYONE)
    assert company.standing("guest@northmill.example", PRINT).origin is Origin.MANUAL
    account = next(a.account for a in tenant.assignments(sold.id) if a.user_name == names(1)[0])
    tenant.unassign(sold.id, [account], company.key())
    company.go(minutes=5)
    company.round(Scope.EVERYONE)
    assert names(1)[0] in company.holders(PRINT), "entitled: assigned anew in the same round"
    company.join(group, guest)
    company.round()
    company.leave(group, ids[0], guest)  # few enough for no hold
    for _ in range(3):  # seen, announced, due
        company.go(days=9)
        company.round(Scope.EVERYONE)
    assert company.holders(PRINT) == {"guest@northmill.example", *names(8)[1:]}


def test_metered_products_never_run_out_and_never_ask(company: Company) -> None:
    """R17, L4."""
    company.buy(SCAN, 1)
    company.map(company.group("Scan", company.hire(*names(7))), SCAN)
    company.round()
    assert len(company.holders(SCAN)) == 7
    assert company.request(SCAN) is None


def test_l1_without_the_role_nothing_is_asked_and_the_round_says_so(company: Company) -> None:
    staffed(company, 2, 5)
    revoke_role(company.engine)
    done = company.round()
    assert "Global Administration" in done.trouble[0]
    grant_role(company.engine)
    company.round()
    assert len(company.holders(PRINT)) == 2


def test_r28_the_dry_run_plans_what_the_round_does(company: Company) -> None:
    ids, _ = staffed(company, 5, 3)
    company.buy(CENTRE, 5)
    company.map(company.group("Centre", ids), CENTRE)
    company.ports().mirror.expand_marks(1000)
    planned = company.rehearse()
    assert company.holders(PRINT) == set()
    done = company.round()
    assert [(a.verb, a.product, a.person) for a in planned.actions] == [
        (a.verb, a.product, a.person) for a in done.plan.actions
    ]
    assert planned.shortages == done.plan.shortages
    company.set_active(ids[0], False)
    planned, done = company.rehearse(), company.round()
    assert planned == done.plan
    assert len(company.holders(CENTRE)) == 3


def test_r05_an_account_that_we_made_is_set_inactive_with_the_last_license_and_active_again(
    company: Company,
) -> None:
    company.buy(PRINT, 5)
    (ada, bob) = company.hire("ada@x.example", "bob@x.example")
    found = company.tenant.create_account("bob@x.example", "", "", "", company.key())
    company.map(company.group("P", [ada, bob]), PRINT)
    company.round()

    def is_active(name: str) -> bool:
        account = company.tenant.find_account(name)
        assert account is not None
        return account.active

    company.set_active(ada, False)
    company.set_active(bob, False)
    company.round()
    assert company.holders(PRINT) == set()
    assert not is_active("ada@x.example")
    assert is_active("bob@x.example"), f"{found.id} was there before us"
    company.set_active(ada, True)
    company.round()
    assert is_active("ada@x.example")
    assert company.holders(PRINT) == {"ada@x.example"}


def test_r05_an_account_that_somebody_else_set_inactive_is_left_so(company: Company) -> None:
    company.buy(PRINT, 5)
    (ada,) = company.hire("ada@x.example")
    company.map(company.group("P", [ada]), PRINT)
    company.round()
    account = company.tenant.find_account("ada@x.example")
    assert account is not None
    company.tenant.set_active(account.id, False, company.key())
    company.set_active(ada, False)
    company.set_active(ada, True)
    company.round(Scope.EVERYONE)
    found = company.tenant.find_account("ada@x.example")
    assert found is not None
    assert not found.active


def test_r27_without_a_channel_the_report_says_that_nobody_was_told(company: Company) -> None:
    ids, group = staffed(company, 8, 8)
    company.round()
    company.leave(group, ids[0])
    company.round()
    company.go(minutes=16)
    said = []
    for channel in (False, True):
        company.settle(channel=channel)
        ports = company.ports()
        planned = rehearse(ports, Scope.CHANGED, company.policy)
        said.append(compose(planned, ports.ledger, company.now))
    assert [report.counts.get("untold") for report in said] == [1, None]
    assert "NOBODY WAS TOLD of 1 removal to come" in as_text(said[0])
    assert "NOBODY WAS TOLD" not in as_text(said[1])

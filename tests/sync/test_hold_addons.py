"""R10, R24, R27: a base and its add-on that go together are one decision; nobody is told of what isn't so."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from connector import prompts
from connector.besides import besides
from connector.manual import Desk
from connector.store import holds, mappings
from connector.store.engine import reading, writing
from connector.store.tables import actions, groups
from sync.beside import HeldBack
from sync.model import Hold, State
from sync.plan import Verb
from sync.reconcile import Scope
from sync.sold import read_sold
from tests.company import CENTRE, PRINT, Company

NAMES = [f"p{n}" for n in range(20)]


@pytest.fixture
def big(company: Company) -> Company:
    """20 people of one group that gives the base and the add-on."""
    company.buy(PRINT, 30)
    company.buy(CENTRE, 30)
    ids.clear()
    ids.update(zip(NAMES, company.hire(*NAMES), strict=True))
    company.group("Big", ids.values())
    company.map("Big", PRINT)
    company.map("Big", CENTRE)
    company.round()
    assert company.holders(PRINT) == company.holders(CENTRE) == set(NAMES)
    return company


#: SCIM ids of the people of the test
ids: dict[str, str] = {}


def test_r09_a_base_does_not_go_in_the_round_that_holds_its_add_on(company: Company) -> None:
    """Disabled people's go at once: 6 of 12 are too many of the add-on, 6 of 40 are not of the base."""
    company.buy(PRINT, 40)
    company.buy(CENTRE, 40)
    names = [f"q{n}" for n in range(40)]
    hired = company.hire(*names)
    company.group("G-Print", hired)
    company.group("G-Centre", hired[:12])
    company.map("G-Print", PRINT)
    company.map("G-Centre", CENTRE)
    company.round()
    for id in hired[:6]:
        company.set_active(id, False)
    done = company.round()
    assert [a for a in done.plan.actions if a.verb in (Verb.REMOVE, Verb.ANNOUNCE, Verb.ACCOUNT)] == []
    [hold] = company.open_holds()
    assert removals(company, hold) == [(name, CENTRE) for name in sorted(names[:6])]
    assert len(company.holders(PRINT)) == 40
    company.go(minutes=1)
    company.round(Scope.EVERYONE)
    assert company.standing("q0", PRINT).blocked == "REQUIRED_BY_ADDON"
    with writing(company.engine) as connection:
        holds.release(connection, hold.id, hold.digest, "ada", company.now)
    company.round()
    assert company.holders(PRINT) == set(names[6:])


def test_r10_an_add_on_that_goes_with_its_base_says_so(company: Company) -> None:
    """R16: the group that gives the add-on is no reason for its removal."""
    company.buy(PRINT, 5)
    company.buy(CENTRE, 5)
    anna = company.hire("anna")
    print_group = company.group("G-Print", anna)
    company.group("G-Centre", anna)
    company.map("G-Print", PRINT)
    company.map("G-Centre", CENTRE)
    company.round()
    company.leave(print_group, *anna)
    company.round()
    company.go(minutes=16)
    told = company.round()
    company.go(hours=25)
    gone = company.round()
    for done, verb in ((told, Verb.ANNOUNCE), (gone, Verb.REMOVE)):
        because = {a.product: a.because for a in done.plan.actions if a.verb is verb}
        assert because == {
            PRINT: "in no group that gives it any more",
            CENTRE: "its base license goes, and it with it",
        }


def group_of(company: Company, name: str) -> str:
    with reading(company.engine) as connection:
        return str(connection.scalars(select(groups.c.id).where(groups.c.display_name == name)).one())


def leave(company: Company, *names: str) -> None:
    company.leave(group_of(company, "Big"), *(ids[name] for name in names))
    company.round()


def removals(company: Company, hold: Hold) -> list[tuple[str, str]]:
    with reading(company.engine) as connection:
        return [(r.user_name, r.product) for r in holds.removals(connection, hold.id)]


def announced(company: Company) -> set[tuple[str, str]]:
    with reading(company.engine) as connection:
        query = select(actions.c.user_name, actions.c.product).where(actions.c.action == "announce")
        return {(name, product) for name, product in connection.execute(query)}


def both(names: list[str]) -> list[tuple[str, str]]:
    return [(name, product) for name in names for product in (PRINT, CENTRE)]


def test_r10_a_base_and_its_add_on_lost_together_are_in_one_hold(big: Company) -> None:
    leave(big, *NAMES[:8])
    [hold] = big.open_holds()
    assert (hold.product, removals(big, hold)) == (PRINT, both(NAMES[:8]))


def test_r10_those_who_left_before_the_limit_was_reached_are_in_it_too(big: Company) -> None:
    """They are in no decision of the round that opens it."""
    leave(big, *NAMES[:4])
    assert big.open_holds() == []
    leave(big, *NAMES[4:8])
    [hold] = big.open_holds()
    assert removals(big, hold) == both(NAMES[:8])


def release(big: Company, hold: Hold) -> None:
    with writing(big.engine) as connection:
        holds.release(connection, hold.id, hold.digest, "ada", big.now)


def reject(big: Company, hold: Hold) -> None:
    with writing(big.engine) as connection:
        holds.reject(connection, hold.id, "ada", big.now)


def told_and_gone(big: Company) -> None:
    """The eight, of both products, after the grace."""
    assert announced(big) == set(both(NAMES[:8]))
    big.go(hours=24)
    big.round()
    assert big.holders(PRINT) == big.holders(CENTRE) == set(NAMES[8:])


def test_r24_one_word_decides_on_both(big: Company) -> None:
    leave(big, *NAMES[:8])
    [hold] = big.open_holds()
    release(big, hold)
    big.go(minutes=16)
    big.round()
    told_and_gone(big)


def rejected_add_on(big: Company) -> None:
    """The add-on is lost first, and its removal rejected; then the base is lost."""
    with writing(big.engine) as connection:
        centre = next(m for m in mappings.list_mappings(connection) if m.product == CENTRE)
        mappings.remove(connection, centre.id, "ada", big.now)
    big.round()
    [hold] = big.open_holds()
    assert hold.product == CENTRE
    reject(big, hold)
    leave(big, *NAMES[:8])
    [hold] = big.open_holds()
    release(big, hold)


def test_r27_nobody_is_told_of_a_removal_that_a_rejected_add_on_keeps_from_happening(big: Company) -> None:
    rejected_add_on(big)
    for _ in range(6):
        big.go(hours=12)
        big.round(Scope.EVERYONE)
    assert announced(big) == set()
    assert big.holders(PRINT) == set(NAMES)
    with reading(big.engine) as connection:
        aside = besides(connection, (), everyone=False, sold=read_sold(big.tenant))
        cheaper = prompts._cheaper(connection, PRINT)
    assert aside.held_back_count == 8
    assert aside.held_back[0] == HeldBack(
        "p0", PRINT, "AnyPrint Centre stays (a person rejected its removal)"
    )
    assert cheaper == (), "they aren't about to be removed"
    s = big.standing("p0", PRINT)
    assert (s.state, s.blocked, s.announced_at) == (State.REMOVING, "REQUIRED_BY_ADDON", None)


def test_r24_a_rejected_hold_is_released_for_both(big: Company) -> None:
    """R27: they are told then, and both go after the grace."""
    leave(big, *NAMES[:8])
    [hold] = big.open_holds()
    reject(big, hold)
    big.go(days=30)
    big.round(Scope.EVERYONE)
    assert announced(big) == set()
    release(big, hold)
    big.round()
    told_and_gone(big)


def test_r10_a_base_is_free_in_the_round_after_its_add_on_was_taken_by_hand(company: Company) -> None:
    company.buy(PRINT, 5)
    company.buy(CENTRE, 5)
    anna = company.hire("anna")
    group = company.group("G-Print", anna)
    company.map("G-Print", PRINT)
    company.round()
    desk = Desk(company.engine, company.tenant, "ada", company.clock)
    desk.assign(CENTRE, ["anna"])
    company.leave(group, *anna)
    company.round()
    company.go(hours=30)
    company.round()
    assert company.standing("anna", PRINT).blocked == "REQUIRED_BY_ADDON"
    desk.unassign(CENTRE, ["anna"])
    company.go(seconds=4)
    told = company.round()
    assert [a.verb for a in told.plan.actions] == [Verb.ANNOUNCE]
    s = company.standing("anna", PRINT)
    assert (s.blocked, s.due_at) == ("", company.now + timedelta(hours=24))


def test_r10_r16_an_add_on_that_went_with_its_base_is_blocked_and_says_so(company: Company) -> None:
    hired = company.hire(*NAMES[:8])
    group = company.group("Print", hired)
    company.buy(PRINT, 8)
    company.map(group, PRINT)
    company.buy(CENTRE, 5)
    company.map(company.group("Centre", hired[:1]), CENTRE)
    company.round()
    company.leave(group, hired[0])
    company.round()
    company.go(minutes=16)
    company.round()
    company.go(hours=25)
    company.round()
    assert company.holders(CENTRE) == set()
    assert company.standing(NAMES[0], CENTRE).blocked == "MISSING_BASE", "in that very round"
    company.round()
    assert company.standing(NAMES[0], CENTRE).blocked == "MISSING_BASE"


def test_r14_an_add_on_that_went_with_its_base_keeps_its_place(company: Company) -> None:
    """Its group gave it all the time; the base's place is lost."""
    company.buy(PRINT, 8)
    company.buy(CENTRE, 8)
    ids = company.hire(*NAMES[:8])
    group = company.group("Print", ids)
    company.map(group, PRINT)
    company.map(company.group("Centre", ids), CENTRE)
    company.round()
    ada = NAMES[0]
    began = company.standing(ada, CENTRE).since
    company.leave(group, ids[0])
    for _ in range(4):  # seen, announced, gone, blocked
        company.go(days=2)
        company.round(Scope.EVERYONE)
    assert ada not in company.holders(PRINT) | company.holders(CENTRE)
    assert company.standing(ada, CENTRE).blocked == "MISSING_BASE"
    company.join(group, ids[0])
    back = company.now
    company.round()
    assert ada in company.holders(CENTRE)
    assert company.standing(ada, CENTRE).since == began
    assert company.standing(ada, PRINT).since == back


def test_r27_who_is_held_when_to_be_told_is_told_after_the_release(big: Company) -> None:
    """Without a settle window both come in one round; the grace begins with the telling."""
    big.settle(settle_seconds=0)
    leave(big, *NAMES[:8])
    [hold] = big.open_holds()
    assert big.standing("p0", PRINT).announced_at is None
    big.go(hours=30)
    release(big, hold)
    big.round()
    assert announced(big) == set(both(NAMES[:8]))
    assert len(big.holders(PRINT)) == 20, "nobody goes untold"
    big.go(hours=25)
    big.round()
    assert big.holders(PRINT) == big.holders(CENTRE) == set(NAMES[8:])

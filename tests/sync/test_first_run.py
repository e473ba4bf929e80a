"""R26: what a first run of a directory, or after a restore, would remove is one hold; gains never wait."""

from datetime import timedelta

import pytest

from connector.store import audit, first_run, holds, signals
from connector.store.engine import reading, writing
from sync.guards import check
from sync.model import GuardPolicy, HoldId, Loss, PersonId, ProductId, State
from sync.plan import HoldChange
from sync.ports import FirstRun, GuardView, Transient
from sync.reconcile import Scope, run_round
from tests.company import CENTRE, PRINT, Company
from tests.faulty import Faulty
from tests.sync.world import STAFF, loss

ALL = ProductId("")
ENTRA = FirstRun(directories=frozenset({"entra"}))


def checked(first: FirstRun, *new: Loss, policy: GuardPolicy = GuardPolicy()) -> tuple[HoldChange, ...]:  # noqa: B008
    return check(GuardView((), {(PRINT, STAFF): 0, (PRINT, None): 90}, {}, first), new, (), policy)


def of(*directories: str, who: int = 1, product: ProductId = PRINT) -> Loss:
    return loss(who, STAFF, product=product, directories=directories)


def held(*pairs: tuple[int, ProductId], into: int | None = None) -> tuple[HoldChange, ...]:
    those = tuple((PersonId(person), product) for person, product in pairs)
    return (HoldChange(None if into is None else HoldId(into), "first_run", None, ALL, (), those),)


def test_r26_of_any_product_and_group_it_is_one_hold() -> None:
    new = [of("entra", who=1), of("entra", who=1, product=CENTRE), of("entra", "okta", who=2)]
    assert checked(ENTRA, *new) == held((1, PRINT), (1, CENTRE), (2, PRINT))


def test_r26_people_of_other_directories_are_not_observed() -> None:
    assert checked(ENTRA, of("okta")) == ()
    assert checked(FirstRun(), of("entra")) == ()


def test_r26_who_is_in_no_directory_any_more_may_be_gone_by_the_first_read() -> None:
    assert checked(ENTRA, of()) == held((1, PRINT))
    assert checked(FirstRun(), of()) == ()


def test_r26_after_a_restore_everybody_is() -> None:
    assert checked(FirstRun(everyone=True), of("okta"), of(who=2)) == held((1, PRINT), (2, PRINT))


def test_r26_what_it_has_is_in_no_other_hold_and_later_ones_join_it() -> None:
    """R24: one hold only."""
    emptied = [of("entra", who=n) for n in (1, 2, 3)]
    assert checked(FirstRun(True, hold=HoldId(7)), *emptied) == held(*((n, PRINT) for n in (1, 2, 3)), into=7)
    assert [change.reason for change in checked(FirstRun(), *emptied)] == ["group_emptied"]


def test_r26_it_can_be_switched_off() -> None:
    """CONNECTOR_SYNC__OBSERVE_FIRST"""
    assert checked(ENTRA, of("entra"), policy=GuardPolicy(observe_first=False)) == ()


# ---- whole rounds ----


@pytest.fixture
def restored(company: Company) -> tuple[Company, list[str], str]:
    """Eight with AnyPrint. One left before the backup, and the removal is due; another is gone in the mirror
    that was restored, which no round has seen yet."""
    company.buy(PRINT, 8)
    ids = company.hire(*(f"p{n}@northmill.example" for n in range(8)))
    group = company.group("Staff", ids)
    company.map(group, PRINT)
    company.round()
    company.leave(group, ids[0])
    company.round()
    company.go(minutes=16)
    company.round()
    company.leave(group, ids[1])
    company.go(hours=30)
    with writing(company.engine) as connection:
        assert first_run.after_restore(connection, "cli:test", company.now) == 1
    return company, ids, group


def test_r26_t30_the_first_round_after_a_restore_only_observes(
    restored: tuple[Company, list[str], str],
) -> None:
    company, ids, group = restored
    with reading(company.engine) as connection:
        asked = signals.asked(connection)
        assert asked is not None
        assert asked.full
    company.buy(CENTRE, 1)
    company.map(company.group("Centre", ids[2:3]), CENTRE)
    company.round(Scope.EVERYONE)
    assert len(company.holders(PRINT)) == 8
    assert len(company.holders(CENTRE)) == 1, "additions never wait"
    [hold] = company.open_holds()
    assert [name for _, name in hold.removals] == ["p0@northmill.example", "p1@northmill.example"]
    assert company.state("p1@northmill.example", PRINT) is State.HELD
    company.leave(group, ids[2])
    company.round()
    assert company.state("p2@northmill.example", PRINT) is State.REMOVING, "the first round is over"
    with writing(company.engine) as connection:
        holds.release(connection, hold.id, hold.digest, "ada", company.now)
        assert isinstance(audit.verify(connection), int)
    company.round()
    assert "p0@northmill.example" not in company.holders(PRINT)
    for lapse in (timedelta(minutes=16), timedelta(hours=25)):
        company.now += lapse
        company.round()
    assert "p1@northmill.example" not in company.holders(PRINT)


def test_r26_who_is_entitled_after_all_keeps_it_and_the_hold_heals(
    restored: tuple[Company, list[str], str],
) -> None:
    company, ids, group = restored
    company.round(Scope.EVERYONE)
    company.join(group, *ids[:2])
    company.round()
    assert company.open_holds() == []
    assert len(company.holders(PRINT)) == 8


def test_r26_a_round_in_vain_does_not_end_the_first_run(restored: tuple[Company, list[str], str]) -> None:
    company, _, _ = restored

    def down(name: str, args: tuple[object, ...]) -> None:
        raise Transient("AnySoft is down")

    company.wrap = lambda real: Faulty(real, (), [], refuses=down).licensing()
    ports = company.ports()
    assert run_round(ports, "test", Scope.EVERYONE, company.policy).trouble
    company.wrap = lambda real: real
    with reading(company.engine) as connection:
        assert first_run.whole(connection) == ("first_run:all",)
    company.round()
    with reading(company.engine) as connection:
        assert first_run.whole(connection) == ()


def test_a_directory_is_observed_from_the_beginning_of_its_first_read(company: Company) -> None:
    """R26, R23: what is said outright counts when its page is committed."""
    company.buy(PRINT, 4)
    ids = company.hire("a@x.example", "b@x.example")
    company.map(company.group("Staff", ids), PRINT)
    company.round()
    pk = company.directory().directory
    with writing(company.engine) as connection:
        first_run.begin(connection, pk, company.now)
    company.set_active(ids[0], False)
    company.go(minutes=1)
    company.round()
    assert company.state("a@x.example", PRINT) is State.HELD
    with writing(company.engine) as connection:
        first_run.read(connection, pk, company.now)
    company.round()
    company.set_active(ids[1], False)
    company.round()
    assert company.holders(PRINT) == {"a@x.example"}

"""Is it known how many surely hold a product, without counting millions of rows? (R12, T11)"""

from dataclasses import replace

from sqlalchemy import Engine, func, select, update

from connector.store import tallies
from connector.store.engine import reading, writing
from connector.store.tables import standings
from sync.model import Held
from tests.company import PRINT, Company
from tests.connector.store.world import CENTRE, World, held
from tests.connector.store.world import PRINT as ANY_PRINT


def counted(engine: Engine) -> dict[str, int]:
    with reading(engine) as connection:
        query = select(standings.c.product, func.count()).where(standings.c.held == "yes")
        rows = connection.execute(query.group_by(standings.c.product))
        return {str(product): count for product, count in rows}


def kept(engine: Engine) -> dict[str, int]:
    with reading(engine) as connection:
        return {str(product): count for product, count in tallies.surely_held(connection).items()}


def test_each_write_of_a_standing_counts(engine: Engine) -> None:
    world = World(engine)
    ada, bo, cy = world.people(world.directory(), 3)
    assert kept(engine) == {}
    world.stand(held(ada), held(bo), held(bo, CENTRE), replace(held(cy), held=Held.MAYBE))
    assert kept(engine) == counted(engine) == {ANY_PRINT: 2, CENTRE: 1}
    world.stand(held(ada), replace(held(bo), held=Held.NO), held(cy))
    assert kept(engine) == counted(engine) == {ANY_PRINT: 2, CENTRE: 1}
    world.stand(replace(held(bo, CENTRE), held=Held.MAYBE))
    assert kept(engine) == counted(engine) == {ANY_PRINT: 2}


def test_it_is_right_through_assignments_losses_and_the_portal(engine: Engine) -> None:
    company = Company(engine)
    ids = company.hire(*(f"p{n}" for n in range(9)))
    company.buy(PRINT, 7)
    group = company.group("print", ids)
    company.map("print", PRINT)
    company.round()
    assert kept(engine) == counted(engine) == {PRINT: 7}
    company.leave(group, *ids[:2])
    company.round()
    company.go(hours=30)
    company.round()
    company.go(hours=30)
    company.round()
    assert kept(engine) == counted(engine) == {PRINT: 7}, "two went, two came"
    account = company.ports().ledger.person(company.person("p5")).person.account
    assert account is not None
    company.tenant.unassign(company.sold(PRINT).id, [account], company.key())
    company.go(minutes=5)
    company.round()
    assert kept(engine) == counted(engine)


def test_a_full_round_counts_anew(engine: Engine) -> None:
    """Whatever a count may have missed is mended within the hour."""
    world = World(engine)
    ada, bo = world.people(world.directory(), 2)
    world.stand(held(ada), held(bo))
    with writing(engine) as connection:
        connection.execute(update(standings).where(standings.c.person_pk == ada).values(held="no"))
    assert kept(engine) != counted(engine)
    world.ledger.begin("test", "changed", world.mirror.clock())
    assert kept(engine) != counted(engine)
    world.ledger.begin("test", "everyone", world.mirror.clock())
    assert kept(engine) == counted(engine) == {ANY_PRINT: 1}

"""How many calls does a first load make? 10,000 people × 3 products: at most 200 assignment calls."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine, bindparam, insert, select, update

from connector.store.engine import writing
from connector.store.tables import persons, tenant_accounts
from sync import reconcile
from sync.reconcile import Scope
from tests.company import CENTRE, PRINT, RELEASE, Company
from tests.faulty import Faulty


def load(engine: Engine, people: int, most: int) -> None:
    company = Company(engine)
    ids = company.hire(*[f"user{n:05}@northmill.example" for n in range(people)])
    give_accounts(engine)
    for product in (PRINT, CENTRE, RELEASE):
        company.buy(product, people)
        company.map(company.group(f"LIC-{product}", ids), product)
    faulty = Faulty(company.tenant, (), [])
    company.wrap = lambda licensing: faulty.licensing()
    steps: list[tuple[str, int, int]] = []
    ports = replace(company.ports(), progress=lambda what, done, of: steps.append((what, done, of)))
    done = reconcile.run_round(ports, "test", Scope.EVERYONE, company.policy)
    assert done.run is not None
    assert done.trouble == ()
    assert [name for name, _ in faulty.calls].count("assign") <= most
    for product in (PRINT, CENTRE, RELEASE):
        assert company.sold(product).assigned == people
        told = [done for what, done, of in steps if what == f"assign {product}" and of == people]
        assert told == sorted(told), "progress goes on from wave to wave"
        assert (told[0], told[-1]) == (0, people)


def give_accounts(engine: Engine) -> None:
    """Their creation, a call each, isn't what is counted."""
    with writing(engine) as connection:
        known = connection.execute(select(persons.c.pk, persons.c.user_name, persons.c.folded)).all()
        connection.execute(
            insert(tenant_accounts),
            [
                {"id": f"a-{p.pk}", "user_name": p.user_name, "folded": p.folded, "active": True}
                for p in known
            ],
        )
        named = update(persons).where(persons.c.pk == bindparam("person")).values(account_id=bindparam("of"))
        connection.execute(named, [{"person": p.pk, "of": f"a-{p.pk}"} for p in known])


def test_first_load_of_1000_people_takes_few_calls(sqlite_engine: Engine) -> None:
    load(sqlite_engine, 1_000, 20)


@pytest.mark.long
def test_first_load_of_10000_people_takes_at_most_200_assignment_calls(sqlite_engine: Engine) -> None:
    load(sqlite_engine, 10_000, 200)

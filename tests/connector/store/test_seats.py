"""How did the seats go, which groups use them, and whom does a mapping leave out? (R07)"""

import pytest
from sqlalchemy import Engine

from connector.store import seats
from connector.store.engine import reading, writing
from scim.store import MemberOp, MemberVerb
from sync.report import Seats
from tests.company import PRINT, Company
from tests.moments import at


def seen(quantity: int, assigned: int, waiting: int) -> Seats:
    return Seats(PRINT, quantity, assigned, waiting, None, False)


@pytest.fixture
def company(engine: Engine) -> Company:
    return Company(engine)


def test_a_level_is_kept_where_it_is_not_as_it_was(company: Company) -> None:
    with writing(company.engine) as connection:
        levels = (seen(5, 1, 0), seen(5, 1, 0), seen(5, 5, 2), seen(5, 5, 2), seen(9, 7, 0))
        for minute, level in enumerate(levels):
            seats.note(connection, [level], at(minute))
    with reading(company.engine) as connection:
        all_of_it = seats.history(connection, at(-9))
        later = seats.history(connection, at(3))
    assert [(level.at, level.quantity, level.assigned, level.waiting) for level in all_of_it] == [
        (at(0), 5, 1, 0),
        (at(2), 5, 5, 2),
        (at(4), 9, 7, 0),
    ]
    assert [level.at for level in later] == [at(2), at(4)], "the first was in force already"


def test_each_groups_people_and_what_they_have(company: Company) -> None:
    company.buy(PRINT, 2)
    ids = company.hire("a@x.example", "b@x.example", "c@x.example", "d@x.example")
    company.map(company.group("Staff", ids[:3]), PRINT)
    company.round()
    company.set_active(ids[2], False)
    company.map(company.group("Guests", ids[2:]), PRINT)
    company.round()
    with reading(company.engine) as connection:
        found = seats.by_group(connection, company.ports().mirror.mappings())
    assert [(use.group, use.people, use.assigned, use.waiting, use.lacking) for use in found] == [
        ("Staff", 3, 2, 0, 1),
        ("Guests", 2, 0, 1, 1),
    ]


def nest(company: Company, parent: str, child: str) -> None:
    with company.directory().writing() as writer:
        writer.change_members(parent, [MemberOp(MemberVerb.ADD, (child,))])


def test_r07_the_people_whom_a_plain_mapping_leaves_out_are_counted(company: Company) -> None:
    """Once each, at any depth; not those whom something else entitles, nor those of a transitive one."""
    company.buy(PRINT, 9)
    ids = company.hire(*(f"p{n}@x.example" for n in range(6)))
    top = company.group("Top", ids[:1])
    middle = company.group("Middle", ids[:3])
    low = company.group("Low", ids[2:5])
    nest(company, top, middle)
    nest(company, middle, low)
    nest(company, low, top)
    company.map(top, PRINT)
    company.map(company.group("Other", ids[3:4]), PRINT)
    company.round()
    with reading(company.engine) as connection:
        mappings = company.ports().mirror.mappings()
        [out] = seats.left_out(connection, mappings)
    assert (out.group, out.product, out.people) == ("Top", PRINT, 3), "p1, p2 and p4"
    deep = company.group("Deep", ids[5:])
    nest(company, deep, low)
    company.map(deep, PRINT, transitive=True)
    company.round()
    with reading(company.engine) as connection:
        assert seats.left_out(connection, company.ports().mirror.mappings()) == []

"""Does a full round that passes over who is settled come to the plan of one that looks at everybody? (T09)

Random companies in which all is as it should be, then changed behind the engine's back: no mark, no event.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, delete, func, insert, select, update

from connector.store import standings as standing_rows
from connector.store.engine import reading, writing
from connector.store.leases import no_fence
from connector.store.mirror import SqlMirror
from connector.store.tables import groups, mappings, memberships, nestings, persons, standings, users
from sync import reconcile
from sync.model import Held, PersonId
from sync.plan import Applicable, Plan
from sync.ports import Mirror
from sync.reconcile import Scope
from sync.sold import read_sold
from tests.company import CENTRE, PRINT, RELEASE, Company

PEOPLE = 60
PRODUCTS = (PRINT, CENTRE, RELEASE)


@dataclass(frozen=True, slots=True)
class LooksAtAll(SqlMirror):
    """The mirror for which nobody is settled."""

    def unsettled(
        self, after: PersonId, applicable: Applicable, alone: object, protected: object
    ) -> tuple[Sequence[PersonId], PersonId | None]:
        people = self.everyone(after, 7)
        return people, people[-1] if people else None


def plan_by(company: Company, mirror: type[SqlMirror]) -> Plan:
    there: Mirror = mirror(company.engine, no_fence, company.clock)
    return reconcile.rehearse(replace(company.ports(), mirror=there), Scope.EVERYONE, company.policy).plan


def looked_at(company: Company) -> int:
    """How many people the round looks at, of all."""
    ports, count = company.ports(), 0
    sold = read_sold(ports.licensing)
    applicable: Applicable = {m.group: (m,) for m in ports.mirror.mappings()}
    for chunk in reconcile._everyone(ports, sold, applicable, company.policy):
        count += len(chunk)
    return count


def settled_company(engine: Engine, dice: random.Random) -> Company:
    """Everybody has what they should; a few wait, are disabled, or hold by hand."""
    company = Company(engine)
    company.settle(protected=frozenset({"p03"}))
    ids = company.hire(*(f"p{n:02}" for n in range(PEOPLE)))
    again = company.hire(*(f"p{n:02}" for n in range(0, PEOPLE, 5)), directory="okta")
    for product in PRODUCTS:
        company.buy(product, 40)
    names = ["print", "staff", "centre", "release"]
    made = {name: company.group(name, dice.sample(ids, 30)) for name in names}
    company.group("inner", dice.sample(ids, 5))
    company.group("guests", dice.sample(again, 6), directory="okta")
    company.map("print", PRINT, priority=50)
    company.map("staff", PRINT, transitive=True)
    company.map("centre", CENTRE)
    company.map("release", RELEASE, transitive=True)
    company.map("guests", PRINT, directory="okta")
    with writing(engine) as connection:
        pk = dict(connection.execute(select(groups.c.display_name, groups.c.pk)).all())
        for parent, child in (("staff", "inner"), ("release", "inner")):
            values = {"group_pk": pk[parent], "child_pk": pk[child], "since": company.now}
            connection.execute(insert(nestings).values(values))
    for id in dice.sample(ids, 4):
        company.set_active(id, False)
    company.delete(ids[7])
    assert made
    for _ in range(4):
        company.go(hours=7)
        company.round(Scope.EVERYONE)
    company.go(hours=1)
    return company


def _somebody(dice: random.Random) -> int:
    return dice.randint(1, PEOPLE)


def _tamper(company: Company, dice: random.Random) -> str:
    """One change that nobody was told of."""
    person, product = _somebody(dice), dice.choice(PRODUCTS)
    row = (standings.c.person_pk == person) & (standings.c.product == product)
    user = select(users.c.pk).where(users.c.person_pk == person).limit(1).scalar_subquery()
    of_user = memberships.c.user_pk == user
    earlier = company.now - timedelta(days=3)
    group = select(groups.c.pk).order_by(func.length(groups.c.display_name)).limit(1).scalar_subquery()
    tweaks: dict[str, Any] = {
        "held no": update(standings).where(row).values(held="no", origin="none"),
        "in doubt": update(standings).where(row).values(held="maybe"),
        "by hand": update(standings).where(row).values(origin="manual"),
        "by hand, no reason": update(standings).where(row, ~standings.c.waiting).values(
            origin="manual", reasons="[]", since=None),
        "waits": update(standings).where(row, standings.c.since.is_not(None)).values(
            held="no", origin="none", waiting=True),
        "not ready": update(standings).where(row).values(base_ready=False),
        "moved": update(standings).where(row).values(moved_to=-1),
        "blocked": update(standings).where(row).values(blocked="MISSING_BASE"),
        "lost": update(standings).where(row).values(lost_at=earlier, lost_why="left", due_at=earlier),
        "why lost": update(standings).where(row).values(lost_why="left"),
        "of groups": update(standings).where(row).values(lost_groups="[1]"),
        "told": update(standings).where(row).values(announced_at=earlier),
        "due": update(standings).where(row).values(due_at=earlier),
        "released": update(standings).where(row).values(released=True),
        "kept": update(standings).where(row).values(kept=True),
        "failed": update(standings).where(row).values(failure="NO_ANSWER"),
        "tried": update(standings).where(row).values(attempts=2),
        "tried again": update(standings).where(row).values(next_try=earlier),
        "looked at": update(standings).where(row).values(look_at=earlier),
        "no reasons": update(standings).where(row).values(reasons="[]"),
        "priority": update(standings).where(row).values(priority=7),
        "since never": update(standings).where(row, ~standings.c.waiting).values(since=None),
        "no standing": delete(standings).where(row),
        "left": delete(memberships).where(of_user),
        "joined earlier": update(memberships).where(of_user).values(
            since=earlier - timedelta(days=dice.randint(0, 9))),
        "disabled": update(users).where(users.c.person_pk == person).values(active=False),
        "enabled": update(users).where(users.c.person_pk == person).values(active=True),
        "conflict": update(persons).where(persons.c.pk == person).values(conflict=True),
        "made anew": update(persons).where(persons.c.pk == person).values(epoch=company.now),
        "account off": update(persons).where(persons.c.pk == person).values(account_disabled=True),
        "account not ours": update(persons).where(persons.c.pk == person).values(account_made=False),
        "no account": update(persons).where(persons.c.pk == person).values(account_id=None),
        "group renamed": update(groups).where(groups.c.pk == group).values(display_name="new"),
        "mapping later": update(mappings).where(mappings.c.pk == dice.randint(1, 5)).values(
            created_at=company.now),
        "mapping's priority": update(mappings).where(mappings.c.pk == dice.randint(1, 5)).values(priority=3),
        "mapping gone": delete(mappings).where(mappings.c.pk == dice.randint(1, 5)),
        "not transitive": update(mappings).values(transitive=False),
        "nothing nested": delete(nestings),
    }  # fmt: skip
    name = dice.choice(sorted(tweaks))
    with writing(company.engine) as connection:
        connection.execute(tweaks[name])
    return name


@pytest.mark.parametrize(
    "seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 30))]
)
def test_a_full_round_comes_to_the_plan_of_looking_at_everybody(engine: Engine, seed: int) -> None:
    """T09, R02, R03: whatever was changed behind its back."""
    dice = random.Random(seed)
    company = settled_company(engine, dice)
    for _ in range(8):
        done = [_tamper(company, dice) for _ in range(dice.randint(1, 3))]
        assert plan_by(company, SqlMirror) == plan_by(company, LooksAtAll), done


def test_each_thing_that_can_be_wrong_with_a_standing_is_seen(engine: Engine) -> None:
    """Each column of a standing but those that say only when and by which run it came."""
    company = Company(engine)
    company.hire("ada")
    company.buy(PRINT, 3)
    company.group("print", company_ids(company))
    company.map("print", PRINT)
    company.round()
    assert looked_at(company) == 0
    right = company.standing("ada", PRINT)
    assert right.held is Held.YES
    for wrong in _wrong(right, company):
        with writing(engine) as connection:
            standing_rows.write(connection, [wrong])
        if wrong.assigned_at == right.assigned_at and wrong.assigned_run == right.assigned_run:
            assert looked_at(company) == 1, wrong
        assert plan_by(company, SqlMirror) == plan_by(company, LooksAtAll)


def company_ids(company: Company) -> list[str]:
    with reading(company.engine) as connection:
        return list(connection.scalars(select(users.c.id).order_by(users.c.pk)))


def _wrong(right: Any, company: Company) -> Iterator[Any]:
    odd: dict[str, Any] = {
        "held": Held.NO, "reasons": (), "priority": 1, "since": None, "waiting": True, "base_ready": False,
        "moved_to": -2, "blocked": "X", "lost_at": company.now, "lost_groups": (1,), "lost_why": "left",
        "announced_at": company.now, "due_at": company.now, "hold": 1, "released": True, "kept": True,
        "failure": "X", "attempts": 1, "next_try": company.now, "look_at": company.now,
    }  # fmt: skip
    settled = {"person", "product", "origin", "assigned_at", "assigned_run"}
    assert set(right.__slots__) == set(odd) | settled, "a new column: can a settled row have it?"
    for name, value in odd.items():
        yield replace(right, **{name: value})


def test_who_is_settled_is_passed_over(engine: Engine) -> None:
    """The others' plan would be the same if everybody were looked at, every time."""
    company = settled_company(engine, random.Random(1))
    assert looked_at(company) < PEOPLE / 2
    assert plan_by(company, SqlMirror) == plan_by(company, LooksAtAll)

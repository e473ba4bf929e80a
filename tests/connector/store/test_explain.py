"""Can everybody be told why? Runs, and all that is known of one person (R16, R30)"""

import pytest
from sqlalchemy import Engine, insert

from connector.store import runs
from connector.store.engine import reading, writing
from connector.store.explain import Explained, explain, find_people
from connector.store.queue import Position
from connector.store.tables import changes
from sync.model import PersonId, RunId, State
from sync.plan import Action, Verb
from sync.ports import Outcome, Settled
from sync.reconcile import Scope
from tests.company import Company
from tests.connector.store.world import CENTRE, PRINT, World, held, intent, waits
from tests.moments import START, at


def test_the_whole_chain_of_one_person_is_told(engine: Engine) -> None:
    world = World(engine)
    entra = world.directory("entra")
    ada, bob = world.people(entra, 2)
    group = world.group(entra, "LIC-AnyPrint")
    world.join_all(group, [ada])
    with writing(engine) as connection:
        for minute, what, of in ((1, "created", None), (2, "joined", group)):
            values = {"at": at(minute), "directory_pk": entra, "person_pk": ada, "group_pk": of}
            connection.execute(insert(changes).values(**values, what=what, request="req-1"))
    world.stand(waits(ada), waits(ada, CENTRE, since=at(1)), waits(bob, CENTRE))
    run = world.begin()
    world.ledger.append(run, [Action(Verb.ASSIGN, PRINT, ada, "p0", "member of LIC-AnyPrint")])
    id = world.ledger.intend(intent(run, [ada]), at(3))
    world.ledger.settle(run, id, [Outcome(ada, Settled.HELD, "assigned", held(ada))], "answered", at(4))

    with reading(engine) as connection:
        told = explain(connection, ada)

    assert told.person.user_name == "p0"
    assert told.groups == (("entra", "LIC-AnyPrint", START),)
    assert [(s.standing.product, s.standing.state, s.position) for s in told.stands] == [
        (PRINT, State.ASSIGNED, None),
        (CENTRE, State.WAITING, Position(2, 2)),
    ]
    assert [(c.what, c.directory, c.group, c.request) for c in told.changes] == [
        ("joined", "entra", "LIC-AnyPrint", "req-1"),
        ("created", "entra", "", "req-1"),
    ]
    assert [(t.run, t.done.because, t.done.outcome) for t in told.actions] == [
        (run, "member of LIC-AnyPrint", "assigned")
    ]
    (call,) = told.calls
    assert (call.intent, call.run, call.kind, call.product) == (id, run, "assign", PRINT)
    assert (call.created_at, call.settled_at, call.status) == (at(3), at(4), "assigned")


def test_r10_who_lacks_the_base_is_no_part_of_a_request_and_is_told_which_groups_give_it(
    engine: Engine,
) -> None:
    company = Company(engine)
    company.buy(PRINT, 9)
    company.buy(CENTRE, 1)
    *both, lacks = company.hire("p0", "p1", "p2", "u10")
    company.group("G-Print", both)
    company.group("G-Centre", [*both, lacks])
    company.map("G-Print", PRINT)
    company.map("G-Centre", CENTRE)
    company.round()
    company.go(hours=1)
    company.round(Scope.EVERYONE)
    assert company.request(CENTRE) is not None

    def explained(name: str) -> Explained:
        with reading(engine) as connection:
            return explain(connection, company.person(name))

    assert (explained("u10").requests, explained("u10").givers[PRINT]) == ((), ("G-Print",))
    [blocked] = company.rehearse(Scope.EVERYONE).blocked
    assert blocked.detail == "needs AnyPrint first: add the person to G-Print"
    assert [r.product for r in explained("p2").requests] == [CENTRE]
    assert explained("p2").givers == {}


def test_people_are_found_by_any_spelling_and_by_id(engine: Engine) -> None:
    world = World(engine)
    entra = world.directory()
    before = world.person("Jürgen@example.com")
    now = world.person("Jürgen@example.com")
    world.user(entra, now, "jürgen@EXAMPLE.com")
    with reading(engine) as connection:
        assert find_people(connection, "JÜRGEN@example.com") == [now, before]
        assert find_people(connection, f"u-{entra}-jürgen@EXAMPLE.com") == [now]
        assert find_people(connection, "nobody") == []


def test_who_is_not_there_cannot_be_explained(engine: Engine) -> None:
    with pytest.raises(LookupError), reading(engine) as connection:
        explain(connection, PersonId(9))


def test_runs_are_listed_newest_first_in_pages(engine: Engine) -> None:
    world = World(engine)
    ids = []
    for n in range(3):
        ids.append(world.begin(n))
        world.ledger.finish(ids[-1], {"counts": {"n": n}}, "done", at(n))
    with reading(engine) as connection:
        first = runs.list_runs(connection, 2)
        rest = runs.list_runs(connection, 2, before=first[-1].id)
        assert [run.id for run in (*first, *rest)] == ids[::-1]
        assert runs.get(connection).id == ids[2]
        one = runs.get(connection, ids[0])
        assert (one.outcome, one.report, one.finished_at) == ("done", {"counts": {"n": 0}}, at(0))
        with pytest.raises(LookupError, match="report list"):
            runs.get(connection, RunId(99))


def test_before_the_first_round_it_says_how_to_run_one(engine: Engine) -> None:
    with pytest.raises(LookupError, match="`sync` runs one"), reading(engine) as connection:
        runs.get(connection)

"""Is each call written down before it, and settled after it? (R29, R30, T12)"""

import json

import pytest
from sqlalchemy import Engine

from connector.store.audit import entries, subject_of, verify
from connector.store.engine import reading, writing
from connector.store.leases import no_fence
from connector.store.ledger import SqlLedger
from connector.store.tables import actions, intent_items, intents, marks, persons, runs, standings
from sync.model import AccountId, Held, PersonId, ProductId, Standing
from sync.plan import Action, Plan, Verb
from sync.ports import Outcome, Settled
from tests.connector.store.world import CENTRE, PRINT, World, held, intent, waits
from tests.moments import at


def states(world: World) -> list[tuple[str, str]]:
    return [(row.kind, row.state) for row in world.rows(intents)]


def settled_as(standing: Standing, code: str) -> Outcome:
    ends = {Held.YES: Settled.HELD, Held.NO: Settled.FREE, Held.MAYBE: Settled.DOUBT}
    return Outcome(standing.person, ends[standing.held], code, standing)


def test_an_intent_makes_its_people_doubtful_before_the_call(engine: Engine) -> None:
    """R12: asked for counts against the seats."""
    world = World(engine)
    ada, bob = world.people(world.directory(), 2)
    world.stand(waits(ada, priority=3, moved_to=-1), waits(bob))
    run = world.begin()
    world.ledger.intend(intent(run, [ada]), at(1))

    asked = world.standing(ada)
    assert (asked.held, asked.waiting) == (Held.MAYBE, False)
    assert (asked.since, asked.priority, asked.reasons) == (at(0), 3, waits(ada).reasons)
    assert world.ledger.doubtful() == {PRINT: 1}
    assert [w.person for w in world.ledger.queue(PRINT, 5)] == [bob]
    (row,) = world.rows(intents)
    assert (row.state, row.body, row.subscription_id) == ("open", '{"user_ids":[]}', "s-1")
    (item,) = world.rows(intent_items)
    assert (item.person_pk, item.account_id, item.status) == (ada, f"a{ada}", "")
    with reading(engine) as connection:
        (entry,) = entries(connection)
    assert (entry.action, json.loads(entry.detail)["mappings"]) == ("assign.intent", [1])


def test_who_has_no_standing_cannot_be_asked_for(engine: Engine) -> None:
    world = World(engine)
    (ada,) = world.people(world.directory(), 1)
    run = world.begin()
    with pytest.raises(LookupError, match="store one first"):
        world.ledger.intend(intent(run, [ada]), at(1))
    assert world.rows(intents) == []


def test_settling_stores_what_came_back(engine: Engine) -> None:
    world = World(engine)
    ada, bob = world.people(world.directory(), 2)
    world.stand(waits(ada), waits(bob))
    run = world.begin()
    assign = tuple(Action(Verb.ASSIGN, PRINT, p, "", "") for p in (ada, bob))
    remove = Action(Verb.REMOVE, PRINT, ada, "", "")
    world.ledger.store(run, Plan(actions=(remove, *assign)), (), at(0))
    id = world.ledger.intend(intent(run, [ada, bob]), at(1))
    got = held(ada, assigned_at=at(2), assigned_run=run)
    outcomes = [settled_as(got, "assigned"), settled_as(waits(bob), "no_license_left")]

    world.ledger.settle(run, id, outcomes, "answered", at(2))

    assert world.standing(ada) == got
    assert world.standing(bob) == waits(bob)
    assert [row.status for row in world.rows(intent_items)] == ["assigned", "no_license_left"]
    (row,) = world.rows(intents)
    assert (row.state, row.outcome, row.settled_at) == ("settled", "answered", at(2))
    assert [row.outcome for row in world.rows(actions)] == ["", "assigned", "no_license_left"]
    with writing(engine) as connection:
        before, after = entries(connection)
        subject = subject_of(connection, ada)
        assert verify(connection) == 2
    assert (before.action, after.action) == ("assign.intent", "assign.outcome")
    assert subject in json.loads(before.detail)["subjects"]
    assert json.loads(after.detail)["codes"][subject] == "assigned"


def test_no_answer_stays_unknown_until_a_later_call_settles_it(engine: Engine) -> None:
    """R29, T12"""
    world = World(engine)
    ada, bob = world.people(world.directory(), 2)
    world.stand(waits(ada), waits(bob))
    run = world.begin()
    first = world.ledger.intend(intent(run, [ada, bob]), at(1))
    doubts = [settled_as(held(p, held=Held.MAYBE), "no_answer") for p in (ada, bob)]
    world.ledger.settle(run, first, doubts, "unknown", at(2))
    assert states(world) == [("assign", "unknown")]

    for n, person in enumerate((ada, bob)):
        again = world.ledger.intend(intent(run, [person], key=f"again-{n}"), at(3))
        world.ledger.settle(run, again, [settled_as(held(person), "already_assigned")], "answered", at(4))
        assert states(world)[0] == ("assign", "unknown" if person == ada else "settled")
    assert {row.status for row in world.rows(intent_items)} == {"settled", "already_assigned"}


def test_a_doubt_about_another_product_stays(engine: Engine) -> None:
    world = World(engine)
    (ada,) = world.people(world.directory(), 1)
    world.stand(waits(ada), waits(ada, CENTRE))
    run = world.begin()
    doubt = world.ledger.intend(intent(run, [ada]), at(1))
    world.ledger.settle(run, doubt, [settled_as(held(ada, held=Held.MAYBE), "no_answer")], "unknown", at(2))
    sure = world.ledger.intend(intent(run, [ada], product=CENTRE, key="k2"), at(3))
    world.ledger.settle(run, sure, [settled_as(held(ada, CENTRE), "assigned")], "answered", at(4))
    assert [state for _, state in states(world)] == ["unknown", "settled"]


def test_a_crash_leaves_doubts_that_the_next_round_looks_at(engine: Engine) -> None:
    """T12: every intent is settled within two rounds."""
    world = World(engine)
    ada, bob = world.people(world.directory(), 2)
    world.stand(waits(ada), waits(bob), held(bob, CENTRE, held=Held.MAYBE))
    broken = world.begin()
    world.ledger.intend(intent(broken, [ada]), at(1))
    world.ledger.intend(intent(broken, [bob], kind="account_create", product=ProductId("")), at(1))

    run = world.begin(2)

    assert [(row.pk, row.outcome) for row in world.rows(runs)] == [(broken, "broken"), (run, "")]
    assert states(world) == [("assign", "unknown"), ("account_create", "settled")]
    assert world.ledger.due(at(2), 10) == [ada]
    assert world.standing(ada).held is Held.MAYBE
    assert [row.person_pk for row in world.rows(marks)] == [ada, bob]


def test_a_finished_round_is_not_broken(engine: Engine) -> None:
    world = World(engine)
    first = world.begin()
    world.ledger.finish(first, {"counts": {"assign": 1}}, "done", at(1))
    world.begin(2)
    row = world.rows(runs)[0]
    assert (row.outcome, json.loads(row.report)) == ("done", {"counts": {"assign": 1}})


def test_a_base_that_is_surely_held_readies_its_addon(engine: Engine) -> None:
    """R10: in the same round; and who is blocked is decided again."""
    world = World(engine)
    ada, bob = world.people(world.directory(), 2)
    world.stand(waits(ada), waits(ada, CENTRE, base_ready=False), waits(bob, CENTRE, base_ready=False))
    run = world.begin()
    id = world.ledger.intend(intent(run, [ada]), at(1))
    assert world.ledger.queue(CENTRE, 5, ready=True) == []
    world.ledger.settle(run, id, [settled_as(held(ada), "assigned")], "answered", at(2))
    assert [w.person for w in world.ledger.queue(CENTRE, 5, ready=True)] == [ada]
    assert [row.person_pk for row in world.rows(marks)] == [ada]


@pytest.mark.parametrize("ends", [Held.NO, Held.MAYBE])
def test_a_base_in_doubt_or_gone_readies_nothing(engine: Engine, ends: Held) -> None:
    """R29, T05: what is only in doubt is no base, from the intent on."""
    world = World(engine)
    (ada,) = world.people(world.directory(), 1)
    world.stand(held(ada), waits(ada, CENTRE))
    run = world.begin()
    id = world.ledger.intend(intent(run, [ada], kind="unassign"), at(1))
    assert not world.standing(ada, CENTRE).base_ready
    world.ledger.settle(run, id, [settled_as(held(ada, held=ends), "x")], "answered", at(2))
    assert not world.standing(ada, CENTRE).base_ready


def test_an_addon_of_two_bases_needs_both(engine: Engine) -> None:
    world = World(engine)
    other, both = ProductId("other"), ProductId("both")
    ledger = SqlLedger(engine, no_fence, {both: (PRINT, other)})
    (ada,) = world.people(world.directory(), 1)
    world.stand(waits(ada), waits(ada, other), waits(ada, both, base_ready=False))
    run = world.begin()
    for n, base in enumerate((PRINT, other)):
        assert not world.standing(ada, both).base_ready
        id = ledger.intend(intent(run, [ada], product=base, key=f"k{n}"), at(1))
        ledger.settle(run, id, [settled_as(held(ada, base), "assigned")], "answered", at(2))
    assert world.standing(ada, both).base_ready


def test_an_account_that_is_not_to_be_had_is_the_assignments_outcome(engine: Engine) -> None:
    world = World(engine)
    (ada,) = world.people(world.directory(), 1)
    world.stand(waits(ada))
    run = world.begin()
    world.ledger.append(run, [Action(Verb.ASSIGN, PRINT, ada, "p0", "")])
    id = world.ledger.intend(intent(run, [ada], kind="account_create", product=ProductId("")), at(1))
    assert world.standing(ada) == waits(ada)
    failed = waits(ada, waiting=False, failure="ACCOUNT_BAD", look_at=at(3))
    outcome = Outcome(ada, Settled.FREE, "account_bad", failed)
    world.ledger.settle(run, id, (outcome,), "account_bad", at(2))
    assert world.standing(ada) == failed
    assert [row.outcome for row in world.rows(actions)] == ["account_bad"]
    assert states(world) == [("account_create", "settled")]


def test_an_account_that_we_made_stays_ours(engine: Engine) -> None:
    """R05"""
    world = World(engine)
    (ada,) = world.people(world.directory(), 1)
    for account, made, ours in [("a1", True, True), ("a1", False, True), ("a2", False, False)]:
        world.ledger.learned_account(ada, AccountId(account), made=made)
        (row,) = world.rows(persons)
        assert (row.account_id, row.account_made) == (account, ours)
    world.ledger.forget_account(ada)
    assert world.ledger.person(ada).person.account is None


def test_one_key_is_one_intent(engine: Engine) -> None:
    world = World(engine)
    (ada,) = world.people(world.directory(), 1)
    world.stand(waits(ada))
    run = world.begin()
    world.ledger.intend(intent(run, [ada], key="same"), at(1))
    with pytest.raises(Exception, match=r"(?i)unique"):
        world.ledger.intend(intent(run, [ada], key="same"), at(1))


def test_two_hundred_people_are_one_intent(engine: Engine) -> None:
    world = World(engine)
    people: list[PersonId] = [world.person(f"q{n}") for n in range(200)]
    world.stand(*(waits(p) for p in people))
    run = world.begin()
    id = world.ledger.intend(intent(run, people), at(1))
    outcomes = [settled_as(held(p), "assigned") for p in people]
    world.ledger.settle(run, id, outcomes, "answered", at(2))
    assert {row.held for row in world.rows(standings)} == {"yes"}
    with reading(engine) as connection:
        assert verify(connection) == 2

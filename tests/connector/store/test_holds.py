"""Is a decision on a hold bound to what was seen? (R24, T08)"""

from dataclasses import replace

import pytest
from sqlalchemy import Engine

from connector.store import holds
from connector.store.audit import entries
from connector.store.engine import reading, writing
from connector.store.holds import Undecidable
from sync.model import Hold, HoldId
from sync.plan import HoldChange, Plan
from sync.settle import freed
from tests.connector.store.test_plans import emptied, view
from tests.connector.store.world import PRINT, World, held
from tests.moments import at


def shown(world: World, hold: HoldId) -> Hold:
    with reading(world.engine) as connection:
        return holds.get(connection, hold)


def test_released_they_go_at_the_next_round_and_count_no_more(engine: Engine) -> None:
    world = World(engine)
    people, hold = emptied(world)
    before = shown(world, hold)
    with writing(engine) as connection:
        after = holds.release(connection, hold, before.digest, "ann", at(5))

    assert (after.state, after.decided_by, after.decided_at) == ("released", "ann", at(5))
    assert (after.removals, after.digest) == (before.removals, before.digest)
    standings = [world.standing(p) for p in people]
    assert [(s.released, s.hold, s.look_at) for s in standings] == [(True, None, at(5))] * 3
    assert world.ledger.due(at(5), 10) == people
    assert view(world).losses == ()
    with reading(engine) as connection:
        assert [(e.actor, e.action, e.subject) for e in entries(connection)] == [
            ("sync", "hold.open", f"hold:{hold}"), ("ann", "hold.released", f"hold:{hold}"),
        ]  # fmt: skip


def test_released_and_gone_they_still_do_not_count(engine: Engine) -> None:
    """R24: the removal, once done, leaves nothing in the standing that says it was released."""
    world = World(engine)
    people, hold = emptied(world)
    with writing(engine) as connection:
        holds.release(connection, hold, shown(world, hold).digest, "ann", at(5))
    world.stand(*(freed(world.standing(p)) for p in people))
    assert view(world).losses == ()


def test_rejected_they_keep_it_and_count_no_more(engine: Engine) -> None:
    world = World(engine)
    people, hold = emptied(world)
    with writing(engine) as connection:
        after = holds.reject(connection, hold, "ann", at(5))
    assert after.state == "rejected"
    assert len(after.removals) == 3
    assert [(s.kept, s.hold, s.look_at) for s in map(world.standing, people)] == [(True, None, None)] * 3
    assert view(world).losses == ()


def test_a_release_of_another_set_than_was_seen_is_refused(engine: Engine) -> None:
    world = World(engine)
    people, hold = emptied(world)
    seen = shown(world, hold).digest
    eve = world.person("eve")
    joins = HoldChange(hold, "product_share", None, PRINT, (eve,))
    world.ledger.store(world.begin(1), Plan((held(eve, lost_at=at(1)),), holds=(joins,)), (), at(1))

    with pytest.raises(Undecidable) as refused, writing(engine) as connection:
        holds.release(connection, hold, seen, "ann", at(2))

    assert refused.value.digest == shown(world, hold).digest != seen
    assert refused.value.digest in str(refused.value)
    assert [world.standing(p).hold for p in [*people, eve]] == [hold] * 4


def test_what_is_decided_cannot_be_decided_again(engine: Engine) -> None:
    world = World(engine)
    _, hold = emptied(world)
    digest = shown(world, hold).digest
    with writing(engine) as connection:
        holds.release(connection, hold, digest, "ann", at(1))
    for again in (holds.reject, lambda *given: holds.release(given[0], hold, digest, *given[2:])):
        with pytest.raises(Undecidable, match="released already"), writing(engine) as connection:
            again(connection, hold, "bob", at(2))
    assert shown(world, hold).decided_by == "ann"


def test_r24_a_person_releases_what_was_rejected(engine: Engine) -> None:
    """Those whom the rejection still keeps, of exactly the set that was seen; they are told anew."""
    world = World(engine)
    people, hold = emptied(world)
    with writing(engine) as connection:
        seen = holds.reject(connection, hold, "ann", at(1)).digest
    back, again, still = people
    world.stand(
        replace(world.standing(back), kept=False, lost_at=None, lost_why="", due_at=None),
        replace(world.standing(again), lost_at=at(9)),  # lost once more, and rejected in another hold
        replace(world.standing(still), announced_at=at(0)),
    )
    with pytest.raises(Undecidable, match="not what you saw"), writing(engine) as connection:
        holds.release(connection, hold, "another", "bob", at(20))
    with writing(engine) as connection:
        after = holds.release(connection, hold, seen, "bob", at(20))

    assert (after.state, after.decided_by, [p for p, _ in after.removals]) == ("released", "bob", [still])
    s = world.standing(still)
    assert (s.kept, s.released, s.look_at, s.announced_at) == (False, True, at(20), None)
    assert [world.standing(p).released for p in (back, again)] == [False, False]
    assert world.standing(again).kept
    with pytest.raises(Undecidable, match="released already"), writing(engine) as connection:
        holds.release(connection, hold, seen, "bob", at(21))


def test_r24_a_rejected_hold_that_keeps_nobody_any_more_says_so(engine: Engine) -> None:
    world = World(engine)
    people, hold = emptied(world)
    with writing(engine) as connection:
        seen = holds.reject(connection, hold, "ann", at(1)).digest
    world.stand(*(freed(world.standing(p)) for p in people))
    with pytest.raises(Undecidable, match="keeps nobody's license"), writing(engine) as connection:
        holds.release(connection, hold, seen, "bob", at(2))


def test_an_unknown_hold_names_the_list(engine: Engine) -> None:
    with pytest.raises(LookupError, match="hold list"), reading(engine) as connection:
        holds.get(connection, HoldId(5))

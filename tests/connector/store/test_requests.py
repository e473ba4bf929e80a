"""Is there one living request a product, and does a decision never get lost? (R18-R20)"""

import json
from dataclasses import replace
from threading import Barrier, Thread

import pytest
from sqlalchemy import Engine

from connector.store import requests
from connector.store.audit import entries
from connector.store.engine import reading, writing
from connector.store.tables import intents
from sync.model import ProductId, Request, RequestId, RequestState
from sync.ports import Transient
from tests.connector.store.world import CENTRE, PRINT, SUBSCRIPTION, World, intent
from tests.moments import at


def opened(product: ProductId = PRINT) -> Request:
    return Request(
        None, product, SUBSCRIPTION, RequestState.OPEN, 20, 10, 10, 30, at(0), at(0), expires_at=at(20_000)
    )


def approved(request: Request, by: str = "ann") -> Request:
    return replace(
        request, state=RequestState.APPROVED, target=30, decided_by=by, decided_at=at(1), updated_at=at(1)
    )


def test_a_request_comes_back_as_it_was_stored(engine: Engine) -> None:
    world = World(engine)
    run = world.begin()
    first = world.ledger.store_request(run, None, opened(), at(0))
    assert first == replace(opened(), id=first.id)
    full = replace(
        approved(first), reason="why", due_at=at(2), submitted_at=at(3), effective_by=at(4),
        reminded_at=at(5), follows=RequestId(77),
    )  # fmt: skip
    assert world.ledger.store_request(run, first, full, at(1)) == full
    assert world.ledger.requests() == [full]
    with reading(engine) as connection:
        assert requests.get(connection, RequestId(int(full.id or 0))) == full


def test_there_is_one_living_request_a_product(engine: Engine) -> None:
    """R18"""
    world = World(engine)
    run = world.begin()
    first = world.ledger.store_request(run, None, opened(), at(0))
    world.ledger.store_request(run, None, opened(CENTRE), at(0))
    with pytest.raises(Transient):
        world.ledger.store_request(run, None, opened(), at(1))
    ended = replace(first, state=RequestState.DECLINED, ended_at=at(2))
    world.ledger.store_request(run, first, ended, at(2))
    assert world.ledger.last_request(PRINT) == ended
    assert world.ledger.last_request(CENTRE) is None
    second = world.ledger.store_request(run, None, opened(), at(3))
    assert [r.id for r in world.ledger.requests() if r.product == PRINT] == [second.id]
    with reading(engine) as connection:
        assert [r.state.alive for r in requests.list_requests(connection)] == [True, True, False]


def test_r18_a_withdrawal_takes_nothing_back_that_was_decided(engine: Engine) -> None:
    """Who declined at ten isn't asked at one because an eleventh came and went; a proposal to have fewer that
    was withdrawn isn't repeated (R22)."""
    world = World(engine)
    run = world.begin()

    def ended(new: Request, state: RequestState, minute: int) -> Request:
        stored = world.ledger.store_request(run, None, new, at(minute))
        over = replace(stored, state=state, ended_at=at(minute), updated_at=at(minute))
        return world.ledger.store_request(run, stored, over, at(minute))

    declined = ended(opened(), RequestState.DECLINED, 1)
    ended(opened(), RequestState.WITHDRAWN, 2)
    assert world.ledger.last_request(PRINT) == declined
    fewer = ended(replace(opened(), proposed=7), RequestState.WITHDRAWN, 3)
    assert world.ledger.last_request(PRINT) == fewer


def test_a_round_does_not_overwrite_an_approval(engine: Engine) -> None:
    """R19"""
    world = World(engine)
    run = world.begin()
    read = world.ledger.store_request(run, None, opened(), at(0))
    with writing(engine) as connection:
        requests.store(connection, read, approved(read), "ann", at(1))
    with pytest.raises(Transient, match="changed meanwhile"):
        world.ledger.store_request(run, read, replace(read, need=11, updated_at=at(1)), at(1))
    assert world.ledger.requests() == [approved(read)]


def test_of_two_who_approve_at_once_one_is_told_the_new_state(engine: Engine) -> None:
    """T03"""
    world = World(engine)
    read = world.ledger.store_request(world.begin(), None, opened(), at(0))
    barrier, refused = Barrier(2), []

    def approve(by: str) -> None:
        barrier.wait()
        try:
            with writing(engine) as connection:
                requests.store(connection, read, approved(read, by), by, at(1))
        except requests.Changed as error:
            refused.append(error.current)

    threads = [Thread(target=approve, args=(by,)) for by in ("ann", "bob")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == world.ledger.requests()
    assert refused[0] is not None
    assert refused[0].state is RequestState.APPROVED


def test_decisions_are_audited_with_what_was_seen_updates_are_not(engine: Engine) -> None:
    """R19, R30"""
    world = World(engine)
    run = world.begin()
    first = world.ledger.store_request(run, None, opened(), at(0))
    more = world.ledger.store_request(run, first, replace(first, need=12, waiting=12), at(1))
    with writing(engine) as connection:
        requests.store(connection, more, approved(more), "ann", at(2))
    with reading(engine) as connection:
        log = [(e.actor, e.action, json.loads(e.detail)) for e in entries(connection)]
    assert [(actor, action) for actor, action, _ in log] == [
        ("sync", "request.open"), ("ann", "request.approved"),
    ]  # fmt: skip
    assert (log[1][2]["need"], log[1][2]["quantity"], log[1][2]["target"]) == (12, 20, 30)


def test_reading_what_came_of_a_submission_settles_its_call(engine: Engine) -> None:
    """R20, T12"""
    world = World(engine)
    run = world.begin()
    request = world.ledger.store_request(run, None, opened(), at(0))
    sent = replace(approved(request), state=RequestState.SUBMITTED, submitted_at=at(2))
    sent = world.ledger.store_request(run, request, sent, at(2))
    id = world.ledger.intend(intent(run, [], kind="quantity", key="q", request=sent.id), at(2))
    world.ledger.settle(run, id, (), "unknown", at(3))
    again = world.ledger.store_request(run, sent, replace(sent, updated_at=at(3)), at(3))
    assert [row.state for row in world.rows(intents)] == ["unknown"]
    pending = replace(again, state=RequestState.PENDING)
    world.ledger.store_request(run, again, pending, at(5))
    assert [(row.state, row.outcome) for row in world.rows(intents)] == [("settled", "read:pending")]


def test_an_unknown_request_names_the_list(engine: Engine) -> None:
    with pytest.raises(LookupError, match="request list"), reading(engine) as connection:
        requests.get(connection, RequestId(5))

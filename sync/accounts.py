"""Whose account at AnySoft is it? Made just before a first assignment, matched by exact user name (R05)."""

import json
from dataclasses import replace
from datetime import datetime

from sync.calls import Asked, repeat
from sync.keeping import wished_active
from sync.model import AccountId, Facts, Held, IntentId, Person, ProductId, RunId, Standing, SubscriptionId
from sync.ports import Busy, Intent, Missing, Outcome, Ports, Rejected, Settled, Transient
from sync.settle import backoff, failed, put_off


def set_active(ports: Ports, run: RunId, facts: Facts) -> None:
    """As it is wished now; one that fails is tried again after the back-off. Raises Busy."""
    person = facts.person
    wish = wished_active(person, facts.standings)
    if person.account is None or wish is None:
        return
    account, key = person.account, ports.new_key()
    ports.fence.check()
    intent = ports.ledger.intend(
        Intent(
            run=run,
            kind="account_update",
            product=ProductId(""),
            subscription=SubscriptionId(""),
            key=key,
            body=json.dumps({"user_name": person.user_name, "active": wish}, ensure_ascii=False),
            people=((person.id, account),),
        ),
        ports.clock(),
    )
    ports.at("intent committed")
    try:
        repeat(ports, lambda: ports.licensing.set_active(account, wish, key))
        ports.ledger.set_account_active(person.id, wish)
        verdict = "updated"
    except Busy:
        ports.ledger.settle(run, intent, (), "busy", ports.clock())
        raise
    except Transient as error:
        verdict = "no_answer" if error.maybe_done else "try_later"
    except Rejected as error:
        verdict = error.code
    except Missing:
        verdict = "not_found"
    ports.at("answer read")
    outcomes = () if wish else _looked_at_again(facts, verdict, ports.clock())
    ports.ledger.settle(run, intent, outcomes, verdict, ports.clock())
    ports.at("outcome stored")


def _looked_at_again(facts: Facts, verdict: str, now: datetime) -> tuple[Outcome, ...]:
    """The standing that `until_done` keeps due. Who is to be set active again is tried with the license."""
    due = next((s for s in facts.standings if s.held is Held.NO and s.look_at is not None), None)
    if due is None:
        return ()
    if verdict == "updated":
        after = replace(due, look_at=None, attempts=0)
    else:
        after = replace(due, look_at=now + backoff(due.attempts), attempts=due.attempts + 1)
    return (Outcome(facts.person.id, Settled.FREE, verdict, after),)


def account_of(ports: Ports, run: RunId, person: Person, standing: Standing) -> Asked | None:
    """With the person's account, found or made; None: not now, the standing says why. Raises Busy."""
    if person.account is not None:
        return Asked(person, person.account, standing)
    body = {
        "user_name": person.user_name,
        "display_name": person.display_name,
        "email": person.email,
        "external_id": person.external_id,
    }
    key = ports.new_key()
    ports.fence.check()
    intent = ports.ledger.intend(
        Intent(
            run=run,
            kind="account_create",
            product=ProductId(""),
            subscription=SubscriptionId(""),
            key=key,
            body=json.dumps(body, separators=(",", ":"), ensure_ascii=False),
            people=((person.id, AccountId("")),),
        ),
        ports.clock(),
    )
    ports.at("intent committed")
    try:
        account, made = _make(ports, person, key)
    except Busy as error:
        later = replace(standing, look_at=put_off(ports.clock(), error.retry_after))
        _give_up(ports, run, intent, person, later, "busy")
        raise
    except Transient as error:
        # An account that was made all the same is found by its name next time: no doubt stays.
        code = "ACCOUNT_NO_ANSWER" if error.maybe_done else "TRY_LATER"
        _give_up(ports, run, intent, person, failed(standing, code, ports.clock()), code)
        return None
    except (Rejected, Missing) as error:
        code = error.code if isinstance(error, Rejected) else "not_found"
        refused = failed(standing, f"ACCOUNT_{code.upper()}", ports.clock())
        _give_up(ports, run, intent, person, refused, code)
        return None
    ports.at("answer read")
    ports.ledger.settle(run, intent, (), "created" if made else "found", ports.clock())
    ports.at("outcome stored")
    ports.ledger.learned_account(person.id, account, made=made)
    return Asked(person, account, standing)


def _make(ports: Ports, person: Person, key: str) -> tuple[AccountId, bool]:
    """(account, whether we surely made it). One that is there, or may be since an answer was lost, is looked
    up: whose doing it is nobody knows then, and it isn't taken for ours (R05)."""
    try:
        made, _ = repeat(
            ports,
            lambda: ports.licensing.create_account(
                person.user_name, person.display_name, person.email, person.external_id, key
            ),
        )
    except (Rejected, Transient) as error:
        exists = error.code == "user_exists" if isinstance(error, Rejected) else error.maybe_done
        found = ports.licensing.find_account(person.user_name) if exists else None
        if found is None:
            raise
        return found.id, False
    return made.id, True


def _give_up(
    ports: Ports, run: RunId, intent: IntentId, person: Person, standing: Standing, code: str
) -> None:
    outcome = Outcome(person.id, Settled.FREE, code.lower(), standing)
    ports.ledger.settle(run, intent, (outcome,), code.lower(), ports.clock())

"""What does a person do by hand with licenses? Asked of AnySoft, audited, told to the ledger (R08).

The role is checked by the caller (L1); AnySoft itself keeps L3, L7, L8 and L12.
"""

import json
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection, Engine, select, update

from connector import wiring
from connector.store import audit, by_hand, marks, purchases, signals, standings
from connector.store.engine import reading, writing
from connector.store.explain import find_people
from connector.store.intents import Bases
from connector.store.mirror import read_facts
from connector.store.tables import persons
from connector.store.tables import standings as rows
from sync.calls import until_answered
from sync.model import (
    AccountId,
    Destination,
    Facts,
    Held,
    Origin,
    Person,
    PersonId,
    ProductId,
    ProductType,
    Result,
    Subscription,
)
from sync.ports import Licensing, Missing, Rejected, Transient, Unauthorized

BATCH = 200
T = TypeVar("T")
#: how a call ends that isn't answered as it should be
FAILURES = (Transient, Rejected, Missing, Unauthorized)


class Refused(Exception):
    """It isn't done; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Told:
    """What came of one user."""

    user: str
    status: str  #: AnySoft's


@dataclass(frozen=True, slots=True)
class Account:
    """A user and whom that is."""

    user: str
    person: PersonId | None  #: None: nobody whom a directory knows
    id: AccountId


@dataclass(frozen=True, slots=True)
class Desk:
    """Where one person acts, at one moment."""

    engine: Engine
    anysoft: Licensing
    by: str  #: as the audit log has it
    clock: Callable[[], datetime] = wiring.clock
    pause: Callable[[float], None] = time.sleep

    def subscription(self, product: str) -> Subscription:
        """Raises Refused when it isn't sold, or not bought."""
        known = [p.id for p in self.anysoft.products()]
        if product not in known:
            raise Refused(f"there is no product {product}: use one of {', '.join(known)}")
        for subscription in self.anysoft.subscriptions():
            if subscription.product == product:
                return subscription
        raise Refused(f"{product} isn't bought: `license add {product} --quantity N …` buys it")

    def assign(self, product: str, users: Sequence[str]) -> list[Told]:
        """Users who have it already cost nothing (L7). Raises Refused before anything is done."""
        subscription = self.subscription(product)
        people = [(user, self._person(user)) for user in users]
        self._refuse_early(subscription, people)
        accounts = [
            Account(user, person.person.id if person else None, self._account(user))
            for user, person in people
        ]
        return self._ask("assign", subscription, accounts)

    def unassign(
        self,
        product: str,
        users: Sequence[str],
        confirm: Callable[[Sequence[str]], None] = lambda losing: None,
    ) -> list[Told]:
        """Raises Refused, with the group, for one whom a group entitles: it would come back (R08).

        `confirm` is asked right before it is done, with those of the users who have it (L8); it may raise.
        """
        subscription = self.subscription(product)
        accounts: list[Account] = []
        for user in users:
            person = self._person(user)
            if person is not None:
                self._refuse_entitled(user, person, ProductId(product))
            account = self.anysoft.find_account(user)
            if account is None:
                raise Refused(f"AnySoft has no user {user}: check the name")
            accounts.append(Account(user, person.person.id if person else None, account.id))
        have = {a.account for a in self.anysoft.assignments(subscription.id, {a.id for a in accounts})}
        confirm([each.user for each in accounts if each.id in have])
        return self._ask("unassign", subscription, accounts)

    def adopt(self, product: str, users: Sequence[str] | None) -> list[Told]:
        """Manual licenses become managed; None: those of everybody whom a group entitles. Raises Refused."""
        self.subscription(product)
        with writing(self.engine) as connection:
            if users is None:
                people = _adoptable(connection, ProductId(product))
            else:
                people = [self._to_adopt(user, ProductId(product)) for user in users]
            found = standings.read(connection, people, ProductId(product))
            standings.write(connection, [replace(s, origin=Origin.MANAGED) for s in found])
            marks.mark(connection, people, self.clock())
            names = {f.person.id: f.person.user_name for f in read_facts(connection, people, ())}
            by_hand.note(
                connection, "adopt", ProductId(product), people, _key(), "adopted", self.by, self.clock()
            )
            self._append(connection, "license.adopt", product, people, {"users": len(people)})
        return [Told(names[s.person], "adopted") for s in found]

    # ---- calls ----

    def call(
        self,
        action: str,
        product: str,
        detail: Mapping[str, object],
        send: Callable[[str], T],
        check: str = "",
        look: Callable[[], T | None] | None = None,
    ) -> T:
        """`send` is given the idempotency key. An entry before it, and one with the outcome, also when it
        failed (R30, L1). `check`: the command that shows whether it was done, where its answer was lost.
        `look`: what costs money and has nothing but its key against being done twice, which may be ignored,
        is sent once; this tells whether AnySoft shows it as done (R20).
        """
        key = _key()
        with writing(self.engine) as connection:
            self._append(connection, action, product, (), {"key": key, **detail})
        try:
            answer = until_answered(lambda: send(key), self.pause)[0] if look is None else send(key)
        except FAILURES as error:
            verdict, code = _verdict(error)
            seen = _seen(look) if look is not None and verdict == "unknown" else None
            if seen is None:
                with writing(self.engine) as connection:
                    self._append(connection, f"{action}.{verdict}", product, (), {"key": key, "code": code})
                raise _told(error, action, check or f"license show {product}") from error
            answer = seen
        with writing(self.engine) as connection:
            self._append(connection, f"{action}.done", product, (), {"key": key})
        return answer

    def _ask(self, kind: str, subscription: Subscription, accounts: Sequence[Account]) -> list[Told]:
        """In batches; each is intended, called and settled as a round's are (R29, R30)."""
        bases = wiring.bases(self.anysoft)
        told: list[Told] = []
        for batch in _batches(accounts):
            results = self._batch(kind, subscription, batch, bases)
            told.extend(
                Told(each.user, result.status.value) for each, result in zip(batch, results, strict=True)
            )
        return told

    def _batch(
        self, kind: str, subscription: Subscription, batch: Sequence[Account], bases: Bases
    ) -> Sequence[Result]:
        action, product, key = f"license.{kind}", subscription.product, _key()
        ids = [each.id for each in batch]
        people = {each.person: each.id for each in batch if each.person is not None}
        body = json.dumps({"user_ids": ids}, separators=(",", ":"))
        with writing(self.engine) as connection:
            asked = by_hand.ask(
                connection, kind, subscription, people, key, body, bases, self.by, self.clock()
            )
            said = {"key": key, "intent": asked.intent, "users": len(batch)}
            self._append(connection, action, product, list(people), said)
        call = self.anysoft.assign if kind == "assign" else self.anysoft.unassign
        try:
            results, _ = until_answered(lambda: call(subscription.id, ids, key), self.pause)
        except FAILURES as error:
            verdict, code = _verdict(error)
            settle = by_hand.unanswered if verdict == "unknown" else by_hand.undone
            with writing(self.engine) as connection:
                settle(connection, asked, code, bases, self.clock())
                said = {"key": key, "intent": asked.intent, "code": code}
                self._append(connection, f"{action}.{verdict}", product, list(people), said)
            raise _told(error, action, f"license users {product}") from error
        statuses = {
            each.person: result.status
            for each, result in zip(batch, results, strict=True)
            if each.person is not None
        }
        with writing(self.engine) as connection:
            by_hand.answered(connection, asked, statuses, bases, self.clock())
            counts = Counter(result.status.value for result in results)
            said = {"key": key, "intent": asked.intent, **counts}
            self._append(connection, f"{action}.done", product, list(people), said)
        return results

    def _append(
        self,
        connection: Connection,
        action: str,
        product: str,
        people: Sequence[PersonId],
        detail: Mapping[str, object],
    ) -> None:
        """Of one person the entry is about them; of several it names them all by their salted hashes."""
        found = audit.subjects_of(connection, people)
        subject = found[people[0]] if len(people) == 1 else product
        named = {"subjects": [found[person] for person in people]} if len(people) > 1 else {}
        said = {**({"product": product} if product else {}), **detail, **named}
        audit.append(connection, self.by, action, subject, said, self.clock())

    def add_destination(self, name: str) -> Destination:
        """Raises Rejected; one for which none is left leads to a prompt in the next round (R17)."""
        try:
            return self.call(
                "destination.add",
                "anyscan",
                {},
                lambda key: self.anysoft.add_destination(name, key),
                "license destinations list",
                lambda: None,  # several may have one name
            )
        except Rejected as error:
            if error.code == "no_license_left":
                with writing(self.engine) as connection:
                    purchases.note_refusal(connection, self.clock())
                    signals.ask(connection, False, self.by, self.clock())
            raise

    # ---- people ----

    def _person(self, user: str) -> Facts | None:
        """The one the directories know under this name; None: nobody. Raises Refused for several."""
        with reading(self.engine) as connection:
            found = read_facts(connection, find_people(connection, user), None)
        live = [facts for facts in found if facts.person.records]
        if len(live) > 1:
            raise Refused(
                f"{len(live)} people are called {user}, of several directories: give the SCIM id instead"
            )
        return next(iter(live or found), None)

    def _account(self, user: str) -> AccountId:
        person = self._person(user)
        name = person.person.user_name if person else user
        account = self.anysoft.find_account(name)
        if account is not None:
            if person is not None and person.person.account is None and not person.person.conflict:
                self._learn(person.person.id, {"account_id": account.id})
            return account.id
        if person is None:
            raise Refused(f"neither AnySoft nor a directory knows {user}: check the name")
        return self._make(person.person)

    def _make(self, person: Person) -> AccountId:
        """One that is made without our hearing of it is found by its name the next time (R05)."""
        key = _key()
        with writing(self.engine) as connection:
            self._append(connection, "account.create", "", [person.id], {"key": key})
        try:
            made, _ = until_answered(
                lambda: self.anysoft.create_account(
                    person.user_name, person.display_name, person.email, person.external_id, key
                ),
                self.pause,
            )
        except FAILURES as error:
            verdict, code = _verdict(error)
            with writing(self.engine) as connection:
                said = {"key": key, "code": code}
                self._append(connection, f"account.create.{verdict}", "", [person.id], said)
            raise
        self._learn(person.id, {"account_id": made.id, "account_made": True})
        with writing(self.engine) as connection:
            by_hand.note(
                connection,
                "account_create",
                ProductId(""),
                [person.id],
                key,
                "created",
                self.by,
                self.clock(),
            )
            self._append(connection, "account.create.done", "", [person.id], {"key": key})
        return made.id

    def _learn(self, person: PersonId, account: Mapping[str, object]) -> None:
        with writing(self.engine) as connection:
            connection.execute(update(persons).where(persons.c.pk == person).values(account))

    def _refuse_early(self, subscription: Subscription, people: Sequence[tuple[str, Facts | None]]) -> None:
        """What must fail makes no account (R12), and nobody who is disabled gets a license (R05)."""
        for user, facts in people:
            if facts is not None and not facts.person.enabled:
                raise Refused(
                    f"{user} is disabled or deleted in every directory: enable the person there first"
                )
        product = next(each for each in self.anysoft.products() if each.id == subscription.product)
        if product.type is ProductType.METERED:
            return
        new = [facts for _, facts in people if facts is None or not _has(facts, product.id)]
        if new and subscription.assigned >= subscription.quantity:
            raise Refused(
                f"no seat of {product.id} is free ({subscription.assigned} of {subscription.quantity}): "
                f"`license quantity {product.id} N` buys more"
            )

    def _refuse_entitled(self, user: str, facts: Facts, product: ProductId) -> None:
        standing = next((s for s in facts.standings if s.product == product), None)
        if standing is not None and standing.origin is Origin.MANAGED and standing.reasons:
            groups = ", ".join(reason.group_name for reason in standing.reasons)
            raise Refused(
                f"{user} has {product} because of {groups}: take them out of that group instead (R08)"
            )

    def _to_adopt(self, user: str, product: ProductId) -> PersonId:
        facts = self._person(user)
        standing = next((s for s in facts.standings if s.product == product), None) if facts else None
        if standing is None or standing.origin is not Origin.MANUAL or standing.held is not Held.YES:
            raise Refused(f"{user} has no {product} that was assigned by hand: see `explain {user}`")
        if not standing.reasons:
            raise Refused(
                f"no group gives {product} to {user}: adopted it would be taken away; unassign it instead"
            )
        return standing.person


def _verdict(error: Exception) -> tuple[str, str]:
    """unknown: it may have been carried out (R29); failed: it surely wasn't. And the code."""
    if isinstance(error, Transient) and error.maybe_done:
        return "unknown", "no_answer"
    return "failed", error.code if isinstance(error, Rejected) else type(error).__name__.lower()


def _seen(look: Callable[[], T | None]) -> T | None:
    try:
        return look()
    except FAILURES:
        return None


def _told(error: Exception, action: str, check: str) -> Exception:
    if not (isinstance(error, Transient) and error.maybe_done):
        return error
    said = f"{error}. {action.replace('.', ' ')} may have been carried out: check `{check}`"
    return Transient(said, maybe_done=True)


def _has(facts: Facts, product: ProductId) -> bool:
    return any(s.product == product and s.held is not Held.NO for s in facts.standings)


def _adoptable(connection: Connection, product: ProductId) -> list[PersonId]:
    """Who has it by hand, and is entitled to it by a group."""
    query = select(rows.c.person_pk).where(
        rows.c.product == product, rows.c.origin == "manual", rows.c.held == "yes", rows.c.reasons != "[]"
    )
    return [PersonId(pk) for pk in connection.scalars(query)]


def _key() -> str:
    return uuid.uuid4().hex


def _batches(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), BATCH):
        yield values[start : start + BATCH]

"""What does a person do by hand with licenses? Asked of AnySoft, audited, told to the ledger (R08).

The role is checked by the caller (L1); AnySoft itself keeps L3, L7, L8 and L12.
"""

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection, Engine, select, update

from connector import wiring
from connector.store import audit, marks, observed, purchases, signals, standings
from connector.store.engine import reading, writing
from connector.store.explain import find_people
from connector.store.intents import clear, follow
from connector.store.mirror import read_facts
from connector.store.tables import persons
from connector.store.tables import standings as rows
from sync.model import (
    AccountId,
    Assigned,
    Destination,
    Facts,
    Held,
    Origin,
    PersonId,
    ProductId,
    ProductType,
    RunId,
    Status,
    Subscription,
)
from sync.ports import Licensing, Missing, Rejected, Transient, Unauthorized
from sync.settle import freed

BATCH = 200
T = TypeVar("T")
#: what a list of AnySoft shows is tied to a run; what a person does is tied to none
_NO_RUN = RunId(0)


class Refused(Exception):
    """It isn't done; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Told:
    """What came of one user."""

    user: str
    status: str  #: AnySoft's


@dataclass(frozen=True, slots=True)
class Desk:
    """Where one person acts, at one moment."""

    engine: Engine
    anysoft: Licensing
    by: str  #: as the audit log has it
    clock: Callable[[], datetime] = wiring.clock

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
        accounts = [(user, person, self._account(user)) for user, person in people]
        told = []
        for batch in _batches(accounts):
            with self.audited("license.assign", product, {"users": len(batch)}) as outcome:
                results = self.anysoft.assign(subscription.id, [a for _, _, a in batch], _key())
                for (user, person, account), result in zip(batch, results, strict=True):
                    told.append(Told(user, result.status.value))
                    outcome[result.status.value] = outcome.get(result.status.value, 0) + 1
                    if result.status in (Status.ASSIGNED, Status.ALREADY_ASSIGNED) and person is not None:
                        self._found(person, ProductId(product), account, user)
        return told

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
        accounts: list[tuple[str, PersonId | None, AccountId]] = []
        for user in users:
            person = self._person(user)
            if person is not None:
                self._refuse_entitled(user, person, ProductId(product))
            account = self.anysoft.find_account(user)
            if account is None:
                raise Refused(f"AnySoft has no user {user}: check the name")
            accounts.append((user, person.person.id if person else None, account.id))
        asked = {account for _, _, account in accounts}
        have = {a.account for a in self.anysoft.assignments(subscription.id, asked)}
        confirm([user for user, _, account in accounts if account in have])
        told = []
        for batch in _batches(accounts):
            with self.audited("license.unassign", product, {"users": len(batch)}) as outcome:
                results = self.anysoft.unassign(subscription.id, [a for _, _, a in batch], _key())
                for (user, id, _), result in zip(batch, results, strict=True):
                    told.append(Told(user, result.status.value))
                    outcome[result.status.value] = outcome.get(result.status.value, 0) + 1
                    if result.status in (Status.UNASSIGNED, Status.NOT_ASSIGNED) and id is not None:
                        self._gone(id, ProductId(product))
        return told

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
            detail: dict[str, object] = {"product": product, "users": len(people)}
            audit.append(connection, self.by, "license.adopt", product, detail, self.clock())
        return [Told(names[s.person], "adopted") for s in found]

    @contextmanager
    def audited(self, action: str, product: str, detail: dict[str, object]) -> Iterator[dict[str, int]]:
        """An entry before, and one with the outcome, also when it failed (R30, L1)."""
        self._note(action, product, detail)
        outcome: dict[str, int] = {}
        try:
            yield outcome
        except (Transient, Rejected, Missing, Unauthorized) as error:
            code = error.code if isinstance(error, Rejected) else type(error).__name__.lower()
            self._note(f"{action}.failed", product, {"code": code})
            raise
        self._note(f"{action}.done", product, dict(outcome))

    def _note(self, action: str, product: str, detail: dict[str, object]) -> None:
        with writing(self.engine) as connection:
            audit.append(connection, self.by, action, product, {"product": product, **detail}, self.clock())

    def add_destination(self, name: str) -> Destination:
        """Raises Rejected; one for which none is left leads to a prompt in the next round (R17)."""
        try:
            with self.audited("destination.add", "anyscan", {}):
                return self.anysoft.add_destination(name, _key())
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
            return account.id
        if person is None:
            raise Refused(f"neither AnySoft nor a directory knows {user}: check the name")
        with self.audited("account.create", "", {}):
            p = person.person
            made = self.anysoft.create_account(p.user_name, p.display_name, p.email, p.external_id, _key())
        with writing(self.engine) as connection:
            values = {"account_id": made.id, "account_made": True}
            connection.execute(update(persons).where(persons.c.pk == p.id).values(values))
        return made.id

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

    def _found(self, facts: Facts, product: ProductId, account: AccountId, user: str) -> None:
        now = self.clock()
        seen = [Assigned(account, facts.person.user_name, now)]
        bases = wiring.bases(self.anysoft)
        with writing(self.engine) as connection:
            observed.observe(connection, _NO_RUN, product, seen, bases, now)

    def _gone(self, person: PersonId, product: ProductId) -> None:
        now, bases = self.clock(), wiring.bases(self.anysoft)
        with writing(self.engine) as connection:
            new = [freed(s) for s in standings.read(connection, [person], product)]
            standings.write(connection, new)
            marks.mark(connection, [person], now)
            follow(connection, new, bases, now)
            clear(connection, [person], product, "assign", now)


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

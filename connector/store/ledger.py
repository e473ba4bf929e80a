"""What did we decide, ask for and get? sync.ports.Ledger; each method is one transaction, under the fence."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, Engine, case, literal, or_, select, update

from connector.store import (
    failing,
    first_run,
    guard_view,
    holds,
    intents,
    observed,
    plans,
    purchases,
    queue,
    requests,
    runs,
    tallies,
)
from connector.store.engine import reading, writing
from connector.store.intents import Bases
from connector.store.mirror import read_facts
from connector.store.tables import persons, standings
from sync.automatic import PurchaseView
from sync.model import (
    AccountId,
    Assigned,
    Facts,
    GroupId,
    IntentId,
    PersonId,
    ProductId,
    Request,
    RunId,
    Waiter,
)
from sync.plan import Action, Done, Failing, HeldRemoval, Plan
from sync.ports import GuardView, Holding, Intent, Mark, Outcome, Transient
from sync.reconcile import Scope


@dataclass(frozen=True, slots=True)
class SqlLedger:
    """`fence` is called in each writing transaction and raises Fenced (`Lease.check_in`, `no_fence`)."""

    engine: Engine
    fence: Callable[[Connection], None]
    bases: Bases  #: of the catalog: an add-on in the queue is ready when its bases are surely held
    actor: str = "sync"  #: in the audit log

    def begin(self, cause: str, scope: str, now: datetime) -> RunId:
        with self._writing() as connection:
            run, broken = runs.begin(connection, cause, scope, now)
            if scope == Scope.EVERYONE:
                tallies.recount(connection)
            intents.abandon(connection, broken, now)
            return run

    def due(self, now: datetime, limit: int) -> Sequence[PersonId]:
        query = select(standings.c.person_pk).where(standings.c.look_at <= now)
        query = query.order_by(standings.c.look_at, standings.c.person_pk)
        in_order = query.execution_options(yield_per=1000)
        found: dict[PersonId, None] = {}
        with reading(self.engine) as connection, connection.execute(in_order) as rows:
            for row in rows:
                found[PersonId(row.person_pk)] = None
                if len(found) == limit:
                    break
        return list(found)

    def doubtful(self) -> dict[ProductId, int]:
        with reading(self.engine) as connection:
            return queue.doubtful(connection)

    def surely_held(self) -> dict[ProductId, int]:
        with reading(self.engine) as connection:
            return queue.surely_held(connection)

    def doubted_by_hand(self) -> Sequence[ProductId]:
        with reading(self.engine) as connection:
            return intents.doubted_by_hand(connection)

    def failing(self) -> Sequence[Failing]:
        with reading(self.engine) as connection:
            return failing.failing(connection)

    def queue(self, product: ProductId, limit: int, *, ready: bool = True) -> Sequence[Waiter]:
        with reading(self.engine) as connection:
            return queue.read_queue(connection, product, limit, ready=ready)

    def waiting(self) -> dict[ProductId, int]:
        with reading(self.engine) as connection:
            return queue.waiting(connection)

    def guard_view(
        self,
        products: Collection[ProductId],
        groups: Collection[GroupId],
        since: datetime,
        enough: Callable[[int], int],
    ) -> GuardView:
        with reading(self.engine) as connection:
            found = guard_view.guard_view(connection, products, groups, since, enough, self.bases)
            return replace(found, first_run=first_run.observing(connection))

    def store(self, run: RunId, plan: Plan, marks: Sequence[Mark], now: datetime) -> None:
        with self._writing() as connection:
            plans.store(connection, run, plan, marks, self.actor, now)
            holds.release_approved(connection, now)

    def append(self, run: RunId, actions: Sequence[Action]) -> None:
        with self._writing() as connection:
            plans.append(connection, run, actions)

    def intend(self, intent: Intent, now: datetime) -> IntentId:
        with self._writing() as connection:
            return intents.intend(connection, intent, self.bases, self.actor, now)

    def settle(
        self, run: RunId, intent: IntentId, outcomes: Sequence[Outcome], verdict: str, now: datetime
    ) -> None:
        with self._writing() as connection:
            intents.settle(connection, run, intent, outcomes, verdict, self.bases, self.actor, now)

    def observe(self, run: RunId, product: ProductId, seen: Sequence[Assigned], now: datetime) -> int:
        with self._writing() as connection:
            return observed.observe(connection, run, product, seen, self.bases, now)

    def holding(self, product: ProductId) -> Holding:
        with reading(self.engine) as connection:
            return observed.holding(connection, product)

    def unseen(self, run: RunId, product: ProductId, left: Holding, before: datetime, now: datetime) -> int:
        with self._writing() as connection:
            return observed.unseen(connection, run, product, left, before, self.bases, now)

    def person(self, id: PersonId) -> Facts:
        """With all their memberships. Raises LookupError."""
        with reading(self.engine) as connection:
            found = read_facts(connection, [id], None)
        if not found:
            raise LookupError(f"no person {id}")
        return found[0]

    def learned_account(self, person: PersonId, account: AccountId, *, made: bool) -> None:
        """What we made stays ours, however often it is found afterwards (R05)."""
        known = persons.c.account_id == account
        ours = case((known, or_(persons.c.account_made, literal(made))), else_=literal(made))
        values = {"account_id": account, "account_made": ours}
        with self._writing() as connection:
            connection.execute(update(persons).where(persons.c.pk == person).values(values))

    def set_account_active(self, person: PersonId, active: bool) -> None:
        with self._writing() as connection:
            values = {"account_disabled": not active}
            connection.execute(update(persons).where(persons.c.pk == person).values(values))

    def forget_account(self, person: PersonId) -> None:
        values = {"account_id": None, "account_made": False, "account_disabled": False}
        with self._writing() as connection:
            connection.execute(update(persons).where(persons.c.pk == person).values(values))

    def held(self, limit: int) -> tuple[int, Sequence[HeldRemoval]]:
        with reading(self.engine) as connection:
            return holds.held(connection, limit)

    def requests(self) -> Sequence[Request]:
        with reading(self.engine) as connection:
            return requests.living(connection)

    def last_request(self, product: ProductId) -> Request | None:
        with reading(self.engine) as connection:
            return requests.last_ended(connection, product)

    def purchase_view(
        self, product: ProductId, groups: Collection[GroupId], since: datetime, now: datetime
    ) -> PurchaseView:
        month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        with reading(self.engine) as connection:
            return purchases.view(connection, product, groups, month, since, now)

    def destination_refused(self) -> bool:
        with reading(self.engine) as connection:
            return purchases.destination_refused(connection)

    def destination_free(self) -> None:
        with self._writing() as connection:
            purchases.forget_refusal(connection)

    def store_request(self, run: RunId, before: Request | None, after: Request, now: datetime) -> Request:
        """Raises Transient if a person decided on it meanwhile: the next round goes by that."""
        with self._writing() as connection:
            try:
                return requests.store(connection, before, after, self.actor, now)
            except requests.Changed as error:
                raise Transient(str(error)) from error

    def outcomes(self, run: RunId) -> Sequence[Done]:
        with reading(self.engine) as connection:
            return list(runs.actions_of(connection, run))

    def finish(self, run: RunId, report: dict[str, object], outcome: str, now: datetime) -> None:
        with self._writing() as connection:
            runs.finish(connection, run, report, outcome, now)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with writing(self.engine) as connection:
            self.fence(connection)
            yield connection

"""What does the sync need from outside? Ports, and the ways in which they fail.

Licensing is AnySoft; Mirror is what the directories wrote; Ledger is what we decided, asked for and got.
Ledger's and Mirror's writing methods check the fence of the lease inside their transaction and raise Fenced.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from sync.automatic import PurchaseView
from sync.model import (
    Account,
    AccountId,
    Address,
    Assigned,
    Billing,
    Destination,
    Facts,
    GroupId,
    HoldId,
    IntentId,
    Loss,
    Mapping,
    PersonId,
    Product,
    ProductId,
    Request,
    RequestId,
    Result,
    RunId,
    Standing,
    Subscription,
    SubscriptionId,
    Tenant,
    Waiter,
)
from sync.plan import Action, Applicable, Done, Failing, HeldRemoval, Plan
from sync.pulled import Cursor, Finding, Page, People, PulledGroup

# ---- AnySoft ----


class Transient(Exception):
    """Try later. `maybe_done`: the call may have been carried out (time-out, 5xx, cut connection)."""

    def __init__(self, message: str, *, maybe_done: bool = False, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.maybe_done = maybe_done
        self.retry_after = retry_after  #: seconds (429)


class Busy(Transient):
    """AnySoft is to be left alone for a while: it asked for it (429), or its breaker is open. Nothing was
    done, and nobody's standing fails for it (R29). `outage`: it is the breaker."""

    def __init__(self, message: str, *, retry_after: float | None = None, outage: bool = False) -> None:
        super().__init__(message, retry_after=retry_after)
        self.outage = outage


class Rejected(Exception):
    """AnySoft understood and refuses; nothing was changed. `code` as in the contract, e.g. below_assigned."""

    def __init__(self, code: str, message: str, fields: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.fields = tuple(fields)  #: (field, what is wrong)


class Missing(Exception):
    """What the call names isn't there (404)."""


class Unauthorized(Exception):
    """The connector's own account may not do this: no role (L1), or its credentials are refused."""


class Licensing(Protocol):
    """AnySoft's license section. Every call may raise Transient, Unauthorized; writes also Rejected, Missing.

    `key` is the idempotency key: the same key with the same arguments does nothing twice.
    """

    def tenant(self) -> Tenant: ...
    def products(self) -> Sequence[Product]: ...
    def subscriptions(self) -> Sequence[Subscription]: ...
    def subscription(self, id: SubscriptionId) -> Subscription: ...

    def add_product(
        self, product: ProductId, quantity: int, billing: Billing, address: Address, key: str
    ) -> Subscription: ...

    def change_quantity(self, id: SubscriptionId, quantity: int, key: str) -> Subscription:
        """Ask for an absolute quantity; it takes effect later (`pending`)."""

    def manage(
        self, id: SubscriptionId, key: str, billing: Billing | None = None, address: Address | None = None,
        settings: dict[str, str] | None = None,
    ) -> Subscription: ...  # fmt: skip

    def assignments(self, id: SubscriptionId, accounts: Collection[AccountId] = ()) -> Iterator[Assigned]:
        """Who has it; `accounts` (up to 200) may narrow it, and may be ignored."""

    def assigned(self, id: SubscriptionId) -> Iterator[AccountId]:
        """The accounts of all of them, and no more of each: for millions."""

    def assign(self, id: SubscriptionId, accounts: Sequence[AccountId], key: str) -> Sequence[Result]:
        """Up to 200; one result each, in the order asked."""

    def unassign(self, id: SubscriptionId, accounts: Sequence[AccountId], key: str) -> Sequence[Result]: ...

    def find_account(self, user_name: str) -> Account | None:
        """Exact, case-insensitive."""

    def accounts(self) -> Iterator[Account]: ...

    def create_account(
        self, user_name: str, display_name: str, email: str, external_id: str, key: str
    ) -> Account:
        """Rejected with code user_exists if there is one."""

    def set_active(self, id: AccountId, active: bool, key: str) -> Account: ...
    def destinations(self) -> Sequence[Destination]: ...
    def add_destination(self, name: str, key: str) -> Destination: ...
    def remove_destination(self, id: str) -> None: ...


# ---- what the directories wrote ----


class Fenced(Exception):
    """The lease went to another worker: stop at once, write nothing more."""


@dataclass(frozen=True, slots=True)
class Mark:
    person: PersonId
    generation: int


class Mirror(Protocol):
    def mappings(self) -> Sequence[Mapping]: ...

    def nestings(self, roots: Collection[GroupId]) -> Sequence[tuple[GroupId, GroupId]]:
        """(parent, child) edges reachable from the roots, at any depth."""

    def expand_marks(self, limit: int) -> bool:
        """Turn up to `limit` people of marked groups into marked people; True while there is more."""

    def marked(self, limit: int) -> Sequence[Mark]:
        """People who changed, oldest mark first."""

    def unsettled(
        self,
        after: PersonId,
        applicable: Applicable,
        alone: Collection[ProductId],
        protected: Collection[str],
    ) -> tuple[Sequence[PersonId], PersonId | None]:
        """Of the next people, those with standings and no record left included: those of whom `decide` may
        have something to say, in id order; of the others it surely hasn't. And up to where was looked; None:
        there is nobody beyond. `alone`: products that are subscribed and need no other one; `protected`:
        folded user names."""

    def facts(self, people: Sequence[PersonId], groups: Collection[GroupId]) -> Sequence[Facts]:
        """Records, memberships in `groups`, and standings, of each of the people, in one read each."""


# ---- directories that are read ----


class DirectorySource(Protocol):
    """A directory's API. Every call may raise Transient (with `retry_after`), Unauthorized, Incomplete.

    A source does its own short waiting (a throttled call is repeated within a minute); what takes longer is
    Transient. It logs request ids, never a token, a secret, a link's query or a body.
    """

    def find_groups(self, names: Sequence[str]) -> Sequence[PulledGroup]:
        """Those of exactly one of these ids or names; several groups of one name are all given."""

    def read(self, cursor: Cursor, groups: Collection[str]) -> Page:
        """The next page. `groups`: ids to be read; groups nested in them are read too, at any depth, each
        once (R07). Raises Expired."""

    def people(self, ids: Sequence[str]) -> People:
        """These users by id, any number; used for members whom no page described, and for known users whom
        a full read didn't name."""

    def check(self, groups: Collection[str]) -> Sequence[Finding]:
        """Sign-in, each permission that is needed, each one that is too much, each of the groups."""


# ---- what we decided, asked for, and got ----


class Settled(StrEnum):
    """How a call ended, for one person of it."""

    HELD = "held"  #: surely has it now
    FREE = "free"  #: surely has it not
    DOUBT = "doubt"  #: unknown: may have it


@dataclass(frozen=True, slots=True)
class Outcome:
    person: PersonId
    settled: Settled
    code: str  #: AnySoft's status, or an error's code
    standing: Standing  #: as it is to be stored after it


@dataclass(frozen=True, slots=True)
class FirstRun:
    """Whose removals are only observed (R26)."""

    everyone: bool = False  #: after a restore
    directories: frozenset[str] = frozenset()  #: that are read for the first time
    hold: HoldId | None = None  #: the open one


@dataclass(frozen=True, slots=True)
class GuardView:
    """What the guards count: losses since the window's begin that no person excused, and who holds now."""

    losses: tuple[Loss, ...]
    holders: dict[tuple[ProductId, GroupId | None], int]  #: managed, held and not lost; None: the product's
    open_holds: dict[tuple[ProductId, GroupId | None], HoldId]
    first_run: FirstRun = FirstRun()


@dataclass(frozen=True, slots=True)
class Holding:
    """Who has a product, surely or in doubt, before AnySoft's list is laid over it."""

    accounts: set[AccountId]  #: each of one person, who surely has it; the list takes out whom it names
    others: Sequence[PersonId]  #: in doubt, without an account, or several of one account


class Ledger(Protocol):
    def begin(self, cause: str, scope: str, now: datetime) -> RunId:
        """Write the run down; runs that never finished are broken, their open intents unknown."""

    def due(self, now: datetime, limit: int) -> Sequence[PersonId]:
        """People with a standing whose `look_at` has come."""

    def doubtful(self) -> dict[ProductId, int]:
        """F: how many may hold each product without being sure (R12)."""

    def surely_held(self) -> dict[ProductId, int]:
        """How many surely hold each product, however they came by it."""

    def doubted_by_hand(self) -> Sequence[ProductId]:
        """A command gave or took them, and its answer is still out or was lost."""

    def failing(self) -> Sequence[Failing]:
        """Who fails now, whichever round tried last."""

    def queue(self, product: ProductId, limit: int, *, ready: bool = True) -> Sequence[Waiter]:
        """The head of the queue in the order of R14; ready: only those whose base is surely held."""

    def waiting(self) -> dict[ProductId, int]:
        """How many wait for each product."""

    def guard_view(
        self,
        products: Collection[ProductId],
        groups: Collection[GroupId],
        since: datetime,
        enough: Callable[[int], int],
    ) -> GuardView:
        """For these products; holders for each of them with each of the groups, and as a whole. They are
        counted no further than `enough` of so many losses as the view has."""

    def store(self, run: RunId, plan: Plan, marks: Sequence[Mark], now: datetime) -> None:
        """The plan, in one transaction: standings, losses, holds (new ones get ids, those that
        nobody is in any more are healed), actions. The marks that it answers are taken off where they
        did not grow meanwhile."""

    def append(self, run: RunId, actions: Sequence[Action]) -> None:
        """Actions that came up while the plan was carried out (a seat that became free)."""

    def intend(self, intent: "Intent", now: datetime) -> IntentId:
        """Commit the intent before its call: its people's standings become `maybe`."""

    def settle(
        self, run: RunId, intent: IntentId, outcomes: Sequence[Outcome], verdict: str, now: datetime
    ) -> None:
        """What came back, or didn't; older doubts about the same people and product are settled with it."""

    def holding(self, product: ProductId) -> Holding:
        """Who has it, as far as we know."""

    def observe(self, run: RunId, product: ProductId, seen: Sequence[Assigned], now: datetime) -> int:
        """AnySoft lists these as assigned. Whoever we didn't know of is manual (R08), a doubt is settled
        as held; those standings carry the run's number as `seen`. Gives how many standings changed."""

    def unseen(self, run: RunId, product: ProductId, left: Holding, before: datetime, now: datetime) -> int:
        """After a complete list, `left`: less whom it named by account. Standings of theirs that are held
        since before `before` are free (unassigned in AnySoft's portal) and their people marked, but for those
        whom `observe` has seen. Gives how many."""

    def person(self, id: PersonId) -> Facts: ...

    def learned_account(self, person: PersonId, account: AccountId, *, made: bool) -> None: ...

    def set_account_active(self, person: PersonId, active: bool) -> None:
        """It was set so by us (R05)."""

    def forget_account(self, person: PersonId) -> None:
        """AnySoft does not know it any more (R05): it is looked up, or made, before the next call."""

    def held(self, limit: int) -> tuple[int, Sequence[HeldRemoval]]:
        """How many removals wait for a person now, and the first of them."""

    def requests(self) -> Sequence[Request]:
        """The living request of each product."""

    def last_request(self, product: ProductId) -> Request | None:
        """The one that ended last."""

    def purchase_view(
        self, product: ProductId, groups: Collection[GroupId], since: datetime, now: datetime
    ) -> PurchaseView:
        """What an automatic purchase depends on (R21); `groups` give the product, new members are from
        `since` on (R25)."""

    def destination_refused(self) -> bool:
        """A Destination was wanted and there was none left, since one was last free (R17)."""

    def destination_free(self) -> None:
        """One is free again: what was refused before counts no more."""

    def store_request(self, run: RunId, before: Request | None, after: Request, now: datetime) -> Request: ...

    def outcomes(self, run: RunId) -> Sequence[Done]:
        """The run's actions with what came of each, in the order of the plan."""

    def finish(self, run: RunId, report: dict[str, object], outcome: str, now: datetime) -> None: ...


@dataclass(frozen=True, slots=True)
class Intent:
    run: RunId | None  #: None: a command's
    kind: str  #: assign, unassign, account_create, account_update, quantity; adopt of a command
    product: ProductId
    subscription: SubscriptionId
    key: str  #: idempotency key
    body: str  #: the exact JSON
    people: tuple[tuple[PersonId, AccountId], ...] = ()
    request: RequestId | None = None


class Fence(Protocol):
    def check(self) -> None:
        """Right before each send: raises Fenced if the lease is another's, or over."""


@dataclass(frozen=True, slots=True)
class Ports:
    """All that a round needs, in one hand."""

    licensing: Licensing
    mirror: Mirror
    ledger: Ledger
    fence: Fence
    clock: Callable[[], datetime]  #: aware UTC
    new_key: Callable[[], str]  #: an idempotency key that was never used
    pause: Callable[[float], None]  #: seconds between repeats of a call
    progress: Callable[[str, int, int], None] = lambda what, done, of: None  #: of = 0: not known
    stopping: Callable[[], bool] = lambda: False
    at: Callable[[str], None] = lambda point: None  #: named points, where the tests kill the worker

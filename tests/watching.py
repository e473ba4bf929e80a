"""What must be so in a simulated company, after each round, at each sampled moment and at the end?"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from sqlalchemy import Connection, func, select

from connector.store import audit, queue, requests
from connector.store.engine import reading
from connector.store.rows import chunks
from connector.store.tables import holds, persons, runs, tenant_charges
from sync.explain import ProductState, explain
from sync.model import Facts, Held, PersonId, ProductId, Request, RequestState, Standing, State
from sync.plan import Catalog
from tests.bounds import bounds
from tests.company import CENTRE, PRINT, Company
from tests.standins.mailbox import Mailbox

PRODUCTS = (PRINT, CENTRE)
#: user name -> what is true of them
Truth = Callable[[str], set[ProductId]]


@dataclass(slots=True)
class Watch:
    company: Company
    box: Mailbox
    counts: Counter[str] = field(default_factory=Counter)
    short: set[ProductId] = field(default_factory=set)  #: those that somebody waited for, at the last look
    wrong: list[str] = field(default_factory=list)

    def expect(self, fine: bool, otherwise: str) -> None:
        self.counts["checks"] += 1
        if not fine:
            self.wrong.append(f"{self.company.now:%Y-%m-%d %H:%M}: {otherwise}")

    # ---- after each round ----

    def bounds(self) -> None:
        for fine, otherwise in bounds(self.company):
            self.expect(fine, otherwise)

    def asked(self) -> None:
        """Each shortage is asked for (R18): a request that lives, a change under way, or a decline."""
        ledger = self.company.ports().ledger
        waiting = ledger.waiting()
        self.short &= waiting.keys()
        for product, count in waiting.items():
            if product not in self.short:
                self.short.add(product)
                self.counts["shortages"] += 1
            sold = self.company.sold(product)
            last = ledger.last_request(product)
            ended = (RequestState.DECLINED, RequestState.EXPIRED)
            quiet = last is not None and last.state in ended and count <= last.waiting
            alive = self.company.request(product) is not None
            free = sold.quantity - sold.assigned - ledger.doubtful().get(product, 0) >= count
            fine = alive or quiet or free or sold.pending is not None
            self.expect(fine, f"{count} wait for {product}, unasked")

    # ---- at sampled moments (R16) ----

    def explained(self, names: Iterable[str], truth: Truth) -> None:
        """Each of them is told one state a product, with its reason, and it is what is so."""
        self.counts["samples"] += 1
        ports = self.company.ports()
        has = {product: self.company.holders(product) for product in PRODUCTS}
        catalog = Catalog(tuple(self.company.tenant.products()), frozenset(PRODUCTS))
        for chunk in chunks(sorted(names)):
            for facts in ports.mirror.facts(self._people(chunk), ()):
                self._explained(facts, truth(facts.person.user_name), has, catalog)

    def _people(self, names: Sequence[str]) -> list[PersonId]:
        with reading(self.company.engine) as connection:
            found = connection.scalars(select(persons.c.pk).where(persons.c.folded.in_(names)))
            return [PersonId(pk) for pk in found]

    def _explained(
        self, facts: Facts, entitled: set[ProductId], has: dict[ProductId, set[str]], catalog: Catalog
    ) -> None:
        name = facts.person.user_name
        stands = {s.product: s for s in facts.standings}
        places = {s.product: self._place(s) for s in facts.standings if s.state is State.WAITING}
        told = {t.product: t for t in explain(facts.person, facts.standings, places, catalog)}
        for product in PRODUCTS:
            self.counts["people explained"] += 1
            standing = stands.get(product, Standing(facts.person.id, product))
            self._one(name, entitled, standing, told.get(product), name in has[product])

    def _place(self, s: Standing) -> tuple[int, int]:
        with reading(self.company.engine) as connection:
            place = queue.position(connection, s.product, s.person)
        assert place is not None, "whoever waits has a place"
        return place.position, place.of

    def _one(
        self, name: str, entitled: set[ProductId], s: Standing, told: ProductState | None, has: bool
    ) -> None:
        state = s.state
        said = f"{name}: {s.product} is {told and (told.state, told.reason)}, has it: {has}"
        wants = s.product in entitled
        self.counts[f"explained as {state}"] += 1
        self.expect(told is None or bool(told.reason), f"without a reason: {said}")
        if state is State.WAITING:
            self.expect(told is not None and told.position is not None, f"waits without a place: {said}")
        if s.held is not Held.MAYBE:
            self.expect(has == (s.held is Held.YES), f"the ledger is wrong: {said}")
        if wants and not has:
            blocked = s.blocked == "MISSING_BASE" and PRINT not in entitled
            fine = state in (State.WAITING, State.FAILED) or s.held is Held.MAYBE or blocked
            self.expect(fine, f"entitled, unserved, unexplained: {said}")
        if not wants and has:
            fine = state in (State.REMOVING, State.HELD, State.FAILED) or s.kept
            self.expect(fine, f"not entitled, and not leaving: {said}")

    # ---- at the end ----

    def end(self, names: Iterable[str], truth: Truth) -> None:
        """Who should have it, has it; each request was alone, and told once."""
        everybody = {name: truth(name) for name in names}
        for product in PRODUCTS:
            line = set(self.company.line(product))
            based = {n for n, entitled in everybody.items() if product in entitled and PRINT in entitled}
            self.expect(
                self.company.holders(product) == based - line,
                f"{product}: not who should have it in the end",
            )
        with reading(self.company.engine) as connection:
            asked = [requests.of_row(row) for row in connection.execute(requests.rows())]
            self._count(connection)
            whole = audit.verify(connection)
        self.expect(isinstance(whole, int), f"the audit log doesn't hold: {whole}")
        self.counts["audit entries"] = whole if isinstance(whole, int) else 0
        for product in PRODUCTS:
            self._alone(sorted((r for r in asked if r.product == product), key=lambda r: r.opened_at))
        self._told(asked)

    def _alone(self, asked: list[Request]) -> None:
        """No shortage is asked for twice: a product's next request opens when the one before has ended."""
        for before, after in pairwise(asked):
            fine = before.ended_at is not None and before.ended_at <= after.opened_at
            self.expect(fine, f"request {after.id} beside {before.id}, of {after.product}")

    def _told(self, asked: list[Request]) -> None:
        """Operators got one message for each; those after it are answers to it (one thread a matter)."""
        first = Counter(str(m["Subject"]) for m in self.box.mails if not m["In-Reply-To"])
        self.counts["mails"] = len(self.box.mails)
        for r in asked:
            begins = [n for subject, n in first.items() if f"(request {r.id})" in subject]
            what = "requests to lower" if r.lowers else "requests for more"
            self.counts[what] += 1
            self.counts[f"{what}: {r.state}"] += 1
            self.counts["prompts mailed"] += sum(begins)
            gone = r.state is RequestState.WITHDRAWN  # before anybody was told
            self.expect(begins == [1] or (gone and not begins), f"request {r.id} was told {begins} times")

    def _count(self, connection: Connection) -> None:
        self.counts["runs"] = connection.scalar(select(func.count()).select_from(runs)) or 0
        kinds = select(tenant_charges.c.kind, func.count()).group_by(tenant_charges.c.kind)
        self.counts.update({f"charges: {kind}": n for kind, n in connection.execute(kinds)})
        ends = select(holds.c.state, func.count()).group_by(holds.c.state)
        self.counts.update({f"holds: {state}": n for state, n in connection.execute(ends)})

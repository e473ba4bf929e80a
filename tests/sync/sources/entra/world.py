"""What does a test of whole pulls hold in its hands? A company whose Entra tenant is read, on one clock."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from connector.store import pulls
from connector.store.engine import reading
from connector.store.leases import no_fence
from connector.store.staging import SqlStaging
from connector.store.tables import groups, memberships, users
from sync.model import ProductId
from sync.pull import Pull, Pulled, pull
from sync.sources.graph import Graph
from sync.sources.graph_api import Api
from sync.sources.graph_auth import ClientSecret, Credential, SignIn
from sync.sources.http import Caller
from tests.company import Company
from tests.standins.graph import CLIENT, TENANT, Entra

EVERY = timedelta(minutes=5)
FULL_EVERY = timedelta(hours=24)


@dataclass(slots=True)
class EntraCompany:
    company: Company
    entra: Entra
    bundle: Path
    read: set[str] = field(default_factory=set)  #: ids of the groups that the settings name
    pauses: list[float] = field(default_factory=list)  #: what the reader would have waited
    timeout: float = 5.0
    credential: Credential | None = None
    _source: Graph | None = None

    def go(self, **lapse: float) -> None:
        self.company.go(**lapse)

    def source(self) -> Graph:
        """One process's source: the token is kept between pulls."""
        if self._source is None:
            url, verify = self.entra.url, str(self.bundle)
            credential = self.credential or ClientSecret(self.entra.secret)
            sign_in = SignIn(credential, TENANT, CLIENT, url, url, verify, self.timeout)
            caller = Caller(url, "Microsoft Graph", verify, self.timeout)
            self._source = Graph(Api(caller, sign_in, self.company.clock, self.pauses.append))
        return self._source

    def restart(self) -> None:
        """The process ends, and another begins: nothing is in memory."""
        if self._source is not None:
            self._source.api.caller.close()
        self._source = None

    def pull(self, *, full: bool = False, at: Callable[[str], None] = lambda point: None) -> Pulled:
        staging = SqlStaging(self.company.engine, self.pk, no_fence, self.read)
        return pull(Pull(self.source(), staging, self.company.clock, EVERY, FULL_EVERY, at=at), full=full)

    @property
    def pk(self) -> int:
        return pulls.declared(self.company.engine, "entra", "entra", self.company.now)

    def seen(self) -> pulls.Pulling:
        """As `directory list` shows it."""
        with reading(self.company.engine) as connection:
            return pulls.all_of(connection)["entra"]

    def team(self, name: str, people: Iterable[str] = (), product: ProductId | None = None) -> str:
        """A group of these people, hired if need be; read, and mapped to the product."""
        here = {one.upn.partition("@")[0]: one.id for one in self.entra.tenant.people.values()}
        members = [here.get(name) or self.entra.tenant.hire(name)[0] for name in people]
        group = self.entra.tenant.team(name, members)
        self.read.add(group)
        if product is not None:
            assert self.pull().whole
            self.company.map(name, product)
        return group

    def id(self, name: str) -> str:
        return next(p.id for p in self.entra.tenant.people.values() if p.upn.startswith(f"{name}@"))

    def members(self, group: str) -> set[str]:
        """Who is in it, as the mirror has it: the part before the @."""
        query = (
            select(users.c.user_name)
            .join(memberships, memberships.c.user_pk == users.c.pk)
            .join(groups, groups.c.pk == memberships.c.group_pk)
            .where(groups.c.pulled_id == group)
        )
        with reading(self.company.engine) as connection:
            return {name.partition("@")[0] for name in connection.scalars(query)}

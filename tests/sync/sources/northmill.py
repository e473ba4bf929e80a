"""What does a test of whole pulls hold in its hands? A company whose Okta org is read, on one clock."""

from collections.abc import Iterable
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
from tests.company import Company
from tests.standins.okta import Okta
from tests.sync.sources.okta_world import Reader

EVERY = timedelta(minutes=5)
FULL_EVERY = timedelta(hours=24)


@dataclass(slots=True)
class Northmill:
    company: Company
    okta: Okta
    bundle: Path
    reader: Reader = field(init=False)
    read: set[str] = field(default_factory=set)  #: ids of the groups that the settings name

    def __post_init__(self) -> None:
        self.okta.org.now = self.company.now
        self.reader = Reader(self.okta, self.bundle)

    def go(self, **lapse: float) -> None:
        """Time passes for all; what the reader waited meanwhile is made up for."""
        self.company.now = max(self.company.now, self.okta.org.now) + timedelta(**lapse)
        self.okta.org.now = self.company.now

    def pull(self, *, full: bool = False) -> Pulled:
        staging = SqlStaging(self.company.engine, self.pk, no_fence, self.read)
        source = self.reader.source()
        return pull(Pull(source, staging, lambda: self.okta.org.now, EVERY, FULL_EVERY), full=full)

    @property
    def pk(self) -> int:
        return pulls.declared(self.company.engine, "okta", "okta", self.company.now)

    def seen(self) -> pulls.Pulling:
        """As `directory list` shows it."""
        with reading(self.company.engine) as connection:
            return pulls.all_of(connection)["okta"]

    def team(self, name: str, logins: Iterable[str], product: ProductId | None = None) -> str:
        """A group of people of these logins, hired if need be; read, and mapped to the product."""
        here = {account.login: account.id for account in self.okta.org.accounts.values()}
        members = [here.get(login) or self.okta.org.hire(login)[0] for login in logins]
        group = self.okta.org.group(name, members)
        self.read.add(group)
        if product is not None:
            assert self.pull().whole
            self.company.map(name, product, "okta")
        return group

    def members(self, group: str) -> set[str]:
        """Who is in it, as the mirror has it."""
        query = (
            select(users.c.user_name)
            .join(memberships, memberships.c.user_pk == users.c.pk)
            .join(groups, groups.c.pk == memberships.c.group_pk)
            .where(groups.c.pulled_id == group)
        )
        with reading(self.company.engine) as connection:
            return set(connection.scalars(query))

"""What does an Okta org hold, and how does it change? The state behind the stand-in.

What Okta documents is kept: suspending somebody keeps their groups and doesn't touch lastMembershipUpdated,
deactivating takes them out of their groups, a deleted group vanishes.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

BEGIN = datetime(2027, 3, 1, 8, 0, tzinfo=UTC)


@cache
def text_of(moment: datetime) -> str:
    """As Okta writes times."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


@dataclass(slots=True)
class Account:
    id: str
    login: str
    first: str
    last: str
    status: str
    created: datetime
    updated: datetime

    def filtered(self) -> dict[str, str]:
        """What a filter may ask for."""
        return {
            "id": self.id,
            "status": self.status,
            "lastUpdated": text_of(self.updated),
            "profile.login": self.login,
        }

    def json(self) -> dict[str, object]:
        return {
            "id": self.id,
            "status": self.status,
            "created": text_of(self.created),
            "lastUpdated": text_of(self.updated),
            "profile": {
                "login": self.login,
                "email": self.login,
                "firstName": self.first,
                "lastName": self.last,
            },
        }


@dataclass(slots=True)
class Team:
    """A group."""

    id: str
    name: str
    type: str
    created: datetime
    updated: datetime
    membership_updated: datetime
    members: list[str] = field(default_factory=list)

    def filtered(self) -> dict[str, str]:
        """What a filter may ask for."""
        return {
            "id": self.id,
            "type": self.type,
            "lastUpdated": text_of(self.updated),
            "lastMembershipUpdated": text_of(self.membership_updated),
        }

    def json(self, *, stats: bool) -> dict[str, object]:
        seen: dict[str, object] = {
            "id": self.id,
            "created": text_of(self.created),
            "lastUpdated": text_of(self.updated),
            "lastMembershipUpdated": text_of(self.membership_updated),
            "objectClass": ["okta:user_group"],
            "type": self.type,
            "profile": {"name": self.name, "description": ""},
        }
        if stats:
            seen["_embedded"] = {"stats": {"usersCount": len(self.members), "appsCount": 0}}
        return seen


@dataclass(slots=True)
class Org:
    """Ids are made as Okta makes them: 20 characters, 00u… and 00g…. `now` moves only by `go`."""

    now: datetime = BEGIN
    accounts: dict[str, Account] = field(default_factory=dict)
    teams: dict[str, Team] = field(default_factory=dict)
    _made: int = 0

    def go(self, seconds: float = 60) -> None:
        self.now += timedelta(seconds=seconds)

    def hire(self, *logins: str, status: str = "ACTIVE") -> list[str]:
        return [self._account(login, status).id for login in logins]

    def group(self, name: str, members: Iterable[str] = (), type: str = "OKTA_GROUP") -> str:
        team = Team(self._id("00g"), name, type, self.now, self.now, self.now, list(members))
        self.teams[team.id] = team
        return team.id

    def join(self, group: str, *accounts: str) -> None:
        team = self.teams[group]
        team.members.extend(id for id in accounts if id not in team.members)
        team.membership_updated = self.now

    def leave(self, group: str, *accounts: str) -> None:
        team = self.teams[group]
        team.members = [id for id in team.members if id not in accounts]
        team.membership_updated = self.now

    def rename(self, group: str, name: str) -> None:
        self.teams[group].name = name
        self.teams[group].updated = self.now

    def drop(self, group: str) -> None:
        """Delete the group."""
        del self.teams[group]

    def status(self, account: str, status: str, *, touch: bool = True) -> None:
        """A lifecycle change; `touch=False`: without a new lastUpdated, so that no filter can find it."""
        self.accounts[account].status = status
        if touch:
            self.accounts[account].updated = self.now
        if status == "DEPROVISIONED":
            self._leave_all(account)

    def login(self, account: str, login: str) -> None:
        self.accounts[account].login = login
        self.accounts[account].updated = self.now

    def delete(self, account: str) -> None:
        self._leave_all(account)
        del self.accounts[account]

    def _leave_all(self, account: str) -> None:
        for team in self.teams.values():
            if account in team.members:
                self.leave(team.id, account)

    def _account(self, login: str, status: str) -> Account:
        first, _, last = login.partition("@")[0].partition(".")
        account = Account(
            self._id("00u"), login, first.title(), (last or "X").title(), status, self.now, self.now
        )
        self.accounts[account.id] = account
        return account

    def _id(self, prefix: str) -> str:
        self._made += 1
        return f"{prefix}{self._made:012}nmill"

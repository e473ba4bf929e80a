"""What does Okta's own SDK make of an org? Run in .venv-vendors; prints it as JSON.

Its models are made from Okta's published OpenAPI description: an answer with another type is refused by them.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from okta.client import Client


async def main(url: str, options: dict[str, Any], since: str) -> dict[str, Any]:
    async with Client({"orgUrl": url, **options}) as client:
        pages = Pages(client)
        changed = f'lastUpdated gt "{since}" or lastMembershipUpdated gt "{since}"'
        groups = await pages.all(client.list_groups, filter=changed, limit=2, expand="stats")
        people = await pages.all(client.list_users, filter=f'lastUpdated gt "{since}"', limit=2)
        found: dict[str, Any] = {
            "groups": {
                group.id: {
                    "name": group.profile.to_dict()["name"],
                    "type": group.type,
                    "members_changed": group.last_membership_updated.isoformat(),
                    "count": group.embedded.stats.users_count,
                    "members": [
                        user.id for user in await pages.all(client.list_group_users, group.id, limit=2)
                    ],
                }
                for group in groups
            },
            "people": {
                user.id: {
                    "login": user.profile.login,
                    "email": user.profile.email,
                    "name": f"{user.profile.first_name} {user.profile.last_name}",
                    "status": user.status,
                    "changed": user.last_updated.isoformat(),
                }
                for user in people
            },
        }
        named, _, error = await client.list_groups(q=groups[0].profile.to_dict()["name"])
        assert error is None, error
        found["named"] = [group.id for group in named]
        one, _, error = await client.get_user(people[0].id)
        assert error is None, error
        found["one"] = one.profile.login
        _, _, error = await client.get_group("00gNowhere")
        found["missing"] = [error.status, error.error_code]
        return found


@dataclass
class Pages:
    """Lists to their end. The SDK of today shows one Link header only: the links are taken from below it, as
    aiohttp reads them (RFC 8288)."""

    client: Client
    links: Any = None

    def __post_init__(self) -> None:
        executor = self.client.get_request_executor()
        execute = executor.execute

        async def noting(*arguments: Any, **named: Any) -> Any:
            found = await execute(*arguments, **named)
            self.links = getattr(found[0], "links", None)
            return found

        executor.execute = noting

    async def all(self, ask: Callable[..., Awaitable[Any]], *arguments: str, **query: object) -> list[Any]:
        found: list[Any] = []
        after: str | None = None
        while True:
            page, _, error = await ask(*arguments, after=after, **query)
            assert error is None, error
            assert len(page) <= 2
            found += page
            if "next" not in self.links:
                return found
            after = self.links["next"]["url"].query["after"]


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    print(json.dumps(asyncio.run(main(asked["url"], asked["options"], asked["since"]))))

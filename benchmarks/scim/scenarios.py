"""What is asked, and which answers are right? Each scenario is an endless stream of exchanges."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import quote

import orjson

from benchmarks.scim.world import CORE, ENTERPRISE, World

_PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


#: there are so many people more than members of the largest group
OUTSIDERS = 3_000


@dataclass(frozen=True, slots=True)
class Exchange:
    method: str
    path: str  #: below the base
    body: bytes
    #: of status and JSON body ({} for none); false: a wrong answer
    right: Callable[[int, dict[str, Any]], bool]


Make = Callable[[World, random.Random], Iterator[Exchange]]


@dataclass(frozen=True, slots=True)
class Scenario:
    name: str
    make: Make
    writers: int = 1  #: clients at the same time
    target: float = 1.3  #: of CPU per request against the floor
    size: int = 0  #: of the group that changes, for the scenarios that differ in nothing else


@dataclass(slots=True)
class Numbers:
    """New people's numbers, never used before in this run."""

    next: Iterator[int] = field(default_factory=lambda: count(10_000_000))


def scenarios(world: World) -> list[Scenario]:
    numbers = Numbers()
    found = [
        Scenario("create a user", lambda w, r: _creates(w, numbers)),
        Scenario("look a user up by userName", _lookups),
        Scenario("get a user", _gets),
        Scenario("list 100 users", _lists, target=2.0),
        Scenario("patch active", _disables),
        Scenario("patch five attributes", _updates),
    ]
    largest = max(world.sizes)
    found += [
        Scenario(f"add and remove one in a group of {size:,}", _churn(size), size=size)
        for size in world.sizes
    ]
    found += [
        Scenario("get a group without members", _group_gets(largest)),
        Scenario("look a group up by displayName", _group_lookups(largest)),
        Scenario("8 writers on one group", _churn(world.sizes[1]), writers=8),
        Scenario("an Entra cycle", lambda w, r: _cycle(w, r, numbers)),
    ]
    return found


def _creates(world: World, numbers: Numbers) -> Iterator[Exchange]:
    while True:
        yield _create(world, next(numbers.next))


def _create(world: World, number: int) -> Exchange:
    sent = {"schemas": [f"{CORE}User", ENTERPRISE], **world.user(number), "meta": {"resourceType": "User"}}
    name = sent["userName"]
    return Exchange(
        "POST", "/Users", orjson.dumps(sent),
        lambda status, body: status == 201 and body["userName"] == name and bool(body["id"]),
    )  # fmt: skip


def _lookups(world: World, chance: random.Random) -> Iterator[Exchange]:
    while True:
        yield _lookup(world, chance.randint(1, world.people))


def _lookup(world: World, number: int) -> Exchange:
    id = world.user_id(number)
    return Exchange(
        "GET", _filter("Users", "userName", world.user(number)["userName"]), b"",
        lambda status, body: status == 200 and [each["id"] for each in body["Resources"]] == [id],
    )  # fmt: skip


def _gets(world: World, chance: random.Random) -> Iterator[Exchange]:
    while True:
        yield _get(world.user_id(chance.randint(1, world.people)))


def _get(id: str) -> Exchange:
    return Exchange(
        "GET", f"/Users/{id}", b"",
        lambda status, body: status == 200 and body["id"] == id and body["userName"] != "",
    )  # fmt: skip


def _lists(world: World, chance: random.Random) -> Iterator[Exchange]:
    while True:
        start = chance.randint(1, world.people - 100)
        yield Exchange(
            "GET", f"/Users?startIndex={start}&count=100", b"",
            lambda status, body: status == 200 and len({each["id"] for each in body["Resources"]}) == 100,
        )  # fmt: skip


def _disables(world: World, chance: random.Random) -> Iterator[Exchange]:
    """Off and on again, so that each changes something."""
    while True:
        id = world.user_id(chance.randint(1, world.people))
        yield _switch(id, "False", active=False)
        yield _switch(id, "True", active=True)


def _switch(id: str, said: str, *, active: bool) -> Exchange:
    return Exchange(
        "PATCH", f"/Users/{id}", _operations({"op": "Replace", "path": "active", "value": said}),
        lambda status, body: status == 204 or (status == 200 and body["active"] is active),
    )  # fmt: skip


def _updates(world: World, chance: random.Random) -> Iterator[Exchange]:
    while True:
        yield _update(world, chance)


def _update(world: World, chance: random.Random) -> Exchange:
    number = chance.randint(1, world.people)
    new = f"Name {chance.randrange(10**9)}"
    body = _operations(
        {"op": "Replace", "path": "displayName", "value": new},
        {"op": "Replace", "path": "title", "value": f"Title of {new}"},
        {"op": "Replace", "path": "name.familyName", "value": new},
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": f"{new[5:]}@northmill.example"},
        {"op": "Replace", "path": f"{ENTERPRISE}:department", "value": new},
    )
    return Exchange(
        "PATCH", f"/Users/{world.user_id(number)}", body,
        lambda status, body: status == 204
        or (body["displayName"], body["name"]["familyName"], body[ENTERPRISE]["department"]) == (new,) * 3,
    )  # fmt: skip


def _member(op: str, world: World, size: int, number: int) -> Exchange:
    id = world.user_id(number)
    if op == "Add":
        body = _operations({"op": op, "path": "members", "value": [{"value": id}]})
    else:  # as the RFC has it: scim2-server refuses the list of values that Entra sends
        body = _operations({"op": op, "path": f'members[value eq "{id}"]'})
    path = f"/Groups/{world.group_id(size)}?excludedAttributes=members"
    return Exchange("PATCH", path, body, lambda status, body: status in (200, 204) and "members" not in body)


def _churn(size: int) -> Make:
    """Somebody who isn't in joins and leaves: each request changes something, the group keeps its size."""

    def make(world: World, chance: random.Random) -> Iterator[Exchange]:
        while True:
            number = _outsider(size, chance)
            yield _member("Add", world, size, number)
            yield _member("Remove", world, size, number)

    return make


def _outsider(size: int, chance: random.Random) -> int:
    """Somebody who isn't in the group of this size."""
    return chance.randint(size + 1, size + OUTSIDERS)


def _group_gets(size: int) -> Make:
    def make(world: World, chance: random.Random) -> Iterator[Exchange]:
        while True:
            yield _group_get(world, size)

    return make


def _group_get(world: World, size: int) -> Exchange:
    id, name = world.group_id(size), world.group_name(size)
    return Exchange(
        "GET", f"/Groups/{id}?excludedAttributes=members", b"",
        lambda status, body: (status, body["id"], body["displayName"], "members" in body)
        == (200, id, name, False),
    )  # fmt: skip


def _group_lookups(size: int) -> Make:
    def make(world: World, chance: random.Random) -> Iterator[Exchange]:
        while True:
            yield _group_lookup(world, size)

    return make


def _group_lookup(world: World, size: int) -> Exchange:
    id = world.group_id(size)
    path = _filter("Groups", "displayName", world.group_name(size)) + "&excludedAttributes=members"
    return Exchange(
        "GET", path, b"",
        lambda status, body: status == 200
        and [(each["id"], "members" in each) for each in body["Resources"]] == [(id, False)],
    )  # fmt: skip


def _cycle(world: World, chance: random.Random, numbers: Numbers) -> Iterator[Exchange]:
    """An incremental cycle in small: someone new, people who changed, a group that grows and shrinks."""
    size = world.sizes[1]
    while True:
        number = _outsider(size, chance)
        yield _lookup(world, number)
        yield _update(world, chance)
        yield _get(world.user_id(number))
        yield _group_lookup(world, size)
        yield _group_get(world, size)
        yield _member("Add", world, size, number)
        yield _lookup(world, chance.randint(1, world.people))
        yield _create(world, next(numbers.next))
        yield _member("Remove", world, size, number)


def _filter(endpoint: str, attribute: str, value: str) -> str:
    sought = f'{attribute} eq "{value}"'
    return f"/{endpoint}?filter={quote(sought)}"


def _operations(*operations: dict[str, Any]) -> bytes:
    return orjson.dumps({"schemas": [_PATCH], "Operations": operations})

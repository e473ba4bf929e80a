"""What must a directory hold after a recording was played? A small model, told nothing about licenses.

It knows just the requests that the recordings hold, and is written apart from `scim` on purpose: the figures
of the demo are computed from it, and the real endpoint is compared with it.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from connector.demo.recording import Recording, fill

Json = dict[str, Any]
_TERM = re.compile(r'(\w+) eq "([^"]*)"')
_ELEMENT = re.compile(r'(\w+)\[(\w+) eq "([^"]*)"\](?:\.(\w+))?')
_MANAGER = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"
_IGNORED = ("id", "meta", "groups", "password", "schemas")


@dataclass
class World:
    """One directory. Replies are (status, JSON or None)."""

    resources: dict[str, dict[str, Json]] = field(default_factory=lambda: {"Users": {}, "Groups": {}})
    #: group -> user -> number of the request since which without a break
    members: dict[str, dict[str, int]] = field(default_factory=dict)
    clock: int = 0
    made: int = 0

    def answer(self, method: str, url: str, body: Json | None) -> tuple[int, Json | None]:
        self.clock += 1
        parts = urlsplit(url)
        kind, _, id = parts.path.strip("/").partition("/")
        here = self.resources[kind]
        if not id:
            if method == "POST":
                assert body is not None
                return self._create(kind, body)
            return 200, self._list(kind, parse_qs(parts.query).get("filter", [""])[0])
        if id not in here:
            return 404, {"status": "404", "detail": "nobody has this id"}
        match method, body:
            case "GET", None:
                return 200, self._shown(kind, id)
            case "DELETE", None:
                del here[id]
                self.members.pop(id, None)
                for group in self.members.values():
                    group.pop(id, None)
                return 204, None
            case "PUT", dict():
                here[id] = {"externalId": here[id].get("externalId"), **_own(body)}
                if "members" in body:
                    self._members(id, "replace", body["members"])
            case "PATCH", dict():
                for operation in body["Operations"]:
                    self._patch(here[id], id, operation)
            case _:
                return 400, {"status": "400", "detail": f"{method} with this body"}
        return 200, self._shown(kind, id)

    def _create(self, kind: str, body: Json) -> tuple[int, Json]:
        key = "userName" if kind == "Users" else "displayName"
        if any(r[key].casefold() == body[key].casefold() for r in self.resources[kind].values()):
            return 409, {"status": "409", "scimType": "uniqueness", "detail": f"{key} is taken"}
        self.made += 1
        id = f"{kind.lower()}-{self.made}"
        self.resources[kind][id] = _own(body)
        if kind == "Groups":
            self.members[id] = {}
            self._members(id, "add", body.get("members", []))
        return 201, self._shown(kind, id)

    def _shown(self, kind: str, id: str) -> Json:
        return {"id": id, **self.resources[kind][id]}

    def _list(self, kind: str, filter: str) -> Json:
        found = [self._shown(kind, id) for id in self.resources[kind] if self._matches(kind, id, filter)]
        return {"totalResults": len(found), "startIndex": 1, "itemsPerPage": len(found), "Resources": found}

    def _matches(self, kind: str, id: str, filter: str) -> bool:
        terms = _TERM.findall(filter)
        assert bool(terms) == bool(filter), f"the model can't read {filter}"
        resource = self.resources[kind][id]
        values = {**resource, "id": id, "manager": resource.get(_MANAGER, "")}
        for name, value in terms:
            if name == "members":
                if value not in self.members[id]:
                    return False
            elif values[name].casefold() != value.casefold():
                return False
        return True

    def _patch(self, resource: Json, id: str, operation: Json) -> None:
        verb, path = str(operation["op"]).lower(), str(operation.get("path", ""))
        value: Any = operation.get("value")
        if path == "members":
            return self._members(id, verb, value)
        if not path:
            for key, inner in value.items():
                self._patch(resource, id, {"op": verb, "path": key, "value": inner})
            return None
        element = _ELEMENT.fullmatch(path)
        if element and element[1] == "members":
            return self._members(id, verb, [{"value": element[3]}])
        if element:
            name, sub, wanted, target = element.groups()
            items = resource.setdefault(name, [])
            known: Any = wanted == "True" if sub == "primary" else wanted
            item = next((item for item in items if item.get(sub) == known), None)
            if item is None:
                item = {sub: known}
                items.append(item)
            item[target] = value
        elif path not in _IGNORED:
            resource[path] = {"True": True, "False": False}.get(value, value) if path == "active" else value
        return None

    def _members(self, group: str, verb: str, value: list[Json]) -> None:
        now = self.members[group]
        named = [member["value"] for member in value]
        assert all(id in self.resources["Users"] for id in named), named
        if verb == "remove":
            for id in named:
                now.pop(id, None)
            return
        if verb == "replace":
            for id in [id for id in now if id not in named]:
                del now[id]
        for id in named:
            now.setdefault(id, self.clock)


def _own(body: Json) -> Json:
    """A resource with its keys flat, as Entra patches them: the same value is at the same key."""
    flat: Json = {}
    for key, value in body.items():
        if key.startswith("urn:"):
            flat |= {f"{key}:{name}": inner for name, inner in value.items()}
        elif key == "name":
            flat |= {f"name.{name}": inner for name, inner in value.items()}
        elif key not in (*_IGNORED, "members") and value is not None:
            flat[key] = value
    flat["active"] = flat.get("active") in (True, "True")
    return flat


def replay(world: World, recording: Recording, saved: dict[str, str]) -> Iterator[int]:
    """Play a recording on a model without a network; gives back the number of each step that was answered."""
    for number, step in enumerate(recording.steps, 1):
        body = json.loads(fill(step.body, saved)) if step.body is not None else None
        status, reply = world.answer(step.method, unquote(fill(step.path, saved)), body)
        assert status in step.expect, (recording.name, number, status, reply)
        for name, pointer in step.save:
            value: Any = reply
            for part in pointer[1:].split("/"):
                value = value[int(part)] if isinstance(value, list) else value[part]
            saved[name] = value
        yield number


@dataclass
class Endpoint:
    """The model behind HTTP, and what arrived there."""

    world: World = field(default_factory=World)
    token: str = "the-right-token"
    seen: list[Request] = field(default_factory=list)
    #: number of the request -> what is answered instead
    instead: dict[int, Response] = field(default_factory=dict)

    def __call__(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        body = json.loads(request.get_data()) if request.get_data() else None
        self.seen.append(request)
        if response := self.instead.get(len(self.seen)):
            return response(environ, start_response)
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return Response("{}", 401)(environ, start_response)
        url = request.full_path.removeprefix("/scim/v2")
        status, reply = self.world.answer(request.method, url, body)
        text = json.dumps(reply) if reply is not None else ""
        return Response(text, status, content_type="application/scim+json")(environ, start_response)


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        pass


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """The SCIM base URL of an application on a free port of the loopback."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/scim/v2"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

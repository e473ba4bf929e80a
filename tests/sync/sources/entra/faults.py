"""What can go wrong with Microsoft Graph and its sign-in? One line a case: where, how, what is said of it."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from tests.standins.answers import Answer, Fault, Spoil, answer
from tests.standins.graph import Entra

PAGE = r"^GET /v1\.0/groups/delta\?\$skiptoken"  #: second page of a group and the later ones
FIRST = r"^GET /v1\.0/groups/delta\?\$select"
GROUPS = r"^GET /v1\.0/groups/delta"
CHANGES = r"^GET /v1\.0/groups/delta\?\$deltatoken"
USERS = r"^GET /v1\.0/users/delta"
LOGIN = r"^POST .*/oauth2/v2\.0/token"
DISCOVERY = r"openid-configuration"
MEMBERS = r"^BATCH GET /v1\.0/groups/[^/]+/members"
OTHER = "https://elsewhere.example"  #: stands for another host, which mustn't hear of anything
ELSEWHERE = f"{OTHER}/v1.0/groups/delta?$skiptoken=S1"


def status(code: int, *headers: tuple[str, str], body: object = None) -> Callable[[Answer], Answer]:
    return lambda given: answer(code, {} if body is None else body, *headers)


def raw(body: bytes, kind: str = "application/json", code: int = 200) -> Callable[[Answer], Answer]:
    return lambda given: Answer(code, body, (("Content-Type", kind),))


def graph_error(code: int, name: str) -> Callable[[Answer], Answer]:
    inner = {"code": "x", "innerError": {"code": name}}
    return status(code, body={"error": {"code": "y", "message": "expired", "innererror": inner}})


def edit(change: Callable[[dict[str, Any]], None]) -> Callable[[Answer], Answer]:
    """Change the JSON of what would have been answered."""

    def spoil(given: Answer) -> Answer:
        told = given.json
        assert isinstance(told, dict)
        change(told)
        return given.with_json(told)

    return spoil


def put(**values: object) -> Callable[[Answer], Answer]:
    return edit(lambda told: told.update({key.replace("__", "@odata."): v for key, v in values.items()}))


def drop(*names: str) -> Callable[[Answer], Answer]:
    def change(told: dict[str, Any]) -> None:
        for name in names:
            told.pop(name, None)

    return edit(change)


def _first_member(**values: object) -> Callable[[Answer], Answer]:
    def change(told: dict[str, Any]) -> None:
        for item in told["value"]:
            for member in item.get("members@delta", []):
                member.update({key.replace("__", "@"): value for key, value in values.items()})

    return edit(change)


def _halve_members(told: dict[str, Any]) -> None:
    for item in told["value"]:
        if "members@delta" in item:
            item["members@delta"] = item["members@delta"][:1]


def _delta_elsewhere(told: dict[str, Any]) -> None:
    if "@odata.deltaLink" in told:
        told["@odata.deltaLink"] = ELSEWHERE


def _no_members(told: dict[str, Any]) -> None:
    for item in told["value"]:
        item.pop("members@delta", None)


def _first_user(**values: object) -> Callable[[Answer], Answer]:
    def change(told: dict[str, Any]) -> None:
        for user in told["value"]:
            user.update(values)

    return edit(change)


def bomb(times: int) -> Spoil:
    """A hundred million spaces, packed; or a billion, packed twice."""
    packed = gzip.compress(b" " * 1_000_000) * 100
    if times == 2:
        packed = gzip.compress(packed * 10)
    encoding = ("Content-Encoding", ", ".join(["gzip"] * times))
    return lambda given: Answer(200, packed, (("Content-Type", "application/json"), encoding))


def next_is_the_first() -> Callable[[Answer], Answer]:
    """Page 2's next link is page 1's: it goes on for ever."""
    kept: list[str] = []

    def change(told: dict[str, Any]) -> None:
        if "@odata.nextLink" in told:
            kept.append(told["@odata.nextLink"])
        if len(kept) > 1:
            told.pop("@odata.deltaLink", None)
            told["@odata.nextLink"] = kept[0]

    return edit(change)


def endless(of: list[dict[str, object]]) -> Callable[[Entra], Spoil]:
    """There is always a next page, each with a link of its own."""

    def made(entra: Entra) -> Spoil:
        def spoil(given: Answer) -> Answer:
            link = f"{entra.url}/v1.0/groups/delta?$skiptoken=endless-{len(entra.seen)}"
            return answer(200, {"value": of, "@odata.nextLink": link})

        return spoil

    return made


def echo(code: int = 400, *, link: bool = False, page: bool = False) -> Callable[[Entra], Spoil]:
    """The answer quotes the request: its token, or the secret that it was asked with, wherever it can."""

    def made(entra: Entra) -> Spoil:
        def spoil(given: Answer) -> Answer:
            seen = entra.seen[-1]
            token = seen.headers.get("authorization", "").removeprefix("Bearer ") or entra.secret
            more = (("request-id", token), ("Location", f"{OTHER}/?token={token}"))
            if page:
                kind = (("Content-Type", f"text/{token}"),)
                return Answer(code, f"<html>{token}</html>".encode(), kind + more)
            if link:
                told: dict[str, object] = {
                    "value": [],
                    "@odata.nextLink": f"{entra.url}/v1.0/groups/delta?$skiptoken={token}",
                }
                return answer(code, told, *more)
            error: dict[str, object] = {
                "code": token,
                "message": f"Bearer {token}",
                "innerError": {"code": f"Bearer {token}"},
            }
            told = {"error": token if "/oauth2/" in seen.line else error, "error_description": token}
            return answer(code, told, *more)

        return spoil

    return made


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    where: str
    spoil: Callable[[Entra], Spoil]
    why: str  #: what the operator reads
    full: bool = True  #: in a full read; else in a read of changes

    def fault(self, entra: Entra, other: str) -> Fault:
        """`other`: URL of another host."""
        spoil = self.spoil(entra)

        def led_astray(given: Answer) -> Answer:
            spoiled = spoil(given)
            headers = tuple((name, value.replace(OTHER, other)) for name, value in spoiled.headers)
            return replace(
                spoiled, headers=headers, body=spoiled.body.replace(OTHER.encode(), other.encode())
            )

        return Fault(self.where, led_astray)


def _c(name: str, where: str, spoil: Spoil, why: str, *, full: bool = True) -> Case:
    return Case(name, where, lambda entra: spoil, why, full)


SPOILED = (
    _c("page 2 of 5 is a 500", PAGE, status(500), "500"),
    _c("page 2 is a 503 that asks for a year", PAGE, status(503, ("Retry-After", "31536000")), "503"),
    _c("429 without an end", GROUPS, status(429), "429"),
    _c("page 2 is a 200 with nothing", PAGE, raw(b""), "isn't JSON"),
    _c("page 2 is an empty object", PAGE, raw(b"{}"), "neither a next nor a delta link"),
    _c("page 2 is a list", PAGE, raw(b"[]"), "not a JSON object"),
    _c("page 2 is null", PAGE, raw(b"null"), "not a JSON object"),
    _c("JSON that was cut", PAGE, lambda a: replace(a, body=a.body[:-20]), "isn't JSON"),
    _c("a connection that was cut", PAGE, lambda a: replace(a, cut=30), "can't be reached"),
    _c("a body without an end", PAGE, lambda a: replace(a, endless=True), "larger than"),
    _c("a small body that unpacks to 100 MB", PAGE, bomb(1), "larger than"),
    _c("one that unpacks twice, to 1 GB", PAGE, bomb(2), "larger than"),
    _c("HTML with 200", PAGE, raw(b"<html>Sign in</html>", "text/html"), "isn't JSON (text/html)"),
    _c("JSON nested 5,000 deep", PAGE, raw(b'{"value":' + b"[" * 5000 + b"]" * 5000 + b"}"), "isn't JSON"),
    _c("a redirect", PAGE, status(302, ("Location", ELSEWHERE)), "redirects"),
    _c("a redirect that keeps the method", FIRST, status(307, ("Location", ELSEWHERE)), "redirects"),
    _c("a next link to another host", FIRST, put(__nextLink=ELSEWHERE), "another host"),
    _c("a next link to a userinfo", FIRST, put(__nextLink="https://127.0.0.1@elsewhere.example/"), "another"),
    _c("a next link without TLS", FIRST, put(__nextLink="http://127.0.0.1/v1.0/groups/delta"), "another"),
    _c("a next link that is a file", FIRST, put(__nextLink="file:///etc/passwd"), "another host"),
    _c("a next link that is a number", FIRST, put(__nextLink=7), "nextLink"),
    _c("a next link of a megabyte", FIRST, put(__nextLink="https://127.0.0.1/" + "x" * 10**6), "nextLink"),
    Case("a next link that repeats", GROUPS, lambda entra: next_is_the_first(), "circle"),
    _c("no delta link at the end", PAGE, drop("@odata.deltaLink"), "neither a next nor a delta link"),
    _c("both links", PAGE, put(__nextLink="https://127.0.0.1/", __deltaLink="https://x/"), "both"),
    _c("a delta link to another host", USERS, edit(_delta_elsewhere), "another host"),
    _c("value is missing", PAGE, drop("value"), "value of an answer"),
    _c("value is a text", PAGE, put(value="all of them"), "value of an answer"),
    _c("value holds numbers", PAGE, put(value=[1, 2]), "value of an answer"),
    _c("an id is a number", PAGE, _first_member(id=12), "id of an answer"),
    _c("an id with a path in it", PAGE, _first_member(id="../users"), "letters that no id has"),
    _c("a member without a type", PAGE, _first_member(**{"__odata.type": None}), "without its type"),
    _c("an @removed that isn't known", PAGE, _first_member(__removed={"reason": "maybe"}), "@removed"),
    _c("an @removed that is a text", PAGE, _first_member(__removed="yes"), "@removed"),
    _c("a 200 with less than whole", PAGE, edit(_halve_members), "members were listed"),
    _c("members left out", GROUPS, edit(_no_members), "members were listed"),
    _c("a group that is left out of its own list", GROUPS, put(value=[]), "LIC-AnyPrint: it was left out"),
    _c("404 for one group's members", MEMBERS, graph_error(404, "Request_ResourceNotFound"), "count its"),
    _c("403 for one group's members", MEMBERS, graph_error(403, "Authorization_RequestDenied"), "count its"),
    _c("a count that is a text", MEMBERS, put(__count="8"), "doesn't count its members"),
    _c("a count below nothing", MEMBERS, put(__count=-1), "doesn't count its members"),
    _c("404 for the list", GROUPS, graph_error(404, "Request_ResourceNotFound"), "404"),
    _c("400 for the filter", FIRST, graph_error(400, "Request_UnsupportedQuery"), "400"),
    _c("403", GROUPS, graph_error(403, "Authorization_RequestDenied"), "GroupMember.Read.All"),
    _c("401 for every token", GROUPS, graph_error(401, "InvalidAuthenticationToken"), "a new token was"),
    _c("page of people is a 500", USERS, status(500), "500"),
    _c("accountEnabled is a text", USERS, _first_user(accountEnabled="yes"), "accountEnabled"),
    _c("a user without a name", USERS, _first_user(userPrincipalName=""), "userPrincipalName"),
    _c("a name with a NUL", USERS, _first_user(userPrincipalName="a\0b"), "userPrincipalName"),
    _c("a name of a megabyte", USERS, _first_user(displayName="x" * 10**6), "displayName"),
    _c("a batch without answers", r"^POST .*batch", put(responses=[]), "answered with nothing"),
    _c("a batch for somebody else", r"^POST .*batch", put(responses=[{"id": "9", "status": 200}]), "none of"),
    _c("a batch that is busy inside", r"^BATCH", status(429, ("Retry-After", "90")), "batch"),
    _c("the sign-in is a 500", LOGIN, status(500), "sign-in"),
    _c("the sign-in refuses", LOGIN, status(401, body={"error": "invalid_client"}), "check tenant_id"),
    _c("the sign-in is HTML", LOGIN, raw(b"<html>canary</html>", "text/html"), "sign-in"),
    _c("the sign-in gives a list", LOGIN, raw(b"[]"), "sign-in"),
    _c("the sign-in gives a number", LOGIN, raw(b'{"access_token": 7, "expires_in": 3599}'), "token"),
    _c("the sign-in is redirected", LOGIN, status(307, ("Location", f"{OTHER}/token")), "it redirects"),
    _c("the sign-in asks for a year", LOGIN, status(429, ("Retry-After", "31536000")), "it is tried again"),
    _c("the discovery is a 500", DISCOVERY, status(500), "sign-in"),
    _c("the discovery names another host", DISCOVERY, put(token_endpoint=f"{OTHER}/token"), "another host"),
    Case("an error quotes the token", GROUPS, echo(400), "400"),
    Case("a refusal quotes the token", GROUPS, echo(403), "403"),
    Case("a failure quotes the token", PAGE, echo(500), "500"),
    Case("a redirect quotes the token", PAGE, echo(302), "redirects"),
    Case("a page in HTML quotes the token", PAGE, echo(200, page=True), "isn't JSON"),
    Case("a next link quotes the token", FIRST, echo(200, link=True), "400"),
    Case("the batch quotes the token", r"^POST .*batch", echo(418), "418"),
    Case("the sign-in quotes the secret", LOGIN, echo(401), "gives no token"),
    Case("the sign-in quotes the secret in HTML", LOGIN, echo(400, page=True), "sign-in"),
    _c("changes: 500", CHANGES, status(500), "500", full=False),
    _c("changes: HTML with 200", CHANGES, raw(b"<html>", "text/html"), "isn't JSON", full=False),
    _c("changes: cut", CHANGES, lambda a: replace(a, cut=20), "can't be reached", full=False),
    _c("changes: neither link", CHANGES, drop("@odata.deltaLink"), "neither", full=False),
)  # fmt: skip

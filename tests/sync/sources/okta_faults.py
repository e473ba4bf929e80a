"""In which ways can Okta lie, fail or be somebody else? Each a name, its faults, and what is reported."""

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any
from urllib.parse import parse_qs

from tests.standins.answers import Answer, Fault, answer
from tests.standins.okta import Okta, error, missing

MEMBERS = r"/api/v1/groups/[^/]+/users"
PAGE_2 = MEMBERS + r"\?.*after="
GROUPS = r"GET /api/v1/groups\?"
USERS = r"GET /api/v1/users\?"
LOGIN = r"POST /oauth2/v1/token"

Make = Callable[[Okta, Okta], list[Fault]]  #: from the org, and another host that mustn't hear of it


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    why: str  #: is in the reason
    make: Make
    full: bool = False  #: it shows in a full read only
    timeout: float = 5.0  #: seconds that the reader waits for a byte
    app: bool = False  #: a service app reads, else an API token


def broken(status: int) -> Callable[[Answer], Answer]:
    return lambda given: error(status, "E0000009", "Internal Server Error")


def html(status: int = 200) -> Callable[[Answer], Answer]:
    page = b"<html><body>Sign in to continue</body></html>"
    return lambda given: Answer(status, page, (("Content-Type", "text/html"),))


def edited(edit: Callable[[list[Any]], object]) -> Callable[[Answer], Answer]:
    """The list of the answer, changed; its Link headers stay."""
    return lambda given: given.with_json(edit(json.loads(given.body))) if given.status == 200 else given


def each(**fields: object) -> Callable[[Answer], Answer]:
    return edited(lambda found: [one | fields for one in found])


def cut(given: Answer) -> Answer:
    return replace(given, cut=len(given.body) // 2)


def half(given: Answer) -> Answer:
    return replace(given, body=given.body[: len(given.body) // 2])


def unlinked(given: Answer) -> Answer:
    return given.with_header("Link")


def next_is(link: Callable[[Okta, Okta, str], str], okta: Okta, other: Okta) -> Callable[[Answer], Answer]:
    def spoil(given: Answer) -> Answer:
        there = next((v for n, v in given.headers if n == "Link" and 'rel="next"' in v), "")
        if not there:
            return given
        url = there[1 : there.index(">")]
        return given.with_header("Link", f'<{link(okta, other, url)}>; rel="next"')

    return spoil


def endless(okta: Okta, where: str, *, fresh: bool) -> Callable[[Answer], Answer]:
    """There is always a next page: the same again, or people whom nobody has hired."""
    number = count()

    def spoil(given: Answer) -> Answer:
        n = next(number)
        path = next(v for name, v in given.headers if name == "Link").split("?")[0].removeprefix("<")
        given = given.with_header("Link", f'<{path}?after=c.&page={n}&limit=200>; rel="next"')
        if not fresh:
            return given
        return given.with_json([_ghost(f"{n}x{m}") for m in range(400)])

    return spoil


def _ghost(name: str) -> dict[str, object]:
    profile = {"login": f"{name}@ghosts.example", "email": None, "firstName": name, "lastName": "Ghost"}
    return {"id": f"00uGhost{name}", "status": "ACTIVE", "lastUpdated": None, "profile": profile}


PACKED = gzip.compress(b" " * 1_000_000) * 100


def echo(where: str, code: int, *, page: bool = False, link: bool = False) -> Make:
    """The answer quotes the request: its token, or the assertion that it was asked with."""

    def make(okta: Okta, other: Okta) -> list[Fault]:
        def spoil(given: Answer) -> Answer:
            seen = okta.seen[-1]
            form = parse_qs(seen.body.decode())
            sent = seen.headers.get("authorization", "").partition(" ")[2] or form["client_assertion"][0]
            more = [("X-Okta-Request-Id", sent), ("Location", f"{other.url}/?token={sent}")]
            if link and given.status != 200:
                return given
            if link:
                more.append(("Link", f'<{okta.url}{seen.target.split("?")[0]}?after={sent}>; rel="next"'))
                return answer(code, given.json, *more)
            if page:
                body = f"<html>{sent}</html>".encode()
                return Answer(code, body, (("Content-Type", f"text/{sent}"), *more))
            told = {"errorCode": sent, "errorSummary": sent, "error": sent, "error_description": sent}
            return answer(code, told, *more)

        return [Fault(where, spoil)]

    return make


def bomb(given: Answer) -> Answer:
    return Answer(200, PACKED, (("Content-Type", "application/json"), ("Content-Encoding", "gzip")))


def bomb_in_a_bomb(given: Answer) -> Answer:
    headers = (("Content-Type", "application/json"), ("Content-Encoding", "gzip, gzip"))
    return Answer(200, gzip.compress(PACKED * 10), headers)


def limited(**headers: str) -> Callable[[Answer], Answer]:
    def spoil(given: Answer) -> Answer:
        given = replace(error(429, "E0000047", "API call exceeded rate limit"), headers=given.headers)
        for name, value in headers.items():
            given = given.with_header(name if "-" in name else f"X-Rate-Limit-{name}", value)
        return given

    return spoil


def on(where: str, spoil: Callable[[Answer], Answer], **options: int) -> Make:
    return lambda okta, other: [Fault(where, spoil, **options)]


def linked(where: str, link: Callable[[Okta, Okta, str], str]) -> Make:
    return lambda okta, other: [Fault(where, next_is(link, okta, other))]


def profile(**fields: object) -> Callable[[Answer], Answer]:
    return edited(lambda found: [one | {"profile": one["profile"] | fields} for one in found])


def counted(number: object) -> Callable[[Answer], Answer]:
    return each(_embedded={"stats": {"usersCount": number}})


def uncounted(name: str, spoil: Callable[[Answer], Answer]) -> Case:
    """Of each page of the members the last one is left out."""
    faults = [Fault(GROUPS, spoil), Fault(MEMBERS, edited(lambda found: found[:-1]))]
    return Case(f"{name}, and not all members", "doesn't say how many members", lambda okta, other: faults)


CASES = [
    # an answer that fails
    Case("page 2 of the members is a 500", "500", on(PAGE_2, broken(500))),
    Case("page 2 of the members is a 503 in HTML", "503", on(PAGE_2, html(503))),
    Case("the members end in the middle of a body", "can't be reached", on(PAGE_2, cut)),
    Case("a 404 for one group that is listed", "404", on(MEMBERS, lambda given: missing("x", "UserGroup"))),
    Case("a 404 in HTML for the members", "404", on(MEMBERS, html(404))),
    Case("a 403 for one group", "403", on(MEMBERS, lambda given: error(403, "E0000006", "No."))),
    Case("the list of groups is a 500", "500", on(GROUPS, broken(500))),
    Case("the list of groups is a 404", "404", on(GROUPS, lambda given: missing("x", "UserGroup"))),
    Case("everything is a 502", "502", on("GET", broken(502))),
    Case("the token is refused", "E0000011", on("GET", lambda given: error(401, "E0000011", "No token"))),
    Case("page 2 is a 200 with nothing", "isn't JSON", on(PAGE_2, lambda given: replace(given, body=b""))),
    Case("page 2 is a 410", "410", on(PAGE_2, lambda given: error(410, "E0000001", "Gone"))),
    Case("a cursor that expired", "400", on(PAGE_2, lambda given: error(400, "E0000001", "after"))),
    Case("a 204 without members", "204", on(MEMBERS, lambda given: Answer(204, b""))),
    # less than the whole, with a 200
    Case("the members are an empty list", "members are listed", on(MEMBERS, lambda given: answer(200, []))),
    Case("page 2 is an empty list", "members are listed", on(PAGE_2, lambda given: answer(200, []))),
    Case("the next link is missing", "members are listed", on(MEMBERS, unlinked)),
    Case("fewer members than are counted", "of its 9 members", on(GROUPS, counted(9))),
    Case("a page comes twice, another not at all", "members are listed",
         on(PAGE_2, edited(lambda found: [found[0], found[0]]))),
    Case("the list of groups is empty", "which is there", on(GROUPS, lambda g: answer(200, [])), full=True),
    Case("a page of the groups is lost", "which is there", on(GROUPS, unlinked), full=True),
    Case("HTML with 200 for the members", "isn't JSON", on(MEMBERS, html())),
    Case("HTML with 200 for the groups", "isn't JSON", on(GROUPS, html())),
    Case("HTML with 200 for the people", "isn't JSON", on(USERS, html())),
    Case("JSON that is cut", "isn't JSON", on(PAGE_2, half)),
    Case("JSON of brackets only", "isn't JSON", on(MEMBERS, lambda g: replace(g, body=b"[" * 99_999))),
    uncounted("no count", each(_embedded=None)),
    uncounted("no count in the stats", each(_embedded={"stats": None})),
    uncounted("a count that is a text", counted("5")),
    uncounted("a count with a fraction", counted(5.0)),
    uncounted("a count below zero", counted(-1)),
    # other types
    Case("an object instead of a list", "isn't a list", on(MEMBERS, lambda g: answer(200, {"value": []}))),
    Case("null instead of a list", "isn't a list", on(MEMBERS, lambda given: answer(200, None))),
    Case("a list of ids", "isn't a list", on(MEMBERS, edited(lambda found: [one["id"] for one in found]))),
    Case("people without an id", "lacks id", on(MEMBERS, each(id=None))),
    Case("ids that are numbers", "isn't a text", on(MEMBERS, each(id=17))),
    Case("an id that leads elsewhere", "can't be one", on(MEMBERS, each(id="../users/me"))),
    Case("people without a login", "lacks login", on(MEMBERS, profile(login=""))),
    Case("a login of a megabyte", "isn't a text", on(MEMBERS, profile(login="a" * 1_000_000))),
    Case("people without a status", "lacks status", on(MEMBERS, each(status=None))),
    Case("a status that nobody knows", "isn't known: ON LEAVE", on(MEMBERS, each(status="ON\nLEAVE"))),
    Case("no profile", "lacks profile", on(MEMBERS, each(profile="none"))),
    Case("a time that is none", "no time", on(GROUPS, each(lastMembershipUpdated="yesterday"))),
    # links
    Case("the next page is this page", "come again",
         lambda o, x: [Fault(MEMBERS, endless(o, MEMBERS, fresh=False))]),
    Case("there is always a next page of new people", "goes on beyond",
         lambda o, x: [Fault(MEMBERS, endless(o, MEMBERS, fresh=True))]),
    Case("the next page is on another host", "another host",
         linked(MEMBERS, lambda okta, other, url: url.replace(okta.url, other.url))),
    Case("the next page is on a host that begins alike", "another host",
         linked(MEMBERS, lambda okta, other, url: url.replace("127.0.0.1", "127.0.0.1.other.example"))),
    Case("the next page hides its host behind a user name", "another host",
         linked(MEMBERS, lambda okta, other, url: url.replace("https://", "https://x@"))),
    Case("the next page isn't encrypted", "another host",
         linked(MEMBERS, lambda okta, other, url: url.replace("https:", "http:"))),
    Case("the next page is one of all people", "another list",
         linked(MEMBERS, lambda okta, other, url: f"{okta.url}/api/v1/users?limit=200")),
    Case("the groups go on on another host", "another host",
         linked(GROUPS, lambda okta, other, url: url.replace(okta.url, other.url)), full=True),
    Case("a redirect to another host", "redirects", lambda okta, other: [
        Fault("GET", lambda given: Answer(307, b"", (("Location", f"{other.url}/api/v1/groups"),)))]),
    # too much, too slow
    Case("a body that doesn't end", "larger than",
         on(MEMBERS, lambda given: replace(given, body=b" " * 1_000_000, endless=True))),
    Case("a small body that unpacks to 100 MB", "larger than", on(MEMBERS, bomb)),
    Case("a body that trickles", "doesn't end", on(GROUPS, lambda g: replace(g, slow=0.05)), timeout=0.4),
    Case("one that unpacks twice, to 1 GB", "larger than", on(MEMBERS, bomb_in_a_bomb)),
    Case("429 until next year", "429", on(MEMBERS, limited(Remaining="0", Reset="9999999999"))),
    Case("429 that asks for a year", "429", on(MEMBERS, limited(**{"Retry-After": "31536000"}))),
    Case("429 that doesn't say how long", "429", on(MEMBERS, limited(Limit="many", Reset="soon"))),
    Case("429 for too many calls at once, for ever", "429",
         on(MEMBERS, limited(Limit="0", Remaining="0", Reset="0"))),
    # the sign-in of a service app
    Case("the sign-in is a 500", "500", on(LOGIN, broken(500)), app=True),
    Case("the sign-in is HTML", "isn't JSON", on(LOGIN, html()), app=True),
    Case("the sign-in gives a list", "not a JSON object", on(LOGIN, lambda given: answer(200, [])), app=True),
    Case("the sign-in gives no token", "no bearer token", on(LOGIN, lambda g: answer(200, {})), app=True),
    Case("the sign-in refuses", "check client_id",
         on(LOGIN, lambda given: answer(401, {"error": "invalid_client"})), app=True),
    Case("the sign-in doesn't end", "larger than",
         on(LOGIN, lambda given: replace(given, body=b" " * 1_000_000, endless=True)), app=True),
    Case("the sign-in is redirected to another host", "307", lambda okta, other: [
        Fault(LOGIN, lambda given: Answer(307, b"", (("Location", f"{other.url}/oauth2/v1/token"),)))],
        app=True),
    # errors that quote the request
    Case("an error quotes the token", "400", echo(MEMBERS, 400)),
    Case("a refusal quotes the token", "401", echo("GET", 401)),
    Case("a refusal quotes the app's token", "403", echo("GET", 403), app=True),
    Case("a failure quotes the token", "500", echo(PAGE_2, 500)),
    Case("a redirect quotes the token", "redirects", echo(MEMBERS, 302)),
    Case("a page in HTML quotes the token", "isn't JSON", echo(MEMBERS, 200, page=True)),
    Case("a next link quotes the token", "400", echo(MEMBERS, 200, link=True)),
    Case("the sign-in quotes the assertion", "refuses the service app", echo(LOGIN, 401), app=True),
    Case("the sign-in quotes the assertion in HTML", "isn't JSON", echo(LOGIN, 200, page=True), app=True),
]  # fmt: skip

"""How is one call to Microsoft Graph made, and what does its answer mean?

| answer | becomes |
| --- | --- |
| 200 | its JSON object |
| 401 | one new token, then Unauthorized |
| 403 | Unauthorized: a permission is missing |
| 404 | None, where that may be; else Incomplete |
| 410; a code as syncStateNotFound at any depth; 400 to a link that Graph gave | Expired |
| 429, 5xx, no answer | waited for as long as Retry-After says (or 1 s, doubling), then Transient |
| redirects, HTML with 200, everything else | Incomplete |

Codes are looked for through nested `innerError`s; a message is never read.
"""

import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from urllib.parse import urlsplit

from structlog.stdlib import get_logger

from sync.ports import Transient, Unauthorized
from sync.pulled import Expired, Incomplete
from sync.sources.graph_auth import SignIn
from sync.sources.http import PATIENCE, Answer, Caller, backoff, line, objects, retry_after, text

BATCH = 20  #: requests in one $batch
TRIES = 4
_LOST = frozenset(
    {
        "syncstatenotfound",
        "resyncrequired",
        "resync.required",
        "directory_expiredpagetoken",
        "expiredpagetoken",
    }
)
_LATER = frozenset({408, 429, 500, 502, 503, 504})
#: what a 429 says of its cause, for the log
_THROTTLED = {"scope": "x-ms-throttle-scope", "throttled": "x-ms-throttle-information"}
#: share of the budget from which on each call is followed by a rest
_NEARLY_USED_UP = 0.8


@dataclass(frozen=True, slots=True)
class Part:
    """One answer inside a $batch."""

    status: int
    body: Mapping[str, object]


@dataclass(slots=True)
class Api:
    caller: Caller
    sign_in: SignIn
    clock: Callable[[], datetime]  #: aware UTC
    pause: Callable[[float], None]
    stopping: Callable[[], bool] = lambda: False

    def get(
        self, url: str, headers: Mapping[str, str] | None = None, *, missing: bool = False
    ) -> dict[str, object] | None:
        """By a path, or by a link that Graph gave. None: it isn't there (`missing` allows it)."""
        answer = self._patiently("GET", url, None, headers or {})
        if answer.status == 404 and missing:
            return None
        self._refuse(answer, url)
        return answer.json()

    def batch(self, urls: Sequence[str], headers: Mapping[str, str] | None = None) -> list[Part]:
        """What each of these paths (from the version on) answers, in order; never a 429 or 5xx."""
        found: list[Part] = []
        for begin in range(0, len(urls), BATCH):
            found += self._twenty(urls[begin : begin + BATCH], headers or {})
        return found

    # ---- below ----

    def _twenty(self, urls: Sequence[str], headers: Mapping[str, str]) -> list[Part]:
        found: dict[int, Part] = {}
        waited = 0.0
        for attempt in count():
            asked = [
                {"id": str(i), "method": "GET", "url": url} | ({"headers": dict(headers)} if headers else {})
                for i, url in enumerate(urls)
                if i not in found
            ]
            answer = self._patiently("POST", "/v1.0/$batch", {"requests": asked}, {})
            self._refuse(answer, "/v1.0/$batch")
            wait = 0.0
            for i, part, later in _parts(answer.json(), len(urls), self.clock()):
                if part.status in _LATER:
                    wait = max(wait, backoff(attempt) if later is None else later)
                else:
                    found[i] = part
            if len(found) == len(urls):
                return [found[i] for i in range(len(urls))]
            if waited + wait > PATIENCE or attempt + 1 >= TRIES or self.stopping():
                raise Transient(
                    "Microsoft Graph is busy: parts of a batch weren't answered", retry_after=wait
                )
            self.pause(wait)
            waited += wait
        raise AssertionError("count() doesn't end")

    def _patiently(self, method: str, url: str, body: object, headers: Mapping[str, str]) -> Answer:
        waited, renewed = 0.0, False
        for attempt in count():
            try:
                answer = self._once(method, url, body, headers)
            except Transient as error:
                wait, why = backoff(attempt), str(error)
            else:
                if answer.status == 401 and not renewed:
                    renewed = True
                    self.sign_in.renew()
                    continue
                if answer.status not in _LATER:
                    return answer
                asked = retry_after(answer, self.clock())
                wait = backoff(attempt) if asked is None else asked
                why = f"Microsoft Graph: {_endpoint(url)}: {answer.status}{_request_id(answer)}"
            if waited + wait > PATIENCE or attempt + 1 >= TRIES or self.stopping():
                raise Transient(why, retry_after=wait)
            self.pause(wait)
            waited += wait
        raise AssertionError("count() doesn't end")

    def _once(self, method: str, url: str, body: object, headers: Mapping[str, str]) -> Answer:
        asked = str(uuid.uuid4())
        own = {"client-request-id": asked, "x-ms-throttle-priority": "Low"} | dict(headers)
        answer = self.caller.send(method, url, token=self.sign_in.token(), headers=own, json=body)
        log = get_logger(__name__)
        say = log.debug if answer.status == 200 else log.info
        say(
            "graph answered",
            endpoint=_endpoint(url),
            status=answer.status,
            request=line(answer.headers.get("request-id", ""), 60),
            client_request=asked,
            **{
                name: line(answer.headers[header], 120)
                for name, header in _THROTTLED.items()
                if answer.status == 429 and header in answer.headers
            },
        )
        self._rest(answer)
        return answer

    def _rest(self, answer: Answer) -> None:
        """A background reader leaves the last part of the app's budget to others."""
        try:
            used = float(answer.headers.get("x-ms-throttle-limit-percentage", "0")[:10])
        except ValueError:
            return
        if used >= _NEARLY_USED_UP:
            self.pause(1.0)

    def _refuse(self, answer: Answer, url: str) -> None:
        """Raises as the table says; returns for 200."""
        if answer.status == 200:
            return
        codes = list(_codes(answer))
        told = f"Microsoft Graph: {_endpoint(url)}: {answer.status} {' '.join(codes[:2])}".rstrip()
        told += _request_id(answer)
        link = not url.startswith("/")
        lost = any(code.lower() in _LOST for code in codes)
        if answer.status == 410 or (lost and answer.status < 500) or (link and answer.status == 400):
            raise Expired(f"{told}: everything is read anew")
        if answer.status == 401:
            raise Unauthorized(f"{told}: a new token was refused too; check the app registration")
        if answer.status == 403:
            raise Unauthorized(
                f"{told}: grant GroupMember.Read.All and User.Read.All as application permissions, "
                "with admin consent"
            )
        if 300 <= answer.status < 400:
            raise Incomplete(f"{told}: it redirects, which isn't followed; check graph_url")
        raise Incomplete(told)


def _parts(
    answer: Mapping[str, object], asked: int, now: datetime
) -> Iterator[tuple[int, Part, float | None]]:
    """(which, what, Retry-After); in any order. Raises Incomplete."""
    seen: set[int] = set()
    for response in objects(answer, "responses", BATCH):
        id, status, body = text(response, "id", 10), response.get("status"), response.get("body")
        if not id.isdecimal() or int(id) >= asked or int(id) in seen or not isinstance(status, int):
            raise Incomplete("an answer inside a $batch is none of those asked for")
        seen.add(int(id))
        headers = response.get("headers")
        named = {str(k): str(v) for k, v in headers.items()} if isinstance(headers, dict) else {}
        later = retry_after(Answer(status, {k.title(): v for k, v in named.items()}, b""), now)
        yield int(id), Part(status, body if isinstance(body, dict) else {}), later
    if not seen:
        raise Incomplete("a $batch was answered with nothing")


def _codes(answer: Answer) -> Iterator[str]:
    """error.code and those of its inner errors, outermost first."""
    try:
        error: object = answer.json().get("error")
    except Incomplete:
        return
    for _ in range(10):
        if not isinstance(error, dict):
            return
        code = error.get("code")
        if isinstance(code, str):
            yield line(code, 60)
        inner: Collection[str] = [key for key in error if key.lower() == "innererror"]
        error = error[next(iter(inner))] if inner else None


def _endpoint(url: str) -> str:
    """For a log: the path, without a query that may hold a token."""
    return line(urlsplit(url).path, 120)


def _request_id(answer: Answer) -> str:
    id = line(answer.headers.get("request-id", ""), 60)
    return f" (request {id})" if id else ""

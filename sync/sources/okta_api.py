"""How is one call to Okta made, and what does its answer mean?

| answer | becomes |
| --- | --- |
| 200 | the page, and the link to the next one: on the same host and of the same list, or Incomplete |
| 401 | one new token, then Unauthorized |
| 403 | Unauthorized: the scope or the role is missing |
| 404 with E0000007 | None: there is no such thing |
| 400 to a link | Expired: the list has to be begun anew |
| 429 | waited for (okta_rate), then Transient |
| 5xx, no answer | tried three times, then Transient |
| redirects, HTML, everything else | Incomplete |
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from urllib.parse import urlsplit

from structlog.stdlib import get_logger

from sync.ports import Transient, Unauthorized
from sync.pulled import Expired, Incomplete
from sync.sources.http import Answer, Caller, backoff, line
from sync.sources.okta_auth import SignIn
from sync.sources.okta_rate import Rate, wait_after_429
from sync.sources.okta_wire import error_code

PATIENCE = 75.0  #: seconds that one call may wait in all: Okta's windows are a minute long
TRIES = 3

GROUPS = "/api/v1/groups"
USERS = "/api/v1/users"


@dataclass(frozen=True, slots=True)
class Listed:
    answer: Answer
    next: str  #: link to the next page, verbatim; "": this was the last


@dataclass(slots=True)
class Api:
    caller: Caller
    sign_in: SignIn
    clock: Callable[[], datetime]
    pause: Callable[[float], None]
    monotonic: Callable[[], float] = time.monotonic
    stopping: Callable[[], bool] = lambda: False
    _rate: Rate = field(default_factory=Rate)

    def __post_init__(self) -> None:
        """Raises ValueError for the address of Okta's admin console, which has no API."""
        host = urlsplit(self.caller.base).hostname or ""
        if "-admin.okta" in host:
            raise ValueError(f"org_url is https://{host.replace('-admin.', '.')}, without -admin")

    def page(self, url: str) -> Listed | None:
        """A page of a list by its path, or by the link that Okta gave for it. Raises as the table says."""
        link = not url.startswith("/")
        answer = self.get(url, expired=400 if link else None)
        return None if answer is None else Listed(answer, self._next(url, answer))

    def get(self, url: str, *, expired: int | None = None) -> Answer | None:
        """None: there is no such thing (404 with E0000007). `expired`: the status that voids the link."""
        endpoint = _endpoint(urlsplit(url).path)
        answer = self._patiently(url, endpoint)
        if answer.status == 401 and self.sign_in.renew():
            answer = self._patiently(url, endpoint)
        if answer.status == 200:
            return answer
        code, what = error_code(answer), f"Okta: GET {endpoint}: {answer.status}"
        told = f"{what} {code}".rstrip() + _request(answer)
        if answer.status == expired:
            raise Expired(told)
        if answer.status == 404 and code == "E0000007":
            return None
        if answer.status == 401:
            raise Unauthorized(f"{told}: the token is refused; make a new one, or check the service app")
        if answer.status == 403:
            raise Unauthorized(
                f"{told}: grant okta.groups.read and okta.users.read, and a role that may view these groups"
            )
        if 300 <= answer.status < 400:
            raise Incomplete(f"{told}: it redirects, which isn't followed; check org_url")
        raise Incomplete(told)

    def _patiently(self, url: str, endpoint: str) -> Answer:
        waited = 0.0
        for attempt in count():
            wait = self._rate.wait(endpoint, self.monotonic())
            why = "half of Okta's limit is used up for this minute"
            if wait <= 0:
                try:
                    answer = self._once(url, endpoint)
                except Transient:
                    if attempt + 1 >= TRIES:
                        raise
                    wait, why = backoff(attempt), ""
                else:
                    if answer.status == 429:
                        wait, why = wait_after_429(answer, attempt, self.clock()), "429, too many calls"
                    elif answer.status >= 500 or answer.status == 408:
                        wait, why = backoff(attempt), f"{answer.status}{_request(answer)}"
                        if attempt + 1 >= TRIES:
                            raise Transient(f"Okta: GET {endpoint}: {why}")
                    else:
                        return answer
            if waited + wait > PATIENCE or self.stopping():
                raise Transient(f"Okta: GET {endpoint}: {why}", retry_after=wait)
            self.pause(wait)
            waited += wait
        raise AssertionError("count() doesn't end")

    def _once(self, url: str, endpoint: str) -> Answer:
        scheme, token = self.sign_in.authorization()
        answer = self.caller.send("GET", url, token=token, scheme=scheme)
        self._rate.note(endpoint, answer, self.monotonic(), self.clock())
        log = get_logger(__name__)
        say = log.debug if answer.status == 200 else log.info
        say("okta answered", endpoint=endpoint, status=answer.status, request=_request_id(answer))
        return answer

    def _next(self, url: str, answer: Answer) -> str:
        links = {link for rel, link in answer.links if rel.lower() == "next"}
        if not links:
            return ""
        if len(links) > 1:
            raise Incomplete("Okta names two next pages", restart=True)
        link = self.caller.own(links.pop())
        if urlsplit(link).path != urlsplit(url).path:
            raise Incomplete("Okta's next page is one of another list", restart=True)
        return link


def _endpoint(path: str) -> str:
    """What Okta counts together: ids left out."""
    parts = path.split("/")
    if len(parts) > 4:
        parts[4] = "{id}"
    return "/".join(parts[:6])


def _request_id(answer: Answer) -> str:
    return line(answer.headers.get("X-Okta-Request-Id", ""), 60)


def _request(answer: Answer) -> str:
    id = _request_id(answer)
    return f" (request {id})" if id else ""

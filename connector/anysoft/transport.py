"""How does one call reach a tenant elsewhere, and what does its answer mean?

What comes back is untrusted (T25): redirects aren't followed, size and time are bounded, types are checked.

| answer | becomes |
| --- | --- |
| expected status | the JSON body |
| 401 | one new token, then Unauthorized |
| 403 | Unauthorized |
| 404 with code not_found | Missing |
| 409, 422 and other 4xx with a code | Rejected |
| 429 | Busy, not done, Retry-After (at most 1 hour, R29) |
| 5xx, 3xx, time-out, cut connection, anything else | Transient; a write may be done |
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import NoReturn, Protocol
from urllib.parse import urlsplit

import orjson
import requests
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError

from connector.anysoft.fields import Fields, Malformed
from connector.anysoft.unreached import no_token, reason
from connector.anysoft.wire import Json, rejected_of
from sync.ports import Busy, Missing, Rejected, Transient, Unauthorized

LARGEST_ANSWER = 16_000_000  #: bytes, unpacked
LONGEST_WAIT = 3600.0  #: seconds; a longer Retry-After is cut (R29)
EARLY = 30.0  #: seconds before its end a token is renewed


def check_url(url: str) -> str:
    """The base URL, without a slash at its end. Raises ValueError for what mustn't carry a secret."""
    parts = urlsplit(url)
    if parts.query or parts.fragment or parts.username or parts.password or not parts.hostname:
        raise ValueError("the AnySoft URL must be https://HOST/PATH, without credentials, query or fragment")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts.hostname)):
        raise ValueError("the AnySoft URL must begin with https:// (http:// only to this machine)")
    return url.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


class NoSuchCall(Transient):
    """Whatever answers there doesn't know the call: another product, or a tenant that lacks this part."""


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str  #: from /v1 on
    query: tuple[tuple[str, str], ...] = ()
    body: Json | None = None
    key: str = ""  #: Idempotency-Key
    expected: tuple[int, ...] = (200,)
    form: tuple[tuple[str, str], ...] = field(default=(), repr=False)  #: asks for a token: changes nothing

    @property
    def writes(self) -> bool:
        return self.method != "GET" and not self.form


class Sends(Protocol):
    """What a client needs of a transport."""

    def send(self, request: Request) -> object:
        """As Transport.send."""

    def close(self) -> None: ...


@dataclass(slots=True)
class Transport:
    """`timeout`: seconds without a byte, and half of what a whole answer may take."""

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    timeout: float = 60.0
    verify: str | bool = True  #: a CA bundle, or the system's
    monotonic: Callable[[], float] = time.monotonic
    _session: requests.Session = field(default_factory=requests.Session, repr=False)
    _token: str = field(default="", repr=False)
    _token_until: float = 0.0

    def __post_init__(self) -> None:
        self.url = check_url(self.url)
        if urlsplit(self.url).scheme == "http":
            self._session.trust_env = False  # a proxy must not see what is sent to this machine

    def send(self, request: Request) -> object:
        """The answer's JSON; None when it has no body. Raises as the table says."""
        token = self._bearer()
        status, answer, wait = self._exchange(request, token)
        if status == 401:
            self._token = ""
            status, answer, wait = self._exchange(request, self._bearer())
        if status in request.expected:
            return None if status == 204 else _json(answer, request)
        _refuse(request, status, answer, wait)

    def close(self) -> None:
        self._session.close()

    def _bearer(self) -> str:
        if self._token and self.monotonic() < self._token_until:
            return self._token
        form = (
            ("grant_type", "client_credentials"),
            ("client_id", self.client_id),
            ("client_secret", self.client_secret),
        )
        asked = self.monotonic()
        request = Request("POST", "/oauth2/token", form=form)
        status, answer, wait = self._exchange(request, "")
        if status in (400, 401, 403):
            raise Unauthorized(no_token(self.url, status, answer))
        if status != 200:
            _refuse(request, status, answer, wait)
        try:
            fields = Fields.of(_json(answer, request))
            token = fields.text("access_token", 10_000)
            lasts = fields.whole("expires_in")
            if fields.text("token_type", 20).lower() != "bearer" or not _is_token(token):
                raise Malformed("access_token", "must be a bearer token")
        except Malformed as error:
            raise Transient(f"AnySoft's token answer isn't what the contract says: {error}") from error
        self._token, self._token_until = token, asked + max(0.0, lasts - EARLY)
        return token

    def _exchange(self, request: Request, token: str) -> tuple[int, bytes, float | None]:
        headers = {"Accept": "application/json, application/problem+json"}
        if request.key:
            headers["Idempotency-Key"] = request.key
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        try:
            with self._session.request(
                request.method,
                self.url + request.path,
                params=request.query,
                data=list(request.form) or _bytes(request.body),
                headers=headers,
                auth=_Bearer(token),  # given, so that no .netrc is looked at
                timeout=self.timeout,
                allow_redirects=False,
                stream=True,
                verify=self.verify,
            ) as answer:
                return answer.status_code, self._read(answer, request), _retry_after(answer)
        except requests.RequestException as error:
            raise Transient(
                f"AnySoft can't be reached: {urlsplit(self.url).netloc} {reason(error)}",
                maybe_done=request.writes and _sent(error),
            ) from error
        except HTTPError as error:
            broken = f"AnySoft's answer broke off: {urlsplit(self.url).netloc} {reason(error)}"
            raise Transient(broken, maybe_done=request.writes) from error

    def _read(self, answer: requests.Response, request: Request) -> bytes:
        until = self.monotonic() + 2 * self.timeout
        content = bytearray()
        # not iter_content: it waits for a full chunk, so that an answer that trickles would never be cut off
        while chunk := answer.raw.read1(65_536, decode_content=True):
            content += chunk
            if len(content) > LARGEST_ANSWER:
                _doubt(request, f"its answer is larger than {LARGEST_ANSWER} bytes")
            if self.monotonic() > until:
                _doubt(request, "its answer doesn't end")
        return bytes(content)


@dataclass(frozen=True, slots=True)
class _Bearer:
    token: str = field(repr=False)

    def __call__(self, prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.token:
            prepared.headers["Authorization"] = f"Bearer {self.token}"
        return prepared


def _is_token(text: str) -> bool:
    return bool(text) and all("!" <= letter <= "~" for letter in text)


def _bytes(body: Json | None) -> bytes | None:
    return None if body is None else orjson.dumps(body)


def _sent(error: requests.RequestException) -> bool:
    """Whether the request may have left this machine."""
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.SSLError):
        return False
    cause = error.args[0] if error.args else None
    return not (isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError))


def _retry_after(answer: requests.Response) -> float | None:
    """Seconds; RFC 9110 10.2.3 knows seconds and a date."""
    text = answer.headers.get("Retry-After", "")
    if text.isascii() and text.isdecimal():
        return min(float(text[:9]), LONGEST_WAIT)
    try:
        wait = (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return None
    return min(max(wait, 0.0), LONGEST_WAIT)


def _json(content: bytes, request: Request) -> object:
    try:
        answer: object = orjson.loads(content)
        return answer
    except orjson.JSONDecodeError:
        _doubt(request, "its answer isn't JSON")


def _doubt(request: Request, why: str) -> NoReturn:
    raise Transient(f"AnySoft: {request.method} {request.path}: {why}", maybe_done=request.writes)


def _refuse(request: Request, status: int, content: bytes, wait: float | None) -> NoReturn:
    called = f"AnySoft: {request.method} {request.path}: {status}"
    if status == 429:
        raise Busy(f"{called}: too many calls", retry_after=wait)
    if not 400 <= status < 500 or status == 408:
        raise Transient(called, maybe_done=request.writes, retry_after=wait)
    try:
        problem = rejected_of(orjson.loads(content))
    except (orjson.JSONDecodeError, Malformed):
        problem = None
    told = called if problem is None else f"{called} {problem.code}: {_line(str(problem))}"
    if status == 401:
        raise Unauthorized(f"{told}: a new token was refused too; check the client's rights at AnySoft")
    if status == 403:
        raise Unauthorized(told)
    if status == 404 and problem is not None and problem.code == "not_found":
        raise Missing(told)
    if problem is None or status == 404:
        raise NoSuchCall(
            f"{told}: no such call there; check CONNECTOR_ANYSOFT__URL", maybe_done=request.writes
        )
    raise Rejected(problem.code, _line(str(problem)), problem.fields)


def _line(text: str) -> str:
    """What somebody else wrote, fit for one line of a log (T27)."""
    return "".join(letter if letter.isprintable() else " " for letter in text[:500])

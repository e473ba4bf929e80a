"""How is a directory's API called, when nothing that it answers can be trusted? (T24, T25)

No redirect is followed, size and time of an answer are bounded, a link to another host is refused, a wait
that the other side asks for is cut to an hour, a secret that comes back in an answer is blotted out of it.
"""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

import orjson
import requests
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import HTTPError

from sync.ports import Transient
from sync.pulled import Incomplete

LARGEST_ANSWER = 16_000_000  #: bytes, unpacked
LONGEST_LINK = 16_000  #: letters; Graph's tokens are long
LONGEST_WAIT = 3600.0  #: seconds; a longer Retry-After is cut
#: a wait up to this is waited out on the spot, in all at most `PATIENCE` a call; a longer one is Transient
SHORT_WAIT = 30.0
PATIENCE = 60.0
MOST_REPEATS = 8


def check_url(url: str, name: str) -> str:
    """A base URL without a slash at its end. Raises ValueError for what mustn't carry a secret."""
    parts = urlsplit(url)
    if parts.query or parts.fragment or parts.username or parts.password or not parts.hostname:
        raise ValueError(f"{name} must be https://HOST, without credentials, query or fragment")
    if parts.scheme != "https":
        raise ValueError(f"{name} must begin with https://")
    return url.rstrip("/")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]  #: names in any case
    content: bytes = field(repr=False)
    links: tuple[tuple[str, str], ...] = ()  #: (rel, URL) of its Link headers

    def json(self) -> dict[str, object]:
        """Raises Incomplete for anything but a JSON object: HTML with 200, a body that was cut off."""
        value = self.value()
        if not isinstance(value, dict):
            raise Incomplete(f"the answer is {type(value).__name__}, not a JSON object")
        return value

    def value(self) -> object:
        """Raises Incomplete for what isn't JSON."""
        try:
            value: object = orjson.loads(self.content)
            return value
        except orjson.JSONDecodeError:
            kind = self.headers.get("Content-Type", "no content type")
            raise Incomplete(f"the answer isn't JSON ({line(kind, 80)})") from None


@dataclass(slots=True)
class Caller:
    """One API host. Its session has no cookies that matter, no .netrc, and no token: that is the call's.

    `timeout`: seconds without a byte, and half of what a whole answer may take.
    """

    base: str
    name: str  #: of the peer, for messages: "Microsoft Graph"
    verify: str | bool = True  #: a CA bundle, or the system's
    timeout: float = 60.0
    monotonic: Callable[[], float] = time.monotonic
    _session: requests.Session = field(default_factory=requests.Session, repr=False)

    def __post_init__(self) -> None:
        self.base = check_url(self.base, f"the URL of {self.name}")
        if _is_loopback(urlsplit(self.base).hostname or ""):
            self._session.trust_env = False  # a proxy must not see what is sent to this machine

    def send(
        self,
        method: str,
        url: str,
        *,
        token: str = "",
        scheme: str = "Bearer",
        headers: Mapping[str, str] | None = None,
        json: object = None,
        form: Mapping[str, str] | None = None,
    ) -> Answer:
        """`url`: a path from the base on, or a whole URL on the same host. Raises Transient, Incomplete.

        Every status is an answer here; what it means is the source's to say.
        """
        url = self.own(self.base + url if url.startswith("/") else url)
        secrets = [secret for secret in (token, (form or {}).get("client_assertion")) if secret]
        sent = {"Accept": "application/json"} | dict(headers or {})
        if json is not None:
            sent["Content-Type"] = "application/json"
        try:
            with self._session.request(
                method,
                url,
                data=form if form is not None else None if json is None else orjson.dumps(json),
                headers=sent,
                auth=_Authorization(f"{scheme} {token}" if token else ""),  # given: no .netrc is looked at
                timeout=self.timeout,
                allow_redirects=False,
                stream=True,
                verify=self.verify,
            ) as answer:
                told = blotted(answer.headers, secrets)
                links = tuple(
                    (str(link.get("rel", "")), str(link.get("url", "")))
                    for link in requests.utils.parse_header_links(told.get("Link", ""))
                )
                return Answer(answer.status_code, told, blot(self._read(answer), secrets), links)
        except (
            requests.RequestException,
            HTTPError,
        ) as error:  # its text may hold the URL, with a token in it
            raise Transient(f"{self.name} can't be reached: {type(error).__name__}") from None

    def own(self, url: str) -> str:
        """The URL, if it is on this host, with nothing in it that would send a token elsewhere (T24).

        Raises Incomplete: a next link to another host is never followed.
        """
        try:
            here, there = urlsplit(self.base), urlsplit(url)
            same = (here.scheme, here.hostname, _port(here.port)) == (
                there.scheme, there.hostname, _port(there.port)
            )  # fmt: skip
        except ValueError:
            same = False
        if not same or there.username is not None or there.password is not None:
            raise Incomplete(f"{self.name} sent a link to another host, which isn't followed", restart=True)
        if len(url) > LONGEST_LINK or not url.isascii() or any(c <= " " for c in url) or "\\" in url:
            raise Incomplete(f"{self.name} sent a link that can't be one", restart=True)
        return url

    def close(self) -> None:
        self._session.close()

    def _read(self, answer: requests.Response) -> bytes:
        until = self.monotonic() + 2 * self.timeout
        content = bytearray()
        # not iter_content: it waits for a full chunk, so that an answer that trickles would never be cut off
        while chunk := answer.raw.read1(65_536, decode_content=True):
            content += chunk
            if len(content) > LARGEST_ANSWER:
                raise Incomplete(f"an answer of {self.name} is larger than {LARGEST_ANSWER} bytes")
            if self.monotonic() > until:
                raise Transient(f"an answer of {self.name} doesn't end")
        return bytes(content)


def blot(content: bytes, secrets: Collection[str]) -> bytes:
    """Without the secrets that were sent: an error, a page or a link may quote the request (T23)."""
    for secret in secrets:
        content = content.replace(secret.encode(), b"***")
    return content


def blotted(headers: Mapping[str, str], secrets: Collection[str]) -> Mapping[str, str]:
    """The same for headers; their names in any case."""
    told = {name: blot(value.encode(), secrets).decode() for name, value in headers.items()}
    return CaseInsensitiveDict(told)


@dataclass(frozen=True, slots=True)
class _Authorization:
    value: str = field(repr=False)

    def __call__(self, prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.value:
            prepared.headers["Authorization"] = self.value
        return prepared


def retry_after(answer: Answer, now: datetime) -> float | None:
    """Seconds, at most an hour; None if there is none. RFC 9110 10.2.3 knows seconds and a date."""
    text = answer.headers.get("Retry-After", "")
    if text.isascii() and text.isdecimal():
        return min(float(text[:9]), LONGEST_WAIT)
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    wait = (when if when.tzinfo else when.replace(tzinfo=UTC)) - now
    return min(max(wait.total_seconds(), 0.0), LONGEST_WAIT)


def backoff(attempt: int) -> float:
    """Seconds before try number `attempt` + 2, where nobody says how long: 1, doubling."""
    return float(min(2**attempt, 30))


def line(text: str, longest: int = 200) -> str:
    """What somebody else wrote, fit for one line of a log (T27)."""
    return "".join(letter if letter.isprintable() else " " for letter in text[:longest])


# ---- fields of an answer ----


def text(fields: Mapping[str, object], name: str, longest: int = 500) -> str:
    """A string that is there and isn't empty. Raises Incomplete."""
    value = optional_text(fields, name, longest)
    if not value:
        raise Incomplete(f"an answer lacks {name}")
    return value


def optional_text(fields: Mapping[str, object], name: str, longest: int = 500) -> str:
    """A string; "" if absent or null. Raises Incomplete for another type, a NUL, or too many letters."""
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > longest or "\0" in value:
        raise Incomplete(f"{name} of an answer isn't a text of at most {longest} letters")
    return value


def objects(fields: Mapping[str, object], name: str, most: int = 100_000) -> list[dict[str, object]]:
    """A list of JSON objects that is there. Raises Incomplete."""
    return as_objects(fields.get(name), name, most)


def as_objects(value: object, name: str, most: int = 100_000) -> list[dict[str, object]]:
    """Raises Incomplete."""
    if not isinstance(value, list) or len(value) > most or not all(isinstance(one, dict) for one in value):
        raise Incomplete(f"{name} of an answer isn't a list of at most {most} objects")
    return value


def _port(port: int | None) -> int:
    return 443 if port is None else port


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False

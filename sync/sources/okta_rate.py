"""How long must the next call to Okta wait? (R29; T25)

Okta counts by endpoint and minute, and tells the limit, what is left of it and when the minute ends with each
answer. Other programs of the company live on the same limits, so at most half of each is used here.

| the answer | wait |
| --- | --- |
| 200, and ours are half of the limit, or a tenth of it is left | to the end of the minute, and a second |
| 429 | the same |
| 429 with limit 0 and nothing left: too many calls at the same time | 1 s, doubling; its end is a hint only |

The end of the minute is compared with the answer's own Date, never with our clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime

from sync.sources.http import Answer, backoff

LONGEST_WINDOW = 120.0  #: seconds; Okta's are 60. A Reset that is further off isn't believed
UNKNOWN_WINDOW = 30.0  #: seconds to wait after a 429 that doesn't say until when


@dataclass(frozen=True, slots=True)
class Limits:
    """What an answer says of its endpoint's limit."""

    limit: int
    left: int
    ends_in: float  #: seconds from the answer's Date to the window's end, 0 to LONGEST_WINDOW
    reset: int  #: the window's end as it was said: names the window


def limits(answer: Answer, now: datetime) -> Limits | None:
    """None where the headers are absent or make no sense."""
    limit, left, reset = (_whole(answer.headers, f"X-Rate-Limit-{name}") for name in _NAMES)
    if limit is None or left is None or reset is None:
        return None
    ends_in = reset - (date_of(answer) or now).timestamp()
    return Limits(limit, left, min(max(ends_in, 0.0), LONGEST_WINDOW), reset)


def date_of(answer: Answer) -> datetime | None:
    """The answer's Date, if it has one with a zone."""
    try:
        date = parsedate_to_datetime(answer.headers.get("Date", ""))
    except (ValueError, TypeError):
        return None
    return date if date.tzinfo is not None else None


def wait_after_429(answer: Answer, attempt: int, now: datetime) -> float:
    """Seconds."""
    told = limits(answer, now)
    if told is None:
        return UNKNOWN_WINDOW
    if told.limit == 0 and told.left == 0:
        return backoff(attempt)
    return told.ends_in + 1


@dataclass(slots=True)
class _Window:
    reset: int
    ours: int
    wait_until: float | None = None  #: by the monotonic clock: half is used up until then


@dataclass(slots=True)
class Rate:
    """Our share of each endpoint's minute. `endpoint`: what Okta counts together, /api/v1/groups/{id}."""

    _windows: dict[str, _Window] = field(default_factory=dict)

    def wait(self, endpoint: str, monotonic: float) -> float:
        """Seconds until the next call to it is in order."""
        window = self._windows.get(endpoint)
        if window is None or window.wait_until is None:
            return 0.0
        return max(0.0, window.wait_until - monotonic)

    def note(self, endpoint: str, answer: Answer, monotonic: float, now: datetime) -> None:
        """One more call was answered."""
        told = limits(answer, now)
        if told is None or told.limit == 0:
            return
        window = self._windows.get(endpoint)
        if window is None or told.reset > window.reset or window.wait_until is not None:
            window = self._windows[endpoint] = _Window(told.reset, 0)
        window.ours += 1
        if window.ours >= max(1, told.limit // 2) or told.left <= told.limit // 10:
            window.wait_until = monotonic + told.ends_in + 1


_NAMES = ("Limit", "Remaining", "Reset")


def _whole(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 15 else None

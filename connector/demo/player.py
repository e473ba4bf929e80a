"""Does an endpoint take what a provisioning job sends? Plays a recording against it over HTTP."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import requests
from urllib3.exceptions import HTTPError
from urllib3.util import SKIP_HEADER

from connector.anysoft.fields import Fields, Malformed
from connector.demo.recording import Recording, Step, Unsaved, fill, is_savable

LARGEST_ANSWER = 4_000_000  #: bytes
_CHUNK = 65_536


class StepFailed(Exception):
    """A step wasn't answered as recorded: the text says which step, what was sent and what came back."""

    def __init__(self, recording: Recording, number: int, request: str, why: str) -> None:
        total = len(recording.steps)
        super().__init__(f"{recording.name}, step {number} of {total}: {request} {why}")
        self.recording = recording.name
        self.number = number  #: from 1
        self.request = request  #: method and path
        self.why = why


@dataclass(frozen=True, slots=True)
class Played:
    """What was played so far; the caller stores it between cycles."""

    cycles: tuple[str, ...] = ()  #: names of the recordings that were played to their end, in that order
    begun: str = ""  #: the one that is being played, or broke off; "" none
    done: int = 0  #: how many steps of that one were answered
    saved: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  #: directory -> name -> value

    def to_json(self) -> str:
        saved = {directory: dict(values) for directory, values in self.saved.items()}
        return json.dumps({"cycles": self.cycles, "begun": self.begun, "done": self.done, "saved": saved})

    @classmethod
    def from_json(cls, text: str) -> "Played":
        """Raises Malformed."""
        try:
            fields = Fields.of(json.loads(text))
        except ValueError as error:
            raise Malformed("the state of the demo", str(error)) from None
        saved = fields.inner("saved")
        return cls(
            cycles=fields.texts("cycles", 1000),
            begun=fields.text("begun"),
            done=fields.whole("done"),
            saved={name: _texts(saved.inner(name)) for name in saved.values},
        )


@dataclass(frozen=True, slots=True)
class Progress:
    """One step was answered as it should be."""

    step: int  #: how many are done
    total: int
    note: str  #: what this part of the recording is about
    played: Played  #: stored after each step, a play that broke off can go on


def next_cycle(cycles: Sequence[str], played: Played) -> str | None:
    """The first of the cycles that was not played yet; None when all were."""
    return next((name for name in cycles if name not in played.cycles), None)


def play(
    recording: Recording, played: Played, base_url: str, token: str, *, timeout: float = 60
) -> Iterator[Progress]:
    """Send each step as its directory would, and say so after each answer; one that broke off goes on.

    `base_url` is SCIM's (http://127.0.0.1:8080/scim/v2); `timeout` is seconds for one answer (Okta waits 60).
    Stops at the first answer that the job wouldn't go on with: raises StepFailed.
    """
    saved = dict(played.saved.get(recording.directory, {}))
    start = played.done if played.begun == recording.name else 0
    note, total = "", len(recording.steps)
    with requests.Session() as session:
        session.trust_env = False  # a proxy, or a password in ~/.netrc, is not the directory's
        session.headers.clear()
        for number, step in enumerate(recording.steps, 1):
            note = step.note or note
            if number <= start:
                continue
            try:
                saved |= _send(session, step, saved, base_url.rstrip("/"), token, timeout)
            except _Unanswered as error:
                raise StepFailed(recording, number, f"{step.method} {step.path}", str(error)) from None
            everything = {**played.saved, recording.directory: dict(saved)}
            now = Played(played.cycles, recording.name, number, everything)
            if number == total:
                now = Played((*played.cycles, recording.name), saved=everything)
            yield Progress(number, total, note, now)


class _Unanswered(Exception):
    """Why a step failed, without which one it was."""


def _send(
    session: requests.Session, step: Step, saved: Mapping[str, str], base: str, token: str, timeout: float
) -> dict[str, str]:
    """Send one step; what it saves."""
    try:
        url = base + quote(fill(step.path, saved), safe="/?&=%:,;@$+!*'()[]~")
        body = fill(step.body, saved).encode() if step.body is not None else None
    except Unsaved as error:
        raise _Unanswered(
            f"needs {error}, which no cycle played so far has saved: play the earlier ones first"
        ) from None
    headers = {name: value for name, value in step.headers if body is not None or name != "Content-Type"}
    # urllib3 adds its own name where a job sends none
    headers = (
        {"User-Agent": SKIP_HEADER, "Accept-Encoding": "identity"}
        | headers
        | {"Authorization": f"Bearer {token}"}
    )
    try:
        with session.request(
            step.method, url, data=body, headers=headers, timeout=timeout, allow_redirects=False, stream=True
        ) as answer:
            text = _text(answer)
    except (requests.RequestException, HTTPError) as error:
        raise _Unanswered(
            f"got no answer from {base}: {type(error).__name__}; is the endpoint running?"
        ) from None
    if answer.status_code not in step.expect:
        expected = " or ".join(str(status) for status in step.expect)
        raise _Unanswered(f"was answered {answer.status_code} instead of {expected}: {text[:300]!r}")
    return {name: _at(text, pointer) for name, pointer in step.save}


def _text(answer: requests.Response) -> str:
    content = bytearray()
    for chunk in answer.iter_content(_CHUNK):
        content += chunk
        if len(content) > LARGEST_ANSWER:
            raise _Unanswered(f"was answered with more than {LARGEST_ANSWER} bytes")
    return content.decode("utf-8", "replace")


def _at(text: str, pointer: str) -> str:
    """The value of an answer that a JSON pointer names; only an id is let in."""
    try:
        value: Any = json.loads(text)
        for part in pointer[1:].split("/"):
            value = value[int(part)] if isinstance(value, list) else value[part]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        raise _Unanswered(f"was answered without {pointer}: {text[:300]!r}") from None
    if not is_savable(value):
        raise _Unanswered(f"was answered with a {pointer} that is no id: {str(value)[:100]!r}")
    return str(value)


def _texts(fields: Fields) -> dict[str, str]:
    return {name: fields.text(name) for name in fields.values}

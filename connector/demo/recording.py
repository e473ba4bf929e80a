"""What did a directory's provisioning job send? Recorded SCIM traffic: a JSON file, parsed strictly.

| key of a step | |
| --- | --- |
| note | optional; what this step and those after it are about |
| method, path | the path under the SCIM base URL, with its query |
| headers | optional; added to the file's own; null: not sent |
| body | optional; a JSON object |
| expect | the statuses with which the job goes on |
| save | optional; a name for a value of the answer, found by JSON pointer (RFC 6901) |

`{{name}}` in a path or a body stands for a value that was saved under that name before, by this recording or
an earlier one of the same directory: our ids, which a job caches.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import NoReturn

from connector.anysoft.fields import Fields, Malformed

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_NAME = re.compile(r"[a-z][a-z0-9_.-]{0,63}")
_PLACE = re.compile(r"\{\{(.*?)\}\}")
_HEADER = re.compile(r"[A-Za-z0-9-]{1,60}")
#: What may stand in for a name: anything that means the same in a URL and in a JSON text
_VALUE = re.compile(r"[A-Za-z0-9._~-]{1,200}")

Headers = tuple[tuple[str, str], ...]


class BadRecording(Exception):
    """A file isn't a recording; says which file and which field of it."""


class Unsaved(Exception):
    """A step needs a value that no step before it has saved; args: the name."""


@dataclass(frozen=True, slots=True)
class Step:
    note: str  #: "" for none
    method: str
    path: str  #: with placeholders; not yet percent-encoded where the recording isn't
    headers: Headers  #: all that are sent, the credential and the length aside
    body: str | None  #: JSON, with placeholders
    expect: tuple[int, ...]
    save: tuple[tuple[str, str], ...]  #: (name, JSON pointer into the answer)


@dataclass(frozen=True, slots=True)
class Recording:
    name: str  #: the file's, without .json
    directory: str
    kind: str  #: scim, entra, okta
    title: str
    steps: tuple[Step, ...]


def read(folder: Path | Traversable, name: str) -> Recording:
    """The recording `name` of a folder. Raises BadRecording."""
    try:
        text = folder.joinpath(f"{name}.json").read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadRecording(f"there is no recording {name}.json in {folder}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadRecording(f"{name}.json can't be read: {error}") from None
    return parse(name, text)


def parse(name: str, text: str) -> Recording:
    """A recording's text as values. Raises BadRecording."""
    try:
        fields = Fields.of(json.loads(text, object_pairs_hook=_object, parse_constant=_constant))
        fields.only(("directory", "title", "headers", "steps"))
        directory = fields.inner("directory")
        directory.only(("name", "kind"))
        kind = directory.text("kind")
        if kind not in ("scim", "entra", "okta"):
            raise Malformed("directory.kind", "must be scim, entra or okta")
        shared = _headers(fields, {})
        items = fields.items("steps", 100_000)
        if not items:
            raise Malformed("steps", "must have at least one step")
        steps = tuple(_step(Fields.of(item, at), dict(shared)) for at, item in items)
        return Recording(name, directory.text("name", 100), kind, fields.text("title"), steps)
    except (Malformed, ValueError, RecursionError) as error:
        raise BadRecording(f"{name}.json: {error}") from None


def fill(text: str, saved: Mapping[str, str]) -> str:
    """Saved values in the place of their names. Raises Unsaved."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in saved:
            raise Unsaved(match[1])
        return saved[match[1]]

    return _PLACE.sub(value, text)


def is_savable(value: object) -> bool:
    """Whether an answer's value may stand in later paths and bodies: ids may, quotes and slashes not."""
    return isinstance(value, str) and _VALUE.fullmatch(value) is not None


def _step(fields: Fields, shared: dict[str, str]) -> Step:
    fields.only(("note", "method", "path", "headers", "body", "expect", "save"))
    method, path = fields.text("method"), fields.text("path")
    if method not in METHODS:
        raise Malformed(fields.path("method"), f"must be one of {', '.join(METHODS)}")
    if not path.startswith("/") or any(ord(letter) < 32 for letter in path):
        raise Malformed(fields.path("path"), "must begin with / and be one line")
    body = json.dumps(fields.inner("body").values, ensure_ascii=False) if fields.has("body") else None
    _check_places(path, fields.path("path"))
    _check_places(body or "", fields.path("body"))
    return Step(
        note=fields.text("note", default=""),
        method=method,
        path=path,
        headers=_headers(fields, shared),
        body=body,
        expect=_expect(fields),
        save=_save(fields),
    )


def _headers(fields: Fields, shared: dict[str, str]) -> Headers:
    """The file's headers, overridden by the step's; null takes one away."""
    if not fields.has("headers"):
        return tuple(shared.items())
    own = fields.inner("headers")
    for name in own.values:
        if not _HEADER.fullmatch(name) or name.lower() in ("authorization", "host", "content-length"):
            raise Malformed(own.path(name[:100]), "is not a header that a recording may set")
        kept = {key: value for key, value in shared.items() if key.lower() != name.lower()}
        shared = kept | {name: own.text(name)} if own.has(name) else kept
        if not shared.get(name, "").isprintable():
            raise Malformed(own.path(name), "must be one line")
    return tuple(shared.items())


def _expect(fields: Fields) -> tuple[int, ...]:
    statuses = fields.items("expect", 10)
    if not statuses:
        raise Malformed(fields.path("expect"), "must name at least one status")
    for at, status in statuses:
        if isinstance(status, bool) or not isinstance(status, int) or not 200 <= status <= 599:
            raise Malformed(at, "must be an HTTP status from 200 to 599")
    return tuple(int(str(status)) for _, status in statuses)


def _save(fields: Fields) -> tuple[tuple[str, str], ...]:
    if not fields.has("save"):
        return ()
    save = fields.inner("save")
    for name in save.values:
        if not _NAME.fullmatch(name):
            raise Malformed(save.path(name[:100]), "must be a name such as u.ada")
        if not save.text(name).startswith("/"):
            raise Malformed(save.path(name), "must be a JSON pointer such as /id")
    return tuple((name, save.text(name)) for name in save.values)


def _check_places(text: str, at: str) -> None:
    for name in _PLACE.findall(text):
        if not _NAME.fullmatch(name):
            raise Malformed(at, f"{{{{{name[:100]}}}}} must hold a name such as u.ada")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError(f"a key is there twice in the object of {', '.join(sorted(values))[:200]}")
    return values


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")

"""How does an answer become bytes without holding a large group in memory?"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

#: Members are written in pieces of this many
_PIECE = 500


@dataclass(frozen=True, slots=True)
class Shown:
    resource: dict[str, Any]  #: never empty: it has id and schemas
    members: Iterator[dict[str, Any]] | None  #: None: not returned


def single(shown: Shown) -> Iterator[bytes]:
    yield from _resource(shown)


def listing(head: dict[str, Any], resources: Iterable[Shown]) -> Iterator[bytes]:
    """A ListResponse: the head's members, then Resources."""
    yield orjson.dumps(head)[:-1] + b',"Resources":['
    for number, shown in enumerate(resources):
        if number:
            yield b","
        yield from _resource(shown)
    yield b"]}"


def _resource(shown: Shown) -> Iterator[bytes]:
    encoded = orjson.dumps(shown.resource)
    if shown.members is None:
        yield encoded
        return
    yield encoded[:-1] + b',"members":['
    piece: list[dict[str, Any]] = []
    first = True
    for member in shown.members:
        piece.append(member)
        if len(piece) == _PIECE:
            yield (b"" if first else b",") + orjson.dumps(piece)[1:-1]
            piece, first = [], False
    if piece:
        yield (b"" if first else b",") + orjson.dumps(piece)[1:-1]
    yield b"]}"

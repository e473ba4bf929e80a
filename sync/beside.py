"""What does a report say beside what its round decided? Of directories, of AnySoft, of manual licenses."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class LeftOut:
    """People of groups nested in a mapped one that isn't transitive, whom nothing else entitles (R07)."""

    directory: str
    group: str
    product: str
    people: int


@dataclass(frozen=True, slots=True)
class Namesake:
    """A group that bears the name of a mapped one, and is another: it gives nothing (R02)."""

    mapping: int
    directory: str
    group: str
    id: str  #: of the one that gives nothing
    gone: bool  #: the mapped one is deleted


def namesake(same: Namesake) -> str:
    """What it is, and what to do."""
    mapped = "was deleted" if same.gone else "is another one"
    return (
        f"group {same.id} of {same.directory} is called {same.group}, as that of mapping {same.mapping}, "
        f"which {mapped}: it gives nothing; `mapping repin {same.mapping} {same.id}` if it is meant"
    )


@dataclass(frozen=True, slots=True)
class ByHand:
    """A disabled person's license that was given by hand: kept, and for a person to decide (R05)."""

    user: str
    product: str


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A base that nothing entitles to any more, and that isn't removed because of an add-on (R10)."""

    user: str
    product: str
    because: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that a directory sent, or that was met in reading it, and that was not carried out."""

    directory: str
    code: str
    subject: str
    count: int
    last_at: str  #: RFC 3339


@dataclass(frozen=True, slots=True)
class Beside:
    left_out: tuple[LeftOut, ...] = ()  #: of rounds over everyone
    namesakes: tuple[Namesake, ...] = ()
    by_hand: tuple[ByHand, ...] = ()  #: the first of them
    by_hand_count: int = 0
    held_back: tuple[HeldBack, ...] = ()  #: the first of them
    held_back_count: int = 0
    skipped: tuple[Skipped, ...] = ()  #: the latest of them
    skipped_count: int = 0
    calls: Mapping[str, int] = field(default_factory=dict)  #: to AnySoft, by their kind; repeats count


def as_json(beside: Beside) -> dict[str, Any]:
    return {
        "left_out": [asdict(row) for row in beside.left_out],
        "namesakes": [asdict(row) for row in beside.namesakes],
        "by_hand": [asdict(row) for row in beside.by_hand],
        "by_hand_count": beside.by_hand_count,
        "held_back": [asdict(row) for row in beside.held_back],
        "held_back_count": beside.held_back_count,
        "skipped": [asdict(row) for row in beside.skipped],
        "skipped_count": beside.skipped_count,
        "calls": dict(beside.calls),
    }


def revive(kept: Mapping[str, Any]) -> Beside:
    """From `as_json`, among other keys; what an older version didn't store is empty."""
    return Beside(
        left_out=tuple(LeftOut(**row) for row in kept.get("left_out", ())),
        namesakes=tuple(Namesake(**row) for row in kept.get("namesakes", ())),
        by_hand=tuple(ByHand(**row) for row in kept.get("by_hand", ())),
        by_hand_count=kept.get("by_hand_count", 0),
        held_back=tuple(HeldBack(**row) for row in kept.get("held_back", ())),
        held_back_count=kept.get("held_back_count", 0),
        skipped=tuple(Skipped(**row) for row in kept.get("skipped", ())),
        skipped_count=kept.get("skipped_count", 0),
        calls=kept.get("calls", {}),
    )

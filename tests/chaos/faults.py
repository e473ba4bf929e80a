"""What goes wrong on the way to the chaos tenant and back? Drawn for each call; counted by name."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Fault(StrEnum):
    NONE = "none"
    SLOW = "slow"
    BUSY = "429 with Retry-After"
    BUSY_UNSAID = "429 without"
    BEFORE = "500 before the change"
    AFTER = "500 after the change"
    CUT_BEFORE = "connection cut before"
    CUT_AFTER = "connection cut after the change"
    TORN = "half of the JSON"
    HTML = "HTML with 200"
    TOKEN = "token ended"
    OLD = "an old answer"  #: reads only
    OLDEST = "as old an answer as may be"  #: reads only, and never drawn
    DOUBLED = "entries doubled and shuffled"  #: lists only


WRITES = (
    Fault.SLOW, Fault.BUSY, Fault.BUSY_UNSAID, Fault.BEFORE, Fault.AFTER, Fault.AFTER, Fault.CUT_BEFORE,
    Fault.CUT_AFTER, Fault.CUT_AFTER, Fault.TORN, Fault.HTML, Fault.TOKEN,
)  # fmt: skip
#: two in three of them lie or delay rather than fail: a round that can't read anything does no harm either
READS = (
    Fault.SLOW, Fault.SLOW, Fault.BUSY, Fault.BUSY_UNSAID, Fault.BEFORE, Fault.CUT_BEFORE, Fault.TORN,
    Fault.HTML, Fault.TOKEN, *[Fault.OLD] * 6, *[Fault.DOUBLED] * 3,
)  # fmt: skip
TOKENS = (
    Fault.SLOW, Fault.BUSY, Fault.BUSY_UNSAID, Fault.BEFORE, Fault.CUT_BEFORE, Fault.TORN, Fault.HTML,
)  # fmt: skip
#: a call that fails with these may be done
LOST = frozenset({Fault.AFTER, Fault.CUT_AFTER, Fault.TORN, Fault.HTML})


@dataclass(slots=True)
class Weather:
    """`rate`: of all calls. `script`: faults of the next calls of a kind, before any that is drawn."""

    rng: random.Random
    rate: float = 0.0
    down: bool = False  #: everything is a 503
    slow_seconds: float = 0.05
    every_seconds: float = 0.0  #: each answer takes so long
    old_seconds: float = 60.0  #: by the chaos clock: how old an old answer may be (T11)
    script: dict[str, list[Fault]] = field(default_factory=dict)
    wait_seconds: int = 5  #: what a 429 asks for, by the chaos clock
    quiet_until: float = 0.0
    seen: Counter[str] = field(default_factory=Counter)

    def ask_to_wait(self, now: float) -> int:
        self.quiet_until = now + self.wait_seconds
        return self.wait_seconds

    def watch(self, now: float) -> None:
        """Whoever calls although it was asked to wait is noted (R29)."""
        if now < self.quiet_until:
            self.seen["too early"] += 1

    def draw(self, kinds: Sequence[str], *, writes: bool) -> Fault:
        """`kinds`: what the call is, the most exact name first."""
        self.seen["calls"] += 1
        planned = next((self.script[kind] for kind in kinds if self.script.get(kind)), None)
        if planned:
            fault = planned.pop(0)
        elif self.rng.random() < self.rate:
            fault = self.rng.choice(TOKENS if "token" in kinds else WRITES if writes else READS)
        else:
            fault = Fault.NONE
        if fault is not Fault.NONE:
            self.seen["faults"] += 1
            self.seen[fault.value] += 1
        return fault

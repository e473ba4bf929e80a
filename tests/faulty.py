"""How does AnySoft fail? A Licensing that is the real one, but for the calls that a test lets go wrong."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from sync.ports import Busy, Licensing, Transient

#: given the call's name, and what carries it out: what happens instead
Fault = Callable[[str, Callable[[], Any]], Any]


@dataclass(slots=True)
class Faulty:
    """`faults` are used up in order, by calls of the named kinds; then all goes well. `refuses` is asked
    first, with the call's name and arguments: it may raise."""

    real: Licensing
    kinds: tuple[str, ...]
    faults: list[Fault]
    refuses: Callable[[str, tuple[Any, ...]], None] = lambda name, args: None
    calls: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        real = getattr(self.real, name)

        def call(*args: Any, **named: Any) -> Any:
            self.calls.append((name, args))
            self.refuses(name, args)
            if name in self.kinds and self.faults:
                return self.faults.pop(0)(name, lambda: real(*args, **named))
            return real(*args, **named)

        return call

    def licensing(self) -> Licensing:
        return cast(Licensing, self)


def lost_answer(name: str, carry_out: Callable[[], Any]) -> Any:
    """Done, but the answer never came (500 after the change, time-out)."""
    carry_out()
    raise Transient(f"{name}: no answer within 60 s", maybe_done=True)


def lost_request(name: str, carry_out: Callable[[], Any]) -> Any:
    """Not done, and nobody can tell."""
    raise Transient(f"{name}: connection cut", maybe_done=True)


def busy(name: str, carry_out: Callable[[], Any]) -> Any:
    raise Busy(f"{name}: rate limited", retry_after=7)

"""How much may one request look at? Counted, not timed: the same on any machine."""

from dataclasses import dataclass

from scim.errors import TooMany

#: of a text, in characters, that count as one look
_STRETCH = 32


@dataclass(slots=True)
class Budget:
    """A look is one value read or compared, about a microsecond; a long text is several."""

    left: int
    advice: str  #: what to do when it is used up

    def spend(self, looks: int) -> None:
        """Raises TooMany."""
        self.left -= looks
        if self.left < 0:
            raise TooMany(self.advice)

    def look(self, value: object) -> None:
        """At one value. Raises TooMany."""
        self.spend(weigh(value))


def weigh(value: object) -> int:
    """The looks that one value takes."""
    return 1 + len(value) // _STRETCH if isinstance(value, str) else 1

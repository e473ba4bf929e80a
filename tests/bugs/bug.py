"""What is a bug that is sown on purpose? One that breaks one rule, and the tests that must notice it."""

from dataclasses import dataclass

from tests.sown import Replacement

SYNC = "tests/sync"
STORE = "tests/connector/store"


@dataclass(frozen=True, slots=True)
class Bug:
    rule: str  #: R01 to R30
    name: str  #: what it does, in words
    sown: tuple[Replacement, ...]
    tests: tuple[str, ...]  #: pytest nodes that name the rule; each must fail


def bug(rule: str, name: str, file: str, there: str, instead: str, *tests: str) -> Bug:
    """One with a single replacement, as most are."""
    return Bug(rule, name, ((file, there, instead),), tests)

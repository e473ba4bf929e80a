"""Does a broken rule go unnoticed? `python -m tests.bugs [RULE…]` breaks each, runs its tests; 1: one does.

First the tests run on the tree as it is, where all must pass: a test that fails anyway catches nothing.
PostgreSQL is left out; a rule that is broken is broken on both.
"""

import argparse
import re
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from subprocess import TimeoutExpired

from tests import sown
from tests.bugs.bug import Bug
from tests.bugs.table import BUGS

SECONDS = 120
_PYTEST = ("pytest", "-q", "--tb=no", "-p", "no:cacheprovider", "-k", "not postgresql")
#: of the tests that ran, exit status 1 says that some failed; others say that they didn't run
_FAILED = 1


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bugs", description=__doc__)
    parser.add_argument("rules", nargs="*", metavar="RULE", help="R24; none: all")
    parser.add_argument("--parallel", type=int, default=2)
    given = parser.parse_args(arguments)
    chosen = [bug for bug in BUGS if not given.rules or bug.rule in given.rules]
    began = time.monotonic()
    sound = _sound(chosen)
    if sound:
        print(f"not without a bug, either:\n{sound}", file=sys.stderr)
        return 2
    with ThreadPoolExecutor(given.parallel) as pool:
        missed = list(pool.map(_missed, chosen))
    print("| rule | sown | |\n| --- | --- | --- |")
    for bug, by in zip(chosen, missed, strict=True):
        print(f"| {bug.rule} | {bug.name} | {f'MISSED by {by}' if by else 'caught'} |")
    caught = missed.count("")
    rules = len({bug.rule for bug in chosen})
    print(f"\n{caught} of {len(chosen)} bugs are caught, {rules} rules, {time.monotonic() - began:.0f} s")
    return 0 if caught == len(chosen) else 1


def _sound(chosen: Sequence[Bug]) -> str:
    """What fails on the tree as it is; "" if nothing does."""
    nodes = sorted({node for bug in chosen for node in bug.tests})
    with sown.copy(()) as tree:
        done = sown.run(tree, [*_PYTEST, *nodes], 600)
    return done.stdout + done.stderr if done.returncode else ""


def _missed(bug: Bug) -> str:
    """Those of its tests that pass although it is there; "" if none does. Raises RuntimeError where they
    don't run: that shows nothing."""
    by = []
    with sown.copy(bug.sown) as tree:
        for node in bug.tests:
            try:
                done = sown.run(tree, [*_PYTEST, node], SECONDS)
            except TimeoutExpired:
                continue  # it hangs: that is noticed
            if done.returncode not in (0, _FAILED) or re.search(r"^ERROR ", done.stdout, re.MULTILINE):
                raise RuntimeError(f"{bug.rule}, {bug.name}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
            by += [] if done.returncode else [node]
    print(f"{bug.rule} {'MISSED' if by else 'caught'}  {bug.name}", file=sys.stderr, flush=True)
    return ", ".join(by)


if __name__ == "__main__":
    sys.exit(main())

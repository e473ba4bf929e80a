"""At which named point is the process killed, and how fast does its clock run? Only the crash tests say so.

| variable | value |
| --- | --- |
| CONNECTOR_TEST_KILL_AT | a point, or "POINT:3" for the third time that it is reached |
| CONNECTOR_TEST_CLOCK | "EPOCH RATE": since then (seconds since 1970) the clock runs so much faster |

Points of a round: directory read, AnySoft read, plan made, plan stored, intent committed, request sent,
answer read, outcome stored, quantity accepted, report half written, lease renewed, audit row written; of a
person's decision: approval stored.
Points of the reading of a directory: page read, cursor saved, pull added, pull finished.
"""

import os
import signal
from datetime import UTC, datetime

KILL_AT = "CONNECTOR_TEST_KILL_AT"
CLOCK = "CONNECTOR_TEST_CLOCK"


def reach(point: str) -> None:
    """Die if the tests want it here."""
    fatal, _, times = os.environ.get(KILL_AT, "").partition(":")
    if fatal != point:
        return
    if int(times or 1) > 1:
        os.environ[KILL_AT] = f"{point}:{int(times) - 1}"
        return
    os.kill(os.getpid(), signal.SIGKILL)


def clock() -> datetime:
    """Now, in UTC."""
    real = datetime.now(UTC)
    asked = os.environ.get(CLOCK, "")
    if not asked:
        return real
    epoch, rate = map(float, asked.split())
    return datetime.fromtimestamp(epoch + (real.timestamp() - epoch) * rate, UTC)

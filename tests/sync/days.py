"""How do days go by for one person? Decided again at each of the times."""

from sync.model import Decision, GroupId, Person, Standing
from tests.moments import at
from tests.sync.world import (
    GRACE,
    SETTLED,
    judge,
    person,
)

DISABLED, DELETED = person(records=(False,)), person(records=())
DUE = SETTLED + GRACE


def days_on(
    groups: list[GroupId], *standings: Standing, times: list[float], who: Person | None = None
) -> Decision:
    """Decide at each of the times (minutes), each on what was stored before."""
    decision = judge(groups, *standings, now=at(times[0]), who=who)
    for time in times[1:]:
        decision = judge(groups, *decision.standings, now=at(time), who=who)
    return decision

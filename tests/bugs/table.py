"""Which bugs are sown, rule by rule?"""

from tests.bugs import buying, entitlement, harm, order
from tests.bugs.bug import Bug

BUGS: tuple[Bug, ...] = (*entitlement.BUGS, *order.BUGS, *buying.BUGS, *harm.BUGS)
RULES = tuple(f"R{number:02}" for number in range(1, 31))

"""Which numbers of the rules are settings?"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GuardPolicy:
    """R24: a group of `empty_from` or more that drops to 0, more than max(min, percent) …"""

    empty_from: int = 3
    group_min: int = 5
    group_percent: int = 20
    product_min: int = 10
    product_percent: int = 10
    hours: int = 24


@dataclass(frozen=True, slots=True)
class Policy:
    settle_seconds: int = 900
    grace_leaver_hours: float = 24
    grace_disabled_hours: float = 0
    protected: frozenset[str] = frozenset()  #: folded user names (R08)
    guard: GuardPolicy = GuardPolicy()
    headroom: int = 0
    remind_days: tuple[int, ...] = (3, 7)
    expire_days: int = 14
    quiet_days: int = 30
    channel: bool = False  #: somebody can be told (R27)
    batch: int = 200

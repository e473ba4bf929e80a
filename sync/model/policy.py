"""Which numbers of the rules are settings?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from sync.model.ids import ProductId


@dataclass(frozen=True, slots=True)
class GuardPolicy:
    """R24: a group of `empty_from` or more that drops to 0, more than max(min, percent) …"""

    empty_from: int = 3
    group_min: int = 5
    group_percent: int = 20
    product_min: int = 10
    product_percent: int = 10
    hours: int = 24
    observe_first: bool = True  #: R26: a first run removes nobody by itself


class Mode(StrEnum):
    """R21: what a shortage leads to."""

    ASK = "ask"  #: a request that a person decides on
    AUTO = "auto"  #: bought within caps; beyond them as ask
    NEVER = "never"  #: reported, no request


@dataclass(frozen=True, slots=True)
class Buying:
    """How a product's seats are bought (R21). A cap of 0 allows nothing."""

    mode: Mode = Mode.ASK
    seats_per_request: int = 0
    seats_per_month: int = 0  #: of a calendar month in UTC
    money_per_month: Decimal = Decimal(0)  #: in the price's currency, charged at the increases
    ceiling: int = 0  #: the quantity that is never exceeded automatically


@dataclass(frozen=True, slots=True)
class GrowthPolicy:
    """R25: more than max(min, percent) new people of a group in these hours."""

    least: int = 10
    percent: int = 50
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
    decrease_days: int = 7  #: before the renewal a smaller quantity is proposed (R22); 0: never
    channel: bool = False  #: somebody can be told (R27)
    buying: Mapping[ProductId, Buying] = field(default_factory=dict)  #: others are asked for (R21)
    growth: GrowthPolicy = GrowthPolicy()
    destinations_spare: int = 0  #: Destinations that should be free (R17)
    batch: int = 200

"""How many requests may one directory send? A token bucket for each, in each web process (T15)."""

import math
from dataclasses import dataclass, field
from threading import Lock


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


@dataclass(slots=True)
class Buckets:
    """`rate` requests a second for each key, of which one second's worth may come at once; 0: no limit."""

    rate: int
    _buckets: dict[int, _Bucket] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def wait_for(self, key: int, now: float) -> int:
        """0: go on. Otherwise after how many whole seconds to come back. `now`: seconds, monotonic."""
        if self.rate == 0:
            return 0
        with self._lock:
            bucket = self._buckets.setdefault(key, _Bucket(float(self.rate), now))
            bucket.tokens = min(float(self.rate), bucket.tokens + (now - bucket.at) * self.rate)
            bucket.at = now
            if bucket.tokens >= 1:
                bucket.tokens -= 1
                return 0
            return max(1, math.ceil((1 - bucket.tokens) / self.rate))

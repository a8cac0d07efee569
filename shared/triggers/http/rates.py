"""How often a caller may use a route: a token bucket per route and caller, in the memory of each instance.

An operator's key is stored in monitors, flows and links: its holder must not be able to order any amount of work. The
limits allow a monitor that calls every few seconds, and a person who repeats by hand.
"""

import hashlib
import math
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_SWITCH = "HTTP_RATE_LIMITS"
_MOST_BUCKETS = 1_000
_MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Rate:
    """Calls a minute in the long run, and calls at once after a pause."""

    per_minute: int
    at_once: int


OFTEN = Rate(per_minute=300, at_once=100)
"""For routes that read."""

SELDOM = Rate(per_minute=20, at_once=20)
"""For routes that repeat or change: one call may mean work for thousands of records."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled: float


class Rates:
    """Counts the calls of one instance."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """`now` is in seconds, from any beginning."""
        self._now = now
        self._buckets: OrderedDict[tuple[str, str], _Bucket] = OrderedDict()

    def wait(self, route: str, caller: str, rate: Rate) -> int:
        """Count a call; returns 0 if it is allowed, else the seconds until the next call is."""
        now, key = self._now(), (route, caller)
        bucket = self._buckets.pop(key, None) or _Bucket(rate.at_once, now)
        self._buckets[key] = bucket  # the most recently used bucket is last
        if len(self._buckets) > _MOST_BUCKETS:
            self._buckets.popitem(last=False)
        speed = rate.per_minute / _MINUTE
        bucket.tokens = min(float(rate.at_once), bucket.tokens + (now - bucket.filled) * speed)
        bucket.filled = now
        if bucket.tokens < 1:
            return max(1, math.ceil((1 - bucket.tokens) / speed))
        bucket.tokens -= 1
        return 0


def are_on(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether calls are counted: always, unless `HTTP_RATE_LIMITS` says no."""
    return environment.get(_SWITCH, "").strip().casefold() not in {"false", "0", "no", "off"}


def caller_of(headers: Mapping[str, str], params: Mapping[str, str], *, principal: str) -> str:
    """Return a hash of the caller: of its sign-in, else of its key, which the host reads from the header first.

    A caller can change every other part of a request at will.
    """
    code = next((value for name, value in params.items() if name.casefold() == "code"), "")
    who = principal or headers.get("x-functions-key", "") or code
    return hashlib.sha256(who.encode()).hexdigest()

"""How often a caller may use a route: a token bucket per route and caller, in the memory of each instance.

An operator's key lies in monitors, flows and links: whoever has it must not be able to order any amount of work. The
numbers leave room for a monitor that looks every few seconds, and for a person who repeats by hand.
"""

from __future__ import annotations

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
    """So many calls a minute in the long run, and so many at once after a pause."""

    per_minute: int
    at_once: int


OFTEN = Rate(per_minute=300, at_once=100)
"""To look."""

SELDOM = Rate(per_minute=20, at_once=20)
"""To repeat or change something: each call may be work for thousands of records."""


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
        """Count a call; returns 0 if it may go on, else in how many seconds the next one may."""
        now, place = self._now(), (route, caller)
        bucket = self._buckets.pop(place, None) or _Bucket(rate.at_once, now)
        self._buckets[place] = bucket  # the last one is the one that was used last
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
    """Return who calls, as a hash: who signed in, else the key, which the host looks for in the header first.

    Nothing else of a request tells callers apart that they cannot change at will.
    """
    code = next((value for name, value in params.items() if name.casefold() == "code"), "")
    who = principal or headers.get("x-functions-key", "") or code
    return hashlib.sha256(who.encode()).hexdigest()

"""Dataverse's service protection limits: one pause for all callers, and as much concurrency as the server advises.

Source: Microsoft's page "Service protection API limits". A request sent during a pause lengthens it, so a pause stops
all requests of the application user. Each answer tells what is left, whichever process used the rest: bulk work slows
down by that, before requests are refused, and leaves a reserve to people who save.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from shared.adapters.http.limiter import RequestLimiter
from shared.errors import Service

# Per user and web server, in a sliding window.
_REQUESTS = 6_000
_SECONDS = 1_200.0
_WINDOW = 300.0  # seconds

_PLENTY = 0.9
"""Above this share, bulk work sends as it likes."""

_RESERVE = 0.2
"""The share of the limits that bulk work leaves to people who save."""

_HASTE = 4
"""Bulk work spends what is left above the reserve four times as fast as would last for a window. The rate falls with
the rest, so the reserve is not reached before the oldest requests leave the window."""

_LONGEST_INTERVAL = 3.0
"""Seconds: bulk work goes on when less than the reserve is left."""


@dataclass(frozen=True, slots=True)
class Budget:
    """The rest of the five minutes' limits, as of the last answer: requests, and seconds of execution time."""

    requests: float
    seconds: float

    @property
    def share(self) -> float:
        """The scarcer of the two, from 0.0 (used up) to 1.0."""
        return max(0.0, min(1.0, self.requests / _REQUESTS, self.seconds / _SECONDS))

    @property
    def bulk_interval(self) -> float:
        """Seconds between two requests of bulk work: the less is left above the reserve, the more."""
        if self.share >= _PLENTY:
            return 0.0
        a_second = _HASTE * max(0.0, self.share - _RESERVE) * _REQUESTS / _WINDOW
        return min(_LONGEST_INTERVAL, 1 / a_second) if a_second else _LONGEST_INTERVAL


class ServiceProtection(RequestLimiter):
    """Limits the requests of one application user, and adapts to the headers of the answers."""

    def __init__(
        self,
        *,
        concurrency: int = 4,
        longest_pause: timedelta = timedelta(seconds=20),
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        super().__init__(Service.DATAVERSE, concurrency=concurrency, longest_pause=longest_pause, now=now, sleep=sleep)
        self._most = concurrency
        self._budget = Budget(requests=_REQUESTS, seconds=_SECONDS)

    @property
    def budget(self) -> Budget:
        """The budget of the last answer with such headers; full before the first one."""
        return self._budget

    @property
    def background_interval(self) -> float:
        """Seconds between the begins of two requests of bulk work, by the budget of the last answer."""
        return self._budget.bulk_interval

    def note(self, headers: Mapping[str, str]) -> None:
        """Read the budget and the advised concurrency from the headers of an answer."""
        self._budget = Budget(
            requests=_number(headers, "x-ms-ratelimit-burst-remaining-xrm-requests", self._budget.requests),
            seconds=_number(headers, "x-ms-ratelimit-time-remaining-xrm-requests", self._budget.seconds),
        )
        advised = int(_number(headers, "x-ms-dop-hint", self._most))
        self.resize(max(1, min(self._most, advised)))


def _number(headers: Mapping[str, str], header: str, default: float) -> float:
    try:
        number = float(headers[header].replace(",", ""))
    except (KeyError, ValueError):
        return default
    return number if math.isfinite(number) else default

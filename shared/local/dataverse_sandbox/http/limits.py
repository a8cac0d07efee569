"""Service protection limits: requests, execution time and concurrency per user over a sliding window.

Source: Microsoft's page "Service protection API limits".
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum

from shared.local.dataverse_sandbox.organisation.errors import WebApiError

MAX_PENALTY_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits for one user. `dop_hint` is the parallelism that the server recommends. Times are seconds."""

    requests: int = 6000
    execution_seconds: float = 1200.0
    concurrent: int = 52
    window_seconds: float = 300.0
    dop_hint: int = 10


class Throttle(StrEnum):
    """The three limits by their error codes."""

    REQUESTS = "0x80072322"
    TIME = "0x80072321"
    CONCURRENCY = "0x80072326"

    def message(self, limits: Limits) -> str:
        """Return Dataverse's message for an exceeded limit."""
        window = f"over time window of {limits.window_seconds:.0f} seconds."
        match self:
            case Throttle.REQUESTS:
                return f"Number of requests exceeded the limit of {limits.requests} {window}"
            case Throttle.TIME:
                milliseconds = f"{limits.execution_seconds * 1000:,.0f} milliseconds"
                return (
                    f"Combined execution time of incoming requests exceeded limit of {milliseconds} {window} "
                    "Decrease number of concurrent requests or reduce the duration of requests and try again later."
                )
            case Throttle.CONCURRENCY:
                return f"Number of concurrent requests exceeded the limit of {limits.concurrent}."


class TooManyRequests(WebApiError):  # noqa: N818  # the name of the status
    """429 with `retry_after` in seconds."""

    def __init__(self, throttle: Throttle, limits: Limits, retry_after: int) -> None:
        super().__init__(429, throttle.value, throttle.message(limits))
        self.retry_after = retry_after


@dataclass
class _Usage:
    spent: deque[tuple[float, float]] = field(default_factory=deque)
    seconds: float = 0.0
    running: int = 0
    refused: int = 0


class Meter:
    """Counts the requests and execution time of each user. Times are those of a monotonic clock, in seconds."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._limits_of: dict[str, Limits] = {}
        self._usage: dict[str, _Usage] = {}

    def limit(self, limits: Limits, user: str = "") -> None:
        """Change the limits of one user, or of all that have none of their own."""
        if user:
            self._limits_of[user] = limits
        else:
            self.limits = limits

    def begin(self, user: str, now: float) -> None:
        """Admit a request, or raise TooManyRequests. Each refused request makes the next `retry_after` longer."""
        usage, limits = self._recent(user, now), self._of(user)
        if usage.running >= limits.concurrent:
            raise _refusal(usage, limits, now, Throttle.CONCURRENCY)
        if len(usage.spent) >= limits.requests:
            raise _refusal(usage, limits, now, Throttle.REQUESTS)
        if usage.seconds >= limits.execution_seconds:
            raise _refusal(usage, limits, now, Throttle.TIME)
        usage.refused = 0
        usage.running += 1

    def end(self, user: str, now: float, seconds: float) -> None:
        """Account for a request that was admitted."""
        usage = self._recent(user, now)
        usage.running -= 1
        usage.seconds += seconds
        usage.spent.append((now, seconds))

    def headers(self, user: str, now: float) -> dict[str, str]:
        """Return the headers with the remaining quota."""
        usage, limits = self._recent(user, now), self._of(user)
        return {
            "x-ms-ratelimit-burst-remaining-xrm-requests": str(max(limits.requests - len(usage.spent), 0)),
            "x-ms-ratelimit-time-remaining-xrm-requests": f"{max(limits.execution_seconds - usage.seconds, 0):.2f}",
            "x-ms-dop-hint": str(limits.dop_hint),
        }

    def _of(self, user: str) -> Limits:
        return self._limits_of.get(user, self.limits)

    def _recent(self, user: str, now: float) -> _Usage:
        usage = self._usage.setdefault(user, _Usage())
        while usage.spent and usage.spent[0][0] <= now - self._of(user).window_seconds:
            usage.seconds -= usage.spent.popleft()[1]
        return usage


def _refusal(usage: _Usage, limits: Limits, now: float, throttle: Throttle) -> TooManyRequests:
    usage.refused += 1
    oldest = usage.spent[0][0] + limits.window_seconds - now if usage.spent else 1.0
    penalty = min(usage.refused - 1, MAX_PENALTY_SECONDS)
    return TooManyRequests(throttle, limits, max(math.ceil(oldest), 1) + penalty)

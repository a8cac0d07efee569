"""Dataverse's service protection limits: one pause for all callers, and as much concurrency as the server advises.

Source: Microsoft's page "Service protection API limits". Requests sent during a pause lengthen it, so that whoever is
told to wait makes all others wait too.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import anyio

from shared.errors import Service, ThrottledError

# Per user and web server, in a sliding window of five minutes.
_REQUESTS = 6_000
_SECONDS = 1_200.0


@dataclass(frozen=True, slots=True)
class Budget:
    """What the last answer said is left of the five minutes: requests, and seconds of execution time."""

    requests: float
    seconds: float

    @property
    def share(self) -> float:
        """The scarcer of the two, from 0.0 (used up) to 1.0."""
        return max(0.0, min(1.0, self.requests / _REQUESTS, self.seconds / _SECONDS))


class ServiceProtection:
    """Admits requests. All requests of one application user must pass the same instance."""

    def __init__(
        self,
        *,
        concurrency: int = 4,
        patience: timedelta = timedelta(seconds=20),
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Pauses up to `patience` are waited for; longer ones raise. `now` is monotonic, in seconds."""
        self._concurrency = concurrency
        self.patience = patience
        self._now = now
        self._sleep = sleep
        self._slots = anyio.CapacityLimiter(concurrency)
        self._paused_until = float("-inf")
        self._budget = Budget(requests=_REQUESTS, seconds=_SECONDS)

    @property
    def budget(self) -> Budget:
        """What is left, as of the last answer that said so; full before the first one."""
        return self._budget

    @property
    def concurrency(self) -> int:
        """How many requests may be under way at present."""
        return int(self._slots.total_tokens)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold one of the concurrent requests. Raises `ThrottledError` when the pause is too long to wait here."""
        async with self._slots:
            # A pause may grow while it is waited for.
            while (pause := self._paused_until - self._now()) > 0:
                if pause > self.patience.total_seconds():
                    raise ThrottledError(
                        "Dataverse asked for a pause", retry_after=timedelta(seconds=pause), service=Service.DATAVERSE
                    )
                await self._sleep(pause)
            yield

    def pause(self, duration: timedelta) -> None:
        """Make everybody wait; a shorter pause never cuts a longer one."""
        self._paused_until = max(self._paused_until, self._now() + duration.total_seconds())

    def note(self, headers: Mapping[str, str]) -> None:
        """Learn from the headers of an answer."""
        self._budget = Budget(
            requests=_number(headers, "x-ms-ratelimit-burst-remaining-xrm-requests", self._budget.requests),
            seconds=_number(headers, "x-ms-ratelimit-time-remaining-xrm-requests", self._budget.seconds),
        )
        advised = int(_number(headers, "x-ms-dop-hint", self._concurrency))
        self._slots.total_tokens = max(1, min(self._concurrency, advised))


def _number(headers: Mapping[str, str], header: str, default: float) -> float:
    try:
        number = float(headers[header].replace(",", ""))
    except (KeyError, ValueError):
        return default
    return number if math.isfinite(number) else default

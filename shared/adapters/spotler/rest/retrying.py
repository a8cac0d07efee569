"""Patience with a service: what is tried again, how often, and the pause that all callers of a client share."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterable
from dataclasses import dataclass
from datetime import timedelta

import stamina

from shared.errors import Service, ThrottledError, TransientError


@dataclass(frozen=True, slots=True)
class RetrySettings:
    """How long a call may take here before the queue takes over: a worker that waits is a worker that is missing."""

    attempts: int = 4
    last_start: timedelta = timedelta(seconds=60)
    """After this, whatever went before, no further attempt begins."""

    first_wait: timedelta = timedelta(milliseconds=500)
    longest_wait: timedelta = timedelta(seconds=8)
    jitter: timedelta = timedelta(milliseconds=500)
    longest_pause: timedelta = timedelta(seconds=20)
    """Throttling up to this is waited for; longer is a ThrottledError at once."""

    def tries(self, *, idempotent: bool) -> AsyncIterable[stamina.Attempt]:
        """Iterate over the attempts; a call that is not idempotent has one.

        A TransientError is waited out with exponential back-off and jitter, a ThrottledError by the shared pause. This
        is a context and not a decorator because stamina logs the arguments of the functions that it wraps.
        """
        return stamina.retry_context(
            on=self._wait_before_next,
            attempts=self.attempts if idempotent else 1,
            timeout=self.last_start,
            wait_initial=self.first_wait,
            wait_max=self.longest_wait,
            wait_jitter=self.jitter,
        )

    def _wait_before_next(self, error: Exception) -> bool | timedelta:
        match error:
            case ThrottledError() if error.retry_after <= self.longest_pause:
                # The shared pause does the waiting; the jitter keeps its callers from coming back as one.
                return self.jitter * random.random()  # noqa: S311  # no secret
            case TransientError():
                return True
            case _:
                return False


class SharedPause:
    """Keeps every caller of one client from sending while the service asks for patience."""

    def __init__(self, longest: timedelta) -> None:
        self._longest = longest
        self._until = 0.0

    @property
    def lasts(self) -> bool:
        """Whether there is a pause now."""
        return self._until > time.monotonic()

    def extend(self, pause: timedelta) -> None:
        """Let nobody send for `pause` from now; never shortens."""
        self._until = max(self._until, time.monotonic() + pause.total_seconds())

    async def over(self) -> None:
        """Wait for the end of the pause; ThrottledError if that takes longer than a caller should wait."""
        while (seconds := self._until - time.monotonic()) > 0:
            rest = timedelta(seconds=seconds)
            if rest > self._longest:
                raise ThrottledError("Spotler asked for a long pause", retry_after=rest, service=Service.SPOTLER)
            await asyncio.sleep(seconds)

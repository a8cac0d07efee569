"""Which errors of Mail+ are worth another attempt, how many attempts a call has, and the waits between them."""

import random
from collections.abc import AsyncIterable
from dataclasses import dataclass
from datetime import timedelta

import stamina

from shared.errors import ThrottledError, TransientError


@dataclass(frozen=True, slots=True)
class RetrySettings:
    """Limits of the attempts of one call. They are few: a waiting call blocks a worker, and the queue retries later."""

    attempts: int = 4
    last_start: timedelta = timedelta(seconds=60)
    """No attempt begins later than this after the first one."""

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
                # The limiter waits for the pause; the jitter spreads the requests after it.
                return self.jitter * random.random()  # noqa: S311  # no secret
            case TransientError():
                return True
            case _:
                return False

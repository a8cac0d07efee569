"""Shortens pauses of the connector in processes that tests start: what a test waits for is the order, not the time.

`make chaos` measures with the real ones.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from shared.adapters.spotler.rest import errors as spotler_errors
from shared.domain.recovery import circuit, retry
from shared.engine.guards import circuits


class Clocks(StrEnum):
    """How long a process waits before it tries something again."""

    SHORT = "short"
    REAL = "real"


def shorten() -> None:
    """Shorten the pauses of this process."""
    retry._STEPS = tuple(step / 5 for step in retry._STEPS)  # type: ignore[misc]  # in this process alone
    retry._SPREAD = timedelta(seconds=2)  # type: ignore[misc]
    circuit._FIRST = timedelta(seconds=1)  # type: ignore[misc]
    circuits._FRESH = timedelta(seconds=1)  # type: ignore[misc]
    circuits._WHILE_PROBING = timedelta(milliseconds=500)  # type: ignore[misc]
    spotler_errors.DEFAULT_PAUSE = timedelta(seconds=1)  # type: ignore[misc]
    defaults = list(retry.RetryPolicy.__init__.__defaults__ or ())
    defaults[0] = timedelta(milliseconds=500)  # busy
    retry.RetryPolicy.__init__.__defaults__ = tuple(defaults)

"""When to look at a reference again. A decision is a value; the trigger's shell turns it into a scheduled copy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

_STEPS = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 300, *[900] * 15))
"""Waiting times between attempts, four hours in all: a blip heals in seconds, and a quarter of an hour after an outage
everything has been looked at again."""


LAST_ATTEMPT = len(_STEPS) + 1
"""The attempt after whose failure patience ends."""


class Failure(Enum):
    """Kinds of not being done, by what helps."""

    BUSY = auto()
    """Another worker holds the contact: it will be free in a moment. Not an attempt."""
    THROTTLED = auto()
    """The other side named a time. Not an attempt."""
    MISCONFIGURED = auto()
    """Only an administrator helps; until then every record would fail. Not an attempt."""
    TRANSIENT = auto()
    """The same call may work later. Counts."""


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing more to do."""


@dataclass(frozen=True, slots=True)
class RetryAt:
    """Look again at `when`, as attempt number `attempt`."""

    when: datetime
    attempt: int


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Bury it: a person must look, and may replay it."""


Next = Done | RetryAt | GiveUp


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How patient the connector is."""

    busy: timedelta = timedelta(seconds=2)
    misconfigured: timedelta = timedelta(minutes=5)

    def after(self, failure: Failure, *, attempt: int, now: datetime, asked: timedelta | None = None) -> Next:
        """Decide; `asked` is the pause that the other side wants."""
        match failure:
            case Failure.BUSY:
                return RetryAt(now + self.busy, attempt)
            case Failure.THROTTLED:
                return RetryAt(now + (asked or self.busy), attempt)
            case Failure.MISCONFIGURED:
                return RetryAt(now + self.misconfigured, attempt)
            case Failure.TRANSIENT if attempt <= len(_STEPS):
                return RetryAt(now + _STEPS[attempt - 1], attempt + 1)
            case Failure.TRANSIENT:
                return GiveUp()

"""Decides when a reference is handled again. The decision is a value; the caller schedules the message."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from shared.errors import ConfigurationError, ConflictError, ConnectorError, ThrottledError

_STEPS = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 300, *[900] * 15))
"""Waiting times between attempts, four hours in all: a short failure heals in seconds, and within a quarter of an hour
after an outage every record has been handled again."""


LAST_ATTEMPT = len(_STEPS) + 1
"""The attempt whose failure is final."""


class Failure(Enum):
    """Kinds of failures, by their cure."""

    PUT_BACK = auto()
    """There was no time to handle it. Never an attempt."""
    BUSY = auto()
    """Another worker holds the contact: it will be free in a moment. An attempt only if it lasts."""
    THROTTLED = auto()
    """The other side named a time. An attempt only if it lasts."""
    MISCONFIGURED = auto()
    """Only an administrator helps; until then every record would fail. An attempt only if it lasts."""
    TRANSIENT = auto()
    """The same call may work later. Counts."""


_FREE = {
    Failure.BUSY: timedelta(minutes=10),
    Failure.THROTTLED: timedelta(days=1),
    Failure.MISCONFIGURED: timedelta(days=3),
}
"""How long a failure is no attempt: a claim ends within two minutes, a limit is lifted within a day, and administrators
have weekends. A longer failure ends in a dead letter that can be replayed: nothing waits for ever."""

_SPREAD = timedelta(minutes=1)
"""Work that one pause holds up returns within so much time, and not in the same second."""


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing more to do."""


@dataclass(frozen=True, slots=True)
class RetryAt:
    """Handle again at `when`, as attempt number `attempt`. `waits_since`: since when it waits without an attempt."""

    when: datetime
    attempt: int
    waits_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Dead-letter it: a person must check, and may replay it."""


Next = Done | RetryAt | GiveUp


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How patient the connector is. `chance` yields numbers from 0 up to 1, and spreads returns over time."""

    busy: timedelta = timedelta(seconds=2)
    misconfigured: timedelta = timedelta(minutes=5)
    chance: Callable[[], float] = random.random

    def after(
        self,
        failure: Failure,
        *,
        attempt: int,
        now: datetime,
        since: datetime | None = None,
        asked: timedelta | None = None,
    ) -> Next:
        """Decide; `asked` is the pause that the other side wants, `since` the begin of a wait that has not counted."""
        match failure:
            case Failure.PUT_BACK:
                return RetryAt(now + self.busy, attempt, since)
            case Failure.BUSY | Failure.THROTTLED | Failure.MISCONFIGURED:
                began = since or now
                if now - began < _FREE[failure]:
                    return RetryAt(now + self._pause(failure, asked), attempt, began)
                return self._count(attempt, now, began, asked)
            case Failure.TRANSIENT:
                return self._count(attempt, now, None, asked)

    def spread(self, pause: timedelta) -> timedelta:
        """Return a random share of the time over which work returns that so long a pause has held up."""
        return min(pause, _SPREAD) * self.chance()

    def _pause(self, failure: Failure, asked: timedelta | None) -> timedelta:
        if failure is Failure.BUSY:
            return self.busy
        pause = asked or (self.misconfigured if failure is Failure.MISCONFIGURED else self.busy)
        return pause + self.spread(pause)

    def _count(self, attempt: int, now: datetime, since: datetime | None, asked: timedelta | None) -> Next:
        if attempt >= LAST_ATTEMPT:
            return GiveUp()
        return RetryAt(now + max(_STEPS[attempt - 1], asked or timedelta()), attempt + 1, since)


def failure_of(error: ConnectorError) -> tuple[Failure, timedelta | None]:
    """Classify an error, with the pause that the other side asked for."""
    match error:
        case ThrottledError():
            return Failure.THROTTLED, error.retry_after
        case ConfigurationError():
            return Failure.MISCONFIGURED, None
        case ConflictError():
            return Failure.BUSY, None
        case _:
            return Failure.TRANSIENT, None

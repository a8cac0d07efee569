"""Keeps calls within the time for which contacts are claimed, and batches within the locks of their messages."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from shared.domain.wording.causes.work_causes import WorkCause
from shared.errors import TransientError
from shared.ports.clock import Clock

Answer = TypeVar("Answer")

_LARGEST = 1_000
"""Records in one part when everything is quick: as many as a trigger delivers."""


_FEW = 10
"""Fewer records than this take as long as one.

the pass itself is what takes the time, and smaller parts do not help.
"""


class ClaimsRanOutError(TransientError):
    """There was no time left to begin; nothing was sent."""


@dataclass(frozen=True, slots=True)
class ClaimDeadline:
    """No call begins after `begin_by`, and none goes on after `end_by`: then other workers may hold the contacts.

    A call is more than one request: it waits for its turn and for the end of a pause, and is repeated.
    """

    clock: Clock
    begin_by: datetime
    end_by: datetime

    async def carry(self, call: Callable[[], Awaitable[Answer]]) -> Answer:
        """Make a call. ClaimsRanOutError if it is too late to begin; TransientError if it had to be cut off."""
        now = self.clock.now()
        if now >= self.begin_by:
            raise ClaimsRanOutError(WorkCause.CLAIMS_BEFORE_END())
        try:
            async with asyncio.timeout((self.end_by - now).total_seconds()):
                return await call()
        except TimeoutError:
            raise TransientError(WorkCause.CLAIMS_BEFORE_ANSWER()) from None


class TimeBudget:
    """The time in which one call of a function may begin parts of its work.

    A batch must end well within the lock of its messages: the lock is not renewed, and a message whose lock ends is
    delivered again, which Service Bus counts as a failure. Work without time is sent again as a fresh message, and the
    original completes. One part always begins, however late it is: otherwise a slow service would stop all work.
    """

    def __init__(self, clock: Clock, begin_by: datetime) -> None:
        """No further part begins after `begin_by`."""
        self._clock = clock
        self._begin_by = begin_by
        self._has_begun = False

    @property
    def has_time(self) -> bool:
        """Whether there is time for more."""
        return self._clock.now() < self._begin_by

    @property
    def may_begin(self) -> bool:
        """Whether a part may begin."""
        return self.has_time or not self._has_begun

    def begin_part(self) -> bool:
        """Begin a part; False if it is too late for another one."""
        if not self.may_begin:
            return False
        self.count_part()
        return True

    def count_part(self) -> None:
        """Count a part that was begun without asking this budget."""
        self._has_begun = True

    def start_over(self) -> None:
        """Count as if no part had begun: the work failed, and is done again in other parts."""
        self._has_begun = False


_BUDGET: ContextVar[TimeBudget | None] = ContextVar("time_budget", default=None)


@contextmanager
def spending(budget: TimeBudget) -> Iterator[None]:
    """Give all work of this call of a function one time budget, however deep it is called."""
    token = _BUDGET.set(budget)
    try:
        yield
    finally:
        _BUDGET.reset(token)


def current_budget() -> TimeBudget | None:
    """Return the time budget of this call; None where no message is locked (timers, HTTP)."""
    return _BUDGET.get()


def has_time() -> bool:
    """Whether this call has time for more work."""
    budget = current_budget()
    return budget is None or budget.has_time


def begin_part() -> bool:
    """Begin a part of the work of this call; False if it is too late for another one."""
    budget = current_budget()
    return budget is None or budget.begin_part()


class BatchSizer:
    """How many records a part takes: half as many after time ran out, twice as many after time was left.

    Without it a batch that is too large for a slow day would be tried again and again without progress.
    """

    def __init__(self, claim_time: timedelta) -> None:
        self._claim_time = claim_time
        self.records = _LARGEST

    @property
    def is_largest(self) -> bool:
        """Whether everything is quick."""
        return self.records == _LARGEST

    def learn(self, *, records: int, took: timedelta, ran_out: bool) -> None:
        """Adapt to a part of so many records that took so long; `ran_out`: claims or locks were too short."""
        if ran_out:
            self.records = min(self.records, max(1, records // 2))
        elif records >= self.records and (took < self._claim_time / 4 or records < _FEW):
            self.records = min(_LARGEST, self.records * 2)

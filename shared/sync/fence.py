"""Keeps calls within the time for which contacts are claimed, and batches to a size that fits into it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from shared.errors import TransientError
from shared.ports import Clock

Answer = TypeVar("Answer")

_LARGEST = 1_000
"""Records in one round when everything is quick: no more than a trigger brings."""


class ClaimsRanOutError(TransientError):
    """There was no time left to begin; nothing was sent."""


@dataclass(frozen=True, slots=True)
class Fence:
    """No call begins after `begin_by`, and none goes on after `end_by`: by then, others may hold the contacts.

    A call is more than one request: it waits for its turn and for the end of a pause, and is repeated.
    """

    clock: Clock
    begin_by: datetime
    end_by: datetime

    async def carry(self, call: Callable[[], Awaitable[Answer]]) -> Answer:
        """Make a call. ClaimsRanOutError if it is too late to begin; TransientError if it had to be cut off."""
        now = self.clock.now()
        if now >= self.begin_by:
            raise ClaimsRanOutError("the claims would have run out before the call ended")
        try:
            async with asyncio.timeout((self.end_by - now).total_seconds()):
                return await call()
        except TimeoutError:
            raise TransientError("the claims ran out before Spotler answered") from None


class Pace:
    """How many records a round takes: half as many when their claims ran out, twice as many when they were not needed.

    Without it a batch that is too large for a slow day would come again and again, and never get on.
    """

    def __init__(self, claim_time: timedelta) -> None:
        self._claim_time = claim_time
        self.records = _LARGEST

    def learn(self, *, records: int, took: timedelta, ran_out: bool) -> None:
        """Take account of a batch of so many records that took so long."""
        if ran_out:
            self.records = max(1, min(self.records, records) // 2)
        elif records >= self.records and took < self._claim_time / 4:
            self.records = min(_LARGEST, self.records * 2)

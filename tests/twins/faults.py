"""Lets the n-th call to any twin fail, before or after it had its effect, or the worker die there."""

from __future__ import annotations

import asyncio
from collections import Counter


class CrashError(BaseException):
    """The worker dies: nothing of ours may catch this, as nothing catches a power cut."""


class Faults:
    """Counts the moments before and after every call, and fails at those that a test has planned."""

    def __init__(self) -> None:
        self.moment = 0
        self.planned: dict[int, BaseException] = {}
        self.interleaves = False

    def plan(self, moment: int, error: BaseException) -> None:
        """Fail at a moment, counted from now; 0 is before the next call, 1 after it."""
        self.planned[self.moment + moment] = error

    async def pass_by(self) -> None:
        """Let other workers run, then fail if it is time."""
        if self.interleaves:
            await asyncio.sleep(0)
        error = self.planned.pop(self.moment, None)
        self.moment += 1
        if error is not None:
            raise error


class Twin:
    """Counts calls and lets them fail."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.calls: Counter[str] = Counter()
        self.broken: dict[str, Exception] = {}

    async def _begin(self, call: str) -> None:
        self.calls[call] += 1
        if (error := self.broken.get(call)) is not None:
            raise error
        await self.faults.pass_by()

    async def ping(self) -> None:
        await self._begin("ping")

    async def close(self) -> None:
        await self._begin("close")

"""Lets live work go first: bulk work stands aside between two records while live work of this process is under way.

One process does everything on one event loop. What a page of a table costs in computing would hold up every save that
comes meanwhile. So loops over records call `breathe` between two of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

_MOST_PER_WORK = 4
"""Bulk work stands aside for up to four times as long as it has worked: beside endless saves it gets on, too."""

_LEAST = 0.01
"""Seconds that it stands aside at least: the answer of a service takes as long."""


@dataclass(slots=True)
class Priority:
    """Counts the live calls that are under way, and keeps bulk calls waiting for them."""

    _live: int = 0
    _idle: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._idle.set()

    @contextmanager
    def live(self) -> Iterator[None]:
        """Go first."""
        self._live += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._live -= 1
            if not self._live:
                self._idle.set()

    @contextmanager
    def bulk(self) -> Iterator[None]:
        """Stand aside whenever it breathes."""
        token = _TURN.set(_Turn(self))
        try:
            yield
        finally:
            _TURN.reset(token)

    async def idle(self, seconds: float) -> None:
        """Wait until no live call is under way, but no longer than that."""
        if self._live:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._idle.wait()


@dataclass(slots=True)
class _Turn:
    """A bulk call, and since when it has been working without a pause."""

    priority: Priority
    since: float = field(default_factory=time.perf_counter)

    async def stand_aside(self) -> None:
        worked = time.perf_counter() - self.since
        await self.priority.idle(max(_LEAST, _MOST_PER_WORK * worked))
        self.since = time.perf_counter()


_TURN: ContextVar[_Turn | None] = ContextVar("bulk_turn", default=None)


async def breathe() -> None:
    """Let others go on, between two records. A bulk call waits for live calls; any other one for its next turn."""
    turn = _TURN.get()
    await asyncio.sleep(0)
    if turn is not None:
        await turn.stand_aside()

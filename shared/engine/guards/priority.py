"""Lets live work go first: bulk work waits between two records while live work of this process is under way.

One process does everything on one event loop. The computing time of a page of a table would delay every save that
arrives meanwhile. So loops over records call `breathe` between two of them, which yields every few milliseconds.
"""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from shared.ports.background import in_background, take_turns

_MOST_PER_WORK = 4
"""Bulk work waits for up to four times as long as it has worked: it makes progress during endless saves, too."""

_LEAST = 0.01
"""Seconds that bulk work waits at least: the answer of a service takes as long."""

_LATELY = 5.0
"""Seconds after a live call in which the next one is expected."""

_FEW = 300
"""Records that bulk work claims at once while live calls come: a save of one of them waits until it ends.
So many fill three bulk calls."""


@dataclass(slots=True)
class Priority:
    """Counts the live calls that are under way, and keeps bulk calls waiting for them."""

    _live: int = 0
    _idle: asyncio.Event = field(default_factory=asyncio.Event)
    _last: float = float("-inf")

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
            self._last = time.perf_counter()
            if not self._live:
                self._idle.set()

    @contextmanager
    def bulk(self) -> Iterator[None]:
        """Make `breathe` wait for live calls within this block, and its requests to both services as well."""
        token = _TURN.set(_Turn(self))
        try:
            with in_background():
                yield
        finally:
            _TURN.reset(token)

    @property
    def is_busy(self) -> bool:
        """Whether a live call is under way."""
        return self._live > 0

    @property
    def was_busy(self) -> bool:
        """Whether a live call is under way, or has just been."""
        return self.is_busy or time.perf_counter() - self._last < _LATELY

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

    async def wait_for_live(self) -> None:
        worked = time.perf_counter() - self.since
        await self.priority.idle(max(_LEAST, _MOST_PER_WORK * worked))
        self.since = time.perf_counter()


_TURN: ContextVar[_Turn | None] = ContextVar("bulk_turn", default=None)


def part_size(records: int) -> int:
    """Return how many records the next part of a call may claim at once: few in a bulk call while live calls come."""
    turn = _TURN.get()
    return min(records, _FEW) if turn is not None and turn.priority.was_busy else records


async def breathe() -> None:
    """Yield to other calls, between two records, if they had no turn for a while. A bulk call waits for live calls."""
    turn = _TURN.get()
    is_in_the_way = turn is not None and turn.priority.is_busy
    had_turn = await take_turns()
    if turn is not None and (had_turn or is_in_the_way):
        await turn.wait_for_live()

"""The time that one step of work has, and the pages that it handles together."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.ports.clock import Clock
from shared.ports.mailings import FeedPage, Happening

POLL = timedelta(minutes=3)
"""A timer reads no page after this time: a function has five minutes."""

STEP = timedelta(seconds=90)
"""A message reads no page after this time: it shares its five minutes with others."""

_TOGETHER = 1000
"""Events that are kept together: one read of the state, and one bulk message."""


@dataclass(frozen=True, slots=True)
class WorkTime:
    """How long a step may begin new pages."""

    clock: Clock
    until: datetime

    @classmethod
    def begin(cls, clock: Clock, lasts: timedelta) -> "WorkTime":
        """Begin a step."""
        return cls(clock, clock.now() + lasts)

    @property
    def is_over(self) -> bool:
        """Whether the time is over."""
        return self.clock.now() >= self.until


async def chunks(pages: AsyncIterator[FeedPage]) -> AsyncIterator[tuple[list[Happening], str]]:
    """Join pages to chunks, each with where the next page begins ("" at the end)."""
    waiting: list[Happening] = []
    after = ""
    async for page in pages:
        waiting += page.happenings
        after = page.after
        if len(waiting) >= _TOGETHER and after:
            yield waiting, after
            waiting = []
    yield waiting, ""

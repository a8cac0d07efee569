"""Limits the requests of one client: so many at once, and none during a pause that the service asked for.

Requests of bulk work wait for all others. While others come, bulk work leaves one of the concurrent requests to them:
otherwise a save would wait until a call with a hundred contacts ends. A service whose limits are known also tells how
long bulk work waits between two requests.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from shared.domain.wording.errors import ErrorText
from shared.errors import Service, ThrottledError
from shared.ports.background import is_in_background

_RESERVED_SECONDS = 5.0
"""How long one of the concurrent requests is kept for another save after the last one."""

_MOST_OVERTAKING = 20
"""So many requests go before a request of bulk work that waits: bulk work makes progress during endless saves, too."""


class RequestLimiter:
    """Admits requests. All requests of one account or application user must pass the same instance."""

    def __init__(
        self,
        service: Service,
        *,
        concurrency: int,
        longest_pause: timedelta,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Pauses up to `longest_pause` are waited for; longer ones raise. `now` is monotonic, in seconds."""
        self.longest_pause = longest_pause
        self._service = service
        self._concurrency = concurrency
        self._now = now
        self._sleep = sleep
        self._paused_until = float("-inf")
        self._under_way = 0
        self._in_background = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._waiting_in_background: deque[asyncio.Future[None]] = deque()
        self._reserved_until = float("-inf")
        self._overtaking = 0
        self._next_in_background = float("-inf")

    @property
    def concurrency(self) -> int:
        """The number of requests that may be under way at present."""
        return self._concurrency

    @property
    def free(self) -> float:
        """The share of the concurrent requests that is unused, from 0.0 to 1.0; 0.0 during a pause."""
        return 0.0 if self._paused_until > self._now() else 1 - self._under_way / self._concurrency

    @property
    def background_interval(self) -> float:
        """Seconds between the begins of two requests of bulk work. Services without known limits have none."""
        return 0.0

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold one of the concurrent requests. Raises ThrottledError when the pause is too long to wait here."""
        in_background = is_in_background()
        if in_background:
            await self._keep_interval()
        await self._enter(in_background=in_background)
        try:
            # A pause may grow while it is waited for.
            while (seconds := self._paused_until - self._now()) > 0:
                pause = timedelta(seconds=seconds)
                if pause > self.longest_pause:
                    raise ThrottledError(
                        ErrorText.LONG_PAUSE(service=self._service.capitalize()),
                        retry_after=pause,
                        service=self._service,
                    )
                await self._sleep(seconds)
            yield
        finally:
            self._leave(in_background=in_background)

    def pause(self, duration: timedelta) -> None:
        """Let no request start for `duration` from now; a shorter pause never cuts a longer one."""
        self._paused_until = max(self._paused_until, self._now() + duration.total_seconds())

    def resize(self, concurrency: int) -> None:
        """Change the limit; requests above a smaller one end as they are."""
        self._concurrency = concurrency
        self._admit()

    async def _keep_interval(self) -> None:
        """Wait until the interval since the request of bulk work before this one is over, without holding a slot."""
        now = self._now()
        begin = max(now, self._next_in_background)
        self._next_in_background = begin + self.background_interval
        if begin > now:
            await self._sleep(begin - now)

    async def _enter(self, *, in_background: bool) -> None:
        if not in_background:
            self._reserved_until = self._now() + _RESERVED_SECONDS
        if self._has_slot(in_background=in_background):
            self._begin(in_background=in_background)
            return
        turn = asyncio.get_running_loop().create_future()
        (self._waiting_in_background if in_background else self._waiting).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # the slot was given in the same moment
                self._leave(in_background=in_background)
            raise

    def _begin(self, *, in_background: bool) -> None:
        self._under_way += 1
        self._in_background += in_background

    def _leave(self, *, in_background: bool) -> None:
        self._under_way -= 1
        self._in_background -= in_background
        self._admit()

    def _has_slot(self, *, in_background: bool) -> bool:
        """Whether a request may begin. The only slot is not kept free."""
        if in_background and self._reserved_until > self._now() and self._concurrency > 1:
            return self._in_background < self._concurrency - 1 and self._under_way < self._concurrency
        return self._under_way < self._concurrency

    def _admit(self) -> None:
        while (waiting := self._next_queue()) is not None:
            turn = waiting.popleft()
            if not turn.cancelled():
                self._begin(in_background=waiting is self._waiting_in_background)
                turn.set_result(None)

    def _next_queue(self) -> deque[asyncio.Future[None]] | None:
        """Return the queue whose first request begins now; None if none may."""
        was_overtaken = bool(self._waiting_in_background) and self._overtaking >= _MOST_OVERTAKING
        if self._waiting and not was_overtaken:
            if not self._has_slot(in_background=False):
                return None
            self._overtaking += bool(self._waiting_in_background)
            return self._waiting
        if self._waiting_in_background and self._has_slot(in_background=not was_overtaken):
            self._overtaking = 0
            return self._waiting_in_background
        return None

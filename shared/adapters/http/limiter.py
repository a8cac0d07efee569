"""Limits the requests of one client: so many at once, and none during a pause that the service asked for."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from shared.errors import Service, ThrottledError


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
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def concurrency(self) -> int:
        """The number of requests that may be under way at present."""
        return self._concurrency

    @property
    def free(self) -> float:
        """The share of the concurrent requests that is unused, from 0.0 to 1.0; 0.0 during a pause."""
        return 0.0 if self._paused_until > self._now() else 1 - self._under_way / self._concurrency

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold one of the concurrent requests. Raises ThrottledError when the pause is too long to wait here."""
        await self._enter()
        try:
            # A pause may grow while it is waited for.
            while (seconds := self._paused_until - self._now()) > 0:
                pause = timedelta(seconds=seconds)
                if pause > self.longest_pause:
                    raise ThrottledError(
                        f"{self._service.capitalize()} asked for a long pause", retry_after=pause, service=self._service
                    )
                await self._sleep(seconds)
            yield
        finally:
            self._leave()

    def pause(self, duration: timedelta) -> None:
        """Let no request start for `duration` from now; a shorter pause never cuts a longer one."""
        self._paused_until = max(self._paused_until, self._now() + duration.total_seconds())

    def resize(self, concurrency: int) -> None:
        """Change the limit; requests above a smaller one end as they are."""
        self._concurrency = concurrency
        self._admit()

    async def _enter(self) -> None:
        if self._under_way < self._concurrency:
            self._under_way += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # the slot was given in the same moment
                self._leave()
            raise

    def _leave(self) -> None:
        self._under_way -= 1
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self._under_way < self._concurrency:
            turn = self._waiting.popleft()
            if not turn.cancelled():
                self._under_way += 1
                turn.set_result(None)

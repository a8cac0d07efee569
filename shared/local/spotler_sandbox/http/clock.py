"""The clock by which the simulated Spotler judges signatures; a client's may differ from it.

What happens in the account keeps the right time: when the two agree again, nothing is dated in the future.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime

from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass(slots=True)
class SandboxClock:
    """Somebody's clock, `ahead` of it or (negative) behind."""

    origin: Callable[[], datetime]
    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        """Aware, in UTC."""
        return self.origin() + self.ahead


class Dated:
    """Adds the service's time to answers (RFC 9110, `Date`)."""

    def __init__(self, app: ASGIApp, *, clock: SandboxClock) -> None:
        self._app = app
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app, and add the date to its answer."""

        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = format_datetime(self._clock(), usegmt=True).encode("ascii")
                message["headers"] = [*message.get("headers", ()), (b"date", date)]
            await send(message)

        await self._app(scope, receive, dated)

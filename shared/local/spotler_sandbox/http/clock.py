"""The clock with which the simulated Spotler checks signatures; it may differ from a client's clock.

Data of the account is dated by the right clock, so that no date lies in the future after the difference ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime

from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass(slots=True)
class SandboxClock:
    """A clock that is `ahead` of another one, or (negative) behind it."""

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

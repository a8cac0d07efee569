"""Time for the host: a clock, waits that end early, and the text form of .NET's TimeSpan."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Protocol

_TIMESPAN = re.compile(r"(?:(?P<days>\d+)\.)?(?P<hours>\d{1,2}):(?P<minutes>\d{2}):(?P<seconds>\d{2}(?:\.\d{1,7})?)")


class Clock(Protocol):
    """The source of time."""

    def now(self) -> datetime:
        """Return the current time: aware, in UTC."""
        ...


async def pause(stopping: asyncio.Event, duration: timedelta) -> None:
    """Wait for `duration`, or until `stopping` is set."""
    with suppress(TimeoutError):
        async with asyncio.timeout(duration.total_seconds()):
            await stopping.wait()


def parse_timespan(text: str) -> timedelta:
    """Read `[d.]hh:mm:ss[.fffffff]`, as host.json and timer schedules use it; ValueError otherwise."""
    match = _TIMESPAN.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no time span of the form [days.]hours:minutes:seconds")
    return timedelta(
        days=int(match["days"] or 0),
        hours=int(match["hours"]),
        minutes=int(match["minutes"]),
        seconds=float(match["seconds"]),
    )

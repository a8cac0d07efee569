"""Waiting that ends early when the host stops."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta


async def pause(stopping: asyncio.Event, duration: timedelta) -> None:
    """Wait for `duration`, or until `stopping` is set."""
    with suppress(TimeoutError):
        async with asyncio.timeout(duration.total_seconds()):
            await stopping.wait()

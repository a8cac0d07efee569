"""Work that takes a processor for longer than a moment, beside the event loop: queues and timers go on meanwhile."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import ParamSpec, TypeVar

from shared.errors import DataError

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

TIMEOUT = timedelta(seconds=20)
"""The turns of those before included. The largest mapping takes a tenth of it."""

_SWITCH = timedelta(microseconds=500)
"""After which the thread lets others go on; Python's own value is ten times that."""

_THREAD = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mapping")
"""One: a thread cannot be stopped, and several of them would leave the event loop no processor."""


async def in_turn(
    function: Callable[Parameters, Result], *args: Parameters.args, **options: Parameters.kwargs
) -> Result:
    """Return what a pure function of what somebody sent returns; one is at work at a time. DataError if it takes long.

    One that is given up works on until it ends, and is not begun if it had not begun.
    """
    loop = asyncio.get_running_loop()
    work = loop.run_in_executor(_THREAD, lambda: _giving_way(lambda: function(*args, **options)))
    try:
        return await asyncio.wait_for(work, TIMEOUT.total_seconds())
    except TimeoutError:
        raise DataError(
            f"This takes longer than {TIMEOUT.total_seconds():.0f} seconds: send less at a time, or wait for others"
        ) from None


def _giving_way(work: Callable[[], Result]) -> Result:
    """Let the event loop have the interpreter when it asks: one answer asks for it many times over."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH.total_seconds())
    try:
        return work()
    finally:
        sys.setswitchinterval(usual)

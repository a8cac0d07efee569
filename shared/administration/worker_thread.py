"""Runs long computations in a thread beside the event loop, so that queues and timers continue."""

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import ParamSpec, TypeVar

from shared.domain.wording.errors import ErrorText
from shared.errors import DataError

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

TIMEOUT = timedelta(seconds=20)
"""Includes the computations queued before. The largest mapping takes a tenth of it."""

_SWITCH = timedelta(microseconds=500)
"""The thread switches after this time; Python's own value is ten times that."""

_THREAD = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mapping")
"""One worker: a thread cannot be stopped, and several would take the processor from the event loop."""


async def run_in_thread(
    function: Callable[Parameters, Result], *args: Parameters.args, **options: Parameters.kwargs
) -> Result:
    """Run a pure function in the thread; one runs at a time. DataError after the time-out.

    After the time-out a running function runs to its end; a queued one does not start.
    """
    loop = asyncio.get_running_loop()
    work = loop.run_in_executor(_THREAD, lambda: _with_short_switches(lambda: function(*args, **options)))
    try:
        return await asyncio.wait_for(work, TIMEOUT.total_seconds())
    except TimeoutError:
        raise DataError(ErrorText.TAKES_LONG(seconds=round(TIMEOUT.total_seconds()))) from None


def _with_short_switches(work: Callable[[], Result]) -> Result:
    """Let the event loop have the interpreter often: one HTTP answer needs it many times."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH.total_seconds())
    try:
        return work()
    finally:
        sys.setswitchinterval(usual)

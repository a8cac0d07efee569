"""How calls share a process: all compute on one event loop, and those for which nobody waits come last.

Whether the current call is such bulk work: clients let the requests of other calls go first.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

_SLICE = 0.003
"""Seconds of computing between two turns of the event loop. A turn takes as long as a part of the work on a record."""

_IN_BACKGROUND: ContextVar[bool] = ContextVar("in_background", default=False)


def is_in_background() -> bool:
    """Whether the current call is bulk work."""
    return _IN_BACKGROUND.get()


@contextmanager
def in_background() -> Iterator[None]:
    """Mark all work of this block as bulk work, however deep it is called."""
    token = _IN_BACKGROUND.set(True)
    try:
        yield
    finally:
        _IN_BACKGROUND.reset(token)


@dataclass(slots=True)
class _Loop:
    """When other calls last had their turn because of `take_turns`; one that waited for an answer yields too early."""

    turned: float = 0.0


_LOOP = _Loop()


async def take_turns() -> bool:
    """Let other calls have their turn, if they had none for a while; whether they had it now.

    To be called between two of many records: a turn for each would take as long as the reading of one.
    """
    if time.perf_counter() - _LOOP.turned < _SLICE:
        return False
    await asyncio.sleep(0)
    _LOOP.turned = time.perf_counter()
    return True

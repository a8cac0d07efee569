"""How calls share a process: all compute on one event loop, and those for which nobody waits come last.

Whether the current call is such bulk work: clients let the requests of other calls go first. Parts of one call compute
in their order.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

Value = TypeVar("Value")

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
class _Part:
    """One of the parts of a call; `records` counts how often it came to `take_turns`."""

    before: "_Part | None"
    records: int = 0


_PART: ContextVar[_Part | None] = ContextVar("part", default=None)


async def side_by_side(parts: Sequence[Callable[[], Awaitable[Value]]]) -> list[Value]:
    """Do the parts of a call: a later one computes while those before it wait for an answer.

    If all computed in turns, all would wait at the same time. Raises the first error when all parts have ended.
    """
    before: _Part | None = None
    tasks: list[asyncio.Task[Value]] = []
    for part in parts:
        before = _Part(before)
        tasks.append(asyncio.create_task(_computing_as(before, part)))
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    return [_value(one) for one in ended]


async def _computing_as(part: _Part, work: Callable[[], Awaitable[Value]]) -> Value:
    _PART.set(part)  # in the context of the task
    return await work()


def _value(ended: Value | BaseException) -> Value:
    if isinstance(ended, BaseException):
        raise ended
    return ended


@dataclass(slots=True)
class _Loop:
    """When other calls last had their turn because of `take_turns`; one that waited for an answer yields too early."""

    turned: float = 0.0


_LOOP = _Loop()


async def take_turns() -> bool:
    """Let other calls have their turn, if they had none for a while; whether they had it now.

    To be called between two of many records: a turn for each would take as long as the reading of one.
    """
    part = _PART.get()
    if part is not None:
        part.records += 1
    if time.perf_counter() - _LOOP.turned < _SLICE:
        return False
    await _turn_of_others(part.before if part is not None else None)
    _LOOP.turned = time.perf_counter()
    return True


async def _turn_of_others(before: _Part | None) -> None:
    """Yield once, and again as long as the part before this one computes: so its next request leaves early."""
    while True:
        known = before.records if before is not None else 0
        await asyncio.sleep(0)
        if before is None or before.records == known:
            return

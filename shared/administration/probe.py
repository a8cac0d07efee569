"""Calls a service with a time-out of ten seconds."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from shared.errors import ConnectorError

Answer = TypeVar("Answer")

_TIMEOUT = 10.0
"""Seconds after which a service counts as down."""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """A failed call: the cause, and the recovery if the error names one."""

    cause: str
    recovery: str | None = None


async def probe(call: Callable[[], Awaitable[Answer]]) -> Answer | NoAnswer:
    """Return the answer of a call, or why there is none."""
    try:
        async with asyncio.timeout(_TIMEOUT):
            return await call()
    except ConnectorError as error:
        return NoAnswer(str(error), error.recovery)
    except TimeoutError:
        return NoAnswer(f"no answer within {_TIMEOUT:.0f} s")

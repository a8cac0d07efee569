"""Calls a service with a time-out of ten seconds."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from shared.domain.wording.errors import ErrorText, cause_of
from shared.domain.wording.phrase import Phrase
from shared.errors import ConnectorError

Answer = TypeVar("Answer")

_TIMEOUT = 10.0
"""Seconds after which a service counts as down."""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """A failed call: the cause, and the recovery if the error names one."""

    cause: Phrase
    recovery: str | None = None


async def probe(call: Callable[[], Awaitable[Answer]]) -> Answer | NoAnswer:
    """Return the answer of a call, or why there is none."""
    try:
        async with asyncio.timeout(_TIMEOUT):
            return await call()
    except ConnectorError as error:
        return NoAnswer(cause_of(error), error.recovery)
    except TimeoutError:
        return NoAnswer(ErrorText.NOT_WITHIN(seconds=round(_TIMEOUT)))

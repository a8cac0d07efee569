"""Turns every failure of a piece of work into a ConnectorError, whose class decides on the next step."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from shared.domain.wording.causes.work_causes import WorkCause
from shared.errors import ConnectorError, TransientError, whereabouts

log = logging.getLogger(__name__)

Done = TypeVar("Done")


async def attempt(
    act: Callable[[], Awaitable[Done]], what: str, *, within: timedelta | None = None
) -> Done | ConnectorError:
    """Act; return the result, or the error.

    A defect of ours, and an act that is not done `within` a time, count as passing faults.
    """
    try:
        async with asyncio.timeout(within.total_seconds() if within is not None else None):
            return await act()
    except ConnectorError as error:
        return error
    except TimeoutError:
        return TransientError(WorkCause.NOT_IN_TIME(what=what))
    except Exception as error:  # noqa: BLE001  # a defect of ours: the other pieces go on
        log.error("%s broke the connector: %s", what, whereabouts(error))  # noqa: TRY400  # its text may quote people
        return TransientError(WorkCause.DEFECT(error=type(error).__name__))

"""The one process object of this process, made on the first call.

The functions are found by importing this module alone: what they need is imported by the first call (`process.py`), so
that a new instance is ready within the time that Azure gives it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from shared.errors import ConfigurationError, ConnectorError

if TYPE_CHECKING:
    from shared.administration.mode import ModeChange
    from shared.composition.administration import Administration
    from shared.composition.process import Process, Ready
    from shared.composition.services import Services
    from shared.composition.wiring import Connector
    from shared.dispatch.intake import Intake
    from shared.domain.mapping.findings import Finding
    from shared.domain.mapping.model import Mapping
    from shared.ports.queue import Queue

log = logging.getLogger(__name__)


_current: Process | None = None
_building = asyncio.Lock()


async def connector() -> Connector:
    """Return this process's connector; the first call opens its services, and activates the first mapping (C-41)."""
    async with _building:
        return (await _process().wired()).connector


async def administration() -> Administration:
    """Return the use cases of administration and privacy."""
    async with _building:
        return (await _process().wired()).administration


async def services() -> Services:
    """Return this process's services; they depend on no mapping."""
    async with _building:
        return _process().services()


async def is_shadow() -> bool:
    """Whether nothing may be written now. Raises ConnectorErrors: without the state nobody knows."""
    from shared.administration.mode import Mode  # noqa: PLC0415

    return (await mode()).mode is Mode.SHADOW


async def mode() -> ModeChange:
    """Return the mode, at most ten seconds old. Raises ConnectorErrors."""
    return await (await services()).modes.current()


async def keep_activity(*, at_once: bool = False) -> None:
    """Write what this process has counted; a failure costs figures of a page, no record."""
    try:
        await (await services()).activity.add(at_once=at_once)
    except ConnectorError as error:
        log.warning("the counts of the last minutes are written later: %s", error)


async def intake() -> Intake:
    """Return the intake of messages; it needs only settings and the queue."""
    async with _building:
        return _process().intake


async def own_user() -> UUID | None:
    """Return the connector's user in Dataverse, None while it is unknown. Opens and requests nothing."""
    async with _building:
        return _process().own_user()


async def dataverse_budget() -> float:
    """Return what the limits of Dataverse leave to the connector, from 0.0 to 1.0. Opens and requests nothing."""
    async with _building:
        return _process().dataverse_budget()


async def queue() -> Queue:
    """Return this process's queue."""
    async with _building:
        return _process().queue


async def mapping_changed() -> None:
    """Make this process use a new version of the mapping at once; other processes find it within half a minute."""
    async with _building:
        _process().look_again()


async def trial(mapping: Mapping) -> Sequence[Finding]:
    """Return findings about a mapping from a sample of real records; none while the live mapping cannot be used."""
    try:
        preview = (await administration()).preview
    except ConfigurationError:
        return ()
    return await preview.findings(mapping)


async def shut_down() -> None:
    """Close this process's connector; the next call of `connector` builds a new one."""
    global _current  # noqa: PLW0603  # one per process is the point
    async with _building:
        if _current is not None:
            await _current.close()
            _current = None


async def _ready() -> Ready:
    async with _building:
        from shared.administration.mode import Mode  # noqa: PLC0415
        from shared.composition.process import Ready  # noqa: PLC0415

        process = _process()
        wired, services = await process.wired(), process.services()
        is_shadow = (await services.modes.current()).mode is Mode.SHADOW
        dispatcher = wired.administration.shadow if is_shadow else wired.connector.dispatcher
        return Ready(services.organisations, services.own_user, dispatcher)


def _process() -> Process:
    global _current  # noqa: PLW0603  # one per process is the point
    if _current is None:
        from shared.composition.process import Process  # noqa: PLC0415  # see the module
        from shared.composition.settings import load_settings  # noqa: PLC0415

        _current = Process(load_settings(), _ready)
    return _current

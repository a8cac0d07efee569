"""The connector of this process: its services, and its use cases around the version of the mapping that is live.

What is wired to what stands in `services` (clients) and `wiring` (use cases).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID

from shared.administration.live_mapping import LiveMapping
from shared.composition.connections import SystemClock, message_queue
from shared.composition.first_mapping import first_mapping
from shared.composition.services import Services, open_services
from shared.composition.settings import Settings, load_settings
from shared.composition.wiring import Connector, build, build_intake
from shared.dispatch.intake import Intake
from shared.domain.mapping.findings import Finding
from shared.domain.mapping.formats.yaml_format import to_yaml
from shared.domain.mapping.model import Mapping
from shared.errors import ConfigurationError
from shared.ports.queue import Queue

__all__ = [
    "Connector",
    "Services",
    "connector",
    "intake",
    "mapping_changed",
    "own_user",
    "queue",
    "services",
    "shut_down",
    "trial",
]


class _Process:
    """The queue and the services of this process, and the connector of the version that is live."""

    def __init__(self, settings: Settings) -> None:
        clock = SystemClock()
        self._settings = settings
        self._clock = clock
        self.queue = message_queue(settings, clock)
        self.intake = build_intake(self.queue, clock, connector)
        self._services: Services | None = None
        self._live: LiveMapping | None = None
        self._connector: Connector | None = None

    def services(self) -> Services:
        """Open the services, unless that was done. Raises ConfigurationError, and tries again with the next call."""
        if self._services is None:
            self._services = open_services(self._settings, self._clock, self.queue)
        return self._services

    def own_user(self) -> UUID | None:
        """Return the user that we are, if that is known."""
        return self._services.own_user.id if self._services is not None else None

    def look_again(self) -> None:
        """Look for a new version of the mapping before the next use."""
        if self._live is not None:
            self._live.expire()

    async def connector(self) -> Connector:
        """Return a connector for the live version. Whoever works with an older one finishes with that."""
        services = self.services()
        if self._live is None:
            self._live = LiveMapping(services.shelf, services.clock, lambda: to_yaml(first_mapping(self._settings)))
        version = await self._live.get()
        if self._connector is None or self._connector.version is not version:
            self._connector = build(services, version, await services.keys.fingerprinter())
        return self._connector

    async def close(self) -> None:
        """Release connections."""
        if self._services is not None:
            await self._services.close()
        else:
            await self.queue.close()


_current: _Process | None = None
_building = asyncio.Lock()


async def connector() -> Connector:
    """Return this process's connector; the first call opens its services, and activates the first mapping (C-41)."""
    async with _building:
        return await _process().connector()


async def services() -> Services:
    """Return this process's services, whatever the mapping is like."""
    async with _building:
        return _process().services()


async def intake() -> Intake:
    """Return what takes in the messages of the queues: it needs settings and the queue, and nothing else."""
    async with _building:
        return _process().intake


async def own_user() -> UUID | None:
    """Return the user that we are in Dataverse; None as long as Dataverse has not told. Opens and asks nothing."""
    async with _building:
        return _process().own_user()


async def queue() -> Queue:
    """Return this process's queue."""
    async with _building:
        return _process().queue


async def mapping_changed() -> None:
    """Let this process use a new version of the mapping at once; other processes find it within half a minute."""
    async with _building:
        _process().look_again()


async def trial(mapping: Mapping) -> Sequence[Finding]:
    """Find what a mapping would do to a sample of real records; nothing while the live mapping cannot be used."""
    try:
        preview = (await connector()).preview
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


def _process() -> _Process:
    global _current  # noqa: PLW0603  # one per process is the point
    if _current is None:
        _current = _Process(load_settings())
    return _current

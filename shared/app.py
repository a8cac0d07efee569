"""The connector of this process: its services, and its use cases around the version of the mapping that is live.

What is wired to what stands in `services` (clients) and `wiring` (use cases).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from shared.core.mapping.findings import Finding
from shared.core.mapping.model import Mapping
from shared.core.mapping.yaml_format import to_yaml
from shared.errors import ConfigurationError
from shared.first_mapping import first_mapping
from shared.services import Services, open_services
from shared.settings import Settings, load_settings
from shared.sync.live_mapping import LiveMapping
from shared.wiring import Connector, build

__all__ = ["Connector", "Services", "connector", "mapping_changed", "services", "shut_down", "trial"]


class _Process:
    """The services of this process, and the connector of the version that is live."""

    def __init__(self, settings: Settings) -> None:
        self.services = open_services(settings)
        self._live = LiveMapping(self.services.shelf, self.services.clock, lambda: to_yaml(first_mapping(settings)))
        self._connector: Connector | None = None

    def look_again(self) -> None:
        """Look for a new version of the mapping before the next use."""
        self._live.look_again()

    async def connector(self) -> Connector:
        """Return a connector for the live version. Whoever works with an older one finishes with that."""
        version = await self._live.get()
        if self._connector is None or self._connector.version is not version:
            self._connector = build(self.services, version)
        return self._connector


_current: _Process | None = None
_building = asyncio.Lock()


async def connector() -> Connector:
    """Return this process's connector; the first call opens its services, and activates the first mapping (C-41)."""
    async with _building:
        return await _process().connector()


async def services() -> Services:
    """Return this process's services, whatever the mapping is like."""
    async with _building:
        return _process().services


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
            await _current.services.close()
            _current = None


def _process() -> _Process:
    global _current  # noqa: PLW0603  # one per process is the point
    if _current is None:
        _current = _Process(load_settings())
    return _current

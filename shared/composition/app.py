"""The process: its services, and its use cases around the live version of the mapping.

`services` makes clients and adapters; `wiring` and `administration` make the use cases.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from shared.adapters.dataverse.events.organisations import KnownOrganisations
from shared.adapters.dataverse.events.own_user import OwnUser
from shared.administration.live_mapping import LiveMapping, LiveVersion
from shared.composition.administration import Administration, administer
from shared.composition.connections import SystemClock, message_queue
from shared.composition.first_mapping import first_mapping
from shared.composition.rooms import rules_of
from shared.composition.services import Services, open_services
from shared.composition.settings import Settings, load_settings
from shared.composition.wiring import Connector, build, build_intake
from shared.dispatch.dispatch import Dispatcher
from shared.dispatch.intake import Intake
from shared.domain.mapping.findings import Finding
from shared.domain.mapping.formats.yaml_format import to_yaml
from shared.domain.mapping.model import Mapping
from shared.errors import ConfigurationError, ConnectorError
from shared.ports.queue import Queue

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Wired:
    """The use cases around one version of the mapping."""

    version: LiveVersion
    connector: Connector
    administration: Administration


@dataclass(frozen=True, slots=True)
class _Ready:
    """What the intake needs besides the queue."""

    organisations: KnownOrganisations
    own_user: OwnUser
    dispatcher: Dispatcher


class _Process:
    """The queue and the services of this process, and the use cases around the live version."""

    def __init__(self, settings: Settings) -> None:
        clock = SystemClock()
        self._settings = settings
        self._clock = clock
        self.queue = message_queue(settings, clock)
        self.intake = build_intake(self.queue, clock, _ready)
        self._services: Services | None = None
        self._live: LiveMapping | None = None
        self._wired: _Wired | None = None

    def services(self) -> Services:
        """Return the services, opened on the first call. Raises ConfigurationError; the next call tries again."""
        if self._services is None:
            self._services = open_services(self._settings, self._clock, self.queue)
        return self._services

    def own_user(self) -> UUID | None:
        """Return the connector's user in Dataverse, if it is known."""
        return self._services.own_user.id if self._services is not None else None

    def look_again(self) -> None:
        """Read the pointer to the live version again before the next use."""
        if self._live is not None:
            self._live.expire()

    async def wired(self) -> _Wired:
        """Return the use cases around the live version. Calls that run with an older version finish with it."""
        services = self.services()
        if self._live is None:
            self._live = LiveMapping(
                services.mapping_repository, services.clock, lambda: to_yaml(first_mapping(self._settings))
            )
        version = await self._live.get()
        if self._wired is None or self._wired.version is not version:
            rules = rules_of(self._settings, version, await services.keys.fingerprinter())
            connector = build(services, services.mapped(version.mapping), self._settings, rules)
            self._wired = _Wired(version, connector, administer(services, connector, rules))
        return self._wired

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
        return (await _process().wired()).connector


async def administration() -> Administration:
    """Return the use cases of administration and privacy."""
    async with _building:
        return (await _process().wired()).administration


async def services() -> Services:
    """Return this process's services; they depend on no mapping."""
    async with _building:
        return _process().services()


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


async def _ready() -> _Ready:
    async with _building:
        process = _process()
        wired, services = await process.wired(), process.services()
        return _Ready(services.organisations, services.own_user, wired.connector.dispatcher)


def _process() -> _Process:
    global _current  # noqa: PLW0603  # one per process is the point
    if _current is None:
        _current = _Process(load_settings())
    return _current

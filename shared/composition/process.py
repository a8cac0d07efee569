"""The process's services, and its use cases around the live version of the mapping.

`services` makes clients and adapters; `wiring` and `administration` make the use cases.
"""

import gc
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from shared.adapters.dataverse.events.organisations import KnownOrganisations
from shared.adapters.dataverse.events.own_user import OwnUser
from shared.administration.live_mapping import LiveMapping, LiveVersion
from shared.composition.administration import Administration, administer
from shared.composition.connections import SystemClock, message_queue
from shared.composition.first_mapping import first_mapping
from shared.composition.services import Services, open_services
from shared.composition.settings import Settings
from shared.composition.use_case_wiring import rules_of
from shared.composition.wiring import Connector, build, build_intake
from shared.dispatch.dispatch import Dispatcher
from shared.dispatch.shadow import Shadow
from shared.domain.mapping.formats.yaml_format import to_yaml
from shared.domain.recovery.allow_list import AllowList
from shared.errors import ConnectorError


def collect_rarely() -> None:
    """Let this process look for garbage seldom: a batch makes very many objects, and hardly a cycle.

    With the thresholds of Python, a seventh of the processor time goes into that. It costs some two megabytes.
    """
    gc.set_threshold(50_000, 20, 50)


@dataclass(frozen=True, slots=True)
class Wired:
    """The use cases around one version of the mapping."""

    version: LiveVersion
    allow_list: AllowList | None
    connector: Connector
    administration: Administration


@dataclass(frozen=True, slots=True)
class Ready:
    """What the intake needs besides the queue."""

    organisations: KnownOrganisations
    own_user: OwnUser
    dispatcher: Dispatcher | Shadow


class Process:
    """The queue and the services of this process, and the use cases around the live version."""

    def __init__(self, settings: Settings, ready: Callable[[], Awaitable[Ready]]) -> None:
        """`ready` returns what the intake needs; it may have to wait for another call that builds it."""
        collect_rarely()
        clock = SystemClock()
        self._settings = settings
        self._clock = clock
        self.queue = message_queue(settings, clock)
        self.intake = build_intake(self.queue, clock, ready)
        self._services: Services | None = None
        self._live: LiveMapping | None = None
        self._wired: Wired | None = None

    def services(self) -> Services:
        """Return the services, opened on the first call. Raises ConfigurationError; the next call tries again."""
        if self._services is None:
            self._services = open_services(self._settings, self._clock, self.queue)
        return self._services

    def own_user(self) -> UUID | None:
        """Return the connector's user in Dataverse, if it is known."""
        return self._services.own_user.id if self._services is not None else None

    def dataverse_budget(self) -> float:
        """Return the scarcer rest of the limits of Dataverse, as of the last answer; 1.0 before the first one."""
        return self._services.dataverse.budget.share if self._services is not None else 1.0

    def look_again(self) -> None:
        """Read the pointer to the live version again before the next use."""
        if self._live is not None:
            self._live.expire()

    async def wired(self) -> Wired:
        """Return the use cases around the live version. Calls that run with an older version finish with it."""
        services = self.services()
        if self._live is None:
            self._live = LiveMapping(
                services.mapping_repository, services.clock, lambda: to_yaml(first_mapping(self._settings))
            )
        version, allowed = await self._live.get(), await self._allow_list(services)
        if self._wired is None or self._wired.version is not version or self._wired.allow_list != allowed:
            rules = rules_of(self._settings, version, await services.keys.fingerprinter(), allowed)
            connector = build(services, services.mapped(version.mapping), self._settings, rules)
            self._wired = Wired(version, allowed, connector, administer(services, connector, rules))
        return self._wired

    async def _allow_list(self, services: Services) -> AllowList | None:
        """Return who may be written; while the state store is down, as before: then nothing is written (`_ready`)."""
        try:
            return (await services.modes.current()).allow_list(await services.keys.fingerprinter())
        except ConnectorError:
            if self._wired is None:
                raise
            return self._wired.allow_list

    async def close(self) -> None:
        """Release connections."""
        if self._services is not None:
            await self._services.close()
        else:
            await self.queue.close()

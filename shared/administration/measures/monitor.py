"""Measures the backlog of every queue, its oldest message, the poll, and whether services answer."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.administration.probe import probe
from shared.errors import ConnectorError
from shared.ports.clock import Clock
from shared.ports.queue import Queue, QueueName
from shared.telemetry.activity import note_behind
from shared.telemetry.signals import BACKLOG, BEHIND, HEARTBEAT, IMPORT_WAIT, OLDEST, UP, record

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    """Measures everything once; alarms watch the metrics, and the heartbeat.

    `held` measures what the brake holds, `circuits` which circuits are open.
    """

    pings: Mapping[str, Callable[[], Awaitable[None]]]
    queue: Queue
    clock: Clock
    polled_until: Callable[[], Awaitable[datetime | None]]
    import_waits_since: Callable[[], Awaitable[datetime | None]]
    held: Callable[[], Awaitable[None]]
    circuits: Callable[[], Awaitable[None]]

    async def measure(self) -> None:
        """Measure all. A failed measurement is logged, and has no value rather than a wrong one."""
        record(HEARTBEAT)
        await asyncio.gather(
            *(self._measure(queue) for queue in QueueName),
            *(_measure_service(name, ping) for name, ping in self.pings.items()),
            self._behind(),
            self._measured("what the brake holds", self.held),
            self._measured("circuits", self.circuits),
        )

    async def note_freshness(self) -> None:
        """Note the age of the poll's cursor for the overview. Raises ConnectorErrors."""
        if (until := await self.polled_until()) is not None:
            note_behind(max(0.0, (self.clock.now() - until).total_seconds()))

    async def _measured(self, what: str, measure: Callable[[], Awaitable[None]]) -> None:
        try:
            await measure()
        except ConnectorError as error:
            log.warning("%s cannot be measured: %s", what, error)

    async def _behind(self) -> None:
        """Measure the age of the poll's cursor, and how long new subscribers wait."""
        try:
            until, waiting = await self.polled_until(), await self.import_waits_since()
        except ConnectorError as error:
            log.warning("the cursor of the poll cannot be read: %s", error)
            return
        now = self.clock.now()
        if until is not None:
            record(BEHIND, max(0.0, (now - until).total_seconds()))
        record(IMPORT_WAIT, 0.0 if waiting is None else max(0.0, (now - waiting).total_seconds()))

    async def _measure(self, queue: QueueName) -> None:
        try:
            depth = await self.queue.depth(queue)
        except ConnectorError as error:
            log.warning("%s cannot be measured: %s", queue, error)
            return
        if depth.problem:
            log.warning("the queue %s is not as it must be: %s", queue, depth.problem)
        for state, count in (("active", depth.active), ("scheduled", depth.scheduled), ("dead", depth.dead)):
            record(BACKLOG, count, queue=queue, state=state)
        waiting = (self.clock.now() - depth.oldest).total_seconds() if depth.oldest and depth.active else 0.0
        record(OLDEST, max(0.0, waiting), queue=queue)


async def _measure_service(service: str, ping: Callable[[], Awaitable[None]]) -> None:
    failure = await probe(ping)
    if failure is not None:
        log.warning("%s does not answer: %s", service, failure.cause)
    record(UP, 0 if failure else 1, service=service)

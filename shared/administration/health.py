"""Health: one ping per service, with latency and cause, and the backlog of the queues."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from shared.administration.probe import NoAnswer, probe
from shared.administration.schema_drift import Drift
from shared.domain.planning.rules import Rules
from shared.domain.wording.errors import cause_of
from shared.errors import ConnectorError
from shared.ports.clock import Clock
from shared.ports.marketing_platform import MarketingPlatform
from shared.ports.queue import Queue, QueueName

_LONGEST_WAIT = {
    QueueName.EVENTS: timedelta(minutes=15),
    QueueName.LIVE: timedelta(minutes=15),
    QueueName.BULK: timedelta(days=1),
}
"""How long a message that is due may wait before its lane stands still: as `infra/alarms.yaml` says."""

_UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Checks every service that the connector depends on.

    `states` return the state of single parts as JSON, by name; `circuits` returns the open circuits.

    `refused_tables` returns the tables that the mapping reads and the connector's role in Dataverse may not read,
    with the missing privilege.
    """

    pings: Mapping[str, Callable[[], Awaitable[None]]]
    platform: MarketingPlatform
    queue: Queue
    rules: Rules
    drift: Drift
    clock: Clock
    circuits: Callable[[], Awaitable[Sequence[Any]]]
    states: Mapping[str, Callable[[], Awaitable[Any]]]
    refused_tables: Callable[[], Awaitable[Mapping[str, str]]]

    async def check(self) -> dict[str, Any]:
        """Report as JSON. `healthy`: all services answer, no lane stands still, all parts are `ok`.

        A row of the mapping that is off because its table is refused is not healthy: it is off for every record.
        """
        services = dict(
            zip(self.pings, await asyncio.gather(*(_ping(ping) for ping in self.pings.values())), strict=True)
        )
        queues, circuits = await self._depths(), await _state_of(self.circuits)
        stands_still = bool(circuits) or any(depth.get("standsStill") for depth in queues.values())
        states = {name: await _state_of(state) for name, state in self.states.items()}
        refused = await self._refused()
        parts = [state for state in states.values() if isinstance(state, dict)]
        are_well = all(one.get("ok", True) is True for one in [*services.values(), *parts])
        return {
            "healthy": are_well and not stands_still and not refused.keys() - {_UNKNOWN},
            "synchronisation": {
                "on": self.rules.environment_is_on,
                "tables": sorted(self.rules.enabled_tables),
            },
            "services": services,
            "queues": queues,
            "circuits": circuits,
            "mapping": {
                "unusedRows": await self._unused_rows(),
                "drift": await _state_of(self.drift.state),
                "refusedTables": refused,
            },
            **states,
        }

    async def _depths(self) -> dict[str, Any]:
        depths: dict[str, Any] = {}
        for queue in QueueName:
            try:
                depth = await self.queue.depth(queue)
            except ConnectorError as error:
                depths[queue] = {_UNKNOWN: cause_of(error)}
            else:
                oldest = depth.oldest if depth.active else None
                waiting = max(timedelta(), self.clock.now() - oldest) if oldest is not None else timedelta()
                depths[queue] = {
                    "active": depth.active,
                    "scheduled": depth.scheduled,
                    "dead": depth.dead,
                    "oldestSeconds": round(waiting.total_seconds()),
                    "standsStill": waiting > _LONGEST_WAIT[queue],
                }
                if depth.problem:
                    depths[queue]["problem"] = depth.problem
        return depths

    async def _refused(self) -> Mapping[str, str]:
        """Return the tables that the mapping reads and the connector may not read, with the missing privilege."""
        tables = await probe(self.refused_tables)
        return {_UNKNOWN: tables.cause} if isinstance(tables, NoAnswer) else tables

    async def _unused_rows(self) -> list[str]:
        """Return mapping rows whose Spotler property the account does not have (MAP-27)."""
        try:
            catalogue = await self.platform.properties()
        except ConnectorError:
            return []  # the ping reports it
        return [row.property_name for row in self.rules.mapping.rows if catalogue.named(row.property_name) is None]


async def _state_of(state: Callable[[], Awaitable[Any]]) -> Any:
    """Return the state of a part; a failure does not hide the other parts."""
    try:
        return await state()
    except ConnectorError as error:
        return {_UNKNOWN: cause_of(error)}


async def _ping(ping: Callable[[], Awaitable[None]]) -> dict[str, Any]:
    begin = time.perf_counter()
    answer = await probe(ping)
    report: dict[str, Any] = {"ok": answer is None, "milliseconds": round((time.perf_counter() - begin) * 1000)}
    if answer is not None:
        report |= {"cause": answer.cause} | ({"recovery": answer.recovery} if answer.recovery is not None else {})
    return report

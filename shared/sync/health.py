"""Is everything in reach? One ping per service, with latency and cause, and what waits in the queues."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from shared.core.capabilities import Capability
from shared.core.plan import Rules
from shared.errors import ConnectorError
from shared.ports import MarketingPlatform, Queue, QueueName
from shared.sync.drift import Drift
from shared.sync.job_sweep import JobSweep

_PATIENCE = 10.0
"""Seconds after which a service counts as down, whatever it might still say."""


class Health:
    """Looks at every service the connector depends on."""

    def __init__(
        self,
        *,
        pings: Mapping[str, Callable[[], Awaitable[None]]],
        platform: MarketingPlatform,
        queue: Queue,
        rules: Rules,
        jobs: JobSweep,
        capabilities: Callable[[], Awaitable[Mapping[Capability, bool]]],
        drift: Drift,
        permissions: Callable[[], Awaitable[Mapping[str, Any]]],
        polled_until: Callable[[], Awaitable[datetime | None]],
    ) -> None:
        self._pings = pings
        self._platform = platform
        self._queue = queue
        self._rules = rules
        self._jobs = jobs
        self._capabilities = capabilities
        self._drift = drift
        self._permissions = permissions
        self._polled_until = polled_until

    async def check(self) -> dict[str, Any]:
        """Report as JSON; `healthy` is true when every service answers."""
        services = dict(
            zip(self._pings, await asyncio.gather(*(_ping(ping) for ping in self._pings.values())), strict=True)
        )
        return {
            "healthy": all(service["ok"] for service in services.values()),
            "synchronisation": {
                "on": self._rules.environment_is_on,
                "tables": sorted(self._rules.enabled_tables),
            },
            "services": services,
            "queues": await self._depths(),
            "mapping": {"unusedRows": await self._unused_rows(), "drift": await self._last_drift()},
            "jobs": await self._stuck_jobs(),
            "capabilities": await self._switches(),
            "permissions": await self._names(),
            "poll": await self._bookmark(),
        }

    async def _depths(self) -> dict[str, Any]:
        depths: dict[str, Any] = {}
        for queue in QueueName:
            try:
                depth = await self._queue.depth(queue)
            except ConnectorError as error:
                depths[queue] = {"unknown": str(error)}
            else:
                depths[queue] = {"active": depth.active, "scheduled": depth.scheduled, "dead": depth.dead}
        return depths

    async def _last_drift(self) -> dict[str, Any] | None:
        """Tell what the daily look at both sides has found; None before the first one."""
        try:
            report = await self._drift.last()
        except ConnectorError as error:
            return {"unknown": str(error)}
        return report.as_json() if report else None

    async def _stuck_jobs(self) -> dict[str, Any]:
        """Count jobs that take too long (C-23)."""
        try:
            stuck = await self._jobs.stuck()
        except ConnectorError as error:
            return {"unknown": str(error)}
        return {"queuedTooLong": len(stuck.queued), "inProgressTooLong": len(stuck.in_progress)}

    async def _switches(self) -> dict[str, Any]:
        """Tell which of Spotler's unpublished calls are used."""
        try:
            return {str(capability): on for capability, on in (await self._capabilities()).items()}
        except ConnectorError as error:
            return {"unknown": str(error)}

    async def _names(self) -> Mapping[str, Any]:
        """Tell which permissions are being renamed, and which Spotler has no more (PERM-21, PERM-22)."""
        try:
            return await self._permissions()
        except ConnectorError as error:
            return {"unknown": str(error)}

    async def _bookmark(self) -> dict[str, Any]:
        """Tell until when changes in Spotler have been brought home."""
        try:
            until = await self._polled_until()
        except ConnectorError as error:
            return {"unknown": str(error)}
        return {"until": until.isoformat(timespec="seconds") if until else None}

    async def _unused_rows(self) -> list[str]:
        """Name mapping rows whose Spotler property the account does not have (MAP-27)."""
        try:
            catalogue = await self._platform.properties()
        except ConnectorError:
            return []  # the ping tells
        return [row.spotler for row in self._rules.mapping.rows if catalogue.named(row.spotler) is None]


async def _ping(ping: Callable[[], Awaitable[None]]) -> dict[str, Any]:
    begin = time.perf_counter()
    try:
        async with asyncio.timeout(_PATIENCE):
            await ping()
    except ConnectorError as error:
        return {"ok": False, "milliseconds": _milliseconds(begin), "cause": str(error), "recovery": error.recovery}
    except TimeoutError:
        return {"ok": False, "milliseconds": _milliseconds(begin), "cause": f"no answer within {_PATIENCE:.0f} s"}
    return {"ok": True, "milliseconds": _milliseconds(begin)}


def _milliseconds(begin: float) -> int:
    return round((time.perf_counter() - begin) * 1000)

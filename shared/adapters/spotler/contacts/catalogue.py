"""The property catalogue of an account, kept for a while: every record needs it, and it changes a few times a year."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from shared.domain.records.marketing_contact import PropertyCatalogue
from shared.ports.clock import Clock

DEFAULT_LIFETIME = timedelta(hours=1)
SHORTEST_LIFETIME = timedelta(minutes=1)
"""A refused value makes the catalogue suspect. Most are bad values all the same, and must not cost a read each."""


class CachedCatalogue:
    """Reads when needed, once however many ask at the same time. A failed read is told to all who waited, not kept."""

    def __init__(
        self,
        load: Callable[[], Awaitable[PropertyCatalogue]],
        *,
        clock: Clock,
        lifetime: timedelta = DEFAULT_LIFETIME,
    ) -> None:
        self._load = load
        self._clock = clock
        self._lifetime = lifetime
        self._kept: tuple[PropertyCatalogue, datetime] | None = None
        self._reading: asyncio.Task[PropertyCatalogue] | None = None

    async def get(self) -> PropertyCatalogue:
        """Return the catalogue, at most `lifetime` old. Raises what reading it raises."""
        if self._kept is not None and self._age(self._kept[1]) < self._lifetime:
            return self._kept[0]
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
        # Shielded: whoever gives up waiting does not take the catalogue away from the others.
        return await asyncio.shield(self._reading)

    def forget(self) -> None:
        """Read again before the next use, unless the catalogue was read within the last minute."""
        if self._kept is not None and self._age(self._kept[1]) >= SHORTEST_LIFETIME:
            self._kept = None

    async def _read(self) -> PropertyCatalogue:
        try:
            catalogue = await self._load()
        finally:
            self._reading = None
        self._kept = (catalogue, self._clock.now())
        return catalogue

    def _age(self, read_at: datetime) -> timedelta:
        return self._clock.now() - read_at

"""Caches the property catalogue of an account: every record needs it, and it changes rarely."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from shared.domain.records.marketing_contact import PropertyCatalogue
from shared.ports.clock import Clock

DEFAULT_LIFETIME = timedelta(hours=1)
SHORTEST_LIFETIME = timedelta(minutes=1)
"""A refused value empties the cache, but not every time: most such values are wrong in themselves."""


class CachedCatalogue:
    """Reads when needed, once for all concurrent callers. A failed read raises in all of them, and is not kept."""

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
        """Return the catalogue, at most `lifetime` old. Raises the errors of `load`."""
        if self._kept is not None and self._age(self._kept[1]) < self._lifetime:
            return self._kept[0]
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
        # Shielded: a cancelled caller must not cancel the read of the others.
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

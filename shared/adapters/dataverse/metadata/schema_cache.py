"""Caches the definitions of the tables that mappings name: every read needs them, and they change rarely."""

import asyncio
from collections.abc import Collection
from datetime import datetime, timedelta

from shared.adapters.dataverse.metadata.metadata import names_of_sets, read_schema
from shared.adapters.dataverse.metadata.refused_tables import RefusedTables
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.domain.mapping.check.resolution import tables_named
from shared.domain.mapping.language.expression import Source
from shared.domain.records.table_schema import Schema, TableDefinition
from shared.ports.clock import Clock

LIFETIME = timedelta(hours=1)
SHORTEST_LIFETIME = timedelta(minutes=1)
"""An error about an unknown column empties the cache, but not for every record."""


class SchemaCache:
    """Reads definitions when they are needed; that a table does not exist is kept as long."""

    def __init__(self, client: DataverseClient, *, clock: Clock, lifetime: timedelta = LIFETIME) -> None:
        self._client = client
        self._clock = clock
        self._lifetime = lifetime
        self._tables: dict[str, tuple[TableDefinition | None, datetime]] = {}
        self._sets: dict[str, str] = {}
        self._reading = asyncio.Lock()
        self.refused = RefusedTables(client, clock)
        """The tables that the connector's user may not read."""
        self.generation = 0
        """Rises with every read: queries that were compiled before are out of date."""

    async def tables(self, names: Collection[str]) -> Schema:
        """Return tables by logical name, at most `lifetime` old; those that do not exist are missing."""
        async with self._reading:
            return await self._fresh(set(names))

    async def named_by(self, sources: Collection[Source], table: str) -> Schema:
        """Return all tables that are needed to resolve the sources of a table's mapping."""
        async with self._reading:
            # All that the sources name themselves in one request; the target of a lookup without a table comes later.
            named, _ = tables_named(sources, table, Schema({}))
            schema = await self._fresh(named)
            names, sets = tables_named(sources, table, schema)
            if unknown := sets - self._sets.keys():
                self._sets |= await names_of_sets(self._client, unknown)
            return await self._fresh(names | {self._sets[entity_set] for entity_set in sets & self._sets.keys()})

    def forget(self) -> None:
        """Read definitions again before their next use, except those that were read within the last minute."""
        self._tables = {
            name: (table, read_at)
            for name, (table, read_at) in self._tables.items()
            if self._age(read_at) < SHORTEST_LIFETIME
        }
        self._sets.clear()

    async def _fresh(self, names: Collection[str]) -> Schema:
        stale = [
            name for name in names if name not in self._tables or self._age(self._tables[name][1]) >= self._lifetime
        ]
        if stale:
            found = await read_schema(self._client, stale)
            now = self._clock.now()
            self._tables |= {name: (found.tables.get(name), now) for name in stale}
            self.generation += 1
        return Schema({name: table for name in sorted(names) if (table := self._tables[name][0]) is not None})

    def _age(self, read_at: datetime) -> timedelta:
        return self._clock.now() - read_at

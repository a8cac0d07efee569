"""Checks a mapping against both sides as they are now."""

from collections.abc import Awaitable, Callable, Collection, Sequence

from shared.administration.worker_thread import run_in_thread
from shared.domain.mapping.check.check import Surroundings, check
from shared.domain.mapping.findings import Finding
from shared.domain.mapping.model import Mapping
from shared.domain.records.marketing_contact import PropertyCatalogue
from shared.domain.records.records import PersonTable
from shared.ports.dataverse import CrmSchema


class MappingValidator:
    """Reads the surroundings of a mapping and checks it. `catalogue` reads Spotler's properties as they are now.

    A cached catalogue would miss a property that was created within the last hour (MAP-30).
    """

    def __init__(
        self,
        *,
        schema: CrmSchema,
        catalogue: Callable[[], Awaitable[PropertyCatalogue]],
        enabled_tables: Collection[PersonTable],
    ) -> None:
        self._schema = schema
        self._catalogue = catalogue
        self._tables = frozenset(enabled_tables)

    async def surroundings(self, mapping: Mapping) -> Surroundings:
        """Read what a mapping is checked against; ConnectorError if one of the sides cannot be read."""
        steps = await self._schema.read_steps()
        schema = await self._schema.read_schema(mapping)
        return Surroundings(
            schema=schema,
            catalogue=await self._catalogue(),
            tables=self._tables,
            steps=None if steps is None else tuple(steps),
            rights=await self._schema.read_rights(mapping, schema),
        )

    async def check(self, mapping: Mapping) -> Sequence[Finding]:
        """Return the findings, errors first; nothing is logged. DataError if it takes too long."""
        return await run_in_thread(check, mapping, await self.surroundings(mapping))

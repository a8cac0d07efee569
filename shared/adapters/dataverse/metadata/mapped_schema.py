"""Reads the schema, the steps and the rights that a mapping needs."""

from collections.abc import Collection, Iterator, Sequence
from collections.abc import Mapping as MappingABC
from http import HTTPStatus
from uuid import UUID

from shared.adapters.dataverse.metadata.refused_tables import LISTS_TABLE
from shared.adapters.dataverse.metadata.rights import read_rights
from shared.adapters.dataverse.metadata.schema_cache import SchemaCache
from shared.adapters.dataverse.web_api import odata
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.odata import Expand, ODataComparison
from shared.adapters.dataverse.web_api.operations import Row
from shared.domain.mapping.check.resolution import sources_read
from shared.domain.mapping.language.expression import Source, sources_of
from shared.domain.mapping.language.filters import filter_columns
from shared.domain.mapping.model import Mapping
from shared.domain.mapping.reading import reading_of
from shared.domain.mapping.related_tables import LIST_TABLE, related_reads
from shared.domain.records.records import PersonTable
from shared.domain.records.table_schema import EventStep, ReadRight, Schema, TableDefinition
from shared.errors import ConfigurationError
from shared.ports.queue import QueueName

_ENABLED = 0
_MESSAGE, _FILTER = "sdkmessageid", "sdkmessagefilterid"


async def read_steps(client: DataverseClient) -> list[EventStep]:
    """Read the enabled steps of every endpoint that posts to the queue of Dataverse events; usually there is one."""
    endpoints = client.query(
        "serviceendpoints",
        select=("serviceendpointid",),
        filter=odata.compare("path", ODataComparison.EQUAL, QueueName.EVENTS.value),
    )
    ids = [UUID(row["serviceendpointid"]) async for page in endpoints for row in page]
    return [step for endpoint in ids for step in await _steps_of(client, endpoint)]


async def _steps_of(client: DataverseClient, endpoint: UUID) -> list[EventStep]:
    pages = client.query(
        "sdkmessageprocessingsteps",
        select=("filteringattributes",),
        filter=odata.all_of(
            odata.compare("_eventhandler_value", ODataComparison.EQUAL, endpoint),
            odata.compare("statecode", ODataComparison.EQUAL, _ENABLED),
        ),
        expand=(Expand(_MESSAGE, ("name",)), Expand(_FILTER, ("primaryobjecttypecode",))),
    )
    return [_step(row) async for page in pages for row in page]


def _step(row: Row) -> EventStep:
    columns = (row["filteringattributes"] or "").split(",")
    return EventStep(
        table=(row[_FILTER] or {}).get("primaryobjecttypecode", ""),
        message=row[_MESSAGE]["name"],
        columns=frozenset(name.strip() for name in columns if name.strip()),
    )


class DataverseSchema:
    """Implements the port `CrmSchema` for the tables that are synchronised."""

    def __init__(self, client: DataverseClient, cache: SchemaCache, enabled_tables: Collection[PersonTable]) -> None:
        self._client = client
        self._cache = cache
        self._tables = [table for table in PersonTable if table in enabled_tables]

    async def read_schema(self, mapping: Mapping) -> Schema:
        """Read the definitions of all tables that a mapping names."""
        self._cache.forget()
        found: dict[str, TableDefinition] = {}
        for table in self._tables:
            found |= (await self._cache.named_by(list(_sources(mapping, table)), table)).tables
        if mapping.entity_table:
            found |= (await self._cache.tables({mapping.entity_table})).tables
        if (periodiek := mapping.periodiek) is not None:
            found |= (await self._cache.named_by([periodiek.name], periodiek.table)).tables
        return Schema(found)

    async def read_steps(self) -> Sequence[EventStep] | None:
        """Read the registered steps; None if the connector's role may not read them."""
        try:
            return await read_steps(self._client)
        except ConfigurationError as error:
            if error.status == HTTPStatus.FORBIDDEN:
                return None
            raise

    async def read_rights(self, mapping: Mapping, schema: Schema) -> MappingABC[str, ReadRight] | None:
        """Return the right to read each related table; None if Dataverse does not report it."""
        known = {**schema.tables, LIST_TABLE: LISTS_TABLE}
        names = {one.table for table in self._tables for one in related_reads(mapping, table, schema)}
        related = [known[name] for name in sorted(names & known.keys())]
        return await read_rights(self._client, related, self._cache.refused) if related else {}


def _sources(mapping: Mapping, table: PersonTable) -> Iterator[Source]:
    """Yield all sources of a table, including those of rows that are only written to Dataverse."""
    yield from sources_read(reading_of(mapping, table))
    for row in mapping.for_table(table):
        yield from sources_of(row.sources[table])
    if (condition := mapping.filters.get(table)) is not None:
        yield from filter_columns(condition)

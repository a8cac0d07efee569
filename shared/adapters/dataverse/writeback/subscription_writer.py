"""Prepares the subscriptions of many records, and finds all names that a batch of rows needs."""

from collections.abc import Collection, Sequence

from shared.adapters.dataverse.metadata.schema_cache import SchemaCache
from shared.adapters.dataverse.records.name_search import NameSearch, NamesFound
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.writeback.row_builder import RowBuilder
from shared.adapters.dataverse.writeback.subscription_returns import SubscriptionWrite
from shared.domain.mapping.check.resolution import ResolvedPeriodiek, Unresolved, resolve_periodiek
from shared.domain.mapping.language.expression import MapTo, OptionSource
from shared.domain.mapping.model import Mapping as FieldMapping
from shared.domain.merging.dataverse_changes import SubscriptionReturn
from shared.domain.records.records import PersonTable, RecordKey
from shared.domain.records.table_schema import Schema


class SubscriptionWriter:
    """Prepares subscriptions by one version of the mapping."""

    def __init__(self, client: DataverseClient, schema: SchemaCache, mapping: FieldMapping) -> None:
        self._client = client
        self._schema = schema
        self._mapping = mapping

    async def prepare(
        self, wanted: Sequence[tuple[RecordKey, Sequence[SubscriptionReturn]]]
    ) -> list[list[SubscriptionWrite]]:
        """Prepare the subscriptions of each record, in order."""
        periodieken = await self._periodieken(
            {
                key.table
                for key, returns in wanted
                if any(one.option_source is OptionSource.PERIODIEK for one in returns)
            }
        )
        prepared = [
            [
                SubscriptionWrite(key, one, self._property(one.option_source, key.table), periodieken.get(key.table))
                for one in returns
            ]
            for key, returns in wanted
        ]
        for writes in prepared:
            for write in writes:
                write.prepare()
        return prepared

    async def settle(self, builders: Sequence[RowBuilder], subscriptions: Sequence[SubscriptionWrite]) -> NamesFound:
        """Find the names that rows and their subscriptions need, in one request, and complete the rows."""
        builders = [*builders, *(one.builder for one in subscriptions if one.builder is not None)]
        targets = {table for builder in builders for table in builder.targets}
        schema = await self._schema.tables(targets) if targets else Schema()
        search = NameSearch()
        for builder in builders:
            builder.want(search, schema)
        for one in subscriptions:
            one.want(search)
        names = await search.find(self._client)
        for builder in builders:
            builder.settle(names)
        return names

    def _property(self, option_source: OptionSource, table: PersonTable) -> str:
        """Return the property whose options are stored in `option_source`."""
        rows = self._mapping.for_table(table)
        return next(
            (row.property_name for row in rows if row.sources[table] == MapTo(option_source)), str(MapTo(option_source))
        )

    async def _periodieken(self, wanted: Collection[PersonTable]) -> dict[PersonTable, ResolvedPeriodiek | Unresolved]:
        periodiek = self._mapping.periodiek
        if not wanted or periodiek is None:
            return {}
        schema = await self._schema.named_by([periodiek.name], periodiek.table)
        return {table: resolve_periodiek(periodiek, table, schema) for table in wanted if table in periodiek.lookups}

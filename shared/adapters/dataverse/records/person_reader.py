"""Reads person records as a mapping needs them: one query per table, and one request for secondary reads.

A row of the mapping rests if its table or column does not exist: its values are absent in the record. It also rests if
the connector's user may not read its table; then the record lists it in `PersonRecord.unread`.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from shared.adapters.dataverse.metadata.refused_tables import LISTS_TABLE, is_refusal, lacks
from shared.adapters.dataverse.metadata.schema_cache import SchemaCache
from shared.adapters.dataverse.records import tables
from shared.adapters.dataverse.records.columns import ANNOTATIONS
from shared.adapters.dataverse.records.people import PersonQuery
from shared.adapters.dataverse.records.secondary_reads import SecondaryReader
from shared.adapters.dataverse.records.subscriptions import ListRows, PeriodiekRows, periodiek_rows
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.faults import UNKNOWN_MEMBER
from shared.adapters.dataverse.web_api.operations import Retrieve
from shared.domain.mapping.check.resolution import (
    Resolved,
    ResolvedPeriodiek,
    Unresolved,
    essential_sources,
    resolve,
    resolve_periodiek,
    sources_read,
)
from shared.domain.mapping.language.expression import Column, MapTo, OptionSource, Related, Source
from shared.domain.mapping.model import Mapping as FieldMapping
from shared.domain.mapping.reading import reading_of
from shared.domain.mapping.related_tables import LIST_TABLE, related_reads
from shared.domain.records.records import PersonRecord, PersonTable, RecordKey
from shared.domain.records.table_schema import Schema, TableDefinition
from shared.domain.wording.expectations import UnreadText
from shared.errors import ConfigurationError, Service
from shared.ports.background import take_turns

log = logging.getLogger(__name__)

_PERIODIEK = str(MapTo(OptionSource.PERIODIEK))


@dataclass(frozen=True, slots=True)
class _Compiled:
    """How one table is read, as of a generation of the schema, and without the related tables that are `refused`."""

    query: PersonQuery
    secondary: SecondaryReader
    related: tuple[TableDefinition, ...]
    refused: Mapping[str, str]
    generation: int


class PersonReader:
    """Reads records for one version of the mapping."""

    def __init__(
        self,
        client: DataverseClient,
        schema: SchemaCache,
        mapping: FieldMapping,
        enabled_tables: Collection[PersonTable],
    ) -> None:
        self._client = client
        self._refused = schema.refused
        self._schema = schema
        self._mapping = mapping
        self._tables = frozenset(enabled_tables)
        self._readings = {table: reading_of(mapping, table) for table in self._tables}
        self._sources = {table: list(sources_read(reading)) for table, reading in self._readings.items()}
        self._compiled: dict[PersonTable, _Compiled] = {}

    async def read(self, keys: Sequence[RecordKey]) -> dict[RecordKey, PersonRecord]:
        """Read records; a record that is missing in the answer does not exist.

        ConfigurationError if a table cannot be read at all, because it or its column with the e-mail address is gone.
        """
        wanted: defaultdict[PersonTable, list[UUID]] = defaultdict(list)
        for key in keys:
            if key.table in self._tables:
                wanted[key.table].append(key.id)
        if not wanted:
            return {}
        try:
            return await self._read_permitted(wanted)
        except ConfigurationError as error:
            if error.code != UNKNOWN_MEMBER:
                raise
        self._schema.forget()  # a table was changed since its definition was read
        return await self._read_permitted(wanted)

    async def refused_tables(self) -> dict[str, str]:
        """Return the related tables that may not be read, with the privilege that is missing."""
        related: dict[str, TableDefinition] = {}
        for table in sorted(self._tables):
            if self._mapping.for_table(table):
                related |= {one.name: one for one in (await self._compile(table)).related}
        return await self._refused.current(list(related.values()))

    async def _read_permitted(self, wanted: dict[PersonTable, list[UUID]]) -> dict[RecordKey, PersonRecord]:
        """Read; if related tables cause a refusal, read without them."""
        while True:
            try:
                return await self._read(wanted)
            except ConfigurationError as error:
                if not is_refusal(error) or not await self._finds_refused(wanted):
                    raise

    async def _finds_refused(self, wanted: Collection[PersonTable]) -> bool:
        """Return whether there are refused tables that the refused read did not leave out."""
        compiled = [self._compiled[table] for table in wanted if table in self._compiled]
        related = {one.name: one for each in compiled for one in each.related}
        left_out = {name for each in compiled for name in each.refused}
        return not (await self._refused.try_reading(list(related.values()))).keys() <= left_out

    async def _read(self, wanted: dict[PersonTable, list[UUID]]) -> dict[RecordKey, PersonRecord]:
        compiled = {table: await self._compile(table) for table in wanted}
        requests = [
            Retrieve(tables.PEOPLE[table].entity_set, tables.PEOPLE[table].key, ids, one.query.select, one.query.expand)
            for (table, ids), one in zip(wanted.items(), compiled.values(), strict=True)
        ]
        answers, secondary_reads = await asyncio.gather(
            self._client.retrieve_many(requests, annotations=ANNOTATIONS),
            asyncio.gather(*(one.secondary.read(self._client, wanted[table]) for table, one in compiled.items())),
        )
        for one, secondary in zip(compiled.values(), secondary_reads, strict=True):
            if secondary.unread:  # a query of each record was refused: the next read leaves out the refused tables
                await self._refused.current(one.related)
        records: dict[RecordKey, PersonRecord] = {}
        for one, rows, secondary in zip(compiled.values(), answers, secondary_reads, strict=True):
            for row in rows:
                record = one.query.record(row, secondary)
                records[record.key] = record
                await take_turns()
        return records

    async def _compile(self, table: PersonTable) -> _Compiled:
        reading, sources = self._readings[table], self._sources[table]
        schema = await self._schema_of(table)
        compiled = self._compiled.get(table)
        if compiled is not None and self._is_current(compiled):
            return compiled
        reads = list(related_reads(self._mapping, table, schema))
        related = [schema.tables[name] for name in sorted({one.table for one in reads} & schema.tables.keys())]
        refused = self._refused.among(one.name for one in related)
        unread = {one.source: lacks(refused[one.table], one.table) for one in reads if one.table in refused}
        periodieken = None
        if OptionSource.PERIODIEK in reading.option_sources and _PERIODIEK not in unread:
            periodieken = self._periodieken(table, schema)
            if periodieken is None:  # without its rows, every subscription would count as ended
                unread[_PERIODIEK] = UnreadText.PERIODIEK()
        option_sources = {
            option_source for option_source in reading.option_sources if str(MapTo(option_source)) not in unread
        }
        found: list[Resolved] = []
        missing: list[Unresolved] = []
        for source in sources:
            match resolve(source, table, schema):
                case _ if str(source) in unread:
                    continue
                case Resolved() as one:
                    found.append(one)
                case Unresolved() as one:
                    missing.append(one)
        _report(table, missing, essential_sources(self._mapping, table))
        language, zone = self._mapping.language, self._mapping.zone
        others = [one for one in found if not isinstance(one.source, Column | Related)]
        with_it = [one for one in found if isinstance(one.source, Column | Related)]
        compiled = _Compiled(
            PersonQuery(table, with_it, option_sources=option_sources, language=language, zone=zone, unread=unread),
            SecondaryReader(
                others,
                language=language,
                zone=zone,
                lists=ListRows(table) if OptionSource.LIST in option_sources else None,
                periodieken=periodieken,
            ),
            tuple(related),
            refused,
            self._schema.generation,
        )
        self._compiled[table] = compiled
        return compiled

    def _is_current(self, compiled: _Compiled) -> bool:
        refused = self._refused.among(one.name for one in compiled.related)
        return (compiled.generation, compiled.refused) == (self._schema.generation, refused)

    async def _schema_of(self, table: PersonTable) -> Schema:
        """Return the definitions of all tables that are needed to read this one."""
        found = dict((await self._schema.named_by(self._sources[table], table)).tables)
        option_sources, periodiek = self._readings[table].option_sources, self._mapping.periodiek
        if OptionSource.LIST in option_sources:
            found[LIST_TABLE] = LISTS_TABLE
        if OptionSource.PERIODIEK in option_sources and periodiek is not None:
            found |= (await self._schema.named_by([periodiek.name], periodiek.table)).tables
        return Schema(found)

    def _periodieken(self, table: PersonTable, schema: Schema) -> PeriodiekRows | None:
        assert self._mapping.periodiek is not None, "a mapping with periodieken names their table"
        periodiek = self._mapping.periodiek
        match resolve_periodiek(periodiek, table, schema):
            case ResolvedPeriodiek() as found:
                return periodiek_rows(found, language=self._mapping.language, zone=self._mapping.zone)
            case Unresolved() as missing:
                _report(table, [missing], ())
                return None


def _report(table: PersonTable, missing: Sequence[Unresolved], essential: Collection[Source]) -> None:
    """Log what is missing. ConfigurationError if records cannot be identified without it."""
    for one in missing:
        if one.source in essential:
            raise ConfigurationError(one.text, service=Service.DATAVERSE, code=one.gap)
        log.warning("%s: a row of the mapping rests (%s): %s", table, one.gap, one.text)

"""Reads person records as a mapping needs them: one query per table, what lies aside in one more request.

A row of the mapping that names what does not exist (any more) rests: its values are absent in the record.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from shared.core.mapping.expression import Column, Home, Related, Source
from shared.core.mapping.model import Mapping as FieldMapping
from shared.core.mapping.reading import reading_of
from shared.core.mapping.resolution import (
    Resolved,
    ResolvedPeriodiek,
    Unresolved,
    essential_sources,
    resolve,
    resolve_periodiek,
    sources_read,
)
from shared.core.records import PersonRecord, PersonTable, RecordKey
from shared.dataverse import tables
from shared.dataverse.aside import AsideReader
from shared.dataverse.client import DataverseClient
from shared.dataverse.columns import ANNOTATIONS
from shared.dataverse.faults import UNKNOWN_MEMBER
from shared.dataverse.operations import Retrieve
from shared.dataverse.people import PersonQuery
from shared.dataverse.schema_cache import SchemaCache
from shared.dataverse.subscriptions import ListRows, PeriodiekRows, periodiek_rows
from shared.errors import ConfigurationError, Service

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Compiled:
    """How one table is read, as of a generation of the schema."""

    query: PersonQuery
    aside: AsideReader
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
        self._schema = schema
        self._mapping = mapping
        self._tables = frozenset(enabled_tables)
        self._readings = {table: reading_of(mapping, table) for table in self._tables}
        self._sources = {table: list(sources_read(reading)) for table, reading in self._readings.items()}
        self._compiled: dict[PersonTable, _Compiled] = {}

    async def read(self, keys: Sequence[RecordKey]) -> dict[RecordKey, PersonRecord]:
        """Read records; a record that is missing in the answer does not exist (any more).

        ConfigurationError if a table cannot be read at all: it is gone, or the column with the e-mail address is.
        """
        wanted: defaultdict[PersonTable, list[UUID]] = defaultdict(list)
        for key in keys:
            if key.table in self._tables:
                wanted[key.table].append(key.id)
        if not wanted:
            return {}
        try:
            return await self._read(wanted)
        except ConfigurationError as error:
            if error.code != UNKNOWN_MEMBER:
                raise
        self._schema.forget()  # somebody has changed a table since it was looked at
        return await self._read(wanted)

    async def _read(self, wanted: dict[PersonTable, list[UUID]]) -> dict[RecordKey, PersonRecord]:
        compiled = {table: await self._compile(table) for table in wanted}
        requests = [
            Retrieve(tables.PEOPLE[table].entity_set, tables.PEOPLE[table].key, ids, one.query.select, one.query.expand)
            for (table, ids), one in zip(wanted.items(), compiled.values(), strict=True)
        ]
        answers, asides = await asyncio.gather(
            self._client.retrieve_many(requests, annotations=ANNOTATIONS),
            asyncio.gather(*(one.aside.read(self._client, wanted[table]) for table, one in compiled.items())),
        )
        records: dict[RecordKey, PersonRecord] = {}
        for one, rows, aside in zip(compiled.values(), answers, asides, strict=True):
            for row in rows:
                record = one.query.record(row, aside)
                records[record.key] = record
                await asyncio.sleep(0)  # others go on: some hundred records take a while to read
        return records

    async def _compile(self, table: PersonTable) -> _Compiled:
        reading, sources = self._readings[table], self._sources[table]
        schema = await self._schema.named_by(sources, table)
        compiled = self._compiled.get(table)
        if compiled is not None and compiled.generation == self._schema.generation:
            return compiled
        found: list[Resolved] = []
        missing: list[Unresolved] = []
        for source in sources:
            match resolve(source, table, schema):
                case Resolved() as one:
                    found.append(one)
                case Unresolved() as one:
                    missing.append(one)
        _report(table, missing, essential_sources(self._mapping, table))
        language, zone = self._mapping.language, self._mapping.zone
        beside = [one for one in found if not isinstance(one.source, Column | Related)]
        with_it = [one for one in found if isinstance(one.source, Column | Related)]
        compiled = _Compiled(
            PersonQuery(table, with_it, homes=reading.homes, language=language, zone=zone),
            AsideReader(
                beside,
                language=language,
                zone=zone,
                lists=ListRows(table) if Home.LIST in reading.homes else None,
                periodieken=await self._periodieken(table) if Home.PERIODIEK in reading.homes else None,
            ),
            self._schema.generation,
        )
        self._compiled[table] = compiled
        return compiled

    async def _periodieken(self, table: PersonTable) -> PeriodiekRows | None:
        assert self._mapping.periodiek is not None, "a mapping that maps periodieken says where they are"
        periodiek = self._mapping.periodiek
        match resolve_periodiek(periodiek, table, await self._schema.named_by([periodiek.name], periodiek.table)):
            case ResolvedPeriodiek() as found:
                return periodiek_rows(found, language=self._mapping.language, zone=self._mapping.zone)
            case Unresolved() as missing:
                _report(table, [missing], ())
                return None


def _report(table: PersonTable, missing: Sequence[Unresolved], essential: Collection[Source]) -> None:
    """Name what is missing; stop where nobody could be identified."""
    for one in missing:
        if one.source in essential:
            raise ConfigurationError(one.text, service=Service.DATAVERSE, code=one.gap)
        log.warning("%s: a row of the mapping rests (%s): %s", table, one.gap, one.text)

"""Dataverse as the engine's CRM: people, jobs and reports on top of the Web API client."""

import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from functools import partial
from typing import TypeVar
from uuid import UUID

from shared.adapters.dataverse.metadata.schema_cache import SchemaCache
from shared.adapters.dataverse.records import tables
from shared.adapters.dataverse.records.person_reader import PersonReader
from shared.adapters.dataverse.rows import jobs
from shared.adapters.dataverse.rows.reports import ReportBatch
from shared.adapters.dataverse.web_api import odata, operations
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.faults import UNKNOWN_MEMBER
from shared.adapters.dataverse.web_api.odata import ODataComparison
from shared.adapters.dataverse.web_api.operations import Annotation, Retrieve, Row, WebApiOperation
from shared.domain.mapping.model import Mapping as FieldMapping
from shared.domain.mapping.reading import DO_NOT_EMAIL, STATE
from shared.domain.records.jobs import JobRow, JobStatus
from shared.domain.records.records import PersonRecord, PersonTable, RecordKey
from shared.domain.values.addresses import address_key
from shared.errors import ConfigurationError, ConnectorError
from shared.ports.dataverse import PeoplePage, Report

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class ExistingColumns:
    """Reads with all columns; after Dataverse has refused one as unknown, only with those that exist."""

    def __init__(self, schema: SchemaCache, table: str, columns: Sequence[str], *, optional: Sequence[str]) -> None:
        """`columns` have their names of the Web API; those in `optional` may be missing."""
        self._schema = schema
        self._table = table
        self._columns = columns
        self._optional = optional

    async def read(self, read: Callable[[Sequence[str]], Awaitable[Answer]]) -> Answer:
        """Read with the columns that exist; ConfigurationError if a required one is missing."""
        try:
            return await read(self._columns)
        except ConfigurationError as error:
            missing = await self._missing() if error.code == UNKNOWN_MEMBER else set()
            if not missing:
                raise
        log.info("table %s has no %s here", self._table, " and no ".join(sorted(missing)))
        self._columns = [column for column in self._columns if column not in missing]
        return await read(self._columns)

    async def _missing(self) -> set[str]:
        table = (await self._schema.tables([self._table])).tables.get(self._table)
        if table is None:
            return set()
        lookups = {f"_{name}_value" for name in table.columns}
        return {column for column in self._columns if column in self._optional and column not in lookups}


_ADDRESSES_PER_QUERY = 50


class DataverseCrm:
    """Implements the port `Crm`; takes over the client and closes it."""

    def __init__(
        self,
        client: DataverseClient,
        mapping: FieldMapping,
        enabled_tables: Collection[PersonTable],
        schema: SchemaCache,
    ) -> None:
        self._client = client
        self._mapping = mapping
        self._tables = [table for table in PersonTable if table in enabled_tables]
        self._people = PersonReader(client, schema, mapping, enabled_tables)
        self._job_columns = ExistingColumns(schema, tables.JOB, jobs.COLUMNS, optional=jobs.OPTIONAL_LOOKUPS)
        self._permission_columns = ExistingColumns(
            schema, tables.PERMISSION, jobs.PERSON_LOOKUPS, optional=jobs.OPTIONAL_LOOKUPS
        )

    async def read_people(self, keys: Sequence[RecordKey]) -> dict[RecordKey, PersonRecord]:
        """Read records of all tables in one request, or two if the mapping has child rows or queries."""
        return await self._people.read(keys)

    async def people_using(self, emails: Sequence[str]) -> dict[str, Sequence[RecordKey]]:
        """Find active records that may be mailed, by address, in one request."""
        chunks = [emails[start : start + _ADDRESSES_PER_QUERY] for start in range(0, len(emails), _ADDRESSES_PER_QUERY)]
        reads: list[tuple[PersonTable, str, WebApiOperation]] = []
        for table in self._tables:
            if (column := self._mapping.email_column(table)) is not None:
                reads += [(table, column, _by_address(table, column, chunk)) for chunk in chunks]
        found: defaultdict[str, list[RecordKey]] = defaultdict(list)
        if not reads:
            return {}
        for (table, column, _), result in zip(
            reads, await self._client.batch([read for _, _, read in reads]), strict=True
        ):
            if result.error is not None:
                raise result.error
            for row in result.body["value"]:
                found[address_key(str(row[column]))].append(RecordKey(table, UUID(row[tables.PEOPLE[table].key])))
        return {email: found[address_key(email)] for email in emails}

    async def people_page(self, table: PersonTable, *, after: str | None, limit: int) -> PeoplePage:
        """Read one page of a table; `after` is the path of Dataverse's own continuation."""
        key = tables.PEOPLE[table].key
        rows, following = await self._client.page(
            tables.PEOPLE[table].entity_set, select=[key], orderby=f"{key} asc", page_size=limit, after=after
        )
        return PeoplePage([RecordKey(table, UUID(row[key])) for row in rows], following)

    async def people_of_permissions(self, ids: Sequence[UUID]) -> Sequence[RecordKey]:
        """Return the records of Spotler Permission rows; deleted rows are left out."""
        rows = await self._permission_columns.read(
            partial(self._rows, tables.PERMISSIONS, "dh_spotlerpermissionid", ids)
        )
        return [person for row in rows if (person := jobs.person(row)) is not None]

    async def read_jobs(self, ids: Sequence[UUID]) -> dict[UUID, JobRow]:
        """Read Spotler Job rows."""
        rows = await self._job_columns.read(partial(self._rows, tables.JOBS, jobs.KEY, ids))
        return {job.id: job for job in map(jobs.job, rows)}

    async def jobs_in(self, status: JobStatus, *, before: datetime, limit: int) -> Sequence[JobRow]:
        """Return jobs that got this status at `before` or earlier, oldest first."""

        async def read(columns: Sequence[str]) -> list[JobRow]:
            pages = self._client.query(
                tables.JOBS,
                select=columns,
                filter=jobs.waiting(status, before),
                orderby="createdon asc",
                top=limit,
                annotations=[Annotation.LOOKUP_TABLE],
            )
            return [jobs.job(row) async for page in pages for row in page]

        return await self._job_columns.read(read)

    async def report(self, reports: Sequence[Report]) -> Sequence[ConnectorError | None]:
        """Write all reports in one batch; a new Spotler Info row and the lookup to it are one change set."""
        batch = ReportBatch(reports)
        return batch.problems(await self._client.batch(batch.operations))

    async def ping(self) -> None:
        """Raise a ConnectorError if Dataverse cannot be used."""
        await self._client.who_am_i()

    async def close(self) -> None:
        """Release connections."""
        await self._client.close()

    async def _rows(self, entity_set: str, key: str, ids: Sequence[UUID], columns: Sequence[str]) -> list[Row]:
        request = Retrieve(entity_set, key, ids, columns)
        (rows,) = await self._client.retrieve_many([request], annotations=[Annotation.LOOKUP_TABLE, Annotation.LABEL])
        return rows


def _by_address(table: PersonTable, column: str, emails: Sequence[str]) -> WebApiOperation:
    names = tables.PEOPLE[table]
    condition = odata.all_of(
        odata.within(column, emails),
        odata.compare(STATE, ODataComparison.EQUAL, tables.ACTIVE),
        odata.compare(DO_NOT_EMAIL, ODataComparison.NOT_EQUAL, value=True),
    )
    options = operations.shape([names.key, column], ()) | {"$filter": condition}
    return WebApiOperation(operations.Method.GET, odata.reads(names.entity_set, options))

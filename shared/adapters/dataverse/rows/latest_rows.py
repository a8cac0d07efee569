"""What the console lists from Dataverse: the latest Spotler Jobs and the marketing lists, without values of people."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.adapters.dataverse.records import tables
from shared.adapters.dataverse.rows import jobs
from shared.adapters.dataverse.web_api import odata
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.odata import ODataComparison
from shared.adapters.dataverse.web_api.operations import Annotation
from shared.domain.records.jobs import JobRow, JobStatus
from shared.domain.records.records import PersonTable, RecordKey
from shared.errors import NotFoundError

_RESULT = ("dh_resultcode", "dh_completedon")


@dataclass(frozen=True, slots=True)
class JobLine:
    """A job with its result code; `completed` is None before its end."""

    job: JobRow
    code: str
    completed: datetime | None


@dataclass(frozen=True, slots=True)
class ListLine:
    """A marketing list: its id, its name, the table of its members, and whether a query chooses them."""

    id: UUID
    name: str
    table: PersonTable
    is_dynamic: bool
    is_active: bool


class LatestRows:
    """Reads one page of rows, newest first."""

    def __init__(self, client: DataverseClient) -> None:
        self._client = client

    async def jobs(
        self, status: JobStatus | None = None, *, person: RecordKey | None = None, limit: int
    ) -> Sequence[JobLine]:
        """Return the latest jobs, of one status and for one person if these are given. Raises ConnectorErrors."""
        wanted = []
        if status is not None:
            wanted.append(odata.compare("statuscode", ODataComparison.EQUAL, tables.JOB_STATES[status][1]))
        if person is not None:
            customer, lead = jobs.PERSON_LOOKUPS
            lookup = lead if person.table is PersonTable.LEAD else customer
            wanted.append(odata.compare(lookup, ODataComparison.EQUAL, person.id))
        pages = self._client.query(
            tables.JOBS,
            select=(*jobs.COLUMNS, *_RESULT),
            filter=odata.all_of(*wanted) if wanted else "",
            orderby="createdon desc",
            top=limit,
            annotations=[Annotation.LOOKUP_TABLE],
        )
        return [
            JobLine(jobs.job(row), row.get("dh_resultcode") or "", _moment(row.get("dh_completedon")))
            async for page in pages
            for row in page
        ]

    async def job(self, identifier: UUID) -> JobLine | None:
        """Return one job; None if there is none. Raises ConnectorErrors."""
        try:
            row = await self._client.retrieve(
                tables.JOBS, identifier, select=(*jobs.COLUMNS, *_RESULT), annotations=[Annotation.LOOKUP_TABLE]
            )
        except NotFoundError:
            return None
        return JobLine(jobs.job(row), row.get("dh_resultcode") or "", _moment(row.get("dh_completedon")))

    async def lists(self, *, limit: int) -> Sequence[ListLine]:
        """Return the marketing lists that list people, by name. Raises ConnectorErrors."""
        columns = ("listname", "createdfromcode", "type", "statecode", "listid")
        pages = self._client.query(tables.LISTS, select=columns, orderby="listname asc", top=limit)
        return [
            ListLine(
                UUID(row["listid"]),
                row.get("listname") or "",
                table,
                bool(row.get("type")),
                row.get("statecode") == tables.ACTIVE,
            )
            async for page in pages
            for row in page
            if (table := tables.LIST_TABLES.get(row.get("createdfromcode") or 0)) is not None
        ]


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None

"""The ports of Dataverse."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from shared.domain.features.automations import AutomationRow, PublishedAutomation
from shared.domain.features.lists import ListKind, ListRules
from shared.domain.mapping.model import Mapping as FieldMapping
from shared.domain.records.access_rights import AccessRight
from shared.domain.records.jobs import JobRow, JobStatus
from shared.domain.records.records import PersonRecord, PersonTable, RecordKey, StatusRow, SyncStatus
from shared.domain.records.table_schema import EventStep, ReadRight, Schema
from shared.errors import ConnectorError


@dataclass(frozen=True, slots=True)
class StatusReport:
    """Write the Spotler Info row `info` of a record; `bind` when the record does not point to it yet (STA-01)."""

    key: RecordKey
    info: UUID
    bind: bool
    status: SyncStatus
    reason_code: str
    reason: str
    external_id: str
    synced_on: datetime | None


@dataclass(frozen=True, slots=True)
class JobReport:
    """Write the status of a Spotler Job row (JOB-25, JOB-26). With `if_etag` only if the row has not changed.

    `automation_contact_id` is written unless it is empty (JOB-27).
    """

    id: UUID
    status: JobStatus
    result_code: str = ""
    result_text: str = ""
    started_on: datetime | None = None
    completed_on: datetime | None = None
    if_etag: str = ""
    automation_contact_id: str = ""


@dataclass(frozen=True, slots=True)
class TimelinePost:
    """A post in the timeline of a record (TLP-01, TLP-02). An existing post with this id is left as it is."""

    id: UUID
    key: RecordKey
    text: str


Report = StatusReport | JobReport | TimelinePost


@dataclass(frozen=True, slots=True)
class MarketingList:
    """A marketing list, static or dynamic; `table` is the table of its members.

    `kind` is the value of its column Spotler List Kind, None if it is empty. `status` is its Spotler Info.
    """

    id: UUID
    name: str
    table: PersonTable
    is_dynamic: bool = False
    is_active: bool = True
    rules: ListRules = field(default_factory=ListRules)
    kind: ListKind | None = None
    status: StatusRow | None = None


@dataclass(frozen=True, slots=True)
class ListStatus:
    """Write the Spotler Info row `info` of a marketing list; `bind` when the list does not point to it yet (TBL-10).

    The counts are of members sent, skipped and failed, None if unknown.
    """

    list: UUID
    info: UUID
    bind: bool
    status: SyncStatus
    reason_code: str
    reason: str
    external_id: str = ""
    synced_on: datetime | None = None
    sent: int | None = None
    skipped: int | None = None
    failed: int | None = None


@dataclass(frozen=True, slots=True)
class AutomationWrite:
    """The wanted content of a row of `dh_spotlerautomation`; with `row` None it is a new row."""

    row: UUID | None
    automation: PublishedAutomation
    fields: str
    is_active: bool


@dataclass(frozen=True, slots=True)
class EnvironmentVariable:
    """An environment variable of Dataverse. `value` is its current value, None if it has only a default value."""

    id: UUID
    schema_name: str
    value: str | None
    value_id: UUID | None
    default: str = ""


@dataclass(frozen=True, slots=True)
class BounceTask:
    """A task for the owner of a record whose e-mail address does not work (BNC-09)."""

    id: UUID
    key: RecordKey
    subject: str
    description: str


@dataclass(frozen=True, slots=True)
class NamedPermission:
    """A Spotler Permission row, with the time of its last change."""

    id: UUID
    name: str
    modified_on: datetime


@dataclass(frozen=True, slots=True)
class NamedPermissionPage:
    """A page of Spotler Permission rows; `after` is the start of the next page, None at the end."""

    rows: Sequence[NamedPermission]
    after: str | None


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """A page of records of a table; `after` is the start of the next page, None at the end."""

    keys: Sequence[RecordKey]
    after: str | None


class Crm(Protocol):
    """Reads records and jobs by id in few requests, and writes reports in one."""

    async def read_people(self, keys: Sequence[RecordKey]) -> dict[RecordKey, PersonRecord]:
        """Read what the mapping needs; a record that is missing in the answer does not exist."""

    async def people_using(self, emails: Sequence[str]) -> dict[str, Sequence[RecordKey]]:
        """Find active records that may be mailed, by address (as given; case does not matter)."""

    async def people_page(self, table: PersonTable, *, after: str | None, limit: int) -> PeoplePage:
        """Read a page of a whole table."""

    async def people_of_permissions(self, ids: Sequence[UUID]) -> Sequence[RecordKey]:
        """Find the records of Spotler Permission rows."""

    async def read_jobs(self, ids: Sequence[UUID]) -> dict[UUID, JobRow]:
        """Read Spotler Job rows."""

    async def jobs_in(self, status: JobStatus, *, before: datetime, limit: int) -> Sequence[JobRow]:
        """Find jobs that have had this status since `before` or longer (Queued: created, In Progress: started).

        Oldest first.
        """

    async def report(self, reports: Sequence[Report]) -> Sequence[ConnectorError | None]:
        """Write all reports in as few requests as possible; returns the error of each report, in order."""

    async def ping(self) -> None:
        """Raise a ConnectorError if Dataverse cannot be used."""

    async def close(self) -> None:
        """Release connections."""


Asked = tuple[UUID, RecordKey]
"""A user, and the record on which the rights of the user are asked for."""


class RecordAccess(Protocol):
    """Reads what users may do with records of people."""

    async def rights(self, asked: Collection[Asked]) -> Mapping[Asked, frozenset[AccessRight]]:
        """Return each user's rights on each record, at most a minute old; none if one is gone. ConnectorErrors."""

    async def report_and_ask(
        self, reports: Sequence[Report], asked: Collection[Asked]
    ) -> Sequence[ConnectorError | None]:
        """Write reports as `Crm.report` does, and read rights in the same request, for `rights` to return later."""


class CrmSchema(Protocol):
    """Reads the metadata of Dataverse that a mapping needs."""

    async def read_schema(self, mapping: FieldMapping) -> Schema:
        """Read every table that a mapping names, at most a minute old."""

    async def read_steps(self) -> Sequence[EventStep] | None:
        """Read the registered events of the connector; None if its role may not read them."""

    async def read_rights(self, mapping: FieldMapping, schema: Schema) -> Mapping[str, ReadRight] | None:
        """Return, by table, what the connector's user may read of the other tables of a mapping.

        Tables without a privilege in Dataverse are missing; None if Dataverse does not return rights.
        """


class PeopleReading(Protocol):
    """Reads the columns of records that one mapping needs."""

    async def read(self, keys: Sequence[RecordKey]) -> dict[RecordKey, PersonRecord]:
        """Read records; a record that is missing in the answer does not exist."""


class AutomationRows(Protocol):
    """The table `dh_spotlerautomation`, from which users choose on a job (AUT-27)."""

    async def all_automations(self) -> Sequence[AutomationRow]:
        """Read all rows, including inactive rows."""

    async def read_automations(self, ids: Sequence[UUID]) -> dict[UUID, AutomationRow]:
        """Read rows; a row that is missing in the answer does not exist."""

    async def write_automations(self, writes: Sequence[AutomationWrite]) -> None:
        """Create, change, deactivate and reactivate rows. Raises the first error after all have been tried."""


class MarketingLists(Protocol):
    """The marketing lists of Dataverse (JOB-07)."""

    async def read_list(self, identifier: UUID) -> MarketingList | None:
        """Read one list; None if it does not exist, or if its members are no people."""

    async def members(self, marketing_list: MarketingList, *, after: str | None, limit: int) -> PeoplePage:
        """Read a page of the members, those of a dynamic list by its query.

        NotFoundError if the list is gone, DataError if a dynamic list has no usable query.
        """

    async def members_among(self, identifier: UUID, people: Sequence[UUID]) -> frozenset[UUID]:
        """Return the current members of a static list among these records; none if the list is gone."""

    async def write_status(self, status: ListStatus) -> None:
        """Write a list's Spotler Info (STA-06); a deleted list is ignored."""


class EnvironmentVariables(Protocol):
    """The environment variables of Dataverse (ENV-05)."""

    async def find_variable(self, schema_name: str, display_name: str) -> EnvironmentVariable | None:
        """Find by schema name, else by display name (C-19)."""

    async def set_variable(self, variable: EnvironmentVariable, value: str) -> None:
        """Write the current value."""


class BounceTasks(Protocol):
    """Tasks about e-mail addresses that do not work (BNC-09, C-14)."""

    async def create(self, tasks: Sequence[BounceTask]) -> Sequence[UUID]:
        """Create a task for each record's owner, unless a task with this id exists, open or not.

        Returns the ids of the tasks that exist now; a deleted record gets no task. Raises the first error after all
        have been tried.
        """

    async def complete(self, ids: Sequence[UUID]) -> None:
        """Complete the open ones of these tasks. Raises the first error after all have been tried."""


class PermissionRows(Protocol):
    """Spotler Permission rows by their name (PERM-21)."""

    async def named(
        self, name: str, *, created_before: datetime | None, after: str | None, limit: int
    ) -> NamedPermissionPage:
        """Read a page of the rows with a name, whatever its case; with `created_before` only older rows."""

    async def rename(self, ids: Sequence[UUID], name: str) -> Collection[UUID]:
        """Rename rows, and return those that Dataverse refused; a deleted row is no error.

        Raises the first other error after all have been tried.
        """

    async def in_use(self, names: Sequence[str]) -> frozenset[str]:
        """Return the names that at least one row has."""

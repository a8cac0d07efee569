"""Dataverse, as the use cases see it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from shared.domain.features.automations import (
    AutomationRow,
    PublishedAutomation,
)
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
    """Move a Spotler Job row along its life (JOB-25, JOB-26). With `if_etag` only if nobody changed it meanwhile.

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
    """A post in the timeline of a record (TLP-01, TLP-02). One that exists with this id is left as it is."""

    id: UUID
    key: RecordKey
    text: str


Report = StatusReport | JobReport | TimelinePost


@dataclass(frozen=True, slots=True)
class MarketingList:
    """A marketing list, static or dynamic; `table` is whom it lists.

    `kind` is what its own column Spotler List Kind says, None if it is empty. `status` is its Spotler Info.
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

    The counts are of people sent, skipped and failed, None where nobody has counted.
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
    """What a row of `dh_spotlerautomation` should hold; with `row` None it is a new one."""

    row: UUID | None
    automation: PublishedAutomation
    fields: str
    is_active: bool


@dataclass(frozen=True, slots=True)
class EnvironmentVariable:
    """An environment variable of Dataverse. `value` is its current value, None when only a default value is there."""

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
    """A Spotler Permission row, and when it was written last."""

    id: UUID
    name: str
    modified_on: datetime


@dataclass(frozen=True, slots=True)
class NamedPermissionPage:
    """Some Spotler Permission rows; `after` continues, None ends."""

    rows: Sequence[NamedPermission]
    after: str | None


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """Some records of a table; `after` continues, None ends."""

    keys: Sequence[RecordKey]
    after: str | None


class Crm(Protocol):
    """Dataverse, as the use cases see it: people and jobs by id in few requests, reports in one."""

    async def read_people(self, keys: Sequence[RecordKey]) -> dict[RecordKey, PersonRecord]:
        """Read what the mapping needs; a record that is missing in the answer does not exist (any more)."""
        ...

    async def people_using(self, emails: Sequence[str]) -> dict[str, Sequence[RecordKey]]:
        """Find active records that may be mailed, by address (as given; case does not matter)."""
        ...

    async def people_page(self, table: PersonTable, *, after: str | None, limit: int) -> PeoplePage:
        """Walk a whole table."""
        ...

    async def people_of_permissions(self, ids: Sequence[UUID]) -> Sequence[RecordKey]:
        """Find whom Spotler Permission rows belong to."""
        ...

    async def read_jobs(self, ids: Sequence[UUID]) -> dict[UUID, JobRow]:
        """Read Spotler Job rows."""
        ...

    async def jobs_in(self, status: JobStatus, *, before: datetime, limit: int) -> Sequence[JobRow]:
        """Find jobs that have had this status since `before` or longer (Queued: created, In Progress: started).

        Oldest first.
        """
        ...

    async def report(self, reports: Sequence[Report]) -> Sequence[ConnectorError | None]:
        """Write all reports in as few requests as possible; per report, in order, what went wrong with it."""
        ...

    async def ping(self) -> None:
        """Raise a ConnectorError if Dataverse cannot be used."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


class RecordAccess(Protocol):
    """Knows what users may do with records of people."""

    async def rights(
        self, asked: Collection[tuple[UUID, RecordKey]]
    ) -> Mapping[tuple[UUID, RecordKey], frozenset[AccessRight]]:
        """Return each user's rights on each record, a minute old at most; none where one is gone. ConnectorErrors."""
        ...


class CrmSchema(Protocol):
    """What Dataverse says about itself, as far as a mapping is concerned."""

    async def read_schema(self, mapping: FieldMapping) -> Schema:
        """Read every table that a mapping names, as it is now (at most a minute old)."""
        ...

    async def read_steps(self) -> Sequence[EventStep] | None:
        """Read which saves the connector is told of; None if its role may not read that."""
        ...

    async def read_rights(self, mapping: FieldMapping, schema: Schema) -> Mapping[str, ReadRight] | None:
        """Tell, by name, what the connector's user may read of the tables beside those of people that a mapping reads.

        Tables of which Dataverse knows no privilege are missing; None if it does not tell.
        """
        ...


class PeopleReading(Protocol):
    """Reads records as one mapping needs them."""

    async def read(self, keys: Sequence[RecordKey]) -> dict[RecordKey, PersonRecord]:
        """Read records; a record that is missing in the answer does not exist (any more)."""
        ...


class AutomationRows(Protocol):
    """The table `dh_spotlerautomation`: what users choose from on a job (AUT-27)."""

    async def all_automations(self) -> Sequence[AutomationRow]:
        """Read all rows, inactive ones too."""
        ...

    async def read_automations(self, ids: Sequence[UUID]) -> dict[UUID, AutomationRow]:
        """Read rows; one that is missing in the answer does not exist (any more)."""
        ...

    async def write_automations(self, writes: Sequence[AutomationWrite]) -> None:
        """Create, change, deactivate and reactivate rows. Raises the first error; the others are written."""
        ...


class MarketingLists(Protocol):
    """The marketing lists of Dataverse (JOB-07)."""

    async def read_list(self, identifier: UUID) -> MarketingList | None:
        """Read one list; None if there is none (any more), or it lists rows of another table than people."""
        ...

    async def members(self, marketing_list: MarketingList, *, after: str | None, limit: int) -> PeoplePage:
        """Walk the members, those of a dynamic list by its query.

        NotFoundError if the list is gone, DataError if a dynamic list has no usable query.
        """
        ...

    async def members_among(self, identifier: UUID, people: Sequence[UUID]) -> frozenset[UUID]:
        """Return who of these people is a member of a static list now; nobody if the list is gone."""
        ...

    async def write_status(self, status: ListStatus) -> None:
        """Write a list's Spotler Info (STA-06); a list that is gone needs none."""
        ...


class EnvironmentVariables(Protocol):
    """The environment variables of Dataverse (ENV-05)."""

    async def find_variable(self, schema_name: str, display_name: str) -> EnvironmentVariable | None:
        """Find by schema name, else by display name (C-19)."""
        ...

    async def set_variable(self, variable: EnvironmentVariable, value: str) -> None:
        """Write the current value."""
        ...


class BounceTasks(Protocol):
    """Tasks about e-mail addresses that do not work (BNC-09, C-14)."""

    async def create(self, tasks: Sequence[BounceTask]) -> Sequence[UUID]:
        """Give each record's owner a task, unless a task with this id is there, open or not.

        Returns the ids of those that are there now; a record that does not exist (any more) gets none. Raises the
        first error after all have been tried.
        """
        ...

    async def complete(self, ids: Sequence[UUID]) -> None:
        """Complete those that are still open. Raises the first error after all have been tried."""
        ...


class PermissionRows(Protocol):
    """Spotler Permission rows by their name (PERM-21)."""

    async def named(
        self, name: str, *, created_before: datetime | None, after: str | None, limit: int
    ) -> NamedPermissionPage:
        """Walk the rows with a name, whatever its case; with `created_before` only those that are older."""
        ...

    async def rename(self, ids: Sequence[UUID], name: str) -> Collection[UUID]:
        """Give rows a name, and return those that Dataverse refused for their own sake; one that is gone is fine.

        Raises the first other error after all have been tried.
        """
        ...

    async def in_use(self, names: Sequence[str]) -> frozenset[str]:
        """Return those names that a row has."""
        ...

"""A twin of Dataverse: deleting, merging and qualifying change rows as the platform does, and so do reports."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from shared.domain.records.jobs import JobRow, JobStatus, Operation
from shared.domain.records.records import (
    Lookup,
    PermissionRow,
    PersonRecord,
    PersonTable,
    RecordKey,
    StatusRow,
    SyncStatus,
)
from shared.errors import ConflictError, ConnectorError, NotFoundError
from shared.ports.dataverse import JobReport, PeoplePage, Report, StatusReport, TimelinePost
from tests.contract.clocks import ManualClock
from tests.twins.faults import Faults, Twin
from tests.twins.numbers import Numbers

SOMEBODY = UUID(int=77)
"""The user who creates jobs."""


class TwinCrm(Twin):
    """People and jobs; tests change them by the verbs that users know."""

    def __init__(self, faults: Faults | None = None) -> None:
        super().__init__(faults)
        self.people: dict[RecordKey, PersonRecord] = {}
        self.jobs: dict[UUID, JobRow] = {}
        self.job_reports: dict[UUID, JobReport] = {}
        self.posts: dict[UUID, TimelinePost] = {}
        self.permission_owners: dict[UUID, RecordKey] = {}
        self.poisoned: dict[RecordKey, Any] = {}
        self.largest_report = 0
        self.before_read: Callable[[], None] = lambda: None
        self.clock: ManualClock | None = None
        self._ids = Numbers(1)
        self._versions = Numbers(1)

    # -- what users do

    def create(self, table: PersonTable = PersonTable.CONTACT, **values: Any) -> RecordKey:
        """Create a row; `permissions` may be given as name=bool pairs."""
        key = RecordKey(table, UUID(int=next(self._ids)))
        permissions = values.pop("permissions", {})
        now = self._now()
        self.people[key] = PersonRecord(
            key, {"statecode": 0, **values}, etag=self._version(), modified_on=now, created_on=now
        )
        self.permit(key, **permissions)
        return key

    def edit(self, key: RecordKey, **values: Any) -> None:
        record = self.people[key]
        self.people[key] = replace(
            record, values={**record.values, **values}, etag=self._version(), modified_on=self._now()
        )

    def permit(self, key: RecordKey, **permissions: bool) -> None:
        record, now = self.people[key], self.text_of_now()
        rows = {row.name: row for row in record.permissions}
        for name, on in permissions.items():
            fresh = PermissionRow(name, on, uuid5(NAMESPACE_OID, f"{key}/{name}"), modified_on=now, created_on=now)
            rows[name] = replace(rows[name], subscribed=on, modified_on=now) if name in rows else fresh
        self.people[key] = replace(record, permissions=tuple(rows.values()))

    def text_of_now(self) -> str:
        now = self._now()
        return now.isoformat() if now else ""

    def _now(self) -> datetime | None:
        return self.clock.now() if self.clock else None

    def _version(self) -> str:
        return f'W/"{next(self._versions)}"'

    def delete(self, key: RecordKey) -> None:
        del self.people[key]

    def merge(self, master: RecordKey, subordinate: RecordKey) -> None:
        """The subordinate stays, inactive and marked."""
        assert master.table is subordinate.table
        self.edit(subordinate, statecode=1, merged=True)

    def qualify(self, lead: RecordKey, **values: Any) -> RecordKey:
        """Close the lead and create a contact that knows where it came from."""
        self.edit(lead, statecode=1)
        inherited = {name: value for name, value in self.people[lead].values.items() if name != "statecode"}
        permissions = {row.name: row.subscribed for row in self.people[lead].permissions}
        origin = Lookup("lead", lead.id)
        return self.create(**{**inherited, "originatingleadid": origin, "permissions": permissions, **values})

    def set_status(self, key: RecordKey, status: SyncStatus) -> None:
        """Deactivate or activate the Spotler Info row by hand."""
        record = self.people[key]
        row = replace(record.status, status=status) if record.status else StatusRow(UUID(int=key.id.int + 1000), status)
        self.people[key] = replace(record, status=row)

    def order(self, operation: Operation | None, person: RecordKey | None = None, **columns: Any) -> UUID:
        """Create a Spotler Job."""
        number = next(self._ids)
        identifier = UUID(int=number)
        created_on = f"2026-01-01T00:00:{number:09}Z"
        self.jobs[identifier] = JobRow(
            identifier,
            JobStatus.QUEUED,
            operation,
            person,
            etag="1",
            created_on=created_on,
            **{"creator": SOMEBODY, "creator_name": "Some Body", **columns},
        )
        return identifier

    # -- the port

    async def read_people(self, keys: Sequence[RecordKey]) -> dict[RecordKey, PersonRecord]:
        await self._begin("read_people")
        self.before_read()
        people = {key: _as_read(self.people[key]) for key in keys if key in self.people}
        await self.faults.pass_by()
        return {key: self.poisoned.get(key, record) for key, record in people.items()}

    async def people_using(self, emails: Sequence[str]) -> dict[str, Sequence[RecordKey]]:
        await self._begin("people_using")
        found: dict[str, list[RecordKey]] = {email: [] for email in emails}
        asked: defaultdict[str, list[str]] = defaultdict(list)
        for email in emails:
            asked[email.casefold()].append(email)
        for key, record in self.people.items():
            for email in asked.get(str(record.values.get("emailaddress1") or "").casefold(), ()):
                if record.values["statecode"] == 0 and not record.values.get("donotemail"):
                    found[email].append(key)
        await self.faults.pass_by()
        return found

    async def people_page(self, table: PersonTable, *, after: str | None, limit: int) -> PeoplePage:
        await self._begin("people_page")
        keys = sorted(key for key in self.people if key.table is table and str(key) > (after or ""))
        return PeoplePage(keys[:limit], str(keys[limit - 1]) if len(keys) > limit else None)

    async def people_of_permissions(self, ids: Sequence[UUID]) -> Sequence[RecordKey]:
        await self._begin("people_of_permissions")
        return [self.permission_owners[one] for one in ids if one in self.permission_owners]

    async def read_jobs(self, ids: Sequence[UUID]) -> dict[UUID, JobRow]:
        await self._begin("read_jobs")
        return {one: self.jobs[one] for one in ids if one in self.jobs}

    async def report(self, reports: Sequence[Report]) -> Sequence[ConnectorError | None]:
        await self._begin("report")
        self.largest_report = max(self.largest_report, len(reports))
        problems = [self._written(report) for report in reports]
        await self.faults.pass_by()
        return problems

    def _written(self, report: Report) -> ConnectorError | None:
        match report:
            case StatusReport():
                return self._status(report)
            case JobReport():
                return self._job(report)
            case TimelinePost():
                self.posts.setdefault(report.id, report)
                return None

    def _status(self, report: StatusReport) -> ConnectorError | None:
        record = self.people.get(report.key)
        if record is None:
            return NotFoundError("the record is gone")
        assert report.bind or record.status is not None, "a record is bound to its Spotler Info row"
        self.calls["status written"] += 1
        row = StatusRow(report.info, report.status, report.reason_code, report.reason)
        self.people[report.key] = replace(record, status=row)
        return None

    def _job(self, report: JobReport) -> ConnectorError | None:
        job = self.jobs.get(report.id)
        if job is None:
            return NotFoundError("the job is gone")
        if report.if_etag and report.if_etag != job.etag:
            return ConflictError("somebody else changed the job")
        started_on = report.started_on or job.started_on
        self.jobs[report.id] = replace(job, status=report.status, etag=str(int(job.etag) + 1), started_on=started_on)
        self.job_reports[report.id] = report
        return None


_COLUMNS = ("emailaddress1", "firstname", "lastname", "address1_city", "address1_postalcode")


def _as_read(record: PersonRecord) -> PersonRecord:
    """An empty column is in the answer too: what is absent could not be read."""
    return replace(record, values=dict.fromkeys(_COLUMNS) | dict(record.values))

"""Conversion of Spotler Job rows (`docs/tables.md`)."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from shared.adapters.dataverse.records import tables
from shared.adapters.dataverse.web_api import odata, operations
from shared.adapters.dataverse.web_api.odata import ODataComparison
from shared.adapters.dataverse.web_api.operations import Annotation, Row
from shared.domain.records.jobs import JobRow, JobStatus, Operation
from shared.domain.records.records import PersonTable, RecordKey
from shared.domain.values.values import clipped
from shared.ports.dataverse import JobReport

KEY = "dh_spotlerjobid"
CREATOR = "_createdby_value"
PERSON_LOOKUPS = ("_dh_customerid_value", "_dh_leadid_value")
COLUMNS = (
    KEY,
    "dh_operation",
    "statuscode",
    "createdon",
    "dh_startedon",
    "_dh_automationid_value",
    "dh_automationfields",
    "dh_automationcontactid",
    "_dh_listid_value",
    "dh_parametername",
    "dh_parametervalue",
    CREATOR,
    *PERSON_LOOKUPS,
)
OPTIONAL_LOOKUPS = ("_dh_leadid_value", "_dh_listid_value")
"""Lookups to tables of Dynamics 365 Sales."""

_RESULT_CODE_LENGTH, _RESULT_LENGTH, _RUNS_LENGTH = 100, 4000, 1000


def job(row: Row) -> JobRow:
    """Convert a row."""
    value = row.get("dh_operation")
    started = row.get("dh_startedon")
    return JobRow(
        id=UUID(row[KEY]),
        status=tables.JOB_STATUS.get(row.get("statuscode", 1), JobStatus.QUEUED),
        operation=Operation(value) if value in set(Operation) else None,
        person=person(row),
        etag=row.get("@odata.etag", ""),
        created_on=row.get("createdon") or "",
        started_on=datetime.fromisoformat(started).astimezone(UTC) if started else None,
        automation=_lookup(row, "_dh_automationid_value"),
        automation_fields=row.get("dh_automationfields") or "",
        automation_contact_id=row.get("dh_automationcontactid") or "",
        marketing_list=_lookup(row, "_dh_listid_value"),
        parameter_name=row.get("dh_parametername") or "",
        parameter_value=row.get("dh_parametervalue") or "",
        creator=_lookup(row, CREATOR),
        creator_name=row.get(f"{CREATOR}@{Annotation.LABEL}") or "",
    )


def person(row: Row) -> RecordKey | None:
    """Read the person from Customer or Lead; a customer may be a contact or an account."""
    for lookup in PERSON_LOOKUPS:
        if identifier := row.get(lookup):
            return RecordKey(PersonTable(row[f"{lookup}@{Annotation.LOOKUP_TABLE}"]), UUID(identifier))
    return None


def waiting(status: JobStatus, before: datetime) -> str:
    """Return the filter on jobs that got `status` at `before` or earlier; without a start, the creation counts."""
    long_ago = odata.compare("createdon", ODataComparison.LESS_OR_EQUAL, before)
    if status is not JobStatus.QUEUED:
        long_ago = odata.any_of(
            odata.compare("dh_startedon", ODataComparison.LESS_OR_EQUAL, before),
            odata.all_of(odata.compare("dh_startedon", ODataComparison.EQUAL, None), long_ago),
        )
    return odata.all_of(odata.compare("statuscode", ODataComparison.EQUAL, tables.JOB_STATES[status][1]), long_ago)


def report_operation(report: JobReport) -> operations.WebApiOperation:
    """Write a report (JOB-25..JOB-27)."""
    state, reason = tables.JOB_STATES[report.status]
    body: dict[str, Any] = {"statecode": state, "statuscode": reason}
    if report.status.is_final:
        body["dh_resultcode"] = clipped(report.result_code, _RESULT_CODE_LENGTH)
        body["dh_resulttext"] = clipped(report.result_text, _RESULT_LENGTH)
    if report.automation_contact_id:
        body["dh_automationcontactid"] = _whole_ids(report.automation_contact_id)
    for column, moment in (("dh_startedon", report.started_on), ("dh_completedon", report.completed_on)):
        if moment is not None:
            body[column] = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    return operations.update(tables.JOBS, report.id, body, if_match=report.if_etag or "*")


def _lookup(row: Row, column: str) -> UUID | None:
    identifier = row.get(column)
    return UUID(identifier) if identifier else None


def _whole_ids(text: str) -> str:
    """Fit ids separated by commas into the column, without cutting an id."""
    if len(text) <= _RUNS_LENGTH:
        return text
    return text[: _RUNS_LENGTH + 1].rpartition(",")[0]

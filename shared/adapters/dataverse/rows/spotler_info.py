"""Spotler Info rows: the status of a record (STA-01) or of a marketing list (TBL-10)."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from shared.adapters.dataverse.records import tables
from shared.adapters.dataverse.web_api import odata, operations
from shared.adapters.dataverse.web_api.operations import WebApiOperation
from shared.domain.records.outcomes import LONGEST_REASON
from shared.domain.values.values import clipped
from shared.ports.dataverse import ListStatus, StatusReport


def record_status_operations(report: StatusReport) -> list[WebApiOperation]:
    """Write the row of a record."""
    entity_set = tables.PEOPLE[report.key.table].entity_set
    return _operations(report, str(report.key), entity_set, report.key.id)


def list_status_operations(status: ListStatus) -> list[WebApiOperation]:
    """Write the row of a marketing list."""
    counts = (("sent", status.sent), ("skipped", status.skipped), ("failed", status.failed))
    members = {f"dh_members{what}": count for what, count in counts if count is not None}
    return _operations(status, f"list:{status.list}", tables.LISTS, status.list, members)


def _operations(
    report: StatusReport | ListStatus,
    name: str,
    entity_set: str,
    identifier: UUID,
    more: Mapping[str, Any] | None = None,
) -> list[WebApiOperation]:
    """Write the row; a new row and the lookup to it, of `entity_set(identifier)`, are one change set."""
    state, reason = tables.INFO_STATES[report.status]
    body: dict[str, Any] = {
        "dh_reason": clipped(report.reason, LONGEST_REASON),
        "dh_reasoncode": report.reason_code,
        "statecode": state,
        "statuscode": reason,
    }
    if report.external_id:
        body["dh_externalid"] = report.external_id
    if report.synced_on is not None:
        body["dh_lastsyncedon"] = report.synced_on.strftime("%Y-%m-%dT%H:%M:%SZ")
    body |= more or {}
    if not report.bind:
        return [operations.update(tables.INFOS, report.info, body)]
    lookup = {f"{tables.INFO_LOOKUP}@odata.bind": f"/{odata.row(tables.INFOS, report.info)}"}
    group = str(report.info)
    return [
        operations.upsert(tables.INFOS, report.info, {"dh_name": name, **body}, group=group),
        operations.update(entity_set, identifier, lookup, group=group),
    ]

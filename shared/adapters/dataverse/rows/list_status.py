"""The Spotler Info of a marketing list (STA-01, TBL-10)."""

from __future__ import annotations

from typing import Any

from shared.adapters.dataverse.records import tables
from shared.adapters.dataverse.web_api import odata, operations
from shared.adapters.dataverse.web_api.operations import WebApiOperation
from shared.domain.records.outcomes import LONGEST_REASON
from shared.domain.values.values import clipped
from shared.ports.dataverse import ListStatus


def status_operations(status: ListStatus) -> list[WebApiOperation]:
    """Write the row; a new one and the lookup to it belong together."""
    state, reason = tables.INFO_STATES[status.status]
    body: dict[str, Any] = {
        "dh_reason": clipped(status.reason, LONGEST_REASON),
        "dh_reasoncode": status.reason_code,
        "statecode": state,
        "statuscode": reason,
    }
    if status.external_id:
        body["dh_externalid"] = status.external_id
    if status.synced_on is not None:
        body["dh_lastsyncedon"] = status.synced_on.strftime("%Y-%m-%dT%H:%M:%SZ")
    counts = (("sent", status.sent), ("skipped", status.skipped), ("failed", status.failed))
    body |= {f"dh_members{what}": count for what, count in counts if count is not None}
    if not status.bind:
        return [operations.update(tables.INFOS, status.info, body)]
    lookup = {f"{tables.INFO_LOOKUP}@odata.bind": f"/{odata.row(tables.INFOS, status.info)}"}
    group = str(status.info)
    return [
        operations.upsert(tables.INFOS, status.info, {"dh_name": f"list:{status.list}", **body}, group=group),
        operations.update(tables.LISTS, status.list, lookup, group=group),
    ]

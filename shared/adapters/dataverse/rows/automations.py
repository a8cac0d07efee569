"""Rows of Spotler Automation: the automations and campaigns that users choose from on a job (AUT-27)."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid5

from shared.adapters.dataverse.records import tables
from shared.adapters.dataverse.web_api import operations
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.operations import Retrieve, Row, WebApiOperation
from shared.domain.features.automations import LONGEST_NAME, AutomationKind, AutomationRow
from shared.domain.values.values import clipped
from shared.ports.dataverse import AutomationWrite

_KEY = "dh_spotlerautomationid"
_COLUMNS = (_KEY, "dh_name", "dh_kind", "dh_code", "dh_fields", "dh_spotlerid", "statecode")
_ROW = UUID("5a0c1f4e-8f5b-4b57-9a6b-3c9d2c5f7e21")
"""Namespace of the ids of new rows: two concurrent refreshes create a trigger's row once."""

_KINDS = {value: kind for kind, value in tables.AUTOMATION_KINDS.items()}
_ICONS = {AutomationKind.AUTOMATION: "🚀", AutomationKind.CAMPAIGN: "📢"}
"""Prefixes by which users distinguish the two kinds in a lookup (AUT-09)."""


class DataverseAutomations:
    """Implements the port `AutomationRows`. The client belongs to `DataverseCrm`, which closes it."""

    def __init__(self, client: DataverseClient) -> None:
        self._client = client

    async def all_automations(self) -> Sequence[AutomationRow]:
        """Read all rows, inactive ones too; rows without kind or code are not the connector's."""
        pages = self._client.query(tables.AUTOMATIONS, select=_COLUMNS)
        return [row async for page in pages for row in _rows(page)]

    async def read_automations(self, ids: Sequence[UUID]) -> dict[UUID, AutomationRow]:
        """Read rows; one that is missing in the answer does not exist."""
        if not ids:
            return {}
        (rows,) = await self._client.retrieve_many([Retrieve(tables.AUTOMATIONS, _KEY, ids, _COLUMNS)])
        return {row.id: row for row in _rows(rows)}

    async def write_automations(self, writes: Sequence[AutomationWrite]) -> None:
        """Create, change, deactivate and reactivate rows. Raises the first error; the others are written."""
        if not writes:
            return
        for result in await self._client.batch([_operation(write) for write in writes]):
            if result.error is not None:
                raise result.error


def _rows(page: Sequence[Row]) -> list[AutomationRow]:
    return [_row(row) for row in page if row.get("dh_kind") in _KINDS and row.get("dh_code")]


def _row(row: Row) -> AutomationRow:
    kind = _KINDS[row["dh_kind"]]
    return AutomationRow(
        id=UUID(row[_KEY]),
        kind=kind,
        platform_id=row.get("dh_spotlerid") or "",
        code=row["dh_code"],
        name=(row.get("dh_name") or "").removeprefix(_ICONS[kind]).strip(),
        fields=row.get("dh_fields") or "",
        is_active=row.get("statecode") == tables.ACTIVE,
    )


def _operation(write: AutomationWrite) -> WebApiOperation:
    automation = write.automation
    state, reason = tables.AUTOMATION_STATES[write.is_active]
    body: dict[str, Any] = {
        "dh_name": f"{_ICONS[automation.kind]} {clipped(automation.name, LONGEST_NAME)}",
        "dh_kind": tables.AUTOMATION_KINDS[automation.kind],
        "dh_code": automation.code,
        "dh_spotlerid": automation.platform_id,
        "dh_fields": write.fields,
        "statecode": state,
        "statuscode": reason,
    }
    if write.row is None:
        new = uuid5(_ROW, f"{automation.kind}:{automation.code}")
        return operations.upsert(tables.AUTOMATIONS, new, body)
    return operations.update(tables.AUTOMATIONS, write.row, body)
